"""Confusion matrices, in percent of the true class, scaled so that the errors are what one sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ablation.figures.style import INK
from ablation.language.numbers import fixed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Black on it and white on it both reach a contrast of 4.5, at every strength over white or black.
HEAT = (0.80, 0.30, 0.16)
WIDTH = 10.0  # inches of all panels in a row
NUMBERED = 16  # classes up to which every box has its number
NAMED = 40  # classes up to which every row has its name
LONGEST = 16  # characters of a class's name that are shown


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


def panel_size(classes: list[str]) -> float:
    """The side of a panel in inches: three in a row of few classes with short names, or of very few; else two."""
    longest = max(map(len, classes), default=0)
    small = len(classes) <= (10 if longest <= 2 else 4)
    return WIDTH / 3 if small else WIDTH / 2


def draw_confusion(
    ax: Axes, percent: NDArray[np.float64], classes: list[str], *, largest: float
) -> Axes:
    """Draw one matrix: rows are the true class, the diagonal is bold and left uncoloured.

    Of many classes the colours alone are shown, and of very many only some names, so that each can be read.
    """
    from matplotlib.colors import ListedColormap  # slow to import, and the report draws nothing

    size = len(percent)
    shades = np.tile(np.array([*HEAT, 1.0]), (64, 1))
    shades[:, 3] = np.linspace(0, 1, 64)
    errors = percent.copy()
    np.fill_diagonal(errors, 0.0)
    ax.pcolormesh(
        np.ma.masked_less_equal(errors, 0),
        cmap=ListedColormap(shades),
        vmin=0,
        vmax=largest,
        linewidths=0,
        rasterized=size > NUMBERED,
    )
    ax.set(xlim=(0, size), ylim=(size, 0), aspect="equal")
    if size <= NUMBERED:
        _numbers(ax, percent)
    shown = range(0, size, -(-size // NAMED))
    names = [_cut(classes[i]) for i in shown]
    upright = any(len(name) > 2 for name in names) or size > NUMBERED
    places = [i + 0.5 for i in shown]
    ax.set_xticks(places, names, rotation=90 if upright else 0)
    ax.set_yticks(places, names, rotation=0, va="center")
    ax.set_axisbelow(True)
    ax.grid(visible=False)
    ax.tick_params(length=0, labelsize=8 if size <= NUMBERED else 6)
    for spine in ax.spines.values():
        spine.set(visible=True, alpha=0.35, edgecolor=INK, linewidth=0.5)
    return ax


def _numbers(ax: Axes, percent: NDArray[np.float64]) -> None:
    for (row, column), value in np.ndenumerate(percent):
        if value > 0:
            text = ax.text(column + 0.5, row + 0.5, percent_text(value), fontsize=6.6)
            text.set(ha="center", va="center", weight="bold" if row == column else "normal")
            text.set_in_layout(False)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def percent_text(value: float) -> str:
    """One decimal, without the leading 0 that takes room and says nothing; 100 stays whole."""
    text = fixed(value, 1)
    return "100" if text == "100.0" else text.removeprefix("0") if value < 0.95 else text
