"""How much an axis matters: the share of the spread that its cells explain."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from ablation.statistics.intervals import (
    Interval,
    check_level,
    check_ratio,
    variance_factor,
)

_NO_SPREAD = 1e-18  # of a mean square beside the squared mean: rounding error


@dataclass(frozen=True)
class Share:
    """One effect in an analysis of variance with the replicate as block.

    f: corrected for overlapping splits; p: of it, with df and df_error degrees. omega2: partial ω²,
    0 to 1; interval: of it.
    """

    f: float
    df: int
    df_error: int
    p: float
    omega2: float
    interval: Interval


def axis_importance(table: ArrayLike, *, overlap_ratio: float, confidence: float) -> Share | None:
    """Partial ω² of the cells of one axis.

    table: shape [J, K], replicate × cell, on the metric's scale; every replicate complete, J ≥ 2,
    K ≥ 2.
    None where nothing is left to compare with: all cells differ by the same in every replicate.
    Raises ValueError for another shape, values that are not finite, a negative ratio, or a
    confidence outside (0, 1).
    Source: Olejnik & Algina (2003) for partial ω²; see ``share_of``.
    """
    values = np.asarray(table, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(f"two replicates and two cells are needed, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("a value is not finite; leave diverged cells out before")
    n_replicates, n_cells = values.shape
    effects = values.mean(axis=0) - values.mean()
    residuals = values - values.mean(axis=1, keepdims=True) - effects
    df, df_error = n_cells - 1, (n_cells - 1) * (n_replicates - 1)
    mean_square_error = float(np.sum(residuals**2)) / df_error
    if mean_square_error <= _NO_SPREAD * float(np.mean(values**2)):
        return None
    f = n_replicates * float(np.sum(effects**2)) / df / mean_square_error
    return share_of(
        f,
        df,
        df_error,
        n_cells=n_cells,
        n_replicates=n_replicates,
        overlap_ratio=overlap_ratio,
        confidence=confidence,
    )


def share_of(
    plain_f: float,
    df: int,
    df_error: int,
    *,
    n_cells: int,
    n_replicates: int,
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
    Raises ValueError for a negative ratio or a confidence outside (0, 1).
    Source: Steiger (2004), "Beyond the F test", Psychological Methods 9, for the interval.
    """
    check_level("confidence", confidence)
    check_ratio(overlap_ratio)
    factor = variance_factor(n_replicates, overlap_ratio)
    f = plain_f / (factor * n_replicates)

    def omega2(noncentrality: float) -> float:
        effect = max(noncentrality, 0.0) * factor
        return effect / (effect + n_cells)

    low, high = noncentral_interval(f, df, df_error, confidence=confidence)
    return Share(
        f=f,
        df=df,
        df_error=df_error,
        p=float(special.fdtrc(df, df_error, f)),
        omega2=omega2(df * (f - 1)),
        interval=(omega2(low), omega2(high)),
    )


def noncentral_interval(f: float, df: int, df_error: int, *, confidence: float) -> Interval:
    """Interval of the noncentrality λ of an observed F, each end 0 where no λ fits.

    Raises ValueError for a confidence outside (0, 1).
    Source: Steiger (2004).
    """
    check_level("confidence", confidence)

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
