"""Two studies side by side: what differs, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from ablation.diff import compare
from ablation.diff.effects import effects
from ablation.diff.page import page
from ablation.results.bundle import document
from ablation.statistics.intervals import mean_interval
from ablation.statistics.unpaired import corrected_welch_test
from report.sample import sample
from scipy import stats


@pytest.fixture
def a() -> dict[str, Any]:
    made = sample()
    return copy.deepcopy(
        document(made.study, made.comparisons, made.tables["replicates"], made.config)
    )


@pytest.fixture
def b(a: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(a)


def cell(bundle: dict[str, Any], name: str) -> dict[str, Any]:
    return next(
        cell
        for model in bundle["study"]["models"]
        for axis in model["axes"]
        for cell in axis["cells"]
        if cell["cell"] == name
    )


def values(bundle: dict[str, Any], name: str, metric: str) -> list[float]:
    table = bundle["replicates"]
    rows = zip(table["cell"], table[metric], strict=True)
    return [value for cell, value in rows if cell == name and value is not None]


def retrained(bundle: dict[str, Any], name: str, metric: str, change: Any) -> None:
    """Give a cell another key and move its metric."""
    cell(bundle, name)["key"] = "f" * 16
    table = bundle["replicates"]
    for i, found in enumerate(table["cell"]):
        if found == name and table[metric][i] is not None:
            table[metric][i] = change(table[metric][i], table["replicate"][i])


def row(bundle_a: dict[str, Any], bundle_b: dict[str, Any], name: str) -> dict[str, Any]:
    found = effects(bundle_a, bundle_b)[name.split("/", maxsplit=1)[0]]["cells"]
    return next(row for row in found if row["cell"] == name)


def test_a_study_does_not_differ_from_itself(a: dict[str, Any], b: dict[str, Any]) -> None:
    found = compare(a, b)
    assert (found["settings"], found["verdicts"], found["environments"]) == ([], [], [])
    kinds = {row["kind"] for model in found["models"].values() for row in model["cells"]}
    assert kinds == {"same key"}
    assert "Nothing that is compared here differs" in page(found, {"a": a, "b": b}, NAMES, "en")


def test_settings_are_named_and_nothing_else(a: dict[str, Any], b: dict[str, Any]) -> None:
    fnn = b["study"]["models"][0]
    fnn["parameters"]["epochs"] = 7
    fnn["axes"][3]["cells"][1]["value"] = "selu"
    b["study"]["study"]["seed"] = 3
    b["config"]["compute"]["replicates_at_once"] = 2
    b["comparisons"]["models"]["cnn"]["margin"] = 0.5
    b["comparisons"]["confidence"] = 0.9
    assert {row["name"]: (row["a"], row["b"]) for row in compare(a, b)["settings"]} == {
        "study.seed": (20261, 3),
        "models.fnn.parameters.epochs": (100, 7),
        "models.fnn.axes.activation.values": (
            ["relu", "tanh", "sigmoid"],
            ["relu", "selu", "sigmoid"],
        ),
        "compute.replicates_at_once": ("auto", 2),
        "statistics.confidence": (0.95, 0.9),
        "statistics.tested.cnn.margin": (0.01, 0.5),
    }


def test_an_axis_or_a_model_of_one_study_is_one_row(a: dict[str, Any], b: dict[str, Any]) -> None:
    del b["study"]["models"][1]
    del b["comparisons"]["models"]["cnn"]
    del a["study"]["models"][0]["axes"][3]
    del a["comparisons"]["models"]["fnn"]["axes"]["activation"]
    found = {row["name"]: (row["a"], row["b"]) for row in compare(a, b)["settings"]}
    assert found.keys() == {"models.cnn", "models.fnn.axes.activation"}
    assert found["models.fnn.axes.activation"] == (None, ["relu", "tanh", "sigmoid"])
    assert [row["cell"] for row in effects(a, b)["fnn"]["new"]] == [
        "fnn/activation_relu",
        "fnn/activation_tanh",
        "fnn/activation_sigmoid",
    ]
    assert [row["label"] for row in effects(b, a)["fnn"]["gone"]] == ["relu", "tanh", "sigmoid"]


def test_pairs_have_the_corrected_interval_of_their_ratios(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    name = "fnn/activation_tanh"
    retrained(b, name, "mse", lambda value, r: value * (1.2 + 0.01 * (r % 3)))
    found = row(a, b, name)
    logs = [np.log(values(bundle, name, "mse")) for bundle in (a, b)]
    assert (found["kind"], found["n_pairs"]) == ("paired", 24)
    expected = mean_interval(logs[1] - logs[0], overlap_ratio=0.2, confidence=0.95)
    centre = np.exp(np.mean(logs[0]))
    assert found["a"] == pytest.approx(centre)
    assert found["interval"] == pytest.approx(centre * np.expm1(expected))
    assert found["difference"] == pytest.approx(centre * np.expm1(np.mean(logs[1] - logs[0])))
    assert found["verdict"] == "worse"
    assert row(b, a, name)["verdict"] == "better"


def test_an_accuracy_is_compared_as_a_difference(a: dict[str, Any], b: dict[str, Any]) -> None:
    name = "cnn/pooling_average"
    retrained(b, name, "accuracy", lambda value, r: value - 0.02 + 0.001 * (r % 3))
    found = row(a, b, name)
    differences = np.subtract(values(b, name, "accuracy"), values(a, name, "accuracy"))
    expected = mean_interval(differences, overlap_ratio=500 / 4500, confidence=0.95)
    assert found["interval"] == pytest.approx(expected)


def test_the_family_is_all_that_is_compared(a: dict[str, Any], b: dict[str, Any]) -> None:
    for name in ("fnn/activation_tanh", "fnn/activation_sigmoid"):
        retrained(b, name, "mse", lambda value, r: value + 0.1 * (r % 5))
    cell(b, "fnn/activation_sigmoid")["key"] = "e" * 16
    assert effects(a, b)["fnn"]["n_compared"] == 2
    assert row(a, b, "fnn/activation_tanh")["level"] == pytest.approx(0.975)


def test_what_is_paired_is_one_family_and_what_is_not_another(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    """Of three cells the code of one is another, so that its splits may be, too."""
    names = ("fnn/activation_tanh", "fnn/activation_sigmoid", "fnn/learning_rate_0.0001")
    for i, name in enumerate(names):
        retrained(b, name, "mse", lambda value, r: value * (1 + 0.1 * (r % 5)))
        cell(b, name)["key"] = f"{i}" * 16
    b["study"]["models"][0]["data"]["prepared"] = "fnn-other"
    cell(b, names[0])["code"] = "1"
    rows = [row(a, b, name) for name in names]
    assert [found["kind"] for found in rows] == ["unpaired", "paired", "paired"]
    assert [found["level"] for found in rows] == pytest.approx([0.95, 0.975, 0.975])
    html = page(compare(a, b), {"a": a, "b": b}, NAMES, "en")
    assert "95, 97.5\u00a0%" in html


def test_a_conclusion_needs_the_diverged_replicates_too(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    """Twenty replicates get better, four diverge: scored as predicting the mean, nothing is left of it."""
    name = "fnn/activation_sigmoid"
    retrained(b, name, "mse", lambda value, r: value * (0.5 + 0.01 * (r % 3)))
    assert row(a, b, name)["verdict"] == "better"
    table = b["replicates"]
    for i, found in enumerate(table["cell"]):
        if found == name and table["replicate"][i] % 6 == 0:
            table["status"][i], table["mse"][i] = "diverged", None
    found = row(a, b, name)
    assert (found["verdict"], found["reason"]) == ("inconclusive", "diverged")
    assert (found["n_pairs"], found["diverged_a"], found["diverged_b"]) == (20, 0, 4)
    b["study"]["study"]["seed"] = 1  # the same without pairs
    found = row(a, b, name)
    assert found["kind"] == "unpaired"
    assert (found["verdict"], found["reason"]) == ("inconclusive", "diverged")


def test_models_that_test_different_metrics_have_no_effects(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    b["comparisons"]["models"]["fnn"]["metric"] = "mae"
    assert set(effects(a, b)) == {"cnn"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda b: b["study"]["study"].update(seed=1), "seed"),
        (lambda b: b["study"]["models"][0]["data"].update(sha256={"x": "0"}), "data"),
        (lambda b: b["study"]["models"][0]["data"].update(prepared="fnn-other"), "code"),
    ],
)
def test_other_splits_are_not_paired(
    a: dict[str, Any], b: dict[str, Any], change: Any, why: str
) -> None:
    name = "fnn/activation_tanh"
    retrained(b, name, "mse", lambda value, r: value + 1)
    cell(b, name)["code"] = "1"
    change(b)
    found = row(a, b, name)
    assert (found["kind"], found["reasons"]) == ("unpaired", [why])
    assert found["interval"][0] < found["difference"] < found["interval"][1]


def test_the_same_key_is_not_compared_but_other_numbers_are_said(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    name = "fnn/activation_tanh"
    retrained(b, name, "mse", lambda value, r: value + (r == 2))
    cell(b, name)["key"] = cell(a, name)["key"]
    found = row(a, b, name)
    assert (found["kind"], found["difference"], found["verdict"]) == ("same key", None, None)
    assert found["moved"] == pytest.approx(1)


def test_a_changed_verdict_and_environment_are_listed(a: dict[str, Any], b: dict[str, Any]) -> None:
    compared = b["comparisons"]["models"]["fnn"]["axes"]["activation"]["rows"]["tanh"]
    before = compared["verdict"]
    compared["verdict"] = "better" if before != "better" else "worse"
    cell(b, "cnn/kernel_9")["environment"]["torch"] = "9.9"
    found = compare(a, b)
    assert [(r["label"], r["a"]["verdict"]) for r in found["verdicts"]] == [("tanh", before)]
    (fact,) = found["environments"]
    assert (fact["fact"], fact["a"][0][0]) == ("torch", "2.14.1")
    assert ("9.9", 1) in fact["b"]


NAMES = {"a": "report.html", "b": "<img src=x>"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_comes_from_data_is_text(a: dict[str, Any], b: dict[str, Any], language: str) -> None:
    evil = "<script>alert(1)</script>"
    b["config"]["report"]["title"] = evil
    b["study"]["models"][0]["axes"][3]["cells"][1]["label"] = evil
    retrained(b, "fnn/activation_tanh", "mse", lambda value, r: value + 1 + r % 2)
    html = page(compare(a, b), {"a": a, "b": b}, NAMES, language)
    assert "<script>" not in html
    assert "<img src=x>" not in html
    assert html.count("&lt;script&gt;alert(1)") >= 3
    assert html.count("<svg") > 0


@pytest.mark.parametrize(("language", "shown"), [("en", "Study B"), ("zh", "研究乙")])
def test_a_title_is_in_the_language_of_the_page(
    a: dict[str, Any], b: dict[str, Any], language: str, shown: str
) -> None:
    b["config"]["report"]["title"] = {"en": "Study B", "zh": "研究乙"}
    html = page(compare(a, b), {"a": a, "b": b}, NAMES, language)
    assert f"· {shown} ·" in html


def test_welch_without_correction_is_scipys() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.normal(0, 1, 12), rng.normal(0.5, 3, 7)
    found = corrected_welch_test(one, two, overlap_ratios=(0, 0))
    expected = stats.ttest_ind(two, one, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.interval(0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)))
    wider = corrected_welch_test(one, two, overlap_ratios=(0.25, 0.25))
    assert wider.error > found.error


def test_welch_without_spread_knows_no_interval() -> None:
    found = corrected_welch_test([1, 1], [2, 2], overlap_ratios=(0, 0))
    assert (found.p, found.interval(0.95)) == (None, None)
    assert corrected_welch_test([1, 1], [1, 1], overlap_ratios=(0, 0)).p == 1
