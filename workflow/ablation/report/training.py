"""What the learning curves of one setting say, as a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

LATE = 0.9  # a best epoch after this share of the epochs has not been passed for long


@dataclass(frozen=True)
class Course:
    """One setting's training; medians over the replicates that did not diverge.

    best_epoch: of the lowest validation loss. unsettled: best_epoch lies at the very end. gap:
    final validation loss over final training loss. swing: mean relative change of the validation
    loss from epoch to epoch in the second half. broke_at: the epoch from which a diverged
    replicate's loss is no longer finite.
    """

    label: str
    epochs: int
    best_epoch: float | None
    unsettled: bool
    gap: float | None
    swing: float | None
    broke_at: float | None


def course(label: str, replicates: pd.DataFrame, epochs: pd.DataFrame) -> Course:
    """Sum up one setting. replicates: its rows; epochs: the rows of its key."""
    ok = replicates[replicates["status"] == "ok"]
    last = int(epochs["epoch"].max()) if len(epochs) else 0
    good = epochs[epochs["replicate"].isin(ok["replicate"])]
    best = _median(ok["best_epoch"])
    gaps, swings = [], []
    for _, one in good.sort_values("epoch").groupby("replicate"):
        train, validation = one["train_loss"].to_numpy(float), one["val_loss"].to_numpy(float)
        if train[-1] > 0 and np.isfinite(validation[-1]):
            gaps.append(validation[-1] / train[-1])
        half = validation[len(validation) // 2 :]
        if len(half) > 2 and (half > 0).all():
            swings.append(float(np.mean(np.abs(np.diff(np.log(half))))))
    return Course(
        label=label,
        epochs=last,
        best_epoch=best,
        unsettled=best is not None and best >= LATE * last,
        gap=_median(pd.Series(gaps, dtype=float)),
        swing=_median(pd.Series(swings, dtype=float)),
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
