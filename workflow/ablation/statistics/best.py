"""The best cell of a model, everything that cannot be told from it, and how optimistic that choice is."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from ablation.statistics.families import Comparison, pair_name
from ablation.statistics.judge import judge
from ablation.statistics.model import Measured
from ablation.statistics.replicates import Values
from ablation.store.document import CellDocument


def best_cell(
    cells: Sequence[CellDocument], val_loss: Mapping[str, Values], measured: Measured
) -> dict[str, Any] | None:
    """The cell with the lowest mean validation loss, and what is as good as it.

    A cell in which half of the replicates or more diverged or collapsed is no candidate; one with fewer such replicates may be
    chosen, with their number said.

    "indistinguishable" lists the candidates for which the comparison with the best one in the tested metric, all of them as
    one family, decides nothing. None when there is no candidate.

    Args:
        cells: the distinct ones of one model.
        val_loss: by key.
        measured: the tested metric.
    """
    names = {cell.key: cell.name for cell in cells}
    candidates = [
        key
        for key in names
        if measured.values.get(key) and val_loss.get(key) and not measured.fate(key).broken
    ]
    if not candidates:
        return None
    losses = {key: float(np.mean(list(val_loss[key].values()))) for key in candidates}
    best = min(losses, key=lambda key: losses[key])
    comparisons = {
        pair_name(key, best): Comparison(key, best, "best") for key in names if key != best
    }
    outcomes = judge(comparisons, measured.numbers, measured.setting)
    summary = measured.cells[best]
    return {
        "cell": names[best],
        "key": best,
        "val_loss_mean": losses[best],
        "n_diverged": measured.fate(best).n_diverged,
        "n_total": measured.fate(best).n_total,
        "test": summary["centre"],
        "interval": summary["interval"],
        "n_candidates": len(candidates),
        "optimism": _optimism(best, candidates, measured),
        "indistinguishable": [
            names[key]
            for key in candidates
            if key != best and not outcomes[pair_name(key, best)].judged.verdict.differs
        ],
    }


def _optimism(best: str, candidates: list[str], measured: Measured) -> float | None:
    """By how much the best of equally good cells would look better than they are, in the metric's unit.

    Choice and judgement use the same pool, so the winner is the one that this pool favours. If all K cells were equally good,
    each would miss the truth by its own luck with variance (1/J + r) S²/2, S² that of paired differences, and the best of K
    independent ones lies E[max of K normals] standard deviations out. None with a fixed test set, whose luck validation does
    not see, and where there is nothing to choose between.
    """
    setting = measured.setting
    spreads = [
        outcome.spread.used
        for outcome in measured.outcomes.values()
        if outcome.spread is not None
        and outcome.judged.verdict.tested
        and {outcome.comparison.cell, outcome.comparison.reference} <= set(candidates)
    ]
    centre = measured.cells[best]["centre"]
    if setting.fixed_test_set or len(candidates) < 2 or not spreads or centre is None:
        return None
    n_replicates = len(measured.values[best])
    luck = math.sqrt((1 / n_replicates + setting.overlap_ratio) * float(np.median(spreads)) / 2)
    size = expected_maximum(len(candidates)) * luck
    return abs(setting.scale.effect(size, centre))


def expected_maximum(n: int) -> float:
    """The expected largest of n independent standard normal numbers."""
    grid = np.linspace(-8, 8, 4001)
    density = n * stats.norm.pdf(grid) * stats.norm.cdf(grid) ** (n - 1)
    return float(np.trapezoid(grid * density, grid))
