"""Test metrics: every replicate as a point, the mean and its interval beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from ablation.figures.style import INK, Look
from ablation.tasks.task import METRICS

LOG_FROM = 8.0
MEAN: Any = {"markersize": 7, "zorder": 4, "markeredgecolor": INK, "markeredgewidth": 0.7}
SPREAD = 0.26  # half the height of a row that points may use


def draw_points(
    ax: Axes,
    replicates: pd.DataFrame,
    cells: pd.DataFrame,
    metric: str,
    looks: dict[str, Look],
    *,
    reference: str,
    notes: dict[str, str],
) -> Axes:
    """Draw one metric, a row per value, the first value on top.

    replicates: label, replicate and the metric; a replicate stands at the same height in every
    row. cells: label, ``<metric>_centre``, ``_low`` and ``_high``. notes: per label, what to write in
    a row that has no points.
    """
    scale = METRICS[metric].scale
    values = replicates[metric].astype(float) * scale
    finite = values[np.isfinite(values)]
    means = cells.set_index("label")[[f"{metric}_{part}" for part in ("centre", "low", "high")]]
    means = means.astype(float).clip(METRICS[metric].lowest, METRICS[metric].highest)
    bounds = pd.Series(means.to_numpy(dtype=float).ravel() * scale).dropna()
    low, high = _limits(finite, bounds, metric)
    if reference in means.index and np.isfinite(means.loc[reference].iloc[0]):
        ax.axvline(
            means.loc[reference].iloc[0] * scale, color=INK, linewidth=0.8, alpha=0.55, zorder=1
        )
    count = max(int(replicates["replicate"].max()) + 1, 1) if len(replicates) else 1
    for row, (label, look) in enumerate(looks.items()):
        of_label = replicates[replicates["label"] == label].dropna(subset=[metric])
        if of_label.empty:
            text = ax.text(0.02, row, notes.get(label, ""), transform=ax.get_yaxis_transform())
            text.set(va="center", fontsize=8.5, style="italic")
            continue
        heights = row - 0.06 - SPREAD * of_label["replicate"].to_numpy() / max(count - 1, 1)
        _points(ax, of_label[metric].to_numpy() * scale, heights, look, (low, high))
        mean, lower, upper = (float(part) * scale for part in means.loc[label])
        below = row + 0.2
        if np.isfinite(lower) and np.isfinite(upper):
            ax.plot([lower, upper], [below, below], color=look.colour, linewidth=2.4)
        ax.plot([mean], [below], **look.mark, **MEAN)
    if METRICS[metric].log and low > 0 and high / low > LOG_FROM:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0), numticks=12))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter("")
    ax.set_xlim(low, high)
    ax.set_ylim(len(looks) - 0.45, -0.55)
    ax.set_yticks(range(len(looks)))
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def _limits(finite: pd.Series, bounds: pd.Series, metric: str) -> tuple[float, float]:
    """All points and intervals; R² far below 0 sits at the edge, or the rest becomes one blot."""
    if finite.empty:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if not METRICS[metric].log or bounds.min() > 0:
        low, high = min(low, float(bounds.min())), max(high, float(bounds.max()))
    if METRICS[metric].log and low > 0 and high / low > LOG_FROM:
        return low / 1.15, high * 1.15
    if metric == "r2":
        low = max(low, -0.5)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    return low - room, high + room


def _points(
    ax: Axes, values: np.ndarray, heights: np.ndarray, look: Look, view: tuple[float, float]
) -> None:
    inside = (values >= view[0]) & (values <= view[1])
    mark = look.mark | {"markeredgewidth": 0, "markersize": 5}
    small = {"markersize": 3.6} if len(values) > 12 else {}
    ax.plot(values[inside], heights[inside], **mark | small)
    for side, marker, edge in ((values < view[0], 4, view[0]), (values > view[1], 5, view[1])):
        if side.any():
            places = np.full(int(side.sum()), edge)
            ax.plot(places, heights[side], clip_on=False, **mark | {"marker": marker})
