"""How much an axis or a factor matters: the share of the spread that its cells explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, special

from ablation.statistics.intervals import Interval, variance_factor
from ablation.statistics.paired import holm

_NO_SPREAD = 1e-18  # of a mean square beside the squared mean: rounding error


@dataclass(frozen=True)
class Share:
    """One effect in an analysis of variance with the replicate as block."""

    f: float  # corrected for overlapping splits
    df: int
    df_error: int
    p: float
    omega2: float  # partial ω², 0 to 1
    interval: Interval  # of it


@dataclass(frozen=True)
class Term:
    """A main effect (one factor) or an interaction (several), its share, and Holm's p over all terms."""

    factors: tuple[str, ...]
    share: Share
    p_adjusted: float


def axis_importance(table: ArrayLike, *, overlap_ratio: float, confidence: float) -> Share | None:
    """Partial ω² of the cells of one axis.

    None where nothing is left to compare with: all cells differ by the same in every replicate.
    Source: Olejnik & Algina (2003) for partial ω²; see ``share_of``.

    Args:
        table: ``[J, K]``, replicate × cell, on the metric's scale; finite, J ≥ 2, K ≥ 2.
        overlap_ratio: see ``variance_factor``.
        confidence: of the interval.
    """
    values = np.asarray(table, dtype=np.float64)
    n_replicates, n_cells = values.shape
    effects = values.mean(axis=0) - values.mean()
    residuals = values - values.mean(axis=1, keepdims=True) - effects
    df, df_error = n_cells - 1, (n_cells - 1) * (n_replicates - 1)
    mean_square_error = float(np.sum(residuals**2)) / df_error
    if mean_square_error <= _NO_SPREAD * float(np.mean(values**2)):
        return None
    f = n_replicates * float(np.sum(effects**2)) / df / mean_square_error
    options = {"overlap_ratio": overlap_ratio, "confidence": confidence}
    return share_of(f, df, df_error, shape=values.shape, **options)


def share_of(
    plain_f: float,
    df: int,
    df_error: int,
    *,
    shape: tuple[int, ...],
    overlap_ratio: float,
    confidence: float,
) -> Share:
    """Corrected F, its p, partial ω² and its interval, of one effect in a balanced blocked design.

    With overlapping splits the mean of a cell varies by (1/J + r) σ² about its truth, r =
    n_test/(n_pool − n_test), where the blocked analysis takes σ²/J (Nadeau & Bengio 2003). The mean square of
    the effect therefore has (1 + J r) σ² where nothing is there, and F is divided by that. Then
    F ~ F'(df, df_error, λ) with λ = Σα²/((1/J + r) σ²), and with Σα² = K σ²_α

        ω² = σ²_α / (σ²_α + σ²) = λ v / (λ v + K),  v = 1/J + r,  estimated with λ ≈ df (F − 1).

    r = 0 gives the usual partial ω². The interval holds every λ that two one-tailed tests at
    (1 − confidence)/2 do not reject.
    Source: Steiger (2004), "Beyond the F test", Psychological Methods 9, for the interval.

    Args:
        plain_f: of the blocked analysis.
        df, df_error: its degrees of freedom.
        shape: replicates J, cells K.
        overlap_ratio: r.
        confidence: of the interval.
    """
    n_replicates, n_cells = shape
    factor = variance_factor(n_replicates, overlap_ratio)
    f = plain_f / (factor * n_replicates)

    def omega2(noncentrality: float) -> float:
        effect = max(noncentrality, 0.0) * factor
        return effect / (effect + n_cells)

    low, high = noncentral_interval(f, df, df_error, confidence=confidence)
    p = float(special.fdtrc(df, df_error, f))
    return Share(f, df, df_error, p, omega2(df * (f - 1)), (omega2(low), omega2(high)))


def noncentral_interval(f: float, df: int, df_error: int, *, confidence: float) -> Interval:
    """Interval of the noncentrality λ of an observed F, each end 0 where no λ fits.

    Source: Steiger (2004).
    """

    def solve(below: float) -> float:
        def missing(noncentrality: float) -> float:
            return float(special.ncfdtr(df, df_error, noncentrality, f)) - below

        if float(special.fdtr(df, df_error, f)) <= below:
            return 0.0
        upper = max(df * f, 1.0)
        while missing(upper) > 0:
            upper *= 2
        return float(optimize.brentq(missing, 0.0, upper, xtol=1e-9))

    return solve((1 + confidence) / 2), solve((1 - confidence) / 2)


def factorial_terms(
    table: pd.DataFrame,
    factors: Mapping[str, Sequence[Any]],
    levels: Sequence[Mapping[str, Any]],
    *,
    overlap_ratio: float,
    confidence: float,
) -> list[Term] | None:
    """Every main effect and interaction of a full factorial design, in order of size, then as declared.

    A repeated-measures analysis: the error of a term is its own interaction with the replicates, of df (J − 1) degrees, so
    that nothing is assumed of how differently the effects scatter. Each F is corrected for overlapping splits like that of an
    axis (``share_of``): every effect is a contrast of the same cell means.
    None where a term has no spread at all.

    Args:
        table: ``[J, K]``, replicate × cell, on the metric's scale, no value missing.
        factors: name → levels; one with a single level has no effect and no term.
        levels: of each cell, in the order of the columns: every combination, once each.
        overlap_ratio: see ``variance_factor``.
        confidence: of the intervals.

    Raises:
        ValueError: for other cells.
    """
    # Only a factorial axis pays for this import, a quarter of a second.
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
            **{
                column: np.tile(column_codes, n_replicates)
                for column, column_codes in codes.items()
            },
        }
    )
    anova = AnovaRM(long, "value", "replicate", within=list(columns.values())).fit().anova_table
    sets = [chosen for size in range(1, len(names) + 1) for chosen in combinations(names, size)]
    shares = [
        share_of(
            float(row["F Value"]),
            round(float(row["Num DF"])),
            round(float(row["Den DF"])),
            shape=table.shape,
            overlap_ratio=overlap_ratio,
            confidence=confidence,
        )
        for chosen in sets
        for row in [anova.loc[":".join(columns[name] for name in chosen)]]
    ]
    adjusted = holm([share.p for share in shares])
    return [Term(*term) for term in zip(sets, shares, adjusted, strict=True)]


def _without_spread(table: pd.DataFrame, codes: Mapping[str, Sequence[int]]) -> bool:
    """Whether some effect is the same in every replicate, so that its error term is nothing but rounding."""
    sizes = [max(column_codes) + 1 for column_codes in codes.values()]
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
    combined = {tuple(list(factors[name]).index(cell[name]) for name in names) for cell in levels}
    expected = int(np.prod([len(factors[name]) for name in names]))
    if not len(combined) == len(levels) == expected:
        raise ValueError(f"{expected} combinations of levels are needed, got {len(levels)} cells")
