"""Exported tables: what LaTeX prints, what Parquet holds."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa
import pytest
from ablation.export import latex
from ablation.export import tables as tidy
from ablation.language import numbers as fmt
from ablation.language.words import Words
from ablation.statistics.verdicts import Verdict
from pyarrow import parquet
from report.sample import judged_again, only, sample
from report.sample import row as row_of

SPECIAL = r"50 % of a_b & c#1 $x$ {y} \z < > | " + '"q" − × ± ≈ R² [1]'
PRINTED = (
    r"50 \% of a\_b \& c\#1 \$x\$ \{y\} \textbackslash z $<$ $>$ $|$ "
    r'"q" $-$ × ± $\approx$ R\textsuperscript{2} [1]'
)


def test_every_special_character_is_escaped() -> None:
    text = latex.table({SPECIAL: [SPECIAL]}, caption="", label="t", alignment="l")
    assert text.count(f"{PRINTED} \\\\\n") == 2


def test_a_table_is_whole() -> None:
    columns = {"A": ["1", "2"], "B_1": ["[2, 3]", "5 %"]}
    text = latex.table(columns, caption="a_b & c − d", label="tab:x", alignment="lr")
    words = (
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
        r"\caption{a\_b \& c $-$ d}",
        r"\label{tab:x}",
    )
    for word in (*words, r"\begin{tabular}{lr}"):
        assert text.count(word) == 1
    assert "\nA & B\\_1 \\\\\n" in text
    assert "\n2 & 5 \\% \\\\\n" in text
    assert text.count(r"\begin") == text.count(r"\end") == 2


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        latex.table({"A": ["1"], "B": []}, caption="", label="t", alignment="ll")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_axis_says_what_the_comparisons_say(language: str) -> None:
    made = only(sample(), "cnn", "kernel")
    words = Words.of(language).about(made.document.models[0])
    compared = made.comparisons["models"]["cnn"]
    (axis,) = made.document.models[0].axes
    text = latex.axis_table(compared, axis, latex.Place("cnn", 0.95, words))
    lines = [line for line in text.splitlines() if " & " in line][1:]
    rows = compared["axes"]["kernel"]["rows"]
    assert len(lines) == len(rows) == 4
    for line, (label, row) in zip(lines, rows.items(), strict=True):
        value, mean, gap, p, verdict = line.removesuffix(r" \\").strip().split(" & ")
        assert value.split(" ")[0].split("（")[0] == label
        shown = re.findall(r"-?[\d.]+", mean.replace("$-$", "-"))
        assert [float(x) for x in shown] == pytest.approx(
            [100 * x for x in (row["mean"], *row["interval"])], abs=0.06
        )
        assert (gap == p == fmt.DASH) == row["is_reference"]
        assert latex.verdict_text(row, words) == verdict


COLUMNS = [verdict for verdict in Verdict if verdict is not Verdict.REFERENCE]


@pytest.mark.parametrize("verdict", COLUMNS)
def test_the_summary_names_every_value_once_under_its_verdict(verdict: Verdict) -> None:
    made = only(sample(failed=("cnn/kernel_9",)), "cnn", "kernel")
    row_of(made, "kernel", "3")["verdict"] = verdict.value
    text = latex.summary_table(made.document, made.comparisons, Words.of("en"))
    heads, fields = (line.strip(" \\").split(" & ") for line in text.splitlines() if " & " in line)
    values = [value for field in fields[3:] for value in field.split(", ") if value != fmt.DASH]
    assert sorted(values) == ["3", "7", "9"]
    assert heads[-1] == "not tested or failed"
    head = verdict.value if verdict.tested else heads[-1]
    assert "3" in fields[heads.index(head)].split(", ")
    assert "9" in fields[-1].split(", ")
    frame = tidy.summary_frame(tidy.comparisons_frame(made.document, made.comparisons))
    names = [each.value.replace(" ", "_") for each in COLUMNS]
    assert list(frame.columns)[-len(names) :] == names  # also those that nothing got
    assert "3" in frame.loc[0, verdict.value.replace(" ", "_")].split("; ")


def test_what_became_of_replicates_stands_beside_the_verdict() -> None:
    words = Words.of("en")
    made = only(sample(), "fnn", "depth_at_0.01", "depth")
    assert latex.verdict_text(row_of(made, "depth_at_0.01", "8"), words) == (
        "worse; 4/24 diverged, 12/24 no better than a trivial prediction"
    )
    assert latex.verdict_text(row_of(made, "depth", "8"), words) == (
        "inconclusive (depends on the diverged replicates); 1/24 diverged"
    )


@pytest.mark.parametrize("confidence", [0.95, 0.5])
def test_every_interval_of_a_table_says_its_own_level(confidence: float) -> None:
    """Rows that another factor judges have the level of its family, not that of the first row."""
    made = judged_again(only(sample(), "cnn", "dropout", "batchnorm", "dropout_by_batchnorm"),
                        confidence)  # fmt: skip
    words = Words.of("en").about(made.document.models[0])
    compared = made.comparisons["models"]["cnn"]
    for axis in made.document.models[0].axes:
        text = latex.axis_table(compared, axis, latex.Place("cnn", confidence, words))
        lines = [line for line in text.splitlines() if " & " in line]
        head = lines[0].split(" & ")[2].replace("\\", "")
        for line, (label, each) in zip(
            lines[1:], compared["axes"][axis.name]["rows"].items(), strict=True
        ):
            if each["difference_interval"] is not None:
                level = f"{fmt.percent(each['difference_level'])}~%"
                assert level in head or level in line.replace("\\", ""), (axis.name, label)


def test_a_factor_that_judges_nothing_of_its_own_has_no_level_in_its_head() -> None:
    """A repeated comparison is judged under the first factor that has it."""
    made = only(sample(), "cnn", "kernel")
    words = Words.of("en").about(made.document.models[0])
    compared = made.comparisons["models"]["cnn"]
    (axis,) = made.document.models[0].axes
    compared["axes"]["kernel"] |= {"n_comparisons": 0, "difference_level": None}
    text = latex.axis_table(compared, axis, latex.Place("cnn", 0.95, words))
    assert "Difference, percentage~points [CI]" in text
    assert text.count(r"(98.33~\% CI)") == 3


def test_parquet_keeps_numbers_types_and_nulls(tmp_path: object) -> None:
    made = sample(failed=("cnn/kernel_9",))
    compared = tidy.comparisons_frame(made.document, made.comparisons)
    path, units = f"{tmp_path}/t.parquet", tidy.metric_units(made.document)
    for name, frame in {**made.tables, "comparisons": compared}.items():
        parquet.write_table(tidy.parquet_table(name, frame, units, {"key": "f" * 16}), path)
        read = parquet.read_table(path)
        assert read.schema.metadata[b"key"] == b"f" * 16
        assert read.schema.metadata[b"table"] == name.encode()
        assert read.num_rows == len(frame)
        for column in frame.columns:
            found = read.column(column).to_pylist()
            wanted = [None if pd.isna(value) else value for value in frame[column].tolist()]
            assert found == [None if w is None else type(f)(w) for f, w in zip(found, wanted, strict=True)], column  # fmt: skip
            assert pa.types.is_integer(read.schema.field(column).type) == (column in tidy.COUNTS)


def test_units_stand_at_the_columns() -> None:
    made = sample()
    measured = tidy.metric_units(made.document)
    cells = tidy.parquet_table("cells", made.tables["cells"], measured, {}).schema
    units = {field.name: (field.metadata or {}).get(b"unit") for field in cells}
    assert units["mse_mean"] == b"(1000 USD)^2"
    assert units["accuracy_low"] == b"1"
    assert units["peak_memory_bytes"] == b"byte"
    assert units["label"] is None


def test_a_metric_in_several_units_has_that_of_its_model() -> None:
    made = sample()
    other = {**made.study["models"][0], "model": "other", "unit": "points"}
    made.study["models"].append(other)
    found = tidy.metric_units(made.document)
    assert found["mse"] == found["mae"] == "that of the model"
    assert (found["r2"], found["accuracy"], found["loss"]) == ("1", "1", "nat")
