"""One fixed test set: replicates crossed with test samples (Owen 2007), and McNemar's exact test."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from oracle.stat_inputs import LOGGED, Model
from oracle.stat_methods import Floats, Near

# The package draws, the oracle does not: a standard deviation of 2,000 draws has a standard error of 1.6 %. On the logarithm
# the two also differ by terms of the second order.
DRAWN = 0.08


def crossed_half_width(table: Floats, level: float) -> float:
    """Student's t times the standard deviation of the bootstrap means of [replicate, sample], by their exact variance.

    Rows are drawn J − 1 of J, columns n of n. Row effects, column effects and what is left of a drawn element are uncorrelated,
    so that their variances add up.
    """
    replicates, samples = table.shape
    rows, columns = table.mean(1) - table.mean(), table.mean(0) - table.mean()
    rest = table - table.mean() - rows[:, None] - columns
    parts = [
        (rows.var() / (replicates - 1), replicates - 1),
        (columns.var() / samples, samples - 1),
        (rest.var() / ((replicates - 1) * samples), (replicates - 1) * (samples - 1)),
    ]
    variance = sum(part for part, _ in parts)
    degrees = variance**2 / sum(part**2 / count for part, count in parts)  # Satterthwaite (1946)
    return float(stats.t.ppf((1 + level) / 2, degrees) * np.sqrt(variance))


def crossed_interval(model: Model, key: str, metric: str, level: float) -> list[float]:
    """A cell's own interval, about its mean on the scale."""
    values = model.values(key, metric).dropna()
    shares = model.influences(key, metric)
    scaled = model.scale(metric, values)
    logged = metric in LOGGED
    # d log m = dm / m: a replicate's samples scatter about its own logarithm
    rows = [scaled[r] + shares[r] - 1 if logged else shares[r] for r in values.index]
    half = crossed_half_width(np.stack(rows), level)
    found: list[float] = []
    for side in (-1, 1):
        end = scaled.mean() + side * half
        value = float(np.exp(end)) if logged else float(end)
        found.append(Near(value, DRAWN * half * (value if logged else 1)))
    return found


def compared_crosswise(model: Model, pair: tuple[str, str]) -> dict[str, Any] | None:
    """A cell against its reference: the two-way interval, by itself at the study's confidence, and in each replicate the
    samples that only one gets right.
    """
    level = model.confidence
    cell, reference = (model.samples(key, "accuracy") for key in pair)
    both = sorted(set(cell) & set(reference))
    if len(both) < 2 or model.metric != "accuracy":
        return None
    table = np.stack([cell[r] - reference[r] for r in both])
    half = crossed_half_width(table, level)
    tests = []
    for replicate, row in zip(both, table, strict=True):
        only = int((row > 0).sum()), int((row < 0).sum())
        p = stats.binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0
        tests.append(
            {"replicate": replicate, "only_cell": only[0], "only_reference": only[1], "p": p}
        )
    return {
        "n_samples": table.shape[1],
        "level": level,
        "difference_interval": [
            Near(float(table.mean() + side * half), DRAWN * half) for side in (-1, 1)
        ],
        "mcnemar": tests,
        "n_rejected": sum(test["p"] < 1 - level for test in tests),
    }
