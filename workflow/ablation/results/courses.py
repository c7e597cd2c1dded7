"""What the learning curves of each replicate say, as a few numbers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MEASURES = {
    "early_change": True,
    "epochs_to_final": True,
    "end_change": False,
    "final_ratio": True,
    "rise": True,
    "train_loss_5": True,
    "best_val_loss": True,
    "best_val_accuracy": False,
    "accuracy_change": False,
    "gradient_ratio": True,
}
"""Measure → whether it is positive and compared on the logarithm."""

NEAR_FINAL = 1.1
END_SHARE, END_EPOCHS = 5, 3
TENTH = 10


def courses_table(epochs: pd.DataFrame, gradients: pd.DataFrame) -> pd.DataFrame:
    """One row per model, key and replicate with every measure of its course; empty where it cannot be had.

    Args:
        epochs: model, key, replicate, epoch, train_loss, val_loss, val_accuracy, learning_rate.
        gradients: model, key, replicate, epoch, layer, norm.

    Returns:
        ``early_change``: mean absolute change of log validation loss from epoch to epoch, before the schedule first cuts the
        rate and in the first half at most, so that it tells how a rate behaves and not how training ends.
        ``epochs_to_final``: the first epoch whose validation loss is within 10 % of the last one's.
        ``end_change``: the trend of the validation loss over the last fifth of training (a line through its logarithm), as
        relative change per tenth of training; −0.02 is a fall of 2 %.
        ``final_ratio``: validation over training loss of the last epoch. ``rise``: its validation loss over the lowest.
        ``train_loss_5``: training loss of epoch 5. ``best_val_loss``, ``best_val_accuracy``: of the epoch with the lowest
        validation loss, whose parameters are kept. ``accuracy_change``: mean absolute change of the validation accuracy from
        epoch to epoch in the first half. ``gradient_ratio``: norm of the gradient of the first layer's weight over that of
        the last layer's, at the initial weights: how much of it is left on its way back through the layers.
    """
    rows = []
    ratios = _gradient_ratios(gradients)
    for (model, key, replicate), curve in epochs.groupby(["model", "key", "replicate"], sort=False):
        ordered = curve.sort_values("epoch")
        facts = course(
            {n: ordered[n].to_numpy(float) for n in ordered if n not in ("model", "key")}
        )
        facts["gradient_ratio"] = ratios.get((str(model), str(key), int(str(replicate))), math.nan)
        rows.append({"model": model, "key": key, "replicate": replicate, **facts})
    return pd.DataFrame(rows, columns=["model", "key", "replicate", *MEASURES])


def course(curves: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """The measures of one replicate, all but the gradients; NaN where a loss that it needs is not finite.

    Args:
        curves: ``epoch``, ``train_loss``, ``val_loss``, ``val_accuracy`` and ``learning_rate``, ``[epochs]``.
    """
    train, validation, rate = (curves[n] for n in ("train_loss", "val_loss", "learning_rate"))
    n = len(validation)
    logs = np.log(np.where(validation > 0, validation, np.nan))
    cut = np.flatnonzero(np.diff(rate) < 0)
    early = min(int(cut[0]) + 1 if len(cut) else n, max(n // 2, 2))
    near = np.flatnonzero(validation <= NEAR_FINAL * validation[-1])
    accuracy = curves["val_accuracy"]
    best = int(np.argmin(validation))  # the first NaN where there is one
    finite = bool(np.isfinite(validation).all())
    return {
        "early_change": _mean_change(logs[:early]),
        "epochs_to_final": float(near[0] + 1) if len(near) else math.nan,
        "end_change": _end_change(logs),
        "final_ratio": float(validation[-1] / train[-1]) if train[-1] > 0 else math.nan,
        "rise": float(validation[-1] / np.min(validation)) if np.min(validation) > 0 else math.nan,
        "train_loss_5": float(train[4]) if n >= 5 else math.nan,
        "best_val_loss": float(validation[best]),
        "best_val_accuracy": float(accuracy[best]) if finite else math.nan,
        "accuracy_change": _mean_change(accuracy[: max(n // 2, 2)]),
    }


def _mean_change(values: NDArray[np.float64]) -> float:
    return float(np.mean(np.abs(np.diff(values)))) if len(values) > 1 else math.nan


def _end_change(logs: NDArray[np.float64]) -> float:
    last = logs[-max(len(logs) // END_SHARE, END_EPOCHS) :]
    if len(last) < END_EPOCHS or not np.isfinite(last).all():
        return math.nan
    slope = float(np.polyfit(np.arange(len(last)), last, 1)[0])
    return math.expm1(slope * len(logs) / TENTH)


def _gradient_ratios(gradients: pd.DataFrame) -> dict[tuple[str, str, int], float]:
    initial = gradients[gradients["epoch"] == 0].sort_values("layer")
    place = ["model", "key", "replicate"]
    first, last = (
        initial.drop_duplicates(place, keep=end).set_index(place)["norm"]
        for end in ("first", "last")
    )
    ratios = (first / last).items()
    return {(str(m), str(k), int(r)): float(ratio) for (m, k, r), ratio in ratios}
