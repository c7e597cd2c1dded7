"""The usable numbers of each cell, out of the table of replicates."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass
class CellNumbers:
    """What the replicates of one cell gave.

    metric, val_loss: by replicate number, finite values of replicates with status ``ok`` only.
    n_total: all replicates listed; diverged: the numbers of those with status ``diverged``.
    """

    metric: dict[int, float] = field(default_factory=dict)
    val_loss: dict[int, float] = field(default_factory=dict)
    n_total: int = 0
    diverged: set[int] = field(default_factory=set)

    @property
    def n_diverged(self) -> int:
        return len(self.diverged)


def numbers_by_cell(replicates: pd.DataFrame, model: str, metric: str) -> dict[str, CellNumbers]:
    """Cell name → its numbers, for one model.

    replicates: one row per cell and replicate, with model, cell, replicate, status, val_loss and
    ``metric``. Labels
    are not read: a label such as ``1`` comes out of a CSV file as a number, the cell's name never
    does.
    Raises ValueError when a column is missing or a replicate is listed twice in a cell.
    """
    columns = ["model", "cell", "replicate", "status", "val_loss", metric]
    missing = [column for column in columns if column not in replicates.columns]
    if missing:
        raise ValueError(f"the table of replicates has no column {', '.join(missing)}")
    rows = replicates.loc[replicates["model"] == model, columns]
    cells: dict[str, CellNumbers] = {}
    seen: set[tuple[str, int]] = set()
    for _, cell, replicate, status, val_loss, value in rows.itertuples(index=False, name=None):
        if (cell, replicate) in seen:
            raise ValueError(f"replicate {replicate} of {cell} is listed twice")
        seen.add((cell, replicate))
        numbers = cells.setdefault(cell, CellNumbers())
        numbers.n_total += 1
        if status == "diverged":
            numbers.diverged.add(int(replicate))
        if status != "ok":
            continue
        for store, number in ((numbers.metric, value), (numbers.val_loss, val_loss)):
            if usable([number]):
                store[int(replicate)] = float(number)
    return cells


def paired_differences(cell: CellNumbers, reference: CellNumbers) -> list[float]:
    """Cell minus reference for every replicate usable in both, in order of replicate number."""
    common = sorted(cell.metric.keys() & reference.metric.keys())
    return [cell.metric[r] - reference.metric[r] for r in common]


def usable(values: Iterable[float | None]) -> list[float]:
    """The finite values, as floats; None, NaN and infinity are left out."""
    return [float(v) for v in values if v is not None and not pd.isna(v) and np.isfinite(v)]
