"""From study.json and the table of replicates to the content of comparisons.json."""

import io
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.statistics.compare import agreement, compare
from ablation.statistics.paired import corrected_paired_test, holm
from scipy import stats

J = 12
BASELINE = 10 + np.random.default_rng(0).normal(size=J)
NOISE = np.random.default_rng(1).normal(scale=0.3, size=(8, J))
METRICS = {"fnn": ("mse", "lower")}


def cell(axis: str, label: str, key: str | None = None, failed: str | None = None) -> dict:
    name = f"fnn/{axis}_{label}"
    return {"cell": name, "label": label, "key": key or name, "failed": failed}


def make_study(*axes: dict[str, Any], fixed: bool = False) -> dict[str, Any]:
    data = {"test_train_ratio": 0.25, "fixed_test_set": fixed}
    model = {"model": "fnn", "replicates": J, "data": data, "axes": list(axes)}
    return {"study": {"name": "default", "seed": 1}, "models": [model], "yardsticks": {}}


def make_axis(labels: list[str], reference: str, name: str = "depth", **cells: Any) -> dict:
    made = [cells.get(f"c{label}") or cell(name, label) for label in labels]
    return {"axis": name, "reference": reference, "cells": made}


def table(numbers: dict[str, Any], val_loss: dict[str, float] | None = None) -> pd.DataFrame:
    """Replicates as they come back from a CSV file; None in the numbers is a diverged replicate."""
    rows = []
    for name, values in numbers.items():
        axis, label = name.split("/")[1].rsplit("_", 1)
        for r, value in enumerate(values):
            row: dict[str, Any] = {
                "model": "fnn",
                "axis": axis,
                "label": label,
                "cell": name,
                "key": name,
            }
            row |= {"replicate": r, "status": "diverged" if value is None else "ok", "mse": value}
            row["val_loss"] = None if value is None else (val_loss or {}).get(name, value)
            rows.append(row)
    return pd.read_csv(io.StringIO(pd.DataFrame(rows).to_csv(index=False)))


def run(study: dict, frame: pd.DataFrame, margin: float = 3.0) -> dict[str, Any]:
    result = compare(study, frame, confidence=0.95, margins={"fnn": margin}, metrics=METRICS)
    json.dumps(result, allow_nan=False)
    return result["models"]["fnn"]


def three_cells() -> dict[str, Any]:
    return {
        "fnn/depth_1": BASELINE + 5 + NOISE[0],
        "fnn/depth_2": BASELINE,
        "fnn/depth_3": BASELINE + 0.05 + NOISE[1],
    }


def test_an_axis_recomputed_with_scipy() -> None:
    numbers = three_cells()
    axis = run(make_study(make_axis(["1", "2", "3"], "2")), table(numbers))["axes"]["depth"]
    assert (axis["reference"], axis["n_comparisons"]) == ("2", 2)
    ps = []
    for label in ("1", "3"):
        d = numbers[f"fnn/depth_{label}"] - numbers["fnn/depth_2"]
        se = math.sqrt((1 / J + 0.25) * np.var(d, ddof=1))
        ps.append(2 * stats.t.sf(abs(d.mean()) / se, J - 1))
        half = stats.t.ppf(1 - 0.025 / 2, J - 1) * se  # 97.5 %, two-sided
        row = axis["rows"][label]
        assert row["p"] == pytest.approx(ps[-1])
        assert row["difference"] == pytest.approx(d.mean())
        assert row["difference_interval"] == pytest.approx([d.mean() - half, d.mean() + half])
        assert row["difference_level"] == pytest.approx(0.975)
        assert (row["n"], row["n_pairs"], row["n_diverged"]) == (J, J, 0)
        assert row["scope"] == "for this pool of data"
        assert row["survivors_only"] is row["holm_alone"] is row["is_reference"] is False
    assert [axis["rows"][k]["p_adjusted"] for k in "13"] == pytest.approx(holm(ps))
    words = [axis["rows"][k]["verdict"] for k in "123"]
    assert words == ["worse", "reference", "equivalent"]
    reference = axis["rows"]["2"]
    for name in ("difference", "difference_interval", "difference_level", "p", "p_adjusted"):
        assert reference[name] is None
    se = math.sqrt((1 / J + 0.25) * np.var(BASELINE, ddof=1))
    low = BASELINE.mean() - stats.t.ppf(0.975, J - 1) * se
    assert reference["interval"][0] == pytest.approx(low)


