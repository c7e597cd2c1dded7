"""The rows of an axis in comparisons.json: broken, diverged, untested and repeated cells."""

import math
from typing import Any

import numpy as np
import pytest
from ablation.statistics.compare import Question
from scipy import stats
from test_statistics_compare import (
    BASE,
    DEPTH,
    LEARNT_NOTHING,
    METRICS,
    NOISE,
    RATIO,
    TRIVIAL,
    VALUES,
    WIDTH,
    J,
    key,
    lost,
    make_axis,
    make_study,
    run,
)

UNTESTED = ("p", "p_adjusted", "difference_interval", "ratio_interval")


def rows_of(values: dict[str, Any], axis: str = "depth", **options: Any) -> dict[str, Any]:
    study = make_study(DEPTH, WIDTH, yardsticks=options.pop("yardsticks", LEARNT_NOTHING))
    rows: dict[str, Any] = run(study, VALUES | values, **options)["axes"][axis]["rows"]
    return rows


def test_a_collapsed_cell_has_counts_and_a_median_and_no_interval() -> None:
    # Seven of twelve within 5 % of predicting the mean of their own split, five that train.
    values = np.where(np.arange(J) < 7, np.array(TRIVIAL) * 0.97, BASE * NOISE[0])
    rows = rows_of({"far": values})
    row = rows["1"]
    assert (row["n_collapsed"], row["n_diverged"], row["n_total"], row["broken"]) == (7, 0, J, True)
    assert row["interval"] is row["difference_interval"] is row["ratio_interval"] is None
    assert row["median"] == pytest.approx(np.median(values))
    # The median of the ratios (between two their geometric mean), times the median of the reference.
    ratio = math.exp(np.median(np.log(values / BASE)))
    assert row["ratio"] == pytest.approx(ratio)
    assert row["difference"] == pytest.approx(np.median(BASE) * (ratio - 1))
    assert row["p"] is not None  # it is tested all the same
    # The neighbour is as it is without it: nothing is learnt of a broken cell's spread.
    log = np.log(VALUES["near"] / BASE)
    spreads = [np.log(VALUES[name] / BASE).var(ddof=1) for name in ("near", "wide", "wider")]
    assert rows["3"]["spread"]["observed"] == pytest.approx(log.std(ddof=1))
    assert rows["3"]["spread"]["degrees"] <= 3 * (J - 1)
    assert min(spreads) < rows["3"]["spread"]["pooled"] ** 2 < max(spreads)


def test_against_a_broken_reference_the_median_stands_too() -> None:
    values = np.where(np.arange(J) < 7, np.array(TRIVIAL), BASE)
    row = rows_of({"base": values})["1"]
    assert row["broken"] is False
    assert row["interval"] is not None
    assert row["difference_interval"] is None
    ratio = math.exp(np.median(np.log(VALUES["far"] / values)))
    assert row["ratio"] == pytest.approx(ratio)
    assert row["difference"] == pytest.approx(np.median(values) * (ratio - 1))


def test_diverged_replicates_are_counts_beside_the_verdict() -> None:
    rows = rows_of({"far": lost(VALUES["far"] * 9, 3, 5)})
    row = rows["1"]
    assert (row["verdict"], row["reason"]) == ("worse", None)
    assert (row["n"], row["n_pairs"], row["n_diverged"], row["n_total"]) == (10, 10, 2, J)
    assert row["non_diverged_only"] is True
    assert rows["3"]["non_diverged_only"] is False
    assert rows["3"]["scored"] is None
    values = VALUES["far"] * 9
    values[[3, 5]] = TRIVIAL[3], TRIVIAL[5]
    ratio = stats.gmean(values / BASE)
    scored = row["scored"]
    assert (scored["n_scored"], scored["verdict"]) == (2, "worse")
    assert scored["ratio"] == pytest.approx(ratio)
    assert scored["difference"] == pytest.approx(stats.gmean(BASE) * (ratio - 1))


def test_a_verdict_that_the_losses_overturn_is_inconclusive() -> None:
    row = rows_of({"far": lost(BASE * 0.7 * NOISE[0], 3, 5)})["1"]
    assert (row["verdict"], row["reason"]) == ("inconclusive", "diverged")
    assert row["p_adjusted"] < 0.001
    assert row["scored"]["verdict"] == "inconclusive"
    unknown = rows_of({"far": lost(BASE * 0.7 * NOISE[0], 3, 5)}, yardsticks={})["1"]
    assert (unknown["verdict"], unknown["scored"]) == ("better", None)


