"""Predicted against true values of a regression, every replicate's test rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablation.figures.style import INK, Look


def draw_predictions(
    ax: Axes, frame: pd.DataFrame, look: Look, *, view: tuple[float, float]
) -> Axes:
    """Draw the predictions of one value. frame: replicate, target, prediction.

    Points outside the view are drawn at its edge, so that none is lost.
    """
    ax.plot(view, view, color=INK, linewidth=0.8, alpha=0.6, zorder=3)
    frame = frame.dropna(subset=["prediction"])
    for _, replicate_rows in frame.groupby("replicate"):
        x = replicate_rows["target"].to_numpy(dtype=float)
        y = np.clip(replicate_rows["prediction"].to_numpy(dtype=float), *view)
        # One path of points without length: a tenth of the size of one marker element each.
        gaps = np.full(len(x), np.nan)
        ax.plot(
            np.column_stack([x, x, gaps]).ravel(),
            np.column_stack([y, y, gaps]).ravel(),
            color=look.colour,
            linewidth=2.3,
            solid_capstyle="round",
            alpha=0.3,
        )
    ax.set_xlim(*view)
    ax.set_ylim(*view)
    ax.set_aspect("equal")
    return ax


def view_of(frames: list[pd.DataFrame]) -> tuple[float, float]:
    """One view for all panels: all targets, and the predictions but for the outermost few."""
    targets = pd.concat([frame["target"] for frame in frames]) if frames else pd.Series(dtype=float)
    if targets.empty:
        return 0.0, 1.0
    predictions = pd.concat([frame["prediction"].dropna() for frame in frames])
    low = min(float(targets.min()), float(predictions.quantile(0.002)))
    high = max(float(targets.max()), float(predictions.quantile(0.998)))
    width = float(targets.max() - targets.min()) or 1.0
    low = max(low, float(targets.min()) - 0.35 * width)
    high = min(high, float(targets.max()) + 0.35 * width)
    return low - 0.02 * width, high + 0.02 * width
