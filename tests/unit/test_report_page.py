"""The page: strict, escaped, alone, and true to its data."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from ablation.figures import draws_name
from ablation.figures.model import draw
from ablation.language.words import Words
from ablation.report.render import environment
from ablation.results import published
from jinja2 import UndefinedError
from report.sample import (
    Sample,
    blank,
    compared,
    draws,
    fixed,
    judged_again,
    lose,
    only,
    page,
    row,
    sample,
)
from unit_page import text_of


def small() -> Sample:
    return only(sample(), "fnn", "activation")


def test_a_missing_value_raises():
    template = environment(Words({})).from_string("{{ a.b }}")
    with pytest.raises(UndefinedError):
        template.render(a={})


def test_a_figure_that_was_not_drawn_raises():
    made = small()
    figures = blank(made)
    del figures["fnn_activation_metrics"]
    with pytest.raises(KeyError, match="fnn_activation_metrics"):
        page(made, figures)


@pytest.mark.parametrize(
    ("title", "language", "shown"),
    [
        ({"en": "A study", "zh": "一项研究"}, "zh", "一项研究"),
        ({"en": "A study", "zh": "一项研究"}, "en", "A study"),
        ({"en": "A study"}, "zh", "A study"),
        ("A study", "zh", "A study"),
    ],
)
def test_the_title_is_in_the_language_of_the_page(title, language, shown):
    html = page(small(), title=title, language=language)
    assert f"<title>{shown}</title>" in html
    assert f"<h1>{shown}</h1>" in html


def test_the_title_is_escaped():
    html = page(small(), title="<script>alert(1)</script>")
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_reason_of_failure_is_escaped():
    made = sample(failed=("cnn/kernel_9",))
    for axis in made.study["models"][1]["axes"]:
        for cell in axis["cells"]:
            if cell["failed"]:
                cell["failed"] = "Broken <b>pipe</b>."
    assert "<b>pipe" not in page(made)


def test_the_page_asks_for_nothing_from_outside():
    html = page(sample())
    assert re.findall(r'(?:src|href|action|data)="(?!#|data:,")[^"]*"', html) == []
    assert "@import" not in html
    assert "url(" not in re.sub(r"url\(#", "", html)
    assert "xmlns" not in html


def test_the_same_data_give_the_same_page():
    assert page(small()) == page(small())


def test_a_failed_cell_is_named_with_its_reason():
    text = text_of(page(sample(failed=("cnn/kernel_9",))))
    assert "cnn/kernel_9 (CNN, Kernel size = 9): Killed: out of memory (signal 9)." in text
    assert "Failed configurations" not in text_of(page(small()))


def test_divergence_is_said_with_counts():
    text = text_of(page(sample()))
    assert "0.1: 24 of 24 replicates diverged." in text
    assert "8: 4 of 24 replicates diverged." in text
    assert "8: 12 of 24 replicates do no better than predicting the mean of their own" in text
    assert "4/24 diverged, 12/24 no better than a trivial prediction" in text


def test_a_broken_cell_has_its_median_and_no_interval():
    made = only(sample(), "fnn", "depth_at_0.01")
    (found,) = re.findall(r"<tr>(?:(?!</tr>).)*12/24 no better.*?</tr>", page(made), re.S)[1:2]
    text = text_of(found)
    median = row(made, "depth_at_0.01", "8")["median"]
    assert f"median {median:.1f}" in text
    assert text.count("half of the replicates or more diverged or collapsed") == 2
    assert "[" not in text


def test_nothing_is_tested_against_a_reference_that_always_diverged():
    made = lose(only(sample(), "fnn", "activation"), "fnn/activation_relu", *range(24))
    text = text_of(page(made))
    assert (
        "tanh: not tested, because the reference level, relu, has no replicate to compare with."
        in text
    )
    assert "relu: 24 of 24 replicates diverged." in text


def test_nothing_is_tested_against_a_reference_that_failed():
    made = only(sample(failed=("fnn/activation_relu",)), "fnn", "activation")
    text = text_of(page(made))
    assert (
        "tanh: not tested, because the reference level, relu, has no replicate to compare with."
        in text
    )
    assert "not tested (no usable reference)" in text


def test_a_reference_that_diverged_at_times_is_said_to_have():
    made = lose(only(sample(), "fnn", "activation"), "fnn/activation_relu", 5)
    text = text_of(page(made))
    assert "relu: 1 of 24 replicates diverged." in text
    assert "This is the reference level; differences use its other 23 replicates." in text
    assert "If diverged replicates are scored as predicting the mean of their split: tanh:" in text


def test_numbers_in_prose_come_from_the_data():
    made = small()
    before = text_of(page(made))
    row = made.comparisons["models"]["fnn"]["axes"]["activation"]["rows"]["sigmoid"]
    row |= {"difference": 7.25, "difference_interval": [6.25, 8.25], "p_adjusted": 0.0421}
    after = text_of(page(made))
    sentence = "that is +7.3 [+6.3, +8.3] (1000 USD)² (97.5 % CI, adjusted p 0.042)."
    assert sentence not in before
    assert sentence in after


def test_the_text_on_training_follows_the_curves():
    made = small()
    text = text_of(page(made))
    assert "Epochs until the validation loss is within 10 % of its final value" in text
    assert "Not converged after 100 epochs" in text
    assert "1 % per tenth of training): sigmoid." in text
    cells, courses = made.tables["cells"], made.tables["courses"]
    keys = cells.set_index("label")["key"]
    courses.loc[courses["key"] == keys["relu"], "epochs_to_final"] = 3
    courses.loc[courses["key"] == keys["sigmoid"], "end_change"] = -0.009
    courses.loc[courses["key"] == keys["tanh"], "early_change"] *= 3
    text = text_of(page(made))
    assert "(medians): relu: 3.0; tanh:" in text
    assert "Not converged" not in text
    assert "Early oscillation, the mean change of the validation loss" in text


def test_the_numbers_of_the_course_report_stand_beside_ours():
    text = text_of(page(small()))
    assert "19.21" in text  # sigmoid, in the report
    assert "76.2" in text  # and in its earlier run
    assert re.search(r"Of 6 published runs, \d are compatible with ours", text)
    made = small()
    made.study["models"][0]["data"]["n_train"] = [150, 150]
    text = text_of(page(made))
    assert "trained on 337 samples, this study on 150" in text
    assert "19.21" not in text


def test_a_smoke_study_says_so():
    made = small()
    assert 'class="badge"' not in page(made)
    made.study["study"]["name"] = "smoke"
    assert re.search(r'class="badge">smoke study<', page(made))


def test_cells_trained_unlike_are_noted():
    made = small()
    assert "not all trained alike" not in text_of(page(made))
    cells = made.study["models"][0]["axes"][0]["cells"]
    tanh = next(cell for cell in cells if cell["label"] == "tanh")
    tanh["environment"] = {**tanh["environment"], "torch": "2.15.0"}
    said = "The configurations of FNN were not all trained alike. PyTorch: 2.14.1, 2.15.0."
    assert said in text_of(page(made))


def test_an_axis_at_another_learning_rate_says_what_is_fixed():
    text = text_of(page(only(sample(), "fnn", "depth")))
    assert "Fixed at all levels: learning rate 0.001" in text


def test_classes_are_printed_for_the_classifier_with_the_published_rows():
    html = page(only(sample(), "cnn", "depth"))
    assert html.count('<table class="by-class data">') == 1
    assert "92.1" in text_of(html)  # digit 9 at depth 1, in the report


def test_tables_have_scopes_and_headings_do_not_skip():
    html = page(only(sample(), "cnn", "depth", "pooling"))
    html = re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.S)
    assert "<th>" not in html
    assert html.count("<th") == html.count('scope="') + html.count(
        "<thead"
    )  # thead begins with <th
    levels = [int(level) for level in re.findall(r"<h(\d)", html)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def all_failed() -> Sample:
    made = sample(failed=("cnn/pooling_max", "cnn/pooling_average"))
    made = only(made, "cnn", "pooling")
    data = made.study["models"][0]["data"]
    for name in ("n_train", "n_validation", "n_test"):
        del data[name]
    for cell in made.study["models"][0]["axes"][0]["cells"]:
        cell["environment"] = None
    made.comparisons = compared(made.study, made.tables)
    return made


def test_a_study_in_which_everything_failed_still_has_a_report():
    text = text_of(page(all_failed()))
    assert "Failed configurations: 2" in text
    assert "No configuration has a usable validation loss." in text


@pytest.mark.parametrize("count", [1, 2])
def test_very_few_replicates_are_reported_as_such(count):
    made = sample()
    rows = made.tables["replicates"]
    made.tables["replicates"] = rows[rows["replicate"] < count]
    cells = made.tables["cells"]
    cells["n_ok"] = cells["n_ok"].clip(upper=count)
    if count == 1:
        wide = [c for c in cells.columns if c.endswith(("_low", "_high", "_sd"))]
        cells[wide] = np.nan
    text = text_of(page(judged_again(made)))
    assert "3: not tested, because fewer than 5 pairs with 5 are complete." in text
    assert "not tested (fewer than 5 complete pairs)" in text


def test_tables_read_back_from_files_give_the_same_page(tmp_path):
    made = sample(failed=("cnn/kernel_9",))
    expected = page(made)
    for name, frame in made.tables.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        words = {"label": str, "key": str, "cell": str}
        made.tables[name] = pd.read_csv(tmp_path / f"{name}.csv", dtype=words)
    assert page(made) == expected


def test_a_fixed_test_set_is_crossed_with_the_replicates():
    made = fixed(only(sample(), "cnn", "kernel"))
    html = page(made)
    text = text_of(html)
    assert "Kernel size: beyond this test set" in text
    assert "All conclusions hold for this one test set (MNIST)" in text
    row = made.comparisons["models"]["cnn"]["axes"]["kernel"]["rows"]["3"]
    assert row["crossed"]["n_samples"] == 1000
    pairs = [
        f"{pair['only_cell']} : {pair['only_reference']}" for pair in row["crossed"]["mcnemar"]
    ]
    assert ", ".join(pairs) in text
    assert f"{row['crossed']['n_rejected']} of {len(pairs)}" in text
    reference = made.comparisons["models"]["cnn"]["axes"]["kernel"]["rows"]["5"]
    assert reference["crossed"] is None
    # The headline interval crosses replicates and images; that of the difference stays the verdict's.
    assert (
        row["interval"]
        != only(sample(), "cnn", "kernel").comparisons["models"]["cnn"]["axes"]["kernel"]["rows"][
            "3"
        ]["interval"]
    )


def test_without_a_fixed_test_set_nothing_is_crossed():
    made = only(sample(), "cnn", "kernel")
    assert "beyond this test set" not in text_of(page(made))
    assert made.comparisons["models"]["cnn"]["axes"]["kernel"]["rows"]["3"]["crossed"] is None


def test_the_best_network_is_shown_on_further_draws():
    made = only(sample(), "cnn", "kernel")
    own = draws("cnn/kernel_7")
    name = draws_name("cnn")
    figures = draw(
        made.document, made.comparisons, made.tables, {}, model="cnn", palette="deep",
        words=Words.of("en"), draws=own["cnn"],
    )  # fmt: skip
    assert name in figures
    html = page(made, {**blank(made), name: figures[name].decode()}, draws=own)
    text = text_of(html)
    assert (
        "the best configuration (kernel size 7), that of its first non-diverged replicate (3)"
        in text
    )
    assert "3 further disjoint test sets of 500 samples" in text
    for shown in ("Test set 1", "Test set 3", "96.0", "94.8", "[93.9, 97.4]"):
        assert shown in text
    assert 'id="figure-cnn-draws"' in html
    assert "further disjoint test sets" not in text_of(page(made))


@pytest.mark.parametrize(
    "change",
    [{"data": "kmnist"}, {"data": "digits"}, {"task": "regression"}, {"model": "resnet"}],
)
def test_a_study_of_something_else_is_not_set_beside_the_course_report(change):
    """A model called as one of the course report's, on other data or with another task; and one with another name."""
    made = only(sample(), "cnn", "kernel")
    (model,) = made.document.models
    data = {**model.data, "dataset": change.get("data", "mnist-5k")}
    own = {"name": change.get("model", "cnn"), "task": change.get("task", model.task)}
    assert published.of_model(model) is not None
    assert published.of_model(replace(model, data=data, **own)) is None
    if "data" in change:
        made.study["models"][0] |= {"data": data}
        text = text_of(page(made))
        assert "course report" not in text.lower().replace("course report's", "")
