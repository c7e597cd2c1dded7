"""What the replicates of each stored cell gave: their numbers, and what became of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablation.statistics.verdicts import Better

Values = Mapping[int, float]
"""A metric by replicate number, of replicates with status ``ok``; finite."""

NO_BETTER = 0.05
"""A network within 5 % of the error of a prediction that has learnt nothing has learnt nothing itself: a constant one may be
luckier than the mean of its train part."""


@dataclass(frozen=True)
class Fate:
    """What became of the replicates of one cell."""

    failed: bool = False
    n_total: int = 0  # that ran; none of a failed cell
    diverged: frozenset[int] = frozenset()
    collapsed: frozenset[int] = (
        frozenset()
    )  # did not diverge, and do no better than predicting nothing

    @property
    def n_diverged(self) -> int:
        return len(self.diverged)

    @property
    def n_collapsed(self) -> int:
        return len(self.collapsed)

    @property
    def broken(self) -> bool:
        """Whether half of the replicates or more diverged or collapsed: a mean no longer stands for the cell."""
        return self.n_total > 0 and 2 * (self.n_diverged + self.n_collapsed) >= self.n_total


def values_by_key(replicates: pd.DataFrame, model: str, column: str) -> dict[str, dict[int, float]]:
    """Key → replicate number → number, for one model and column; finite numbers of replicates with status ``ok`` only.

    Args:
        replicates: one row per cell, axis and replicate, with model, key, replicate, status and ``column``. A key that stands
            on several axes is read once.
        model: whose.
        column: of the numbers.

    Raises:
        ValueError: when a column is missing, or two rows of one key and replicate differ.
    """
    needed = ["model", "key", "replicate", "status", column]
    missing = [name for name in needed if name not in replicates.columns]
    if missing:
        raise ValueError(f"the table of replicates has no column {', '.join(missing)}")
    rows = replicates.loc[replicates["model"] == model, needed].drop_duplicates()
    if rows.duplicated(["key", "replicate"]).any():
        first = rows[rows.duplicated(["key", "replicate"])].iloc[0]
        raise ValueError(f"replicate {first['replicate']} of {first['key']} is listed twice")
    by_key: dict[str, dict[int, float]] = {}
    for _, key, replicate, status, value in rows.itertuples(index=False, name=None):
        by_replicate = by_key.setdefault(key, {})
        if status == "ok" and usable([value]):
            by_replicate[int(replicate)] = float(value)
    return by_key


def fates_by_key(
    replicates: pd.DataFrame,
    model: str,
    values: Mapping[str, Values],
    trivial: Values,
    better: Better,
) -> dict[str, Fate]:
    """Key → what became of its replicates, for one model.

    Args:
        replicates: as of ``values_by_key``.
        model: whose.
        values: the model's first metric by key.
        trivial: what a prediction that has learnt nothing reaches in it, by replicate.
        better: of that metric.
    """
    rows = replicates.loc[replicates["model"] == model, ["key", "replicate", "status"]]
    fates = {}
    for key, rows_of_key in rows.drop_duplicates().groupby("key", sort=False):
        diverged = rows_of_key.loc[rows_of_key["status"] == "diverged", "replicate"]
        fates[str(key)] = Fate(
            n_total=len(rows_of_key),
            diverged=frozenset(map(int, diverged)),
            collapsed=frozenset(
                r
                for r, value in values.get(str(key), {}).items()
                if r in trivial and no_better(value, trivial[r], better)
            ),
        )
    return fates


def no_better(value: float, trivial: float, better: Better) -> bool:
    """Whether a metric is within 5 % of the error of the trivial prediction, or worse than it.

    A metric of which higher is better is one that 1 bounds, such as an accuracy: its error is what is missing to 1.
    """
    if better == "lower":
        return value >= (1 - NO_BETTER) * trivial
    return 1 - value >= (1 - NO_BETTER) * (1 - trivial)


def paired_differences(cell: Values, reference: Values) -> list[float]:
    """Cell minus reference for every replicate usable in both, in order of replicate number."""
    return [cell[r] - reference[r] for r in sorted(cell.keys() & reference.keys())]


def usable(values: Iterable[float | None]) -> list[float]:
    """The finite values, as floats; None, NaN and infinity are left out."""
    return [float(v) for v in values if v is not None and not pd.isna(v) and np.isfinite(v)]