def test_a_reference_that_diverged_once_pairs_over_the_others() -> None:
    rows = rows_of({"base": lost(BASE, 0)}, yardsticks={})
    assert rows["2"]["verdict"] == "reference"
    assert (rows["2"]["n"], rows["2"]["n_diverged"]) == (J - 1, 1)
    assert (rows["1"]["verdict"], rows["1"]["n_pairs"]) == ("worse", J - 1)
    assert rows["1"]["n_diverged"] == 0
    assert rows["1"]["non_diverged_only"] is True
    ratio = stats.gmean(VALUES["far"][1:] / BASE[1:])
    assert rows["1"]["difference"] == pytest.approx(stats.gmean(BASE[1:]) * (ratio - 1))


@pytest.mark.parametrize(
    ("values", "word", "reason"),
    [
        ({"far": [None] * J}, "not tested", "few pairs"),
        ({"far": lost(VALUES["far"], *range(8))}, "not tested", "few pairs"),
        ({"far": BASE}, "not tested", "identical"),
        ({"far": BASE * 1.5}, "not tested", "no spread"),
        ({"far": [0.0, *BASE[1:]]}, "not tested", "zero"),
    ],
)
def test_untested_rows_say_why(values: dict[str, Any], word: str, reason: str) -> None:
    rows = rows_of(values)
    assert (rows["1"]["verdict"], rows["1"]["reason"]) == (word, reason)
    assert all(rows["1"][name] is None for name in UNTESTED)
    # The family keeps its size.
    assert rows["3"]["difference_level"] == pytest.approx(0.975)
    assert rows["3"]["p_adjusted"] == pytest.approx(min(1, 2 * rows["3"]["p"]))


@pytest.mark.parametrize("gone", ["far", "base"])
def test_a_failed_cell_has_no_numbers(gone: str) -> None:
    study = make_study(DEPTH, WIDTH)
    kept = {name: own for name, own in VALUES.items() if name != gone}
    rows = run(study, kept)["axes"]["depth"]["rows"]
    if gone == "far":
        assert (rows["1"]["verdict"], rows["1"]["n"], rows["1"]["n_total"]) == ("failed", 0, 0)
        assert rows["1"]["mean"] is rows["1"]["interval"] is rows["1"]["difference"] is None
        assert rows["3"]["verdict"] == "practically equivalent"
    else:
        assert rows["2"]["verdict"] == "failed"
        assert (rows["1"]["verdict"], rows["1"]["reason"]) == ("not tested", "no reference")
        assert rows["1"]["mean"] == pytest.approx(stats.gmean(VALUES["far"]))


def test_a_comparison_on_two_axes_shows_one_result_and_where_it_is_judged() -> None:
    grid = make_axis("grid", "a", _a="base", _b="far", _c="wide", _d="new")
    values = VALUES | {"new": BASE * 1.05 * NOISE[2]}
    axes = run(make_study(DEPTH, WIDTH, grid), values)["axes"]
    there = axes["grid"]["rows"]
    assert there["b"] == axes["depth"]["rows"]["1"]
    assert there["c"] == axes["width"]["rows"]["9"]
    assert [there[label]["judged_on"] for label in "abcd"] == [None, "depth", "width", "grid"]
    assert axes["grid"]["n_comparisons"] == 1
    assert axes["grid"]["difference_level"] == pytest.approx(0.95)
    assert there["d"]["p_adjusted"] == there["d"]["p"]


def test_a_pair_the_other_way_round_mirrors() -> None:
    turned = make_axis("turned", "8", _2="base", _8="far")
    axes = run(make_study(DEPTH, turned), VALUES)["axes"]
    one, other = axes["depth"]["rows"]["1"], axes["turned"]["rows"]["2"]
    assert (one["verdict"], other["verdict"]) == ("worse", "better")
    for name in ("p", "p_adjusted", "difference_level", "judged_on", "spread", "n_pairs"):
        assert one[name] == other[name]
    assert other["ratio"] == pytest.approx(1 / stats.gmean(VALUES["far"] / BASE))
    assert other["ratio_interval"] == pytest.approx(
        [1 / end for end in one["ratio_interval"][::-1]]
    )
    # In the unit it is beside another reference: not the same number with a minus.
    assert other["difference"] == pytest.approx(stats.gmean(BASE) - stats.gmean(VALUES["far"]))
    assert axes["turned"]["n_comparisons"] == 0
    assert axes["turned"]["difference_level"] is None
    assert other["others"]["r2"]["difference"] == pytest.approx(
        ((VALUES["far"] - BASE) / 84).mean()
    )
    assert other["others"]["r2"]["verdict"] == "better"


