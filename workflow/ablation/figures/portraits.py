"""The small figures of one cell. They have no colour of a value: a cell may stand on several axes, with a look on each."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ablation.figures.curves import draw_curves
from ablation.figures.model import plain_log
from ablation.figures.sprites import in_shades
from ablation.figures.style import INK, Look, styled
from ablation.figures.svg import to_svg
from ablation.language.words import Words

_IMAGE = re.compile(rb"data:image/png;base64,[^\"]*")
GREY = "#7d7d7d"  # seen as well on white as on black
LOSSES = {"train_loss": Look(GREY, (0, (4, 1.4)), ""), "val_loss": Look(INK, "solid", "")}
ACCURACY = {"val_accuracy": LOSSES["val_loss"]}
POINTS = 40  # epochs that are drawn of a longer training, in all panels together
DPI = 96  # of the points of residuals
EDGE = 0.002  # the share of residuals at either end that does not set the view


def curves(epochs: pd.DataFrame, words: Words, name: str) -> bytes:
    """Train and validation loss of one cell, and validation accuracy in a second panel where there is one.

    Args:
        epochs: replicate, ok, epoch and the columns.
        words: the catalogue.
        name: makes the ids of the SVG its own.

    Returns:
        SVG. The median and band over the ok replicates; those that diverged one by one.
    """
    return _drawn(name, lambda: _curves_figure(epochs, words))


def residuals(predictions: pd.DataFrame, words: Words, name: str) -> bytes:
    """Prediction minus target against target; points beyond the view are drawn at its edge.

    Args:
        predictions: target and residual, one row per prediction.
        words: the catalogue.
        name: makes the ids of the SVG its own.

    Returns:
        SVG; the points are one image in it, so that it stays small.
    """
    svg = _drawn(name, lambda: _residuals_figure(predictions, words))
    return _IMAGE.sub(lambda match: in_shades(match[0].decode()).encode(), svg)


def _drawn(name: str, make: Callable[[], Figure]) -> bytes:
    # A grid line says where a tick is.
    with styled(name, {"xtick.bottom": False, "ytick.left": False}):
        return to_svg(make())


def thinned(epochs: pd.DataFrame, points: int) -> pd.DataFrame:
    """At most so many of the epochs, evenly, the first and the last among them."""
    all_epochs = np.sort(epochs["epoch"].unique())
    if len(all_epochs) <= points:
        return epochs
    places = np.rint(np.linspace(0, len(all_epochs) - 1, points)).astype(int)
    return epochs[epochs["epoch"].isin(all_epochs[places])]


def _curves_figure(epochs: pd.DataFrame, words: Words) -> Figure:
    accurate = bool(epochs["val_accuracy"].notna().any())
    frame = thinned(epochs, POINTS // (1 + accurate))
    figure = Figure(figsize=(6.4 if accurate else 4.4, 2.3), layout="constrained")
    axs = figure.subplots(1, 1 + accurate, squeeze=False)[0]
    both = [frame.assign(label=column, loss=frame[column]) for column in LOSSES]
    draw_curves(axs[0], pd.concat(both, ignore_index=True), "loss", LOSSES, loss=True)
    if axs[0].get_yscale() == "log":
        plain_log(axs[0])
    if accurate:
        percent = frame.assign(label="val_accuracy", val_accuracy=100 * frame["val_accuracy"])
        draw_curves(axs[1], percent, "val_accuracy", ACCURACY, loss=False)
        axs[1].set_title(words("figure.val_accuracy"))
    for ax in axs:
        ax.set_xlabel(words("figure.epoch"))
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    handles = [
        Line2D([], [], label=words(f"figure.{column}"), **look.line)
        for column, look in LOSSES.items()
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2, columnspacing=1.6)
    return figure


def _residuals_figure(predictions: pd.DataFrame, words: Words) -> Figure:
    figure = Figure(figsize=(4.4, 2.6), dpi=DPI, layout="constrained")
    ax = figure.subplots()
    low, high = (float(predictions["residual"].quantile(q)) for q in (EDGE, 1 - EDGE))
    room = 0.05 * (high - low) or 1.0
    low, high = min(low - room, -room), max(high + room, room)
    ax.axhline(0, color=INK, linewidth=0.8, alpha=0.6)
    ax.plot(
        predictions["target"],
        np.clip(predictions["residual"], low, high),
        linestyle="none",
        marker="o",
        markersize=2.6,
        markeredgewidth=0,
        color=GREY,
        alpha=0.45,
        rasterized=True,
    )
    ax.set_ylim(low, high)
    ax.set_xlabel(words.of_target("figure.true_value"))
    ax.set_ylabel(words.of_target("portrait.residual"))
    return figure
