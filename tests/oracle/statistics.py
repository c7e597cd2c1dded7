"""``comparisons.json`` computed again, and the comparison of two documents leaf by leaf."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import isclose
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from oracle.stat_axes import Document, model_document
from oracle.stat_inputs import Model, models
from oracle.stat_methods import POWER, Near
from oracle.study import Study

RELATIVE, ABSOLUTE = 1e-9, 1e-12
# Where the arithmetic of either side is more than a chain of double operations: the last field of the path, and why.
LOOSER = {
    "detectable": 2e-5,  # the power of the noncentral t, which either side integrates in its own way
    "interval of ω²": 1e-7,  # a root of the noncentral F
}


@dataclass
class Tally:
    """How many leaves were compared."""

    numbers: int = 0
    words: int = 0
    nulls: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.numbers + other.numbers, self.words + other.words, self.nulls + other.nulls
        )


@cache
def inputs(study: Study) -> tuple[Model, ...]:
    """The models of a study."""
    return tuple(models(study))


@cache
def recomputed(study: Study) -> Document:
    """The whole document by the oracle."""
    every = inputs(study)
    return {
        "confidence": every[0].confidence,
        "power": POWER,
        "models": {model.name: model_document(model) for model in every},
    }


def check_comparisons(found: Document, expected: Document) -> Tally:
    """Every leaf of the stored document is the oracle's, and neither has one that the other lacks."""
    return same(found, expected, (), tolerance)


def tolerance(path: tuple[str, ...], expected: Document | Any) -> tuple[float, float]:
    """Relative and absolute."""
    if path[-1:] == ("detectable",):
        return LOOSER["detectable"], ABSOLUTE
    if len(path) > 2 and path[-2] == "interval" and ({"importance", "terms"} & {*path}):
        return LOOSER["interval of ω²"], LOOSER["interval of ω²"]
    if isinstance(expected, Near):
        return 0.0, expected.error
    return RELATIVE, ABSOLUTE


def same(
    found: Any,
    expected: Any,
    path: tuple[str, ...],
    allowed: Callable[[tuple[str, ...], Any], tuple[float, float]],
) -> Tally:
    """Compare leaf by leaf."""
    where = "/".join(path)
    if isinstance(expected, dict):
        assert isinstance(found, dict), where
        assert set(found) == set(expected), f"{where}: {set(found) ^ set(expected)}"
        parts = [same(found[k], expected[k], (*path, str(k)), allowed) for k in expected]
        return sum(parts, Tally())
    if isinstance(expected, list | tuple):
        assert isinstance(found, list) and len(found) == len(expected), f"{where}: {found}"
        pairs = enumerate(zip(found, expected, strict=True))
        return sum((same(f, e, (*path, str(i)), allowed) for i, (f, e) in pairs), Tally())
    message = f"{where}: {found!r}, by the oracle {expected!r}"
    if expected is None:
        assert found is None, message
        return Tally(nulls=1)
    if isinstance(expected, bool | np.bool_ | str):
        assert type(found) is type(expected) or isinstance(expected, np.bool_), message
        assert found == expected, message
        return Tally(words=1)
    assert isinstance(found, Real) and not isinstance(found, bool), message
    relative, absolute = allowed(path, expected)
    assert isclose(found, expected, rel_tol=relative, abs_tol=absolute), message
    return Tally(numbers=1)


def check_cells(found: pd.DataFrame, study: Study) -> int:
    """``cells.csv``: counts, and mean, standard deviation, centre and interval of every metric; returns how many agreed."""
    count = 0
    for model in inputs(study):
        summaries = recomputed(study)["models"][model.name]["cells"]
        rows = found[found["model"] == model.name]
        assert list(rows["label"]) == [cell.label for axis in model.axes for cell in axis.cells]
        for row in rows.to_dict("records"):
            key, where = row["key"], f"cells.csv, {row['cell']}"
            counts = (model.diverged(key), model.collapsed(key))
            assert (row["n_diverged"], row["n_collapsed"]) == counts, where
            for metric, own in summaries[key].items():
                low, high = own["interval"] or (None, None)
                expected = {f"{metric}_{f}": own[f] for f in ("mean", "sd", "centre")}
                expected |= {f"{metric}_low": low, f"{metric}_high": high}
                given = {n: None if np.isnan(row[n]) else float(row[n]) for n in expected}
                count += same(given, expected, (where,), tolerance).numbers
    return count
