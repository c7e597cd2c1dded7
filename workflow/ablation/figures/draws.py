"""The best network's confusion matrices on its further test draws."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from ablation.figures.matrices import draw_confusion, largest_error, panel_size, row_percent
from ablation.language.words import Words


def draws_figure(draws: dict[str, Any], classes: list[str], words: Words) -> Figure:
    """One matrix per draw, on one scale. draws: the model's part of ``draws.json``."""
    rows, size = draws["draws"], panel_size(classes)
    percents = [row_percent(row["confusion_matrix"]) for row in rows]
    figure = Figure(figsize=(size * len(rows), size + 0.28), layout="constrained")
    axs = figure.subplots(1, len(rows), squeeze=False)[0]
    for number, (ax, percent) in enumerate(zip(axs, percents, strict=True), 1):
        ax.set_title(words("draws.number", number=number))
        draw_confusion(ax, percent, classes, largest=largest_error(percents))
        ax.set_xlabel(words("figure.predicted_class"))
        if number == 1:
            ax.set_ylabel(words("figure.true_class"))
    return figure
