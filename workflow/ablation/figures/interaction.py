"""Means over the levels of one factor, a line per level of another: parallel lines are factors that act alone.

Whether lines are parallel depends on the scale, so a metric that is compared on the logarithm is drawn on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from ablation.figures.style import Look, looks
from ablation.figures.titles import in_lines
from ablation.store.document import AxisDocument
from ablation.store.keys import label as label_of
from ablation.tasks.task import METRICS

if TYPE_CHECKING:
    from ablation.figures.model import Sheet

SIDESTEP = 0.05  # between lines, so that their intervals do not hide one another
PANEL = 3.4  # inches
INTERVAL = 2.2  # points, the width of an interval's line


def draw_interaction(ax: Axes, frame: pd.DataFrame, lines: dict[str, Look], columns: int) -> Axes:
    """Draw one panel.

    Args:
        ax: where.
        frame: column (0 for the first level of the first factor), line, mean, low, high and whole: False for a cell some of
            whose replicates diverged, which gets an open mark. A cell without a mean is left out; one without an
            interval has none.
        lines: line → its look.
        columns: levels of the first factor.
    """
    for place, (line, look) in enumerate(lines.items()):
        rows = frame[(frame["line"] == line) & frame["mean"].notna()].sort_values("column")
        shift = SIDESTEP * (place - (len(lines) - 1) / 2)
        x = rows["column"].to_numpy(dtype=float) + shift
        ax.plot(x, rows["mean"], color=look.colour, linestyle=look.dash)
        for at, row in zip(x, rows.itertuples(index=False), strict=True):
            if np.isfinite(row.low) and np.isfinite(row.high):
                ax.plot([at, at], [row.low, row.high], color=look.colour, linewidth=INTERVAL)
            mark = look.mark | {"markeredgecolor": look.colour, "markeredgewidth": 1.4}
            mark |= {} if row.whole else {"color": "none"}
            ax.plot([at], [row.mean], markersize=6.5, zorder=4, **mark)
    ax.set_xlim(-0.35, columns - 0.65)
    ax.grid(axis="x", visible=False)
    return ax


def interaction_frame(
    axis: AxisDocument, summary: pd.DataFrame, metric: str, scale: float
) -> pd.DataFrame:
    """A row per cell, as :func:`draw_interaction` wants it, with its label and its panel.

    Args:
        axis: a factorial axis.
        summary: the rows of ``cells.csv`` of this axis.
        metric: whose mean and interval.
        scale: what they are multiplied by.
    """
    rows = summary.set_index("label")
    entries = []
    first = [label_of(level) for level in next(iter(axis.factors.values()))]
    for cell in axis.cells:
        levels = [label_of(cell.levels[name]) for name in axis.factors]
        row = rows.loc[cell.label]
        columns = {"mean": "centre", "low": "low", "high": "high"}
        numbers = {
            name: float(row[f"{metric}_{column}"]) * scale for name, column in columns.items()
        }
        entries.append(
            {
                "label": cell.label,
                "column": first.index(levels[0]),
                "line": levels[1],
                "panel": levels[2] if len(levels) > 2 else "",
                "whole": int(row["n_diverged"]) == 0,
                **numbers,
            }
        )
    return pd.DataFrame(entries)


def interaction_figure(sheet: Sheet, metric: str) -> Figure:
    """The compared metric of a factorial axis: panels by the third factor, lines by the second, columns by the first."""
    words = sheet.words
    names, factors = list(sheet.axis.factors), sheet.axis.factors
    labels = [[label_of(level) for level in factors[name]] for name in names]
    frame = interaction_frame(sheet.axis, sheet.summary, metric, METRICS[metric].scale)
    reference = frame.loc[frame["label"] == sheet.axis.reference, "line"].iloc[0]
    lines = looks(labels[1], reference, sheet.palette)
    panels = labels[2] if len(labels) > 2 else [""]
    width = max(PANEL * len(panels), 1.6 * PANEL)
    figure = Figure(figsize=(width, 2.9), layout="constrained")
    axs = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for ax, panel in zip(axs, panels, strict=True):
        draw_interaction(ax, frame[frame["panel"] == panel], lines, len(labels[0]))
        if panel:
            ax.set_title(in_lines(words.fixed(names[2], panel), 0.8 * PANEL))
        ax.set_xticks(range(len(labels[0])), [sheet.text(text) for text in labels[0]])
        ax.set_xlabel(words.named("parameter", names[0]))
    if METRICS[metric].log and frame["mean"].notna().any():
        axs[0].set_yscale("log")
        axs[0].yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0), numticks=12))
        axs[0].yaxis.set_major_formatter("{x:g}")
        axs[0].yaxis.set_minor_formatter("")
    axs[0].set_ylabel(words.head(metric))
    handles = [
        Line2D([], [], markersize=5, label=words.fixed(names[1], line), **look.line)
        for line, look in lines.items()
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), handlelength=3.4)
    notes = [note for cell in sheet.labels if (note := _note(sheet, frame, cell))]
    if notes:
        figure.supxlabel("\n".join(notes), x=0.01, ha="left", fontsize=8.5, style="italic")
    return figure


def _note(sheet: Sheet, frame: pd.DataFrame, label: str) -> str:
    """What to say of a cell that is left out, or drawn of what survived."""
    row = frame[frame["label"] == label].iloc[0]
    fate = sheet.note(label)
    if not fate:
        return ""
    key = "figure.left_out" if np.isnan(row["mean"]) else "figure.survivors"
    return sheet.t(key, value=sheet.text(label), note=fate)
