"""The best cell beside simple models on the same splits."""

import math
from typing import Any

import numpy as np
import pytest
from ablation.statistics.compare import model_numbers
from ablation.statistics.paired import holm
from ablation.statistics.yardsticks import yardstick_entries
from ablation.store.document import StudyDocument
from scipy import stats
from test_statistics_compare import (
    BASE,
    DEPTH,
    NOISE,
    QUESTION,
    RATIO,
    TRIVIAL,
    VALUES,
    J,
    make_study,
    make_table,
    run,
    yardstick,
)

LOSS = {"far": 3.0, "base": 2.0, "near": 1.0}
RIDGE, BOOSTING = BASE * 1.9 * NOISE[4], BASE * 1.1 * NOISE[7]


def found_of(yardsticks: dict[str, Any], values: dict[str, Any] = VALUES) -> dict[str, Any]:
    model = run(make_study(DEPTH, yardsticks=yardsticks), values, val_loss=LOSS)
    yard: dict[str, Any] = model["yardsticks"]
    return yard


def test_a_yardstick_in_the_tested_metric_recomputed() -> None:
    rows = yardstick([*RIDGE, 9.9])["replicates"]
    rows[-1]["mse"] = None  # a number that is not finite is stored so
    ridge = found_of({"ridge": {"replicates": rows}})["ridge"]
    logs = np.log(RIDGE)
    half = stats.t.ppf(0.975, J - 1) * logs.std(ddof=1) * math.sqrt(1 / J + RATIO)
    assert ridge["n"] == J
    assert ridge["mean"] == pytest.approx(stats.gmean(RIDGE))
    expected = np.exp([logs.mean() - half, logs.mean() + half])
    assert ridge["interval"] == pytest.approx(expected)


def test_the_best_cell_against_all_of_them_as_one_family() -> None:
    found = found_of({"ridge": yardstick(RIDGE), "boosting": yardstick(BOOSTING)})
    own, ps = VALUES["near"], []
    for values in (RIDGE, BOOSTING):
        d = np.log(own / values)
        error = math.sqrt((1 / J + RATIO) * d.var(ddof=1))  # of two spreads nothing is learnt
        ps.append(float(2 * stats.t.sf(abs(d.mean()) / error, J - 1)))
    against = [found[name]["best_against_it"] for name in ("ridge", "boosting")]
    assert [one["p_adjusted"] for one in against] == pytest.approx(holm(ps))
    assert [one["difference_level"] for one in against] == pytest.approx([0.975, 0.975])
    assert [one["verdict"] for one in against] == ["better", "inconclusive"]
    for one, values in zip(against, (RIDGE, BOOSTING), strict=True):
        d = np.log(own / values)
        assert one["difference"] == pytest.approx(stats.gmean(own) - stats.gmean(values))
        half = stats.t.ppf(1 - 0.0125, J - 1) * math.sqrt((1 / J + RATIO) * d.var(ddof=1))
        ends = np.expm1([d.mean() - half, d.mean() + half])
        assert one["difference_interval"] == pytest.approx(stats.gmean(values) * ends)


def test_better_says_that_the_cell_is_better() -> None:
    strong = found_of({"strong": yardstick(BASE * 0.5 * NOISE[0])})["strong"]["best_against_it"]
    assert strong["verdict"] == "worse"
    assert strong["difference"] > 0


def test_nothing_is_compared_with_the_trivial_prediction() -> None:
    found = found_of({"predict_mean": yardstick(TRIVIAL), "ridge": yardstick(RIDGE)})
    assert found["predict_mean"]["best_against_it"] is None
    assert found["predict_mean"]["mean"] == pytest.approx(stats.gmean(TRIVIAL))
    # Nor does it take a place in the family.
    assert found["ridge"]["best_against_it"]["difference_level"] == pytest.approx(0.95)


def test_few_numbers_and_those_of_another_metric() -> None:
    found = found_of(
        {
            "one": yardstick(RIDGE[:1]),
            "other": {"replicates": [{"replicate": 0, "accuracy": 1.0}]},
        }
    )
    assert (found["one"]["n"], found["one"]["interval"]) == (1, None)
    assert found["one"]["best_against_it"]["reason"] == "few pairs"
    assert (found["other"]["n"], found["other"]["mean"], found["other"]["interval"]) == (
        0, None, None,
    )  # fmt: skip
    assert found["other"]["best_against_it"]["verdict"] == "not tested"


def test_without_a_best_cell_there_is_nothing_to_compare() -> None:
    study = make_study(DEPTH)
    numbers = model_numbers(
        StudyDocument.from_plain(study).model("m"),
        make_table(study, VALUES),
        QUESTION,
        {},
        confidence=0.95,
        seed=0,
    )
    found = yardstick_entries({"ridge": dict(enumerate(RIDGE))}, None, numbers.tested)
    assert found["ridge"]["best_against_it"] is None
    assert found["ridge"]["mean"] == pytest.approx(stats.gmean(RIDGE))


def test_a_best_cell_that_diverged_once_is_scored_here_too() -> None:
    own = [None if r == 3 else float(v) for r, v in enumerate(VALUES["near"])]
    ridge = yardstick(VALUES["near"] * 1.5 * NOISE[0])
    plain = found_of({"ridge": ridge}, VALUES | {"near": own})["ridge"]["best_against_it"]
    assert plain["verdict"] == "better"
    trivial = {"ridge": ridge, "predict_mean": yardstick(TRIVIAL)}
    scored = found_of(trivial, VALUES | {"near": own})["ridge"]["best_against_it"]
    assert (scored["verdict"], scored["reason"]) == ("inconclusive", "diverged")
