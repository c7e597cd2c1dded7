"""What the replicates of each cell gave, and what became of them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.statistics.replicates import (
    Fate,
    fates_by_key,
    no_better,
    paired_differences,
    usable,
    values_by_key,
)


def table(*rows: tuple[str, str, int, str, float | None], model: str = "m") -> pd.DataFrame:
    """Rows of axis, key, replicate, status and mse."""
    frame = pd.DataFrame(rows, columns=["axis", "key", "replicate", "status", "mse"])
    frame.insert(0, "model", model)
    return frame


ROWS = table(
    ("depth", "a", 0, "ok", 1.0),
    ("depth", "a", 1, "diverged", None),
    ("depth", "a", 2, "ok", float("inf")),
    ("width", "a", 0, "ok", 1.0),  # the same stored cell on a second axis
    ("width", "a", 1, "diverged", None),
    ("width", "a", 2, "ok", float("inf")),
    ("width", "b", 0, "diverged", 7.0),
)


def test_finite_numbers_of_replicates_that_are_ok_each_once() -> None:
    assert values_by_key(ROWS, "m", "mse") == {"a": {0: 1.0}, "b": {}}
    assert values_by_key(ROWS, "other", "mse") == {}


def test_a_table_that_contradicts_itself_or_lacks_a_column_is_refused() -> None:
    twice = pd.concat([ROWS, table(("kernel", "a", 0, "ok", 1.5))])
    with pytest.raises(ValueError, match="replicate 0 of a is listed twice"):
        values_by_key(twice, "m", "mse")
    with pytest.raises(ValueError, match="no column rmse"):
        values_by_key(ROWS, "m", "rmse")


def test_fates_are_counted_by_replicate_and_not_by_row() -> None:
    found = fates_by_key(ROWS, "m", values_by_key(ROWS, "m", "mse"), {}, "lower")
    assert found["a"] == Fate(n_total=3, diverged=frozenset({1}))
    assert found["b"] == Fate(n_total=1, diverged=frozenset({0}))
    assert (found["a"].n_diverged, found["a"].n_collapsed) == (1, 0)


@pytest.mark.parametrize(
    ("value", "trivial", "better", "expected"),
    [
        (94.9, 100.0, "lower", False),
        (95.0, 100.0, "lower", True),
        (300.0, 100.0, "lower", True),
        # Guessing among ten is wrong in 90 %; 95 % of that is 85.5 % wrong.
        (0.146, 0.1, "higher", False),
        (0.144, 0.1, "higher", True),
        (0.02, 0.1, "higher", True),
        (0.97, 0.1, "higher", False),
    ],
)
def test_collapse_is_within_five_per_cent_of_the_error_of_the_trivial_prediction(
    value: float, trivial: float, better: Any, expected: bool
) -> None:
    assert no_better(value, trivial, better) is expected


def test_a_replicate_is_held_against_the_trivial_prediction_of_its_own_split() -> None:
    values = {"a": {0: 90.0, 1: 90.0, 2: 90.0}}
    rows = table(*(("depth", "a", r, "ok", 90.0) for r in range(3)))
    # Split 0 is easy, split 1 is hard, of split 2 nothing is known. Against their mean none collapses.
    found = fates_by_key(rows, "m", values, {0: 85.0, 1: 140.0}, "lower")
    assert found["a"].collapsed == frozenset({0})


@pytest.mark.parametrize(
    ("diverged", "collapsed", "n_total", "broken"),
    [(2, 1, 6, True), (1, 1, 6, False), (0, 3, 6, True), (3, 0, 7, False), (0, 0, 0, False)],
)
def test_half_of_the_replicates_or_more_make_a_cell_broken(
    diverged: int, collapsed: int, n_total: int, broken: bool
) -> None:
    fate = Fate(
        n_total=n_total,
        diverged=frozenset(range(diverged)),
        collapsed=frozenset(range(diverged, diverged + collapsed)),
    )
    assert fate.broken is broken


def test_pairs_are_those_of_both_in_order_of_replicate() -> None:
    assert paired_differences({5: 3.0, 1: 2.0, 9: 1.0}, {1: 1.5, 5: 1.0}) == [0.5, 2.0]
    assert usable([1.0, None, np.nan, np.inf, 2]) == [1.0, 2.0]
