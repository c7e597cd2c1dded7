"""Comparisons in one metric: the spread in two steps, families, the verdict, the check with diverged replicates scored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from oracle.stat_inputs import LOGGED, MEANS, Cell, Model
from oracle.stat_methods import Prior, fit_prior, holm
from oracle.stat_paired import FEW_PAIRS, Spread, Test, reason_not_tested

DECIDED = ("better", "worse", "practically equivalent")
Pair = tuple[str, str]


@dataclass(frozen=True)
class Family:
    """What one axis judges: the comparisons that no axis before it has."""

    axis: str
    pairs: tuple[Pair, ...]

    def level(self, confidence: float) -> float:
        """Bonferroni's."""
        return 1 - (1 - confidence) / len(self.pairs) if self.pairs else confidence


@cache
def families(model: Model) -> tuple[Family, ...]:
    """Each axis with the comparisons that are first its own."""
    seen: set[Pair] = set()
    found = []
    for axis in model.axes:
        reference = axis.cell(axis.reference).key
        pairs = [(c.key, reference) for c in axis.cells if c.label != axis.reference]
        own = tuple(pair for pair in dict.fromkeys(pairs) if pair not in seen)
        seen.update(own)
        found.append(Family(axis.name, own))
    return tuple(found)


def judge_of(model: Model, pair: Pair) -> Family:
    """The family that judges a comparison."""
    return next(family for family in families(model) if pair in family.pairs)


def differences(model: Model, pair: Pair, metric: str, scored: bool) -> pd.Series:
    """Paired differences on the scale; diverged replicates are left out, or scored as the trivial prediction."""
    sides = [model.values(key, metric) for key in pair]
    if scored:
        sides = [side.fillna(model.trivial(metric)) for side in sides]
    left, right = (model.scale(metric, side) for side in sides)
    return (left - right).dropna()


def floor(model: Model, pair: Pair, metric: str, replicates: Iterable[int]) -> float:
    """McNemar's variance: the mean over replicates of s²/n of the differences sample by sample, scaled.

    Replicates that share one test set do not vary by it; R² is no mean over samples.
    """
    if model.fixed or metric not in MEANS:
        return 0.0
    cell, reference = (model.influences(key, metric) for key in pair)
    both = [r for r in replicates if r in cell and r in reference]
    if len(both) < 2:
        return 0.0
    each = [(cell[r] - reference[r]).var(ddof=1) / len(cell[r]) for r in both]
    return float(np.mean(each) * model.independent_share(len(both)))


def centre(model: Model, key: str, metric: str) -> float | None:
    """A cell's mean on the scale, in the unit, over its ok replicates."""
    values = model.scale(metric, model.values(key, metric).dropna())
    if not len(values):
        return None
    return float(np.exp(values.mean()) if metric in LOGGED else values.mean())


@cache
def prior_of(
    model: Model, pairs: tuple[Pair, ...], metric: str, scored: bool = False
) -> Prior | None:
    """What the comparisons of sound cells, each once, say of one another's spread."""
    parts = [
        each.to_numpy(float)
        for pair in pairs
        if not any(map(model.broken, pair))
        and len(each := differences(model, pair, metric, scored)) >= FEW_PAIRS
    ]
    varied = [(part.var(ddof=1), len(part) - 1) for part in parts if np.ptp(part) > 0]
    return fit_prior(*zip(*varied, strict=True)) if varied else None


def compare(
    model: Model,
    pair: Pair,
    metric: str,
    level: float,
    prior: Prior | None,
    *,
    scored: bool = False,
) -> Test:
    """One comparison, not yet adjusted; its variance has the floor of the test samples, with or without a prior."""
    each = differences(model, pair, metric, scored)
    values = each.to_numpy(float)
    broken = any(map(model.broken, pair))
    base = centre(model, pair[1], metric)
    middle = model.values(pair[1], metric).median()
    test = Test(values, base, middle, broken, metric in LOGGED, model.ratio, level)
    if reason_not_tested(test, pair[0] == pair[1]):
        return test
    observed, degrees = float(values.var(ddof=1)), len(values) - 1
    pooled, total = (
        prior.moderate(observed, degrees) if prior and not broken else (observed, degrees)
    )
    bottom = floor(model, pair, metric, each.index)
    return replace(test, spread=Spread(observed, pooled, bottom, total))


def adjusted(tests: dict[Pair, Test], family: int) -> dict[Pair, Test]:
    """All of one family with Holm's p-values."""
    values = holm([test.p for test in tests.values()], family)
    return {
        pair: replace(test, adjusted=p)
        for (pair, test), p in zip(tests.items(), values, strict=True)
    }


@cache
def judged(model: Model, metric: str, scored: bool = False) -> dict[Pair, Test]:
    """All comparisons of the axes in one metric, each in the family of the first axis that has it."""
    every = tuple(pair for family in families(model) for pair in family.pairs)
    prior = prior_of(model, every, metric, scored)
    found: dict[Pair, Test] = {}
    for family in families(model):
        level = family.level(model.confidence)
        tests = {
            pair: compare(model, pair, metric, level, prior, scored=scored) for pair in family.pairs
        }
        found |= adjusted(tests, len(family.pairs))
    return found


def concluded(
    model: Model, test: Test, with_diverged: Test | None, metric: str, same: bool = False
) -> dict[str, Any]:
    """Every field that a comparison has in any metric; ``with_diverged`` is the same test with diverged replicates scored."""
    margin = model.margin if metric == model.metric else None
    lower, alpha = metric in LOGGED, 1 - model.confidence
    verdict = test.verdict(margin, lower, alpha)
    reason = reason_not_tested(test, same) if verdict == "not tested" else None
    checked = with_diverged.verdict(margin, lower, alpha) if with_diverged else verdict
    if verdict in DECIDED and checked != verdict:
        verdict, reason = "inconclusive", "diverged"
    differs = verdict in ("better", "worse")
    known = test.spread is not None
    interval = test.interval
    small = margin is not None and abs(test.estimate) < test.bound(margin) if known else False
    return {
        "difference": test.shown if known else None,
        "difference_interval": interval and [test.in_unit(end) for end in interval],
        "ratio": float(np.exp(test.estimate)) if known and test.logged else None,
        "ratio_interval": [float(np.exp(end)) for end in interval]
        if interval and test.logged
        else None,
        "difference_level": test.level,
        "p": test.p,
        "p_adjusted": test.adjusted,
        "verdict": verdict,
        "reason": reason,
        "within_margin": differs and test.inside(margin),
        "below_margin": differs and small,
        "holm_alone": bool(differs and interval and interval[0] <= 0 <= interval[1]),
    }


def any_diverged(model: Model, pair: Pair) -> bool:
    """Whether a replicate of either side diverged."""
    return any(model.diverged(key) for key in pair)


def reference_of(model: Model, axis: str) -> Cell:
    """The reference of an axis by its name."""
    found = next(each for each in model.axes if each.name == axis)
    return found.cell(found.reference)
