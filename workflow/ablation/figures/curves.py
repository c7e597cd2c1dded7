"""Learning curves: the median over replicates, and the band that holds the central 80 % of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablation.figures.style import BAND, Look

LOG_FROM = 10.0  # a log scale where the largest value is that many times the smallest
ABSURD = 10.0  # a level whose losses begin that far above those of the others is cut off
HEADROOM = 4.0  # how far above the good curves a diverging one is followed
CROSS: Any = {"marker": "x", "markersize": 6, "markeredgewidth": 1.4, "linestyle": "none"}


def band(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Quantiles over replicates per epoch; columns low, middle, high."""
    by_epoch = frame.dropna(subset=[column]).groupby("epoch")[column]
    return pd.DataFrame(
        {
            "low": by_epoch.quantile(BAND[0]),
            "middle": by_epoch.quantile(0.5),
            "high": by_epoch.quantile(BAND[1]),
        }
    )


def draw_curves(
    ax: Axes, frame: pd.DataFrame, column: str, looks: dict[str, Look], *, loss: bool
) -> Axes:
    """Draw one column of every value.

    frame: label, replicate, ok, epoch and the column. Replicates that are not ok are drawn one by
    one and end in a cross where their numbers stop being finite or leave the panel. loss: the
    scale may be logarithmic.
    """
    spans = []
    for i, (label, look) in enumerate(looks.items()):
        rows = frame[frame["label"] == label]
        curve = band(rows[rows["ok"]], column)
        if curve.empty:
            continue
        spans.append(curve)
        ax.fill_between(
            curve.index, curve["low"], curve["high"], color=look.colour, alpha=0.16, linewidth=0
        )
        step = max(len(curve) // 7, 1)
        (curve_line,) = ax.plot(curve.index, curve["middle"], **look.line)
        curve_line.set(markersize=4, markeredgewidth=0)
        curve_line.set_markevery((i * step // max(len(looks), 1), step))
    low, high = limits(spans, frame[column], loss=loss)
    if loss and low > 0 and high / low > LOG_FROM:
        ax.set_yscale("log")
    broken = frame[~frame["ok"]]
    if loss and len(broken):
        high *= HEADROOM if ax.get_yscale() == "log" else 1.3
    ax.set_ylim(low, high)
    for label, look in looks.items():
        for _, replicate_rows in broken[broken["label"] == label].groupby("replicate"):
            _draw_broken(ax, replicate_rows, column, look, high if loss else low)
    ax.set_xlim(0, max(int(frame["epoch"].max()), 1) if len(frame) else 1)
    return ax


def limits(spans: list[pd.DataFrame], values: pd.Series, *, loss: bool) -> tuple[float, float]:
    """Limits that show every band but the absurd part of a loss; without a band, the finite values that are not absurd."""
    if spans:
        low = float(min(span["low"].min() for span in spans))
        highs = [float(span["high"].max()) for span in spans]
        high = max(highs)
        if loss:  # replicates that nearly diverged at first would squash all others
            high = min(high, ABSURD * float(np.quantile(highs, 0.5, method="lower")))
        else:  # an accuracy starts low once and then says little for the rest of the plot
            low = float(pd.concat([span["low"] for span in spans]).quantile(0.06))
    else:
        finite = values[np.isfinite(values)]
        if finite.empty:
            return 0.0, 1.0
        low, high = float(finite.min()), float(finite.quantile(0.9))
    if loss and low > 0 and high / low > LOG_FROM:
        return low / 1.25, high * 1.25
    room = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return (max(low - room, 0.0) if loss else low - room), high + room


def _draw_broken(ax: Axes, replicate: pd.DataFrame, column: str, look: Look, edge: float) -> None:
    replicate = replicate.sort_values("epoch")
    good = (
        replicate[np.isfinite(replicate[column]) & (replicate[column] <= edge)]
        if edge
        else replicate
    )
    stop = good["epoch"].max() if len(good) else None
    line: Any = {"color": look.colour, "linestyle": look.dash, "linewidth": 0.7}
    ax.plot(replicate["epoch"], replicate[column], **line)
    ended = len(good) < len(replicate)
    where = replicate["epoch"].iloc[0] if stop is None else stop
    height = edge if ended else float(good[column].iloc[-1])
    ax.plot([where], [height], color=look.colour, clip_on=False, zorder=5, **CROSS)
