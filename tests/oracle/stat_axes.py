"""What is said of whole axes: importance, the analysis of grids, the ranking; and all that is said of a model, joined."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from oracle.stat_best import best, yardsticks
from oracle.stat_inputs import LOGGED, Axis, Model
from oracle.stat_methods import Design, Effect, effect, holm
from oracle.stat_paired import FEW_PAIRS
from oracle.stat_rows import row, summary
from oracle.stat_tests import families

Document = dict[str, Any]


def importance(model: Model, axis: Axis) -> Document | None:
    """Partial ω² of the sound cells, the replicate as block."""
    sound = [cell for cell in axis.cells if not model.broken(cell.key)]
    if len(sound) < 2:
        return None
    table = _complete(model, [cell.key for cell in sound])
    found = _blocked(model, table)
    return {
        "omega2": found.omega2,
        "interval": found.interval,
        "level": model.confidence,
        "f": found.f,
        "p": found.p,
        "n_replicates": len(table),
        "cells": [cell.label for cell in sound],
        "left_out": [cell.label for cell in axis.cells if model.broken(cell.key)],
        "non_diverged_only": any(model.diverged(cell.key) for cell in sound),
    }


def _complete(model: Model, keys: list[str]) -> pd.DataFrame:
    """Replicates that every cell has, on the scale."""
    columns = [model.scale(model.metric, model.values(key, model.metric)) for key in keys]
    return pd.concat(columns, axis=1).dropna()


def _design(model: Model, replicates: int, cells: int) -> Design:
    return Design(replicates, cells, model.ratio, model.confidence)


def _blocked(model: Model, table: pd.DataFrame) -> Effect:
    values = table.to_numpy(float)
    replicates, cells = values.shape
    levels, blocks = values.mean(0), values.mean(1, keepdims=True)
    rest = values - levels - blocks + values.mean()
    squares = (replicates * cells * levels.var(), (rest**2).sum())
    degrees = (cells - 1, (cells - 1) * (replicates - 1))
    return effect(squares, degrees, _design(model, replicates, cells))


def factorial(model: Model, axis: Axis) -> Document | None:
    """Main effects and interactions, each against its own interaction with the replicates."""
    if axis.factors is None:
        return None
    names = list(axis.factors)
    levels = [axis.factors[name] for name in names]
    keys = {
        tuple(cell.levels[name] for name in names): cell.key for cell in axis.cells if cell.levels
    }
    table = _complete(model, [keys[each] for each in product(*levels)])
    left_out = sorted(set(range(model.total)) - set(table.index))
    found: Document = {
        "factors": names,
        "n_replicates": len(table),
        "left_out": left_out,
        "reason": None,
        "terms": [],
    }
    if any(model.diverged(key) == model.total for key in keys.values()):
        return found | {"reason": "diverged", "n_replicates": 0}
    if len(table) < FEW_PAIRS:
        return found | {"reason": "few replicates"}
    grid = table.to_numpy(float).reshape(-1, *map(len, levels))
    terms = [t for size in range(1, len(names) + 1) for t in combinations(range(len(names)), size)]
    effects = [_term(model, grid, term) for term in terms]
    after = holm([each.p for each in effects], len(effects))
    found["terms"] = [
        {
            "factors": [names[i] for i in term],
            "f": each.f,
            "df": each.degrees,
            "df_error": each.error_degrees,
            "p": each.p,
            "p_adjusted": p,
            "omega2": each.omega2,
            "interval": each.interval,
        }
        for term, each, p in zip(terms, effects, after, strict=True)
    ]
    return found


def _term(model: Model, grid: np.ndarray[Any, Any], term: tuple[int, ...]) -> Effect:
    """Centre over the factors of the term and average over the others: what is left is its contrast in each replicate."""
    contrast = grid
    for factor in range(grid.ndim - 1):
        mean = contrast.mean(factor + 1, keepdims=True)
        contrast = contrast - mean if factor in term else np.broadcast_to(mean, contrast.shape)
    replicates, cells = len(grid), grid[0].size
    free = int(np.prod([grid.shape[factor + 1] - 1 for factor in term]))
    mean = contrast.mean(0)
    squares = (replicates * (mean**2).sum(), ((contrast - mean) ** 2).sum())
    degrees = (free, free * (replicates - 1))
    return effect(squares, degrees, _design(model, replicates, cells))


def ranked(model: Model, rows: dict[str, Document]) -> list[Document]:
    """The axes by their largest effect: those with broken cells first, grids last."""
    found = []
    for axis in model.axes:
        sizes = {
            label: abs(each["difference"])
            for label, each in rows[axis.name].items()
            if each["difference"] is not None
        }
        largest = max(sizes, key=lambda label: sizes[label], default=None)
        found.append(
            {
                "axis": axis.name,
                "factorial": axis.factors is not None,
                "broken": [cell.label for cell in axis.cells if model.broken(cell.key)],
                "largest": largest,
                "size": sizes[largest] if largest is not None else 0.0,
            }
        )
    return sorted(found, key=lambda each: (each["factorial"], not each["broken"], -each["size"]))


def counts(model: Model, rows: dict[str, Document]) -> dict[str, int]:
    """Each comparison once, by the axis that judges it."""
    return dict(
        Counter(
            each["verdict"]
            for axis, own in rows.items()
            for each in own.values()
            if each["judged_on"] == axis
        )
    )


def model_document(model: Model) -> Document:
    """What ``comparisons.json`` holds of a model."""
    rows = {axis.name: {c.label: row(model, axis, c) for c in axis.cells} for axis in model.axes}
    chosen = best(model)
    own = {family.axis: family for family in families(model)}
    return {
        "metric": model.metric,
        "better": "lower" if model.lower_is_better else "higher",
        "log": model.metric in LOGGED,
        "margin": model.margin,
        "overlap_ratio": model.ratio,
        "counts": counts(model, rows),
        "axes": {
            axis.name: {
                "reference": axis.reference,
                "n_comparisons": len(own[axis.name].pairs),
                "difference_level": own[axis.name].level(model.confidence),
                "importance": importance(model, axis),
                "factorial": factorial(model, axis),
                "rows": rows[axis.name],
            }
            for axis in model.axes
        },
        "ranking": ranked(model, rows),
        "best": chosen,
        "yardsticks": yardsticks(model, chosen["key"] if chosen else None),
        "cells": {
            key: {metric: summary(model, key, metric) for metric in model.metrics}
            for key in model.cells
        },
    }
