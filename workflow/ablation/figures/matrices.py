"""Confusion matrices, in percent of the true digit, scaled so that the errors are what one sees."""

from __future__ import annotations

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from ablation.figures.style import INK

# Black on it and white on it both reach a contrast of 4.5, at every strength over white or black.
HEAT = (0.80, 0.30, 0.16)


def row_percent(matrix: list[list[int]]) -> NDArray[np.float64]:
    """Each row in percent of its sum; a row without samples stays 0."""
    counts = np.asarray(matrix, dtype=float)
    sums = counts.sum(axis=1, keepdims=True)
    percent: NDArray[np.float64] = np.zeros_like(counts)
    np.divide(100 * counts, sums, out=percent, where=sums > 0)
    return percent


def largest_error(matrices: list[NDArray[np.float64]]) -> float:
    """The largest number off the diagonals, which gets the full colour in all of them."""
    worst = [float(m[~np.eye(len(m), dtype=bool)].max(initial=0.0)) for m in matrices]
    return max([*worst, 0.1])


def draw_confusion(ax: Axes, percent: NDArray[np.float64], *, largest: float) -> Axes:
    """Draw one matrix: rows are the true digit, the diagonal is bold and left uncoloured."""
    size = len(percent)
    shades = np.tile(np.array([*HEAT, 1.0]), (64, 1))
    shades[:, 3] = np.linspace(0, 1, 64)
    errors = percent.copy()
    np.fill_diagonal(errors, 0.0)
    sns.heatmap(
        errors,
        ax=ax,
        mask=errors <= 0,
        cmap=ListedColormap(shades),
        vmin=0,
        vmax=largest,
        cbar=False,
        square=True,
        linewidths=0,
        xticklabels=range(size),
        yticklabels=range(size),
    )
    for row in range(size):
        for column in range(size):
            value = percent[row, column]
            if value <= 0:
                continue
            text = ax.text(column + 0.5, row + 0.5, percent_text(value), fontsize=6.6)
            text.set(ha="center", va="center", weight="bold" if row == column else "normal")
            text.set_in_layout(False)
    ax.set_axisbelow(True)
    ax.grid(visible=False)
    ax.tick_params(length=0, labelsize=8)
    ax.set_yticklabels(ax.get_yticklabels(), rotation=0)
    for spine in ax.spines.values():
        spine.set(visible=True, alpha=0.35, edgecolor=INK, linewidth=0.5)
    return ax


def percent_text(value: float) -> str:
    """One decimal, without the leading 0 that takes room and says nothing; 100 stays whole."""
    text = f"{value:.1f}"
    return "100" if text == "100.0" else text.removeprefix("0") if value < 0.95 else text