def test_the_reference_under_another_label_is_identical() -> None:
    axis = make_axis("dropout", "0", _0="base", _none="base", _5="far")
    found = run(make_study(axis), VALUES)["axes"]["dropout"]
    row = found["rows"]["none"]
    assert (row["verdict"], row["reason"]) == ("not tested", "identical")
    assert row["others"]["r2"]["reason"] == "identical"
    assert row["difference"] is row["spread"] is row["judged_on"] is None
    assert row["mean"] == pytest.approx(stats.gmean(BASE))
    assert found["n_comparisons"] == 1


def test_a_sure_difference_says_whether_it_matters() -> None:
    small = BASE * 1.1 * NOISE[0]
    row = rows_of({"far": small})["1"]
    assert (row["verdict"], row["within_margin"], row["below_margin"]) == ("worse", True, True)
    # The estimate is below 1.2, and the interval reaches over it.
    row = rows_of({"far": BASE * 1.17 * NOISE[1]})["1"]
    assert row["ratio"] < 1.2 < row["ratio_interval"][1]
    assert (row["verdict"], row["within_margin"], row["below_margin"]) == ("worse", False, True)
    row = rows_of({})["1"]
    assert (row["verdict"], row["within_margin"], row["below_margin"]) == ("worse", False, False)
    row = rows_of({})["3"]
    assert row["verdict"] == "practically equivalent"
    assert row["within_margin"] is row["below_margin"] is False


def test_holm_alone_is_said() -> None:
    # The first comparison is clear, so the second passes at 5 % what its 97.5 % interval does not exclude.
    pattern = np.linspace(-1, 1, J)
    error = pattern.std(ddof=1) * math.sqrt(1 / J + RATIO)
    t = stats.t.ppf(1 - 0.035 / 2, J - 1)
    values = {
        "base": np.ones(J), "far": np.exp(9 + pattern[::-1]), "near": np.exp(pattern + t * error),
    }  # fmt: skip
    rows = run(make_study(DEPTH), values)["axes"]["depth"]["rows"]
    assert rows["3"]["p"] == pytest.approx(0.035)
    assert rows["3"]["verdict"] == "worse"
    assert rows["3"]["ratio_interval"][0] < 1
    assert (rows["1"]["holm_alone"], rows["3"]["holm_alone"]) == (False, True)


def test_crossed_is_of_one_fixed_test_set_and_no_logarithm() -> None:
    rng = np.random.default_rng(0)
    right = {name: {r: rng.random(60) < 0.8 for r in range(J)} for name in VALUES}
    samples = {"mse": {key(name): own for name, own in right.items()}}
    plain = run(make_study(DEPTH, fixed=True), VALUES, samples=samples)
    assert plain["axes"]["depth"]["rows"]["1"]["crossed"] is None
    accuracy = {name: [own[r].mean() for r in range(J)] for name, own in right.items()}
    samples = {"r2": samples["mse"]}
    options = {"samples": samples, "r2": accuracy}
    question = Question(METRICS, "r2", 0.05, step=6)
    for fixed in (True, False):
        rows = run(make_study(DEPTH, fixed=fixed), VALUES, question, **options)["axes"]["depth"][
            "rows"
        ]
        assert (rows["1"]["crossed"] is not None) is fixed
        assert rows["2"]["crossed"] is None
        if not fixed:
            continue
        one, other = right["far"][4], right["base"][4]
        expected = [int(np.sum(one & ~other)), int(np.sum(other & ~one))]
        row = rows["1"]["crossed"]["mcnemar"][4]
        assert [row["only_cell"], row["only_reference"]] == expected


def test_without_a_test_the_ratio_and_the_difference_say_the_same() -> None:
    row = rows_of({name: own[:4] for name, own in VALUES.items()})["1"]
    assert (row["reason"], row["broken"]) == ("few pairs", False)
    ratio = stats.gmean(VALUES["far"][:4] / BASE[:4])
    assert row["difference"] == pytest.approx(stats.gmean(BASE[:4]) * (ratio - 1))
    assert row["ratio"] == pytest.approx(ratio)


def test_a_zero_of_the_reference_outside_the_pairs_makes_no_difference_of_zero() -> None:
    row = rows_of({"base": [0.0, *BASE[1:]], "far": lost(VALUES["far"], 0)})["1"]
    assert row["reason"] == "zero"
    assert row["difference"] != 0
