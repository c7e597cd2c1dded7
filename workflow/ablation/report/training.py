"""What the learning curves of one cell say, as a few numbers over its replicates."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ablation.results.courses import MEASURES

STILL_FALLING = -0.01
"""A validation loss that still falls by more than 1 % per tenth of training has not converged."""


@dataclass(frozen=True)
class Course:
    """One cell's training; medians over the replicates that did not diverge.

    measures: those of ``courses.courses_table``; one without a number is left out. best_epoch: of the lowest
    validation loss. broke_at: the epoch from which a diverged replicate's loss is no longer finite.
    """

    label: str
    epochs: int
    best_epoch: float | None
    measures: dict[str, float]
    broke_at: float | None

    @property
    def converged(self) -> bool | None:
        """Whether the validation loss had stopped falling at the end; None where that is not known."""
        change = self.measures.get("end_change")
        return None if change is None else change > STILL_FALLING


def course(
    label: str, replicates: pd.DataFrame, epochs: pd.DataFrame, courses: pd.DataFrame
) -> Course:
    """Sum up one cell. replicates: its rows; epochs, courses: the rows of its key."""
    ok = replicates[replicates["status"] == "ok"]
    non_diverged = courses[courses["replicate"].isin(ok["replicate"])]
    medians = {name: _median(non_diverged[name]) for name in MEASURES}
    return Course(
        label=label,
        epochs=int(epochs["epoch"].max()) if len(epochs) else 0,
        best_epoch=_median(ok["best_epoch"]),
        measures={name: value for name, value in medians.items() if value is not None},
        broke_at=_broke_at(replicates, epochs),
    )


def _broke_at(replicates: pd.DataFrame, epochs: pd.DataFrame) -> float | None:
    broken = replicates.loc[replicates["status"] == "diverged", "replicate"]
    rows = epochs[epochs["replicate"].isin(broken)]
    lost = rows[rows["train_loss"].isna() | rows["val_loss"].isna()]
    return _median(lost.groupby("replicate")["epoch"].min()) if len(lost) else None


def _median(values: pd.Series) -> float | None:
    values = values.dropna().astype(float)
    return float(values.median()) if len(values) else None
