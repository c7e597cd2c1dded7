"""The claims of the course report on the page: every one with its answer and what was looked at."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pandas as pd
import pytest
from ablation.claims.rules import Answer
from ablation.language.catalogue import load
from ablation.language.numbers import TIED
from ablation.language.words import Words, slug
from ablation.report.claims import MARKS, Teller, bound_text, claims_view, measure_text
from ablation.results import published
from ablation.store.formats import validate_document
from report.sample import Sample, claimed, judged_again, only, page, sample
from unit_page import text_of

LANGUAGES = ("en", "zh")


@cache
def html_of(language: str) -> str:
    return page(sample(), language=language)


def section_of(html: str) -> str:
    start = html.index('<section id="claims">')
    return html[start : html.index("</section>", start)]


def rows_of(html: str) -> list[str]:
    """One row per claim, as HTML."""
    section = section_of(html)
    return re.findall(r"<tr[^>]*>.*?</tr>", section[section.index("<tbody>") :], re.S)


def view_of(made: Sample, language: str = "en") -> dict[str, Any]:
    view = claims_view(
        made.claims, made.document, made.comparisons, Words.of(language), language=language
    )
    assert view is not None
    return view


def test_the_sample_has_claims_of_the_form_that_is_promised() -> None:
    made = sample()
    validate_document(made.claims, "claims")
    assert {claim["answer"] for claim in made.claims["claims"]} == set(Answer)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_claim_has_its_answer_and_its_evidence(language: str) -> None:
    made, words = sample(), Words(load(language))
    rows, texts = rows_of(html_of(language)), published.load_claims()["claims"]
    assert len(rows) == len(texts) == len(made.claims["claims"]) == 28
    for row, text, claim in zip(rows, texts, made.claims["claims"], strict=True):
        said = words(f"answer.{slug(claim['answer'])}")
        assert text_of(row).lstrip().startswith(str(claim["id"]))
        assert text["text"][language] in text_of(row)
        assert f'<span class="answer {slug(claim["answer"])}">' in row
        assert MARKS[Answer(claim["answer"])] + said in text_of(row)
        lines = re.findall(r'<span class="line">([^<]*)</span>', row)
        assert lines and all(lines)


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_are_counted(language: str) -> None:
    answers = [claim["answer"] for claim in sample().claims["claims"]]
    words = Words(load(language))
    html = html_of(language)
    text = text_of(html[html.index('<section id="answer">') : html.index("</section>")])
    for answer in Answer:
        n = answers.count(answer)
        assert words("claim.count", n=n, answer=words(f"answer.{slug(answer)}")) in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_claim_that_is_not_tested_says_what_would_test_it(language: str) -> None:
    words = Words(load(language))
    rows = {row["id"]: row for row in view_of(sample(), language)["rows"]}
    assert words("claim.whole") in rows[17]["would"]
    assert published.load_claims()["claims"][10]["untested"][language] in rows[11]["would"]
    assert all(
        (row["would"] == "") == (row["answer"] != slug(Answer.NOT_TESTED)) for row in rows.values()
    )
    alone = {row["id"]: row for row in view_of(only(sample(), "cnn", "depth"), language)["rows"]}
    assert words("claim.other_cells") in alone[26]["would"]


def test_a_study_on_other_data_has_no_claims() -> None:
    made = only(sample(), "cnn", "depth")
    assert 'href="#claims"' in page(made)
    made.study["models"][0]["data"]["dataset"] = "fashion-mnist"
    made.claims = claimed(made)
    assert {claim["answer"] for claim in made.claims["claims"]} == {Answer.NOT_TESTED}
    html = page(made)
    assert 'id="claims"' not in html
    assert 'href="#claims"' not in html
    assert "course report claimed" not in text_of(html)


def test_a_study_with_one_model_on_other_data_keeps_the_claims_on_the_other() -> None:
    made = sample()
    made.study["models"][1]["data"]["dataset"] = "kmnist"
    made.claims = claimed(made)
    rows = {row["id"]: row for row in view_of(made)["rows"]}
    assert rows[1]["answer"] != "not-tested"
    assert 13 not in rows  # a claim on the other


def test_without_claims_there_is_no_table() -> None:
    assert 'id="claims"' not in page(only(sample(), "cnn", "depth"), claims={"claims": []})


@pytest.mark.parametrize(
    ("name", "bound", "text"),
    [
        ("final_ratio", 1.25, "1.25"),  # not 1.3, nor 1.2
        ("rise", 1.1, "1.1"),
        ("epochs_to_final", 10, "10"),
        ("end_change", -0.01, "−1 %"),
        ("end_change", -0.025, "−2.5 %"),
        ("accuracy", 0.99, "99 %"),
        ("accuracy", 0.995, "99.5 %"),
        ("best_val_loss", 0.125, "0.125"),
    ],
)
def test_a_bound_is_printed_as_it_is_declared(name: str, bound: float, text: str) -> None:
    assert bound_text(name, bound) == text.replace(" ", TIED)


def test_the_declared_bounds_are_on_the_page() -> None:
    parts = [p for claim in published.load_claims()["claims"] for p in claim["parts"]]
    bounds = {p[b] for p in parts for b in ("at_most", "at_least") if b in p}
    assert {1.25, 1.1, -0.01, 10, 60} <= bounds
    text = text_of(section_of(html_of("en")))
    for said in ("at least 1.25", "at most 1.25", "at least 1.1", "at most 10 ", "at most −1 %"):
        assert said in text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("end_change", -0.0771, "−7.7 %"),
        ("end_change", 0.004, "+0.4 %"),
        ("early_change", 0.0912, "9.1 %"),
        ("best_val_accuracy", 0.97531, "97.5 %"),
        ("epochs_to_final", 8.5, "8.5"),
        ("final_ratio", 1.249, "1.2"),
        ("best_val_loss", 0.09052, "0.0905"),
    ],
)
def test_a_measure_is_printed_as_a_reader_wants_it(name: str, value: float, text: str) -> None:
    assert measure_text(name, value) == text.replace(" ", TIED)


PLACE = {"axis": "depth", "cell": "4", "than": "2", "answer": Answer.CONTRADICTED}
COMPARED = {**PLACE, "rule": "compared", "verdict": "better", "reason": None, "difference": 0.012,
            "interval": [0.001, 0.023], "level": 0.975, "n_diverged": 2, "n_collapsed": 3,
            "n_total": 12, "cost_ratio": 2.84}  # fmt: skip
COUNTED = {**PLACE, "rule": "replicates", "k": 3, "n": 12, "median": 1.3}
PARTS: dict[str, tuple[dict[str, Any], str]] = {
    "compared": (
        COMPARED,
        "Depth = 4 against 2: +1.2 [+0.1, +2.3] percentage points (97.5 % CI), better; "
        "2/12 diverged; 3/12 no better than a trivial prediction → contradicted",
    ),
    "no number": (
        {**COMPARED, "difference": None, "interval": None, "n_diverged": 0, "n_collapsed": 0,
         "cost_ratio": None, "verdict": "failed", "answer": Answer.NOT_TESTED},
        "Depth = 4 against 2: –, failed → not tested",
    ),
    "the verdict is the answer": (
        {**COMPARED, "verdict": "inconclusive", "answer": Answer.INCONCLUSIVE, "n_diverged": 0,
         "n_collapsed": 0, "cost_ratio": None},
        "Depth = 4 against 2: +1.2 [+0.1, +2.3] percentage points (97.5 % CI), inconclusive",
    ),
    "measured": (
        {**PLACE, "rule": "measured", "measure": "epochs_to_final", "cell_value": 10.0,
         "than_value": 6.5, "p": 0.0004},
        "epochs to within 10 % of the final validation loss, Depth: 10.0 (4) against 6.5 (2), "
        "p <0.001 → contradicted",
    ),
    "at most": (
        {**COUNTED, "measure": "final_ratio", "at_most": 1.25},
        "ratio of validation to training loss at the last epoch at most 1.25 with Depth = 4: 3 of 12 replicates "
        "(median 1.3) → contradicted",
    ),
    "at least": (
        {**COUNTED, "metric": "accuracy", "at_least": 0.99, "median": 0.981},
        "test accuracy at least 99 % with Depth = 4: 3 of 12 replicates (median 98.1 %) → cont",
    ),
    "event": (
        {**COUNTED, "event": "diverged", "median": None},
        "Depth = 4: 3 of 12 replicates diverged → contradicted",
    ),
    "published": (
        {**PLACE, "rule": "published", "value": 0.974, "prediction": [0.9394, 0.9853],
         "centre": 0.962},
        "its single run of Depth = 4, 97.4 %, against our prediction interval [93.9, 98.5] → con",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_every_rule_says_what_it_saw(name: str) -> None:
    part, said = PARTS[name]
    (model,) = only(sample(), "cnn", "depth").document.models
    line = Teller(model, "accuracy", Words.of("en").about(model)).line(part)
    line = line.replace(TIED, " ")
    assert line.startswith(said)
    assert said.endswith("con") or said.endswith("cont") or line == said


def test_one_line_does_not_repeat_the_answer() -> None:
    rows = {row["id"]: row for row in view_of(sample())["rows"]}
    assert len(rows[5]["evidence"]) == 1
    assert "→" not in rows[5]["evidence"][0]
    assert all("→" in line for line in rows[12]["evidence"])


def test_no_value_is_said_twice_in_a_row() -> None:
    """As in "97.5 % with with"."""
    text = text_of(section_of(html_of("en")))
    assert re.findall(r"\b(\w+) \1\b", text) == []


def activation_without_sigmoid() -> Sample:
    """Of the three steps of claim 8 the last cannot be looked at, and tanh is better than relu."""
    made = only(sample(), "fnn", "activation")
    axis = made.study["models"][0]["axes"][0]
    axis["cells"] = [cell for cell in axis["cells"] if cell["label"] != "sigmoid"]
    for name, table in made.tables.items():
        if "label" in table:
            made.tables[name] = table[table["label"] != "sigmoid"].copy()
    rows = made.tables["replicates"]
    rows.loc[rows["label"] == "tanh", "mse"] *= 0.4
    return judged_again(made)


def test_a_step_that_could_not_be_looked_at_stands_beside_one_that_decides() -> None:
    made = activation_without_sigmoid()
    (claim,) = (each for each in made.claims["claims"] if each["id"] == 8)
    assert claim["answer"] == Answer.CONTRADICTED
    assert [step["answer"] for step in claim["parts"][0]["steps"]] == ["contradicted", "not tested"]
    text = text_of(section_of(page(made)))
    assert "Activation = tanh against relu" in text


def test_a_failed_cell_stands_beside_those_that_decide() -> None:
    """A statement on every cell of an axis, one of which has no replicate."""
    made = only(sample(failed=("cnn/kernel_9",)), "cnn", "kernel")
    made.study["models"][0]["data"] |= {"n_train": [48000, 48000], "dataset": "mnist"}
    made.claims = claimed(made)
    (claim,) = (each for each in made.claims["claims"] if each["id"] == 27)
    answers = [step["answer"] for part in claim["parts"] for step in part.get("steps", [])]
    assert answers == ["contradicted"] * 3 + ["not tested"]
    assert "test accuracy at least 99 % with Kernel size = 3" in text_of(section_of(page(made)))


@pytest.mark.parametrize("confidence", [0.95, 0.5])
def test_an_interval_that_stands_in_no_section_says_its_level(confidence: float) -> None:
    """Dropout 0.8 against 0.4 is compared for a claim alone: no section of a factor states its level."""
    made = judged_again(only(sample(), "cnn", "dropout"), confidence)
    (row,) = (row for row in view_of(made)["rows"] if row["id"] == 21)
    (line,) = (line for line in row["evidence"] if "0.8 against 0.4" in line)
    assert "[" in line
    assert f"{100 * confidence:g}{TIED}%" in line


def test_claims_are_medians_over_the_replicates_that_did_not_diverge() -> None:
    made = only(sample(), "fnn", "depth")
    courses = made.tables["courses"].merge(
        made.tables["replicates"][["key", "replicate", "label", "status"]]
    )
    own = courses[(courses["label"] == "8") & (courses["status"] == "ok")]
    (row,) = (row for row in view_of(made)["rows"] if row["id"] == 4)
    assert isinstance(own, pd.DataFrame) and len(own) == 23
    assert f"of 23 replicates (median {own['final_ratio'].median():.1f})" in row["evidence"][0]
