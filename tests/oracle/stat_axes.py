"""What is said of whole axes and of a model: importance, grids, the ranking, the best cell, the simple baseline models."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from oracle.stat_inputs import LOGGED, Axis, Model
from oracle.stat_methods import Effect, effect, holm, mean_largest
from oracle.stat_rows import row, summary
from oracle.stat_tests import (
    FEW_PAIRS,
    Spread,
    Test,
    adjusted,
    any_diverged,
    concluded,
    families,
    judged,
    prior_of,
    tested,
)

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


def _blocked(model: Model, table: pd.DataFrame) -> Effect:
    values = table.to_numpy(float)
    replicates, cells = values.shape
    levels, blocks = values.mean(0), values.mean(1, keepdims=True)
    rest = values - levels - blocks + values.mean()
    degrees = (cells - 1, (cells - 1) * (replicates - 1))
    between = replicates * levels.var() * cells / degrees[0]
    squares = (between, (rest**2).sum() / degrees[1])
    return effect(squares, degrees, replicates, cells, model.ratio, model.confidence)


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
    degrees = int(np.prod([grid.shape[factor + 1] - 1 for factor in term]))
    mean = contrast.mean(0)
    squares = (
        replicates * (mean**2).sum() / degrees,
        ((contrast - mean) ** 2).sum() / (degrees * (replicates - 1)),
    )
    both = (degrees, degrees * (replicates - 1))
    return effect(squares, both, replicates, cells, model.ratio, model.confidence)


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


def best(model: Model) -> Document | None:
    """The lowest mean validation loss of all sound cells, and those that the test cannot tell from it."""
    means = {}
    for key in model.cells:
        table = model.replicates[model.replicates["key"] == key]
        losses = table.loc[table["status"] == "ok", "val_loss"]
        if not model.broken(key) and losses.notna().any():
            means[key] = float(losses.mean())
    if not means:
        return None
    key = min(means, key=lambda each: means[each])
    own = summary(model, key, model.metric)
    return {
        "cell": model.cells[key].name,
        "key": key,
        "val_loss_mean": means[key],
        "n_diverged": model.diverged(key),
        "n_total": model.total,
        "test": own["centre"],
        "interval": own["interval"],
        "n_candidates": len(means),
        "optimism": optimism(model, key, len(means)),
        "indistinguishable": ties(model, key),
    }


def optimism(model: Model, key: str, count: int) -> float | None:
    """What the best of so many equals gains by luck: its own luck has half the variance of a difference."""
    spreads = [
        test.spread.used
        for test in judged(model, model.metric).values()
        if test.spread and not test.broken
    ]
    if count < 2 or not spreads:
        return None
    replicates = model.total - model.diverged(key)
    variance = (1 / replicates + model.ratio) * np.median(spreads) / 2
    size = mean_largest(count) * np.sqrt(variance)
    if model.metric not in LOGGED:
        return float(size)
    return float(summary(model, key, model.metric)["centre"] * np.expm1(size))


def ties(model: Model, key: str) -> list[str]:
    """All other cells against the best one are one family."""
    pairs = tuple((other, key) for other in model.cells if other != key)
    level = 1 - (1 - model.confidence) / max(1, len(pairs))
    prior = prior_of(model, pairs, model.metric)
    tests = {pair: tested(model, pair, model.metric, level, prior) for pair in pairs}
    decided = adjusted(tests, len(pairs))
    again_prior = prior_of(model, pairs, model.metric, scored=True)
    again = adjusted(
        {
            pair: tested(model, pair, model.metric, level, again_prior, scored=True)
            for pair in pairs
        },
        len(pairs),
    )
    verdicts = {
        pair: concluded(
            model, test, again[pair] if any_diverged(model, pair) else None, model.metric
        )["verdict"]
        for pair, test in decided.items()
    }
    return [
        model.cells[pair[0]].name
        for pair, verdict in verdicts.items()
        if verdict in ("inconclusive", "practically equivalent") and not model.broken(pair[0])
    ]


def yardsticks(model: Model, key: str | None) -> dict[str, Document]:
    """The simple models, and the best cell against each but the trivial one; S² is the pairs' own."""
    rivals = [name for name in model.yardsticks if name != "predict_mean"]
    plain, again = ({n: _against(model, key, n, s) for n in rivals} for s in (False, True))
    plain, again = (
        {name: test for (name, _), test in adjusted(each, len(rivals)).items()}
        for each in ({(n, ""): t for n, t in tests.items()} for tests in (plain, again))
    )
    found: dict[str, Document] = {}
    for name, table in model.yardsticks.items():
        values = table[model.metric].to_numpy(float)
        scaled = np.log(values) if model.metric in LOGGED else values
        half = stats.t.ppf((1 + model.confidence) / 2, len(values) - 1) * scaled.std(ddof=1)
        half *= np.sqrt(1 / len(values) + model.ratio)
        ends = [scaled.mean() - half, scaled.mean() + half, scaled.mean()]
        low, high, mean = (np.exp(end) if model.metric in LOGGED else end for end in ends)
        against = None
        if name in rivals and key is not None:
            checked = again[name] if model.diverged(key) else None
            every = concluded(model, plain[name], checked, model.metric)
            against = {
                field: every[field]
                for field in (
                    *("difference", "difference_interval", "difference_level"),
                    *("p_adjusted", "verdict", "reason"),
                )
            }
        found[name] = {
            "n": len(values),
            "mean": float(mean),
            "interval": [float(low), float(high)],
            "best_against_it": against,
        }
    return found


def _against(model: Model, key: str | None, name: str, scored: bool) -> Test:
    """The best cell minus a simple model."""
    table = model.yardsticks[name]
    right = pd.Series(table[model.metric].to_numpy(float), index=table["replicate"].to_numpy())
    left = model.values(key or "", model.metric)
    if scored:
        left = left.fillna(model.trivial(model.metric))
    left, right = (model.scale(model.metric, side) for side in (left, right))
    values = (left - right).dropna().to_numpy(float)
    centre = model.scale(
        model.metric, pd.Series(table[model.metric].to_numpy(float), dtype=float)
    ).mean()
    rivals = len(model.yardsticks) - ("predict_mean" in model.yardsticks)
    return Test(
        values,
        float(np.exp(centre) if model.metric in LOGGED else centre),
        None,
        False,
        model.metric in LOGGED,
        model.ratio,
        1 - (1 - model.confidence) / rivals,
        Spread(values.var(ddof=1), values.var(ddof=1), 0.0, len(values) - 1),
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
