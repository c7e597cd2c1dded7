"""What stands beside the verdicts in comparisons.json, and that its schema holds."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.schemas import InvalidDocumentError, validate_document
from ablation.statistics.compare import compare
from ablation.statistics.noise import noise_of
from ablation.statistics.settle import replicates_to_settle
from ablation.statistics.signflip import sign_flip_test

J = 12
MARGIN = 3.0
BASELINE = 10 + np.random.default_rng(0).normal(size=J)
NOISE = np.random.default_rng(1).normal(scale=0.3, size=(8, J))
YARDSTICK = 80 + np.random.default_rng(2).normal(size=J)
NUMBERS: dict[str, Any] = {
    "1": BASELINE + 5 + NOISE[0],
    "2": BASELINE,
    "3": BASELINE + 0.05 + NOISE[1],
    "4": BASELINE + 1.5 + 3 * NOISE[2],
}


def lost(values: Any, *replicates: int) -> list[Any]:
    """The values with some replicates diverged."""
    return [None if r in replicates else v for r, v in enumerate(values)]


def study_of(numbers: dict[str, Any], failed: tuple[str, ...] = (), **axis: Any) -> dict[str, Any]:
    cells = [
        {"cell": f"m/a_{k}", "label": k, "key": k, "failed": "killed" if k in failed else None}
        for k in numbers
    ]
    for cell, levels in zip(cells, axis.pop("levels", [None] * len(cells)), strict=True):
        cell["levels"] = levels
    entry = {"axis": "a", "reference": "2", "cells": cells, **axis}
    data = {"test_train_ratio": 0.25, "fixed_test_set": False}
    model = {"model": "m", "replicates": J, "data": data, "axes": [entry]}
    return {"study": {"name": "default", "seed": 7}, "models": [model], "yardsticks": {}}


def axis_of(
    numbers: dict[str, Any], study: dict[str, Any] | None = None, **options: Any
) -> dict[str, Any]:
    """The compared axis, as its schema allows it."""
    rows = [
        {"model": "m", "cell": f"m/a_{k}", "replicate": r, "status": "ok" if v is not None else "diverged",
         "val_loss": v, "mse": v}
        for k, values in numbers.items()
        for r, v in enumerate(values)
    ]  # fmt: skip
    given: dict[str, Any] = {"margins": {"m": MARGIN}, "metrics": {"m": ("mse", "lower")}}
    found = compare(
        study or study_of(numbers), pd.DataFrame(rows), confidence=0.95, **{**given, **options}
    )
    validate_document(found, "comparisons")
    return found["models"]["m"]["axes"]["a"]


def test_every_word_has_what_belongs_to_it() -> None:
    rows = axis_of(NUMBERS)["rows"]
    words = {label: row["verdict"] for label, row in rows.items()}
    assert words == {
        "1": "worse",
        "2": "reference",
        "3": "equivalent",
        "4": "no detectable difference",
    }
    assert [rows[k]["sign_flip"] is not None for k in "1234"] == [True, False, True, True]
    assert [rows[k]["settle"] is not None for k in "1234"] == [False, False, False, True]
    assert all(row["sensitivity"] is row["noise"] is None for row in rows.values())


def test_values_are_those_of_the_modules() -> None:
    row = axis_of(NUMBERS, steps={"m": 6})["rows"]["4"]
    differences = NUMBERS["4"] - BASELINE
    flips = sign_flip_test(differences, seed=7)
    assert row["sign_flip"] == {"p": flips.p, "smallest_p": 2 / 2**J, "exact": True, "n_pairs": J}
    settled = replicates_to_settle(
        differences.mean(), differences.std(ddof=1), n_pairs=J, level=1 - 0.05 / 3, margin=MARGIN,
        test_train_ratio=0.25, step=6,
    )  # fmt: skip
    assert row["settle"] == {"replicates": settled.replicates, "as": settled.as_}


def test_a_wide_interval_can_be_settled_and_few_pairs_cannot() -> None:
    wide = axis_of(NUMBERS, margins={"m": 0.01})["rows"]["3"]
    assert (wide["verdict"], wide["reason"]) == ("cannot tell", "wide interval")
    assert wide["settle"] == {"replicates": None, "as": None}
    few = axis_of({k: v[:4] for k, v in NUMBERS.items()})["rows"]["4"]
    assert few["reason"] == "few pairs"
    assert few["settle"] is few["sign_flip"] is None


def test_a_sure_difference_that_does_not_matter_is_said_to_be_one() -> None:
    rows = axis_of(NUMBERS, margins={"m": 9.0})["rows"]
    assert rows["1"]["verdict"] == "worse"
    assert [rows[k]["within_margin"] for k in "1234"] == [True, False, False, False]
    assert axis_of(NUMBERS)["rows"]["1"]["within_margin"] is False


def test_diverged_replicates_are_counted_as_the_yardstick_or_as_chance() -> None:
    numbers = NUMBERS | {"1": lost(BASELINE - 1 + NOISE[0], 3, 5)}
    study = study_of(numbers)
    rows = axis_of(numbers, study)["rows"]
    assert rows["1"]["sensitivity"] is None  # nothing is known to count it as
    by_chance = axis_of(numbers, study, chance={"m": 0.1})["rows"]["1"]["sensitivity"]
    assert (by_chance["counted_as"], by_chance["n_counted"]) == ("chance", 2)
    yardstick = [{"replicate": r, "mse": float(v)} for r, v in enumerate(YARDSTICK)]
    study["yardsticks"] = {"m": {"predict_mean": {"replicates": yardstick}}}
    rows = axis_of(numbers, study, chance={"m": 0.1})["rows"]
    found = rows["1"]["sensitivity"]
    values = BASELINE - 1 + NOISE[0]
    values[[3, 5]] = YARDSTICK[[3, 5]]
    assert found["counted_as"] == "predict_mean"
    assert found["difference"] == pytest.approx((values - BASELINE).mean())
    assert rows["1"]["verdict"] == "diverged"
    assert rows["1"]["difference"] < 0 < found["difference"]
    assert rows["3"]["sensitivity"] is None


def test_a_reference_that_diverged_counts_for_every_row_but_its_own() -> None:
    for replicates in ((0,), tuple(range(J))):
        numbers = NUMBERS | {"2": lost(BASELINE, *replicates)}
        rows = axis_of(numbers, chance={"m": 80.0})["rows"]
        assert [bool(rows[k]["sensitivity"]) for k in "1234"] == [True, False, True, True]
        assert rows["3"]["sensitivity"]["n_counted"] == len(replicates)
    assert rows["3"]["verdict"] == "no reference"
    failed = axis_of(NUMBERS, study_of(NUMBERS, failed=("2",)), chance={"m": 80.0})["rows"]
    assert all(row["sensitivity"] is None for row in failed.values())


def test_noise_of_every_cell_with_samples_but_not_of_one_shared_test_set() -> None:
    rng = np.random.default_rng(0)
    samples = {"m/a_2": {r: rng.random(50) for r in range(J)}}
    rows = axis_of(NUMBERS, samples=samples)["rows"]
    expected = noise_of(samples["m/a_2"])
    assert expected is not None
    assert rows["2"]["noise"] == pytest.approx(vars(expected))
    assert rows["1"]["noise"] is None
    study = study_of(NUMBERS)
    study["models"][0]["data"]["fixed_test_set"] = True
    right = {name: {r: own > 0.5 for r, own in part.items()} for name, part in samples.items()}
    fixed = axis_of(NUMBERS, study, samples=right)["rows"]["2"]
    assert fixed["noise"] is None


def test_importance_leaves_out_what_diverged_or_failed_and_names_it() -> None:
    whole = axis_of(NUMBERS)["importance"]
    assert (whole["cells"], whole["left_out"], whole["n_replicates"]) == (list("1234"), [], J)
    assert (whole["level"], whole["interval"][0] < whole["omega2"] < whole["interval"][1]) == (
        0.95,
        True,
    )
    assert not whole["survivors_only"]
    half = lost(NUMBERS["3"], *range((J + 1) // 2))
    found = axis_of(NUMBERS | {"3": half}, study_of(NUMBERS, failed=("4",)))["importance"]
    assert (found["cells"], found["left_out"]) == (["1", "2"], ["3", "4"])
    assert found["omega2"] != whole["omega2"]
    # A single loss leaves the cell in, over the replicates that survived in all.
    some = axis_of(NUMBERS | {"3": lost(NUMBERS["3"], 4)})["importance"]
    assert (some["cells"], some["left_out"], some["n_replicates"]) == (list("1234"), [], J - 1)
    assert some["survivors_only"]
    alone = {k: lost(v, *range(J)) if k != "1" else v for k, v in NUMBERS.items()}
    assert axis_of(alone)["importance"] is None
    assert axis_of({k: v[:4] for k, v in NUMBERS.items()})["importance"] is None


FACTORS = {"depth": [1, 2], "kernel": [3, 5]}
LEVELS = [dict(zip(FACTORS, cell, strict=True)) for cell in product(*FACTORS.values())]


def factorial(numbers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    study = study_of(numbers, factors=FACTORS, levels=LEVELS, **changes)
    found: dict[str, Any] = axis_of(numbers, study)["factorial"]
    return found


def test_a_factorial_axis_has_its_terms_and_others_have_none() -> None:
    assert axis_of(NUMBERS)["factorial"] is None
    found = factorial(NUMBERS)
    assert (found["factors"], found["n_replicates"], found["left_out"]) == (
        ["depth", "kernel"],
        J,
        [],
    )
    assert found["reason"] is None
    assert [term["factors"] for term in found["terms"]] == [
        ["depth"],
        ["kernel"],
        ["depth", "kernel"],
    ]


def test_a_factorial_uses_the_replicates_that_all_cells_have() -> None:
    numbers = NUMBERS | {"3": lost(NUMBERS["3"], 4, 6), "1": lost(NUMBERS["1"], 0)}
    found = factorial(numbers)
    assert (found["n_replicates"], found["left_out"], found["reason"]) == (9, [0, 4, 6], None)
    assert len(found["terms"]) == 3
    kept = {
        k: [v for r, v in enumerate(values) if r not in (0, 4, 6)] for k, values in NUMBERS.items()
    }
    assert factorial(kept)["terms"] == found["terms"]


@pytest.mark.parametrize(
    ("changes", "failed", "reason"),
    [
        ({"3": lost(NUMBERS["3"], *range(J))}, (), "diverged"),
        ({"3": lost(NUMBERS["3"], *range(8))}, (), "diverged"),
        ({}, ("4",), "failed"),
        ({"3": lost(NUMBERS["3"], 2)}, ("4",), "failed"),
        ({k: v[:4] for k, v in NUMBERS.items()}, (), "few replicates"),
        ({k: BASELINE + float(k) for k in NUMBERS}, (), "no spread"),
    ],
)
def test_why_a_factorial_has_no_terms(
    changes: dict[str, Any], failed: tuple[str, ...], reason: str
) -> None:
    found = factorial(NUMBERS | changes, failed=failed)
    assert (found["reason"], found["terms"]) == (reason, [])


@pytest.mark.parametrize("key", ["sign_flip", "settle", "sensitivity", "noise", "within_margin"])
def test_the_schema_asks_for_every_key(key: str) -> None:
    axis = axis_of(NUMBERS)
    del axis["rows"]["1"][key]
    model = {"metric": "mse", "better": "lower", "margin": 3, "axes": {"a": axis}}
    document = {
        "confidence": 0.95,
        "power": 0.8,
        "models": {"m": model | {"best": None, "yardsticks": {}}},
    }
    with pytest.raises(InvalidDocumentError, match=key):
        validate_document(document, "comparisons")


def test_drawn_sign_patterns_follow_the_seed_of_the_study() -> None:
    rng = np.random.default_rng(4)
    numbers = {k: rng.normal(float(k), 3, 24) for k in "123"}
    row = axis_of(numbers)["rows"]["3"]
    differences = numbers["3"] - numbers["2"]
    assert row["sign_flip"]["exact"] is False
    assert row["sign_flip"]["p"] == sign_flip_test(differences, seed=7).p
    assert row["sign_flip"]["p"] != sign_flip_test(differences, seed=0).p
