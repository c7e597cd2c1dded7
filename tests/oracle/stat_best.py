"""The best setting, what cannot be told from it, what its choice gains by luck, and the simple baseline models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from oracle.stat_inputs import LOGGED, Model
from oracle.stat_methods import mean_largest
from oracle.stat_paired import Spread, Test
from oracle.stat_rows import summary
from oracle.stat_tests import adjusted, any_diverged, compare, concluded, judged, prior_of

Document = dict[str, Any]


def best(model: Model) -> Document | None:
    """The lowest mean validation loss of all sound cells, and those that the test cannot tell from it."""
    means = {}
    for key in model.cells:
        losses = model.ok(key)["val_loss"]
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
    if count < 2 or not spreads or model.fixed:
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
    tests = {pair: compare(model, pair, model.metric, level, prior) for pair in pairs}
    decided = adjusted(tests, len(pairs))
    again_prior = prior_of(model, pairs, model.metric, scored=True)
    again = adjusted(
        {
            pair: compare(model, pair, model.metric, level, again_prior, scored=True)
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
