"""The best network's confusion matrices on its further test draws."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from ablation.figures.matrices import draw_confusion, largest_error, row_percent

SIZE = 10.0 / 3  # inches; three stand side by side


def draws_figure(draws: dict[str, Any], messages: dict[str, str]) -> Figure:
    """One matrix per draw, on one scale. draws: the model's part of ``draws.json``."""
    rows = draws["draws"]
    percents = [row_percent(row["confusion_matrix"]) for row in rows]
    figure = Figure(figsize=(SIZE * len(rows), SIZE + 0.28), layout="constrained")
    axs = figure.subplots(1, len(rows), squeeze=False)[0]
    for number, (ax, percent) in enumerate(zip(axs, percents, strict=True), 1):
        ax.set_title(messages["draws.number"] % {"number": number})
        draw_confusion(ax, percent, largest=largest_error(percents))
        ax.set_xlabel(messages["figure.predicted_class"])
        if number == 1:
            ax.set_ylabel(messages["figure.true_class"])
    return figure
