"""The rules that decide what the course report claims: one per kind of statement."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.claims.judge import judge_claims
from ablation.claims.rules import Answer, Evidence, combined, part_level
from ablation.results.courses import MEASURES
from ablation.statistics.compare import model_numbers
from ablation.store.document import StudyDocument
from scipy import stats
from test_statistics_compare import (
    BASE,
    NOISE,
    QUESTION,
    RATIO,
    TRIVIAL,
    J,
    key,
    lost,
    make_axis,
    make_study,
    make_table,
    yardstick,
)

NAMES = {
    "base": BASE,
    "worse": BASE * 1.8 * NOISE[0],
    "better": BASE * 0.5 * NOISE[1],
    "equal": BASE * 1.01 * NOISE[1],
    "unsure": BASE * 1.1 * NOISE[6],
    "rare": lost(BASE, *range(8)),
    "half": np.where(np.arange(J) < 6, np.array(TRIVIAL), BASE),
    "lost": [None] * J,
}
AXIS = make_axis("depth", "base", **{f"_{name}": name for name in NAMES}, _gone="gone")
DATA = {"dataset": "mnist-5k", "n_train": [2400, 2400]}
THEIRS = {
    "task": "regression",
    "n_train": 2400,
    "n_train_whole": 48000,
    "same_data": {"mnist-5k": False, "mnist": True},
}
YES, NO, OPEN, UNTESTED = (
    Answer.CONFIRMED,
    Answer.CONTRADICTED,
    Answer.INCONCLUSIVE,
    Answer.NOT_TESTED,
)


def evidence(
    measures: dict[str, dict[str, Any]] | None = None,
    seconds: dict[str, float] | None = None,
    **data: Any,
) -> Evidence:
    """A study of one axis. measures: measure → cell → its value by replicate; seconds: by cell."""
    study = make_study(AXIS, yardsticks={"predict_mean": yardstick(TRIVIAL)})
    study["models"][0]["data"] |= DATA | data
    model = StudyDocument.from_plain(study).model("m")
    numbers = model_numbers(model, make_table(study, NAMES), QUESTION, {}, confidence=0.95, seed=0)
    rows = [
        {"key": key(name), "replicate": r, **dict.fromkeys(MEASURES, np.nan)}
        for name in NAMES
        for r in range(J)
    ]
    courses = pd.DataFrame(rows)
    for measure, cells in (measures or {}).items():
        for name, values in cells.items():
            courses.loc[courses["key"] == key(name), measure] = np.asarray(values, dtype=float)
    return Evidence(model, numbers, courses, {key(k): v for k, v in (seconds or {}).items()})


def claim(*parts: dict[str, Any], own: Evidence | None = None, **more: Any) -> dict[str, Any]:
    """The judged claim of these parts; each is about the one axis."""
    return judged([{"axis": "depth", **part} for part in parts], own or evidence(), **more)


def judged(parts: list[dict[str, Any]], own: Evidence, **more: Any) -> dict[str, Any]:
    listed = {"id": 1, "model": "m", "parts": parts, **more}
    (found,) = judge_claims(
        {"share": 0.75, "claims": [listed]}, {"models": {"m": THEIRS}}, {"m": own}, confidence=0.95
    )
    return found


def compared(cell: str, says: str, than: str = "base", **more: Any) -> dict[str, Any]:
    return {"rule": "compared", "cell": cell, "than": than, "says": says, **more}


@pytest.mark.parametrize(
    ("says", "worse", "better", "equal"),
    [
        ("worse", YES, NO, NO),
        ("better", NO, YES, NO),
        ("equal", NO, NO, YES),
        ("not better", YES, NO, YES),
    ],
)
def test_a_cell_beside_another(says: str, worse: Answer, better: Answer, equal: Answer) -> None:
    own = evidence()
    expected = {"worse": worse, "better": better, "equal": equal, "unsure": OPEN, "lost": UNTESTED}
    expected |= {"rare": UNTESTED, "gone": UNTESTED, "unheard of": UNTESTED}
    found = {cell: claim(compared(cell, says), own=own)["answer"] for cell in expected}
    assert found == expected
    assert claim(compared("worse", says, axis="width"), own=own)["answer"] is UNTESTED


def test_the_evidence_of_a_comparison() -> None:
    own = evidence(seconds={"worse": 30, "base": 20})
    (part,) = claim(compared("worse", "worse", cost=True), own=own)["parts"]
    gap = stats.gmean(NAMES["worse"]) - stats.gmean(BASE)
    assert part["difference"] == pytest.approx(gap)
    assert part["interval"][0] < gap < part["interval"][1]
    assert part["level"] == pytest.approx(1 - 0.05 / 8)  # its axis makes eight comparisons
    assert part["cost_ratio"] == pytest.approx(1.5)
    assert (part["verdict"], part["n_diverged"], part["n_total"]) == ("worse", 0, J)
    (part,) = claim(compared("half", "worse", cost=True), own=own)["parts"]
    assert (part["n_collapsed"], part["interval"], part["cost_ratio"]) == (6, None, None)
    (part,) = claim(compared("rare", "worse"), own=own)["parts"]
    assert (part["n_diverged"], part["cost_ratio"]) == (8, None)


def test_a_pair_that_no_axis_compares_is_a_family_of_its_own() -> None:
    (part,) = claim(compared("worse", "worse", than="better"))["parts"]
    d = np.log(np.array(NAMES["worse"]) / NAMES["better"])
    half = stats.t.ppf(0.975, J - 1) * np.sqrt((1 / J + RATIO) * d.var(ddof=1))
    centre = stats.gmean(NAMES["better"])
    assert part["answer"] is YES
    assert part["level"] == pytest.approx(0.95)
    assert part["difference"] == pytest.approx(centre * np.expm1(d.mean()))
    ends = centre * np.expm1([d.mean() - half, d.mean() + half])
    assert part["interval"] == pytest.approx(tuple(ends))


def test_a_pair_is_seen_from_the_cell_that_the_claim_names() -> None:
    assert claim(compared("base", "better", than="worse"))["answer"] is YES
    assert claim(compared("base", "worse", than="worse"))["answer"] is NO


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        (["better", "base", "worse"], YES),
        (["base", "better"], NO),
        (["better", "base", "unsure"], OPEN),
        (["worse", "base", "unsure"], NO),
        (["better", "base", "gone"], UNTESTED),
        (["base", "equal"], NO),
    ],
)
def test_an_order_holds_if_every_step_does(cells: list[str], answer: Answer) -> None:
    found = claim({"rule": "ordered", "cells": cells})
    assert found["answer"] is answer
    steps = [(step["than"], step["cell"]) for step in found["parts"][0]["steps"]]
    assert steps == list(pairwise(cells))


SPEED = np.array([20.0, 22, 25, 19, 21, 24, 20, 23, 22, 21, 25, 20])


def measured(says: str, cell: str = "worse", measure: str = "epochs_to_final") -> dict[str, Any]:
    return {"rule": "measured", "measure": measure, "cell": cell, "than": "base", "says": says}


def slower(factor: float) -> dict[str, dict[str, Any]]:
    jitter = np.exp(np.linspace(-0.3, 0.3, J))
    return {"epochs_to_final": {"base": SPEED, "worse": SPEED * factor * jitter}}


@pytest.mark.parametrize(
    ("factor", "higher", "lower"), [(3.0, YES, NO), (1 / 3, NO, YES), (1.1, OPEN, OPEN)]
)
def test_a_measure_of_the_curves_is_tested_in_pairs(
    factor: float, higher: Answer, lower: Answer
) -> None:
    own = evidence(slower(factor))
    found = claim(measured("higher"), own=own)
    assert found["answer"] is higher
    assert claim(measured("lower"), own=own)["answer"] is lower
    (part,) = found["parts"]
    d = np.log(factor) + np.linspace(-0.3, 0.3, J)
    t = d.mean() / np.sqrt((1 / J + RATIO) * d.var(ddof=1))
    assert part["p"] == pytest.approx(2 * stats.t.sf(abs(t), J - 1))
    assert part["n"] == J
    assert part["than_value"] == np.median(SPEED)
    assert part["cell_value"] == pytest.approx(
        np.median(slower(factor)["epochs_to_final"]["worse"])
    )


def test_a_measure_that_may_be_negative_is_not_put_on_the_logarithm() -> None:
    d = np.linspace(0.01, 0.05, J)
    own = evidence(
        {"end_change": {"base": np.full(J, -0.04) + SPEED / 900, "worse": SPEED / 900 - 0.04 + d}}
    )
    (part,) = claim(measured("higher", measure="end_change"), own=own)["parts"]
    t = d.mean() / np.sqrt((1 / J + RATIO) * d.var(ddof=1))
    assert part["p"] == pytest.approx(2 * stats.t.sf(t, J - 1))
    assert part["answer"] is YES


def test_all_measures_of_a_claim_share_its_error_level() -> None:
    # t chosen so that p = 0.03: alone it decides, as one of two it does not.
    pattern = np.linspace(-0.5, 0.5, J)
    error = pattern.std(ddof=1) * np.sqrt(1 / J + RATIO)
    shift = stats.t.ppf(1 - 0.015, J - 1) * error
    own = evidence({"epochs_to_final": {"base": SPEED, "worse": SPEED * np.exp(pattern + shift)}})
    alone = claim(measured("higher"), own=own)
    assert alone["parts"][0]["p"] == pytest.approx(0.03)
    assert alone["answer"] is YES
    both = claim(measured("higher"), measured("higher"), own=own)
    assert [part["answer"] for part in both["parts"]] == [OPEN, OPEN]
    beside = claim(measured("higher"), compared("worse", "worse"), own=own)
    assert beside["answer"] is YES  # a comparison has the level of its axis
    assert part_level(0.95, [{"rule": "measured"}] * 4 + [{"rule": "compared"}]) == pytest.approx(
        0.9875
    )


def test_a_measure_of_replicates_that_diverged_does_not_count() -> None:
    values = {"base": SPEED, "rare": SPEED * 3, "worse": [np.nan] * J}
    own = evidence({"epochs_to_final": values})
    assert own.measure("epochs_to_final")[key("rare")] == {r: SPEED[r] * 3 for r in range(8, J)}
    assert claim(measured("higher", cell="rare"), own=own)["answer"] is UNTESTED  # four pairs
    for cell in ("worse", "gone", "lost"):
        assert claim(measured("higher", cell=cell), own=own)["answer"] is UNTESTED


def held(k: int, n: int = J) -> list[float]:
    """Values of which k are 5 and the others 20, and the rest is not there."""
    return [5.0] * k + [20.0] * (n - k) + [np.nan] * (J - n)


@pytest.mark.parametrize(
    ("k", "n", "answer"),
    [
        (12, 12, YES),
        (9, 12, YES),
        (8, 12, OPEN),
        (4, 12, OPEN),
        (3, 12, NO),
        (0, 12, NO),
        (3, 4, YES),
    ],
)
def test_three_of_four_replicates_decide_a_statement(k: int, n: int, answer: Answer) -> None:
    own = evidence({"epochs_to_final": {"base": held(k, n)}})
    part = {"rule": "replicates", "measure": "epochs_to_final", "cell": "base"}
    (found,) = claim({**part, "at_most": 5}, own=own)["parts"]
    assert (found["answer"], found["k"], found["n"]) == (answer, k, n)
    assert found["median"] == np.median(held(k, n)[:n])
    (other,) = claim({**part, "at_least": 20}, own=own)["parts"]
    assert (other["k"], other["n"]) == (n - k, n)


def test_divergence_is_a_statement_on_all_replicates() -> None:
    part = {"rule": "replicates", "event": "diverged"}
    own = evidence()
    expected = {"lost": (YES, 12), "rare": (OPEN, 8), "base": (NO, 0)}
    for cell, (answer, k) in expected.items():
        (found,) = claim({**part, "cell": cell}, own=own)["parts"]
        assert (found["answer"], found["k"], found["n"]) == (answer, k, J)
    for cell in ("gone", "unheard of"):
        assert claim({**part, "cell": cell}, own=own)["answer"] is UNTESTED


def test_a_metric_in_every_cell_of_an_axis() -> None:
    part = {"rule": "replicates", "metric": "mse", "cell": "every"}
    found = claim({**part, "at_most": 1e9})
    # Neither the cell that always diverged nor the one that failed has a number.
    answers = {step["cell"]: step["answer"] for step in found["parts"][0]["steps"]}
    assert answers == dict.fromkeys(NAMES, YES) | {"lost": UNTESTED, "gone": UNTESTED}
    assert found["answer"] is UNTESTED
    steps = claim({**part, "at_most": 30})["parts"][0]["steps"]
    counts = {step["cell"]: (step["k"], step["n"]) for step in steps if "k" in step}
    assert counts["half"] == (6, J)
    assert counts["rare"] == (4, 4)
    r2 = claim({"rule": "replicates", "metric": "r2", "cell": "half", "at_least": 0.5})
    assert (r2["parts"][0]["k"], r2["answer"]) == (6, OPEN)
    assert claim({**part, "at_most": 1, "axis": "width"})["answer"] is UNTESTED


@pytest.mark.parametrize("dataset", ["mnist-5k", "mnist"])
def test_a_number_that_was_published_lies_inside_or_not(dataset: str) -> None:
    own = evidence(dataset=dataset)
    logs = np.log(BASE)
    # On our pool the luck of the pool is in both; on another it counts twice.
    variance = 1 + 1 / J + (0 if dataset == "mnist" else 2 * RATIO)
    half = stats.t.ppf(0.975, J - 1) * logs.std(ddof=1) * np.sqrt(variance)
    low, high = np.exp([logs.mean() - half, logs.mean() + half])
    part = {"rule": "published", "cell": "base"}
    answers = {
        value: claim({**part, "value": value}, own=own)["answer"]
        for value in (low * 0.999, low * 1.001, high * 0.999, high * 1.001)
    }
    assert list(answers.values()) == [NO, YES, YES, NO]
    (found,) = claim({**part, "value": 10}, own=own)["parts"]
    assert found["prediction"] == pytest.approx([low, high])
    assert found["centre"] == pytest.approx(stats.gmean(BASE))
    for cell in ("half", "lost", "gone", "unheard of"):
        assert claim({**part, "cell": cell, "value": 10}, own=own)["answer"] is UNTESTED


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([YES, YES], YES),
        ([YES, OPEN], OPEN),
        ([YES, UNTESTED, OPEN], UNTESTED),
        ([NO, UNTESTED, YES, OPEN], NO),
        ([], UNTESTED),
    ],
)
def test_parts_that_must_all_hold(answers: list[Answer], expected: Answer) -> None:
    assert combined(answers) is expected
