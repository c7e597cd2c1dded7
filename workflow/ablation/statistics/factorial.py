"""A factorial axis: main effects and interactions, each against its own error term, with the replicate as block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ablation.statistics.importance import Share, share_of
from ablation.statistics.paired import holm

_NO_SPREAD = 1e-18  # of a mean square beside the squared mean: rounding error


@dataclass(frozen=True)
class Term:
    """A main effect (one factor) or an interaction (several), its share, and Holm's p over all terms."""

    factors: tuple[str, ...]
    share: Share
    p_adjusted: float


def factorial_terms(
    table: pd.DataFrame,
    factors: Mapping[str, Sequence[Any]],
    levels: Sequence[Mapping[str, Any]],
    *,
    overlap_ratio: float,
    confidence: float,
) -> list[Term] | None:
    """Every main effect and interaction of a full factorial design.

    table: shape [J, K], replicate × cell, on the metric's scale, no value missing. factors: name →
    levels; one with a single level has no effect and no term. levels: of each cell, in the order of
    the columns. Terms come in order of size, then as declared.

    A repeated-measures analysis: the error of a term is its own interaction with the replicates, of df (J − 1) degrees, so
    that nothing is assumed of how differently the effects scatter. Each F is corrected for overlapping splits like that of an
    axis (``share_of``): every effect is a contrast of the same cell means.
    None where a term has no spread at all.
    Raises ValueError unless the cells are every combination of the levels, once each.
    Source: ``statsmodels.stats.anova.AnovaRM``.
    """
    # Only a factorial axis pays for this import.
    from statsmodels.stats.anova import AnovaRM

    names = [name for name, values in factors.items() if len(values) > 1]
    _require_full(names, factors, levels)
    n_replicates, n_cells = table.shape
    # Plain column names: a factor may be called anything.
    columns = {name: f"factor_{i}" for i, name in enumerate(names)}
    codes = {
        column: [list(factors[name]).index(cell[name]) for cell in levels]
        for name, column in columns.items()
    }
    if _without_spread(table, codes):
        return None
    long = pd.DataFrame(
        {
            "value": table.to_numpy(dtype=np.float64).ravel(),
            "replicate": np.repeat(np.arange(n_replicates), n_cells),
            **{column: np.tile(own, n_replicates) for column, own in codes.items()},
        }
    )
    anova = AnovaRM(long, "value", "replicate", within=list(columns.values())).fit().anova_table
    sets = [chosen for size in range(1, len(names) + 1) for chosen in combinations(names, size)]
    shares = [
        share_of(
            float(row["F Value"]),
            round(float(row["Num DF"])),
            round(float(row["Den DF"])),
            n_cells=n_cells,
            n_replicates=n_replicates,
            overlap_ratio=overlap_ratio,
            confidence=confidence,
        )
        for chosen in sets
        for row in [anova.loc[":".join(columns[name] for name in chosen)]]
    ]
    adjusted = holm([share.p for share in shares])
    return [Term(*each) for each in zip(sets, shares, adjusted, strict=True)]


def _without_spread(table: pd.DataFrame, codes: Mapping[str, Sequence[int]]) -> bool:
    """Whether some effect is the same in every replicate, so that its error term is nothing but rounding.

    codes: factor → the number of its level in each cell.
    """
    sizes = [max(own) + 1 for own in codes.values()]
    grid = np.empty((len(table), *sizes))
    for cell, place in enumerate(zip(*codes.values(), strict=True)):
        grid[(slice(None), *place)] = table.iloc[:, cell]
    axes = range(1, grid.ndim)
    scale = float(np.mean(grid**2))
    for size in range(1, grid.ndim):
        for chosen in combinations(axes, size):
            effect = grid.mean(axis=tuple(set(axes) - set(chosen)), keepdims=True)
            for axis in chosen:
                effect = effect - effect.mean(axis=axis, keepdims=True)
            if float(np.mean((effect - effect.mean(axis=0)) ** 2)) <= _NO_SPREAD * scale:
                return True
    return False


def _require_full(
    names: list[str], factors: Mapping[str, Sequence[Any]], levels: Sequence[Mapping[str, Any]]
) -> None:
    if not names:
        raise ValueError("no factor has two levels")
    found = {tuple(list(factors[name]).index(cell[name]) for name in names) for cell in levels}
    expected = int(np.prod([len(factors[name]) for name in names]))
    if not len(found) == len(levels) == expected:
        raise ValueError(f"{expected} combinations of levels are needed, got {len(levels)} cells")
