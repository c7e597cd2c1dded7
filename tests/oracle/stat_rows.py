"""Rows of ``comparisons.json``: a cell of an axis against its reference, with all that stands beside the verdict."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy import stats

from oracle.stat_crossed import compared_crosswise, crossed_interval
from oracle.stat_inputs import LOGGED, MEANS, PARTS, Axis, Cell, Model
from oracle.stat_methods import DRAWN_SIGNS, detectable, drawn, hedges, sign_flip
from oracle.stat_paired import Test
from oracle.stat_tests import (
    Pair,
    any_diverged,
    centre,
    concluded,
    judge_of,
    judged,
)

EMPTY = (
    *("difference", "difference_interval", "ratio", "ratio_interval", "difference_level", "p"),
    *("p_adjusted", "reason", "judged_on", "spread", "scored", "crossed", "effect_size"),
    *("sign_flip", "settle", "detectable"),
)
FLAGS = ("within_margin", "below_margin", "holm_alone", "non_diverged_only")


@cache
def summary(model: Model, key: str, metric: str) -> dict[str, Any]:
    """A cell's mean, its interval, and where one new run would lie."""
    values = model.values(key, metric).dropna().to_numpy(float)
    count, level = len(values), model.confidence
    found: dict[str, Any] = dict.fromkeys(
        ("mean", "sd", "centre", "median", "interval", "prediction")
    )
    found["n"] = count
    if not count:
        return found
    found |= {"mean": values.mean(), "median": np.median(values)}
    found["centre"] = centre(model, key, metric)
    if count < 2:
        return found
    scaled = np.log(values) if metric in LOGGED else values
    found["sd"] = values.std(ddof=1)
    if model.broken(key):
        return found
    quantile = stats.t.ppf((1 + level) / 2, count - 1) * scaled.std(ddof=1)

    def around(factor: float) -> list[float]:
        ends = [scaled.mean() + side * quantile * np.sqrt(factor) for side in (-1, 1)]
        return [float(np.exp(end) if metric in LOGGED else end) for end in ends]

    found["interval"] = (
        crossed_interval(model, key, metric, level)
        if model.fixed
        else around(1 / count + model.ratio)
    )
    found["prediction"] = {
        "same_data": around(1 + 1 / count),
        "other_data": around(1 + 1 / count + 2 * model.ratio),
    }
    return found


def noise(model: Model, key: str) -> dict[str, Any] | None:
    """What replicates vary by, and what the finite test parts alone give."""
    values = model.values(key, model.metric).dropna().to_numpy(float)
    if len(values) < 2 or model.fixed or model.metric not in MEANS:
        return None
    samples = list(model.samples(key, model.metric).values())
    sampled = np.mean([each.var(ddof=1) / len(each) for each in samples])
    sampled *= model.independent_share(len(values))
    variance = values.var(ddof=1)
    share = float(sampled / variance) if variance else None
    return {"sd": np.sqrt(variance), "sd_test": np.sqrt(sampled), "share": share}


