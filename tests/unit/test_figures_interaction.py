"""The interaction figure: which mark stands where, what is left out, and what is said of it."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from ablation.figures import figure_names, kinds_of
from ablation.figures import model as figures
from ablation.figures.interaction import (
    INTERVAL,
    draw_interaction,
    interaction_figure,
    interaction_frame,
)
from ablation.figures.model import Sheet, legend_columns
from ablation.figures.style import looks, rc
from ablation.figures.svg import to_svg
from ablation.language.words import Words
from ablation.study.factors import levels_label
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from report.sample import Sample, only, page, sample
from unit_document import axis_of, plain_axis, plain_cell, study_of

PALETTE = ["#0072b2", "#d55e00", "#009e73", "#b5539c"]
WORDS = {"parameters": {"hidden_layers": "Hidden layers", "activation": {"en": "Activation"}}}
AXIS = "depth_by_learning_rate"
FACTORS: dict[str, list[Any]] = {
    "hidden_layers": [1, 2, 8],
    "learning_rate": [0.01, 0.001],
    "activation": ["relu", "tanh"],
}


def draw(made: Sample, model: str = "fnn", language: str = "en") -> dict[str, str]:
    drawn = figures.draw(
        made.document, made.comparisons, made.tables, made.predictions, model=model,
        palette=PALETTE, words=Words.of(language),
    )  # fmt: skip
    return {name: svg.decode() for name, svg in drawn.items()}


def frame(**changes: list[Any]) -> pd.DataFrame:
    rows = {
        "column": [0, 1, 0, 1],
        "line": ["a", "a", "b", "b"],
        "mean": [1.0, 2.0, 3.0, 4.0],
        "low": [0.5, 1.5, 2.5, 3.5],
        "high": [1.5, 2.5, 3.5, 4.5],
        "whole": [True] * 4,
    }
    return pd.DataFrame({**rows, **changes})


def marks(rows: pd.DataFrame) -> list[tuple[float, float, bool]]:
    """Column (rounded), height and whether it is filled, of every mark."""
    ax = Figure().subplots()
    draw_interaction(ax, rows, looks(["a", "b"], "a", PALETTE), 2)
    found = [line for line in ax.lines if line.get_linestyle() == "None"]
    return [
        (
            round(float(np.asarray(m.get_xdata())[0])),
            float(np.asarray(m.get_ydata())[0]),
            not same_color(m.get_markerfacecolor(), "none"),
        )
        for m in found
    ]


def test_each_mean_stands_at_its_level_and_on_its_line() -> None:
    assert marks(frame()) == [(0, 1, True), (1, 2, True), (0, 3, True), (1, 4, True)]
    ax = draw_interaction(Figure().subplots(), frame(), looks(["a", "b"], "a", PALETTE), 2)
    paths = [line for line in ax.lines if len(np.asarray(line.get_ydata())) == 2]
    heights = [list(np.asarray(line.get_ydata())) for line in paths]
    assert [1, 2] in heights and [3, 4] in heights  # the two lines
    assert [0.5, 1.5] in heights and [3.5, 4.5] in heights  # intervals
    assert ax.get_yscale() == "linear"


def test_intervals_of_two_lines_do_not_hide_one_another() -> None:
    ax = draw_interaction(Figure().subplots(), frame(), looks(["a", "b"], "a", PALETTE), 2)
    bars = [line for line in ax.lines if line.get_linewidth() == INTERVAL]
    places = [float(np.asarray(bar.get_xdata())[0]) for bar in bars]
    assert len(set(places)) == len(bars) == 4


def test_a_cell_without_numbers_is_left_out_and_a_partial_one_open() -> None:
    rows = frame(mean=[1.0, np.nan, 3.0, 4.0], whole=[True, False, False, True])
    assert marks(rows) == [(0, 1, True), (0, 3, False), (1, 4, True)]
    without = frame(low=[np.nan] * 4, high=[np.nan] * 4)
    assert len(marks(without)) == 4


def sheet(diverged: dict[str, int] | None = None, failed: tuple[str, ...] = ()) -> Sheet:
    """Three factors, 12 cells; cell i has mean i, or none if all 6 of its replicates diverged."""
    cells, summary, replicates = [], [], []
    for i, levels in enumerate(product(*FACTORS.values())):
        own = dict(zip(FACTORS, levels, strict=True))
        text = levels_label(own)
        k = (diverged or {}).get(text, 0)
        gone = text in failed
        cells.append(plain_cell(label=text, levels=own, failed="killed" if gone else None))
        mean = np.nan if gone or k == 6 else float(i)
        place = {"model": "fnn", "axis": AXIS, "label": text}
        numbers = {"mse_centre": mean, "mse_low": mean - 1, "mse_high": mean + 1}
        summary.append({**place, "n_diverged": k, **numbers})
        for r in range(0 if gone else 6):
            fate = "diverged" if r < k else "ok"
            replicates.append({**place, "key": "0", "replicate": r, "status": fate})
    fates = ["model", "axis", "label", "key", "replicate", "status"]
    epochs = pd.DataFrame(columns=["model", "key", "replicate", "epoch", "val_accuracy"])
    tables = {
        "cells": pd.DataFrame(summary),
        "replicates": pd.DataFrame(replicates, columns=fates),
        "epochs": epochs,
    }
    reference = "hidden_layers-2_learning_rate-0.001_activation-relu"
    study = study_of(
        plain_axis(axis=AXIS, factors=FACTORS, reference=reference, cells=cells),
        model="fnn",
        words=WORDS,
    )
    (axis,) = study.models[0].axes
    return Sheet(study.models[0], axis, tables, PALETTE, Words.of("en"))


def test_factors_become_columns_lines_and_panels() -> None:
    made = sheet()
    rows = interaction_frame(made.axis, made.summary, "mse", 2.0)
    assert list(rows["mean"]) == [2.0 * i for i in range(12)]
    assert list(rows["column"]) == [0] * 4 + [1] * 4 + [2] * 4
    assert list(rows["line"][:4]) == ["0.01", "0.01", "0.001", "0.001"]
    assert list(rows["panel"][:2]) == ["relu", "tanh"]
    figure = interaction_figure(made, "mse")
    assert [ax.get_title() for ax in figure.axes] == [
        "activation relu",
        "activation tanh",
    ]
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["1", "2", "8"]
    assert {ax.get_yscale() for ax in figure.axes} == {"log"}  # an error is compared as a ratio
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["learning rate 0.01", "learning rate 0.001"]


def test_the_references_line_has_the_first_colour() -> None:
    figure = interaction_figure(sheet(), "mse")
    handles = {line.get_label(): line.get_color() for line in figure.legends[0].get_lines()}
    assert handles["learning rate 0.001"] == PALETTE[0]


def test_what_is_left_out_is_said() -> None:
    labels = [levels_label(dict(zip(FACTORS, v, strict=True))) for v in product(*FACTORS.values())]
    figure = interaction_figure(sheet({labels[0]: 6, labels[1]: 2}, (labels[2],)), "mse")
    assert figure._supxlabel is not None
    assert figure._supxlabel.get_text().splitlines() == [
        "hidden layers 1, learning rate 0.01, activation relu: omitted, 6/6 diverged",
        "hidden layers 1, learning rate 0.01, activation tanh: non-diverged replicates only "
        "(2/6 diverged)",
        "hidden layers 1, learning rate 0.001, activation relu: omitted, failed",
    ]
    assert interaction_figure(sheet(), "mse")._supxlabel is None


def test_only_factorial_axes_have_it() -> None:
    assert "interaction" not in kinds_of("regression", axis_of("depth"))
    assert kinds_of("regression", axis_of("a", factors=FACTORS))[0] == "interaction"
    made = sample()
    for model in made.document.models:
        names = figure_names(model)
        assert [name for name in names if "interaction" in name] == [
            {"fnn": f"fnn_{AXIS}_interaction", "cnn": "cnn_dropout_by_batchnorm_interaction"}[
                model.name
            ]
        ]


def test_the_figures_of_a_factorial_axis_are_drawn_in_words() -> None:
    made = only(sample(), "fnn", AXIS)
    drawn = draw(made)
    assert list(drawn) == figure_names(made.document.models[0])
    interaction = drawn[f"fnn_{AXIS}_interaction"]
    assert "currentColor" in interaction
    assert "learning rate 0.001" in interaction
    assert "Hidden layers" in interaction
    for svg in drawn.values():
        assert "hidden_layers-1" not in re.sub(r'(id|href)="[^"]*"', "", svg)
    assert "hidden layers 1, learning rate 0.01" in drawn[f"fnn_{AXIS}_curves"]
    chinese = draw(only(sample(), "fnn", AXIS), language="zh")[f"fnn_{AXIS}_interaction"]
    assert "学习率 0.001" in chinese
    assert "learning rate" not in chinese


def test_an_accuracy_is_drawn_in_percent() -> None:
    svg = draw(only(sample(), "cnn", "dropout_by_batchnorm"), "cnn")
    text = svg["cnn_dropout_by_batchnorm_interaction"]
    ticks = [float(t) for t in re.findall(r">(9\d(?:\.\d+)?)</text>", text)]
    assert ticks and max(ticks) < 100


def test_nothing_left_to_draw_is_still_a_figure() -> None:
    labels = [levels_label(dict(zip(FACTORS, v, strict=True))) for v in product(*FACTORS.values())]
    with mpl.rc_context(rc("x")):
        assert b"omitted" in to_svg(interaction_figure(sheet(failed=tuple(labels)), "mse"))


def test_the_page_calls_combinations_by_words() -> None:
    html = page(only(sample(), "fnn", AXIS))
    body = re.sub(r"<(style|script|pre)\b.*?</\1>", "", html, flags=re.S)
    assert "hidden layers 1, learning rate 0.01" in body
    assert not re.search(r">\s*hidden_layers-1_learning", body)
    assert "Depth × learning rate" in body


@pytest.mark.parametrize(
    ("texts", "columns"),
    [
        (["1", "2"], 2),
        (["0"] * 7, 5),
        (["depth 1, learning rate 0.001 – failed"] * 4, 2),
        (["隐藏层数 1、学习率 0.001（参照）– 24/24 次发散"] * 4, 2),
        (["x" * 200] * 3, 1),
    ],
)
def test_a_legend_fits_its_figure(texts: list[str], columns: int) -> None:
    assert legend_columns(texts) == columns