def test_a_fixed_test_set_uses_the_plain_test_and_says_so() -> None:
    numbers = three_cells()
    study = make_study(make_axis(["1", "2", "3"], "2"), fixed=True)
    axis = run(study, table(numbers))["axes"]["depth"]
    plain = stats.ttest_rel(numbers["fnn/depth_3"], numbers["fnn/depth_2"]).pvalue
    assert axis["rows"]["3"]["p"] == pytest.approx(plain)
    assert {row["scope"] for row in axis["rows"].values()} == {"for this test set"}
    assert axis["only_more_data_helps"] is False


def test_direction_of_better() -> None:
    study = make_study(make_axis(["1", "2", "3"], "2"))
    result = compare(
        study,
        table(three_cells()),
        confidence=0.95,
        margins={"fnn": 3},
        metrics={"fnn": ("mse", "higher")},
    )
    assert result["models"]["fnn"]["axes"]["depth"]["rows"]["1"]["verdict"] == "better"


def test_margin_turns_no_difference_into_cannot_tell() -> None:
    study = make_study(make_axis(["1", "2", "3"], "2"))
    rows = run(study, table(three_cells()), margin=0.01)["axes"]["depth"]["rows"]
    assert (rows["3"]["verdict"], rows["3"]["reason"]) == ("cannot tell", "wide interval")
    assert rows["1"]["verdict"] == "worse"


def test_diverged_replicates_outrank_and_flag() -> None:
    numbers = three_cells()
    numbers["fnn/depth_1"] = [None, None, *numbers["fnn/depth_1"][2:]]
    rows = run(make_study(make_axis(["1", "2", "3"], "2")), table(numbers))["axes"]["depth"]["rows"]
    row = rows["1"]
    assert (row["verdict"], row["verdict_text"]) == ("diverged", "diverged in 2 of 12")
    assert (row["n"], row["n_pairs"], row["n_diverged"]) == (10, 10, 2)
    assert row["survivors_only"] is True
    survivors = np.array(numbers["fnn/depth_1"][2:]) - BASELINE[2:]
    assert row["difference"] == pytest.approx(survivors.mean())
    assert row["difference_interval"] is not None
    assert row["p"] is row["p_adjusted"] is None
    # The family stays at two: the other row pays for both comparisons.
    assert rows["3"]["p_adjusted"] == pytest.approx(min(1, 2 * rows["3"]["p"]))


def test_reference_that_diverged_somewhere_pairs_over_its_survivors() -> None:
    numbers = three_cells()
    numbers["fnn/depth_2"] = [None, *BASELINE[1:]]
    rows = run(make_study(make_axis(["1", "2", "3"], "2")), table(numbers))["axes"]["depth"]["rows"]
    assert rows["2"]["verdict"] == "diverged"
    assert (rows["1"]["verdict"], rows["1"]["n_pairs"]) == ("worse", 11)
    assert rows["1"]["survivors_only"] is True
    assert "reference survived: 11 of 12" in rows["1"]["verdict_text"]


@pytest.mark.parametrize("how", ["diverged", "failed", "missing"])
def test_without_a_reference_every_row_says_so(how: str) -> None:
    numbers = three_cells()
    reference = cell("depth", "2", failed="out of memory" if how == "failed" else None)
    if how == "diverged":
        numbers["fnn/depth_2"] = [None] * J
    else:
        del numbers["fnn/depth_2"]
    study = make_study(make_axis(["1", "2", "3"], "2", c2=reference))
    rows = run(study, table(numbers))["axes"]["depth"]["rows"]
    for label in "13":
        row = rows[label]
        assert row["verdict"] == "no reference"
        assert row["difference"] is row["difference_interval"] is row["p"] is None
        assert row["mean"] is not None
    expected = {"diverged": "diverged", "failed": "failed", "missing": "reference"}
    assert rows["2"]["verdict"] == expected[how]


def test_failed_cell_has_no_numbers_and_leaves_its_neighbours_alone() -> None:
    numbers = three_cells()
    whole = run(make_study(make_axis(["1", "2", "3"], "2")), table(numbers))["axes"]["depth"]
    failed = make_axis(["1", "2", "3"], "2", c1=cell("depth", "1", failed="out of memory"))
    rows = run(make_study(failed), table(numbers))["axes"]["depth"]["rows"]
    assert (rows["1"]["verdict"], rows["1"]["n"], rows["1"]["mean"]) == ("failed", 0, None)
    kept = ("difference", "difference_interval", "difference_level", "verdict")
    assert {k: rows["3"][k] for k in kept} == {k: whole["rows"]["3"][k] for k in kept}