def settled(model: Model, test: Test) -> dict[str, Any]:
    """The least number of replicates at which the interval would exclude 0 or lie inside the margin."""
    assert test.spread is not None
    mean, bound = abs(test.mean), test.bound(model.margin)
    used, degrees, pairs = test.spread.used, test.spread.degrees, len(test.differences)

    def state(half: float) -> str | None:
        if mean > half:
            return "difference"
        return "equivalence" if mean + half < bound else None

    least = stats.norm.ppf((1 + test.level) / 2) * np.sqrt(model.ratio * used)
    if state(least) is None:
        return {"replicates": None, "as": None}
    step = PARTS if model.blocks else 1
    count = pairs + 1 if step == 1 else (pairs // step + 1) * step
    while True:
        quantile = stats.t.ppf((1 + test.level) / 2, degrees + count - pairs)
        found = state(float(quantile * np.sqrt(used * (1 / count + model.ratio))))
        if found:
            return {"replicates": count, "as": found}
        count += step


def flips(test: Test) -> dict[str, Any]:
    """Fisher's randomisation test; ``p`` is exact here even where signs were drawn there."""
    pairs = len(test.differences)
    exact = 2**pairs <= DRAWN_SIGNS
    p = sign_flip(test.differences)
    return {
        "p": p if exact else drawn(p),
        "smallest_p": 2 / 2**pairs if exact else 1 / DRAWN_SIGNS,
        "exact": exact,
        "n_pairs": pairs,
    }


def scored(model: Model, pair: Pair) -> dict[str, Any] | None:
    """The comparison with each diverged replicate scored as the trivial prediction of its split."""
    if not any_diverged(model, pair):
        return None
    test = judged(model, model.metric, scored=True)[pair]
    sides = [model.values(key, model.metric).isna() for key in pair]
    known = test.spread is not None
    verdict = test.verdict(model.margin, model.lower_is_better, 1 - model.confidence)
    return {
        "n_scored": int((sides[0] | sides[1]).sum()),
        "difference": test.in_unit(test.mean) if known and test.centre is not None else None,
        "ratio": float(np.exp(test.mean)) if known and test.logged else None,
        "p_adjusted": test.adjusted,
        "verdict": verdict,
    }


def cell_facts(model: Model, key: str) -> dict[str, Any]:
    """What a row says of its cell alone."""
    own = summary(model, key, model.metric)
    return {
        "n": own["n"],
        "n_total": model.total,
        "n_diverged": model.diverged(key),
        "n_collapsed": model.collapsed(key),
        "broken": model.broken(key),
        "mean": own["centre"],
        "median": own["median"],
        "interval": own["interval"],
        "noise": noise(model, key),
    }


def reference_row(model: Model, cell: Cell) -> dict[str, Any]:
    """The row of the reference itself."""
    return (
        cell_facts(model, cell.key)
        | dict.fromkeys(EMPTY)
        | dict.fromkeys(FLAGS, False)
        | {"is_reference": True, "n_pairs": 0, "verdict": "reference", "others": {}}
    )


@cache
def row(model: Model, axis: Axis, cell: Cell) -> dict[str, Any]:
    """One row of an axis."""
    if cell.label == axis.reference:
        return reference_row(model, cell)
    pair = (cell.key, axis.cell(axis.reference).key)
    again = any_diverged(model, pair)
    same = cell.key == pair[1]
    every = {
        metric: concluded(
            model,
            judged(model, metric)[pair],
            judged(model, metric, scored=True)[pair] if again else None,
            metric,
            same,
        )
        for metric in model.metrics
    }
    own = every.pop(model.metric)
    test = judged(model, model.metric)[pair]
    return (
        cell_facts(model, cell.key)
        | own
        | beside(model, test, own)
        | {
            "is_reference": False,
            "n_pairs": len(test.differences),
            "judged_on": judge_of(model, pair).axis,
            "scored": scored(model, pair),
            "non_diverged_only": again and test.spread is not None,
            "others": every,
            "crossed": compared_crosswise(model, pair) if model.fixed else None,
        }
    )


def beside(model: Model, test: Test, own: dict[str, Any]) -> dict[str, Any]:
    """What stands beside a verdict and never decides."""
    spread = test.spread
    if spread is None:
        return dict.fromkeys(("spread", "effect_size", "sign_flip", "settle", "detectable"))
    undecided = own["verdict"] == "inconclusive" and own["reason"] is None
    true = detectable(np.sqrt(test.variance), spread.degrees, 1 - test.level)
    return {
        "spread": {
            "observed": np.sqrt(spread.observed),
            "pooled": np.sqrt(spread.pooled),
            "floor": np.sqrt(spread.floor),
            "used": np.sqrt(spread.used),
            "degrees": spread.degrees,
        },
        "effect_size": hedges(test.differences),
        "sign_flip": flips(test),
        "settle": settled(model, test) if undecided and not test.broken else None,
        "detectable": test.in_unit(true),
    }
