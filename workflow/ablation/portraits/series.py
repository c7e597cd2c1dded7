"""Learning curves as short lists of numbers, for curves that are laid over one another on the page."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ablation.figures.curves import band

COLUMNS = ("train_loss", "val_loss", "val_accuracy")
DIGITS = 4


def significant(value: float) -> float | None:
    """A number to four significant digits; None if it is not finite."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def series(epochs: pd.DataFrame) -> dict[str, Any] | None:
    """Median over the ok replicates, and the quantiles between which their central share lies, epoch by epoch.

    Args:
        epochs: replicate, ok, epoch, and the losses and accuracies; a column without a number is left out.

    Returns:
        ``epochs``, how many there are, and per column ``median``, ``low`` and ``high`` of epoch 1, 2, …; None without an ok
        replicate.
    """
    ok = epochs[epochs["ok"]]
    if ok.empty:
        return None
    last = int(ok["epoch"].max())
    found: dict[str, Any] = {"epochs": last}
    for column in COLUMNS:
        if ok[column].notna().any():
            curve = band(ok, column).reindex(range(1, last + 1))
            found[column] = {
                name: [significant(value) for value in curve[kind]]
                for name, kind in (("median", "middle"), ("low", "low"), ("high", "high"))
            }
    return found