def test_too_few_pairs_are_not_tested() -> None:
    numbers = {name: values[:4] for name, values in three_cells().items()}
    rows = run(make_study(make_axis(["1", "2", "3"], "2")), table(numbers))["axes"]["depth"]["rows"]
    assert (rows["1"]["verdict"], rows["1"]["reason"]) == ("cannot tell", "few pairs")
    assert rows["1"]["p"] is rows["1"]["p_adjusted"] is None
    assert rows["1"]["difference_interval"] is not None


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_replicates_still_give_a_result(count: int) -> None:
    numbers = {name: [*v[:count], *[None] * (2 - count)] for name, v in three_cells().items()}
    model = run(make_study(make_axis(["1", "2", "3"], "2")), table(numbers))
    expected = "cannot tell" if count == 2 else "diverged"
    assert model["axes"]["depth"]["rows"]["1"]["verdict"] == expected
    assert (model["best"] is None) == (count == 0)


def test_identical_and_shifted_numbers() -> None:
    numbers = {
        "fnn/depth_1": BASELINE,
        "fnn/depth_2": BASELINE,
        "fnn/depth_3": BASELINE + 0.5,
    }
    model = run(make_study(make_axis(["1", "2", "3"], "2")), table(numbers))
    same, shifted = model["axes"]["depth"]["rows"]["1"], model["axes"]["depth"]["rows"]["3"]
    assert (same["p"], same["p_adjusted"], same["effect_size"]) == (1, 1, 0)
    assert (same["verdict"], same["difference_interval"]) == ("equivalent", [0, 0])
    assert (shifted["verdict"], shifted["reason"]) == ("cannot tell", "no spread")
    assert shifted["p"] is shifted["difference_interval"] is shifted["effect_size"] is None
    assert shifted["difference"] == pytest.approx(0.5)
    assert model["axes"]["depth"]["smallest_detectable"]["in_unit"] is None


def test_smallest_detectable_of_an_axis() -> None:
    numbers = three_cells()
    axis = run(make_study(make_axis(["1", "2", "3"], "2")), table(numbers))["axes"]["depth"]
    smallest = axis["smallest_detectable"]
    assert smallest["in_sd"] == pytest.approx(1.777, abs=1e-3)
    spreads = [np.std(numbers[f"fnn/depth_{k}"] - BASELINE, ddof=1) for k in "13"]
    assert smallest["in_unit"] == pytest.approx(smallest["in_sd"] * np.mean(spreads))
    assert smallest["n_pairs"] == J
    assert smallest["first_step"]["in_sd"] > smallest["in_sd"]


@pytest.mark.parametrize(("n", "expected"), [(12, False), (24, True)])
def test_when_only_more_data_helps(n: int, expected: bool) -> None:
    # 1.78 is 27 % over the floor of 1.40, 1.58 is 13 % over it.
    rng = np.random.default_rng(0)
    numbers = {f"fnn/depth_{k}": rng.normal(size=n) for k in "123"}
    axis = run(make_study(make_axis(["1", "2", "3"], "2")), table(numbers))["axes"]["depth"]
    assert axis["only_more_data_helps"] is expected


def best_study() -> tuple[dict, dict[str, Any], dict[str, float]]:
    depth = make_axis(["1", "2", "3"], "2", c2=cell("depth", "2", key="baseline"))
    width = make_axis(["64", "9"], "64", "width", c64=cell("width", "64", key="baseline"))
    numbers = three_cells() | {
        "fnn/width_64": BASELINE,
        "fnn/width_9": BASELINE - 0.02 + NOISE[2],
    }
    val_loss = {"fnn/depth_1": 9.0, "fnn/depth_2": 2.0, "fnn/depth_3": 1.0, "fnn/width_9": 3.0}
    return make_study(depth, width), numbers, val_loss | {"fnn/width_64": 2.0}


def test_best_is_chosen_on_validation_loss_and_lists_its_equals_once() -> None:
    study, numbers, val_loss = best_study()
    best = run(study, table(numbers, val_loss))["best"]
    assert (best["cell"], best["val_loss_mean"]) == ("fnn/depth_3", 1.0)
    assert best["test_mean"] == pytest.approx(np.mean(numbers["fnn/depth_3"]))
    # depth_1 is 5 worse and told apart; the baseline stands on two axes and is named once.
    assert best["indistinguishable"] == ["fnn/depth_2", "fnn/width_9"]


