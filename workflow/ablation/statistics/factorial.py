"""A factorial axis: main effects and interactions, with the replicate as block."""

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
    test_train_ratio: float,
    confidence: float,
) -> list[Term] | None:
    """Every main effect and interaction of a full factorial design.

    table: shape [J, K], replicate × cell, in the metric's unit, no value missing. factors: name →
    levels; one with a single level has no effect and no term. levels: of each cell, in the order of
    the columns. Terms come in order of size, then as declared.

    The model is replicate + all products of factors (sum-to-zero coding), with type 2 sums of
    squares; in a full design every type gives the same. Each F is corrected for overlapping splits
    like that of an axis (``share_of``): every effect is a contrast of the same cell means.
    None where all cells differ by the same in every replicate.
    Raises ValueError unless the cells are every combination of the levels, once each.
    """
    # Only a factorial axis pays for this import.
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    names = [name for name, values in factors.items() if len(values) > 1]
    _require_full(names, factors, levels)
    n_replicates, n_cells = table.shape
    # Plain column names: a factor may be called anything.
    columns = {name: f"factor_{i}" for i, name in enumerate(names)}
    cells = {
        column: [list(factors[name]).index(cell[name]) for cell in levels]
        for name, column in columns.items()
    }
    long = pd.DataFrame(
        {
            "value": table.to_numpy(dtype=np.float64).ravel(),
            "replicate": np.repeat(np.arange(n_replicates), n_cells),
            **{column: np.tile(codes, n_replicates) for column, codes in cells.items()},
        }
    )
    coded = {name: f"C({column}, Sum)" for name, column in columns.items()}
    formula = f"value ~ C(replicate, Sum) + {' * '.join(coded.values())}"
    fitted = ols(formula, long).fit()
    if fitted.mse_resid <= _NO_SPREAD * float(np.mean(long["value"] ** 2)):
        return None
    anova = anova_lm(fitted, typ=2)
    sets = [chosen for size in range(1, len(names) + 1) for chosen in combinations(names, size)]
    shares = []
    for chosen in sets:
        row = anova.loc[":".join(coded[name] for name in chosen)]
        shares.append(
            share_of(
                float(row["F"]),
                round(float(row["df"])),
                round(float(fitted.df_resid)),
                n_cells=n_cells,
                n_replicates=n_replicates,
                test_train_ratio=test_train_ratio,
                confidence=confidence,
            )
        )
    adjusted = holm([share.p for share in shares])
    return [Term(*each) for each in zip(sets, shares, adjusted, strict=True)]


def _require_full(
    names: list[str], factors: Mapping[str, Sequence[Any]], levels: Sequence[Mapping[str, Any]]
) -> None:
    if not names:
        raise ValueError("no factor has two levels")
    found = {tuple(list(factors[name]).index(cell[name]) for name in names) for cell in levels}
    expected = int(np.prod([len(factors[name]) for name in names]))
    if not len(found) == len(levels) == expected:
        raise ValueError(f"{expected} combinations of levels are needed, got {len(levels)} cells")
