"""All figures of one model: which data go on which panel, with which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ablation.figures import draws_name, figure_name, kinds_of
from ablation.figures.curves import draw_curves
from ablation.figures.draws import draws_figure
from ablation.figures.interaction import interaction_figure
from ablation.figures.matrices import (
    WIDTH,
    draw_confusion,
    largest_error,
    panel_size,
    row_percent,
)
from ablation.figures.points import draw_points
from ablation.figures.scatter import draw_predictions, view_of
from ablation.figures.style import INK, Look, looks, styled
from ablation.figures.svg import to_svg
from ablation.figures.titles import characters, extra_height, in_lines
from ablation.language.metrics import metrics_of
from ablation.language.words import Words
from ablation.store.document import AxisDocument, ModelDocument, StudyDocument

TITLED = 0.8  # the share of a panel that is right of its ticks, below a title


class Sheet:
    """One axis of one model, with what every figure of it needs."""

    def __init__(
        self,
        model: ModelDocument,
        axis: AxisDocument,
        tables: dict[str, pd.DataFrame],
        palette: Any,
        words: Words,
    ) -> None:
        self.model, self.axis, self.palette = model, axis, palette
        self.words = words.about(model)
        self.name, self.cells, self.labels = axis.name, axis.cells, axis.labels
        self.looks: dict[str, Look] = looks(self.labels, axis.reference, palette)
        self.summary, self.replicates = (
            self._rows_of_axis(tables[n]) for n in ("cells", "replicates")
        )
        fates = self.replicates[["label", "key", "replicate", "status"]]
        epochs = tables["epochs"]
        epochs = epochs[epochs["model"] == model.name].drop(columns="model")
        joined = fates.merge(epochs, on=["key", "replicate"], how="inner")
        self.epochs = joined.assign(ok=joined["status"] == "ok")

    def _rows_of_axis(self, table: pd.DataFrame) -> pd.DataFrame:
        rows = table[(table["model"] == self.model.name) & (table["axis"] == self.name)]
        return rows.assign(label=rows["label"].astype(str))

    def t(self, key: str, **values: object) -> str:
        return self.words(key, **values)

    def text(self, label: str) -> str:
        return self.words.value(label)

    def note(self, label: str) -> str:
        """What to say of a value without numbers: failed, or how many replicates diverged."""
        if self.axis.cell(label).failed is not None:
            return self.t("figure.failed")
        row = self.replicates[self.replicates["label"] == label]
        k = int((row["status"] == "diverged").sum())
        return self.t("figure.diverged", k=k, n=len(row)) if k else ""

    def legend_text(self, label: str) -> str:
        words = self.text(label)
        if label == self.axis.reference:
            words = self.t("figure.is_reference", value=words)
        note = self.note(label)
        return self.t("figure.with_note", value=words, note=note) if note else words

    def row_text(self, label: str) -> str:
        """As the label of a row; a note stands below, unless it stands in the empty row itself."""
        has_points = (self.replicates["label"] == label) & (self.replicates["status"] == "ok")
        note = self.note(label) if has_points.any() else ""
        return f"{self.text(label)}\n{note}" if note else self.text(label)


def draw(
    study: StudyDocument,
    comparisons: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    predictions: dict[str, pd.DataFrame],
    *,
    model: str,
    palette: Any,
    words: Words,
    draws: dict[str, Any] | None = None,
    serialise: Callable[[Figure], Any] = to_svg,
) -> dict[str, Any]:
    """Draw every figure of one model: the names of :func:`ablation.figures.figure_names`, and ``draws_name``.

    Args:
        study, comparisons: the documents.
        tables: ``cells``, ``replicates`` and ``epochs``.
        predictions: by key, read for regressions.
        model: its name.
        palette: a seaborn palette or a list of colours; its first is the reference's.
        words: of the language.
        draws: the model's part of ``draws.json``; where it is None or has no draws, that figure is left out.
        serialise: from a figure to what is returned of it.
    """
    entry, first = study.model(model), comparisons["models"][model]["metric"]
    metrics = metrics_of(entry, first, tables["replicates"])
    makers: dict[str, Callable[[Sheet], Figure]] = {
        "curves": curves_figure,
        "metrics": lambda sheet: metrics_figure(sheet, metrics),
        "confusion": confusion_figure,
        "predictions": lambda sheet: predictions_figure(sheet, predictions),
        "interaction": lambda sheet: interaction_figure(sheet, first),
    }
    drawn: dict[str, Any] = {}
    for axis in entry.axes:
        sheet = Sheet(entry, axis, tables, palette, words)
        for kind in kinds_of(entry.task, axis):
            name = figure_name(model, sheet.name, kind)
            with styled(name):
                drawn[name] = serialise(makers[kind](sheet))
    if draws and draws["draws"]:
        name = draws_name(model)
        with styled(name):
            drawn[name] = serialise(draws_figure(draws, entry.classes, words))
    return drawn


def curves_figure(sheet: Sheet) -> Figure:
    """Train and validation loss, and validation accuracy where there is one."""
    columns = ["train_loss", "val_loss"]
    if sheet.epochs["val_accuracy"].notna().any():
        columns.append("val_accuracy")
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    axs = figure.subplots(1, len(columns), squeeze=False)[0]
    for ax, column in zip(axs, columns, strict=True):
        frame = sheet.epochs
        if column == "val_accuracy":
            frame = frame.assign(val_accuracy=100 * frame["val_accuracy"])
        draw_curves(ax, frame, column, sheet.looks, loss=column != "val_accuracy")
        ax.set_title(sheet.t(f"figure.{column}"))
        ax.set_xlabel(sheet.t("figure.epoch"))
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    for ax in axs[:2]:
        if ax.get_yscale() == "log":
            plain_log(ax)
    _legend(figure, sheet)
    return figure


def metrics_figure(sheet: Sheet, metrics: list[str]) -> Figure:
    """Every metric of the test part, replicate by replicate."""
    rows = len(sheet.labels)
    figure = Figure(figsize=(WIDTH, 0.95 + 0.56 * rows), layout="constrained")
    axs = figure.subplots(1, len(metrics), squeeze=False, sharey=True)[0]
    notes = {label: sheet.note(label) for label in sheet.labels}
    for ax, metric in zip(axs, metrics, strict=True):
        draw_points(
            ax,
            sheet.replicates,
            sheet.summary,
            metric,
            sheet.looks,
            reference=sheet.axis.reference,
            notes=notes,
        )
        ax.set_title(sheet.words.head(metric))
        ax.set_yticks(range(rows), [sheet.row_text(label) for label in sheet.labels])
    return figure


def confusion_figure(sheet: Sheet) -> Figure:
    """The confusion matrices of an axis side by side."""
    n, size = len(sheet.cells), panel_size(sheet.model.classes)
    fitting = round(WIDTH / size)
    columns = n if n <= fitting else min((n + 1) // 2, fitting + 1)
    lines = -(-n // columns)
    titles = [in_lines(sheet.legend_text(label), TITLED * size) for label in sheet.labels]
    height = (size + 0.28 + extra_height(titles)) * lines
    figure = Figure(figsize=(size * columns, height), layout="constrained")
    axs = figure.subplots(lines, columns, squeeze=False).ravel()
    counts = {
        cell.label: row_percent(cell.confusion_matrix)
        for cell in sheet.cells
        if cell.confusion_matrix
    }
    largest = largest_error(list(counts.values()))
    for ax, label, title in zip(axs, sheet.labels, titles, strict=False):
        ax.set_title(title)
        if label in counts:
            draw_confusion(ax, counts[label], sheet.model.classes, largest=largest)
            ax.set_xlabel(sheet.t("figure.predicted_class"))
            if ax.get_subplotspec().is_first_col():
                ax.set_ylabel(sheet.t("figure.true_class"))
        else:
            _empty(ax, sheet.note(label))
    for ax in axs[n:]:
        ax.set_visible(False)
    return figure


def predictions_figure(sheet: Sheet, predictions: dict[str, pd.DataFrame]) -> Figure:
    """Predicted against true, one panel per value."""
    n = len(sheet.cells)
    columns = n if n <= 4 else (n + 1) // 2
    lines = -(-n // columns)
    size = min(WIDTH / columns, WIDTH / 3)
    titles = [in_lines(sheet.text(label), TITLED * size) for label in sheet.labels]
    height = (0.94 * size + 0.52 + extra_height(titles)) * lines
    figure = Figure(figsize=(size * columns, height), layout="compressed")  # as panels are square
    axs = figure.subplots(lines, columns, squeeze=False).ravel()
    labelled: set[int] = set()
    frames = {
        cell.label: predictions[cell.key].dropna(subset=["prediction"])
        for cell in sheet.cells
        if cell.key in predictions
    }
    view = view_of([frame for frame in frames.values() if len(frame)])
    for ax, label, title in zip(axs, sheet.labels, titles, strict=False):
        ax.set_title(title)
        frame = frames.get(label)
        ax.set_box_aspect(1)
        if frame is None or frame.empty:
            _empty(ax, sheet.note(label))
            continue
        draw_predictions(ax, frame, sheet.looks[label], view=view)
        ax.set_xlabel(sheet.words.of_target("figure.true_value"))
        line = ax.get_subplotspec().rowspan.start
        if line not in labelled:
            labelled.add(line)
            ax.set_ylabel(sheet.words.of_target("figure.predicted_value"))
    for ax in axs[n:]:
        ax.set_visible(False)
    return figure


def plain_log(ax: Axes) -> None:
    """Label a logarithmic loss axis with plain numbers."""
    low, high = ax.get_ylim()
    narrow = high / low < 300
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,), numticks=14))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _legend(figure: Figure, sheet: Sheet) -> None:
    handles = [
        Line2D([], [], markersize=5, markeredgewidth=0, label=sheet.legend_text(label), **look.line)
        for label, look in sheet.looks.items()
    ]
    figure.legend(
        handles=handles,
        loc="outside upper left",
        handlelength=3.4,
        columnspacing=2.2,
        ncols=legend_columns([str(handle.get_label()) for handle in handles]),
    )


def legend_columns(texts: list[str]) -> int:
    """How many columns of a legend, filled one after the other, fit the width of a figure; five at most."""
    lengths = [characters(text) for text in texts]
    for columns in range(min(len(texts), 5), 1, -1):
        widest = [max(part) for part in np.array_split(lengths, columns)]
        if sum(0.9 + 0.072 * length for length in widest) <= WIDTH:  # inches: the mark, a character
            return columns
    return 1


def _empty(ax: Axes, note: str) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_aspect("equal")
    for spine in ax.spines.values():
        spine.set(visible=True, alpha=0.25, edgecolor=INK)
    ax.text(0.5, 0.5, note, ha="center", va="center", style="italic", transform=ax.transAxes)