@pytest.mark.parametrize(("t", "listed"), [(2.4, True), (2.8, False)])
def test_best_adjusts_over_all_cells_of_the_model(t: float, listed: bool) -> None:
    # With 11 degrees p is 0.035 and 0.017; depth_1 takes Holm's first step, so this is the second
    # of three: 2 p is 0.07 and 0.034. Alone, both would reject.
    study, numbers, val_loss = best_study()
    spread = NOISE[3] / np.std(NOISE[3], ddof=1)
    difference = spread - spread.mean() + t * math.sqrt(1 / J + 0.25)
    numbers["fnn/width_9"] = numbers["fnn/depth_3"] + difference
    p = corrected_paired_test(difference, test_train_ratio=0.25).p
    assert p == pytest.approx(0.035 if listed else 0.017, abs=1e-3)
    best = run(study, table(numbers, val_loss))["best"]
    assert ("fnn/width_9" in best["indistinguishable"]) == listed


def test_a_cell_that_diverged_is_neither_best_nor_listed() -> None:
    study, numbers, val_loss = best_study()
    numbers["fnn/depth_3"] = [None, *numbers["fnn/depth_3"][1:]]
    best = run(study, table(numbers, val_loss))["best"]
    assert best["cell"] == "fnn/depth_2"
    assert best["indistinguishable"] == ["fnn/width_9"]
    for name in numbers:
        numbers[name] = [None, *list(numbers[name])[1:]]
    assert run(study, table(numbers, val_loss))["best"]["cell"] == "fnn/depth_3"


def test_yardsticks() -> None:
    study = make_study(make_axis(["1", "2", "3"], "2"))
    rows = [{"replicate": r, "mse": float(v), "r2": 0.5} for r, v in enumerate(BASELINE)]
    study["yardsticks"] = {
        "fnn": {
            "ridge": {"label": "Ridge", "replicates": [*rows, {"replicate": J, "mse": None}]},
            "one": {"replicates": rows[:1]},
            "other_metric": {"replicates": [{"replicate": 0, "accuracy": 1.0}]},
        }
    }
    model = run(study, table(three_cells()))
    reference = model["axes"]["depth"]["rows"]["2"]
    ridge = model["yardsticks"]["ridge"]
    assert ridge["n"] == J
    assert ridge["mean"] == pytest.approx(reference["mean"])
    assert ridge["interval"] == pytest.approx(reference["interval"])
    assert model["yardsticks"]["one"]["interval"] is None
    assert model["yardsticks"]["other_metric"] == {"mean": None, "interval": None, "n": 0}


def test_numbers_that_are_not_finite_never_reach_json() -> None:
    numbers = three_cells()
    numbers["fnn/depth_1"] = [math.inf, *numbers["fnn/depth_1"][1:]]
    row = run(make_study(make_axis(["1", "2", "3"], "2")), table(numbers))["axes"]["depth"]["rows"]
    assert (row["1"]["n"], row["1"]["n_diverged"]) == (J - 1, 0)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        ({"margins": {}}, "no margin"),
        ({"metrics": {"fnn": ("mse", "smaller")}}, "'lower' or 'higher'"),
        ({"metrics": {"fnn": ("rmse", "lower")}}, "no column rmse"),
        ({"confidence": 95}, "confidence"),
    ],
)
def test_refuses_what_it_cannot_compare(break_it: dict[str, Any], message: str) -> None:
    options: dict[str, Any] = {"confidence": 0.95, "margins": {"fnn": 3.0}, "metrics": METRICS}
    study = make_study(make_axis(["1", "2", "3"], "2"))
    with pytest.raises(ValueError, match=message):
        compare(study, table(three_cells()), **(options | break_it))


def test_refuses_a_broken_study_or_table() -> None:
    frame = table(three_cells())
    with pytest.raises(ValueError, match="reference '9' is none of"):
        run(make_study(make_axis(["1", "2"], "9")), frame)
    with pytest.raises(ValueError, match="listed twice"):
        run(make_study(make_axis(["1", "2"], "2")), pd.concat([frame, frame]))


def test_agreement_with_a_published_run() -> None:
    # 1, 2, 3, 4: 2.5 ± 3.182446 · 1.290994 · sqrt(1.25) = 2.5 ± 4.593466.
    inside = agreement(7.0, [1, 2, None, 3, math.nan, 4], 0.25, 0.95)
    assert inside is not None
    assert (inside["agreement"], inside["n"]) == ("inside", 4)
    assert inside["interval"] == pytest.approx([-2.093466, 7.093466], abs=1e-5)
    outside = agreement(7.1, [1, 2, 3, 4], 0.25, 0.95)
    fresh = agreement(7.1, [1, 2, 3, 4], 0.25, 0.95, same_data=False)
    assert outside is not None and outside["agreement"] == "outside"
    assert fresh is not None and fresh["agreement"] == "inside"
    assert agreement(7.0, [1, None], 0.25, 0.95) is None
    with pytest.raises(ValueError):
        agreement(math.nan, [1, 2, 3], 0.25, 0.95)
