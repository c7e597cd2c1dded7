"""Drawing functions: data and axes in, axes out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ablation.figures.curves import band, draw_curves, limits
from ablation.figures.matrices import (
    WIDTH,
    draw_confusion,
    largest_error,
    panel_size,
    percent_text,
    row_percent,
)
from ablation.figures.points import draw_points
from ablation.figures.scatter import draw_predictions, view_of
from ablation.figures.style import Look, looks
from ablation.figures.svg import clean
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def axes() -> Axes:
    return Figure().subplots()


def curve(values: list[list[float]], ok: bool = True) -> pd.DataFrame:
    rows = [
        {"label": "a", "replicate": r, "ok": ok, "epoch": e, "val_loss": value}
        for r, line in enumerate(values)
        for e, value in enumerate(line, 1)
    ]
    return pd.DataFrame(rows)


def test_the_band_is_the_central_share_of_the_replicates():
    found = band(curve([[float(i)] for i in range(11)]), "val_loss")
    assert found.loc[1].tolist() == [1.0, 5.0, 9.0]


def test_a_wide_range_is_drawn_on_a_log_scale():
    look = looks(["a"], "a", None)
    assert (
        draw_curves(axes(), curve([[500.0, 5.0]]), "val_loss", look, loss=True).get_yscale()
        == "log"
    )
    assert (
        draw_curves(axes(), curve([[9.0, 5.0]]), "val_loss", look, loss=True).get_yscale()
        == "linear"
    )


def test_one_absurd_replicate_does_not_set_the_scale():
    good = curve([[9.0, 5.0]] * 10)
    bad = curve([[1e30, np.nan]], ok=False).assign(replicate=99)
    ax = draw_curves(axes(), pd.concat([good, bad]), "val_loss", looks(["a"], "a", None), loss=True)
    assert ax.get_ylim()[1] < 100
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert len(crosses) == 1


def test_a_level_that_nearly_diverged_does_not_squash_the_others():
    def span(first: float) -> pd.DataFrame:
        return pd.DataFrame({"low": [1.0, 1.0], "middle": [5.0, 2.0], "high": [first, 2.0]})

    values = pd.Series([1.0])
    low, high = limits([span(1e22), span(600.0), span(500.0)], values, loss=True)
    assert low < 1
    assert 600 < high < 10_000
    assert limits([span(900.0), span(600.0)], values, loss=True)[1] > 900
    assert limits([span(1e22)], values, loss=True)[1] > 1e22


def test_limits_of_nothing_are_a_plain_unit():
    assert limits([], pd.Series([np.nan]), loss=True) == (0.0, 1.0)


def test_every_replicate_is_a_point_and_the_mean_has_its_interval():
    rows = pd.DataFrame({"label": ["a"] * 3, "replicate": [0, 1, 2], "mse": [1.0, 2.0, 3.0]})
    cells = pd.DataFrame({"label": ["a"], "mse_centre": [2.0], "mse_low": [0.5], "mse_high": [3.5]})
    ax = draw_points(axes(), rows, cells, "mse", looks(["a"], "a", None), reference="a", notes={})
    assert any(list(line.get_xdata()) == [1.0, 2.0, 3.0] for line in ax.lines)
    assert any(list(line.get_xdata()) == [0.5, 3.5] for line in ax.lines)
    low, high = ax.get_xlim()
    assert low < 0.5
    assert high > 3.5


def test_a_mean_without_an_interval_is_a_mark_alone():
    """As of a cell in which half of the replicates diverged or collapsed."""
    rows = pd.DataFrame({"label": ["a"] * 2, "replicate": [0, 1], "mse": [1.0, 3.0]})
    cells = pd.DataFrame(
        {"label": ["a"], "mse_centre": [2.0], "mse_low": [np.nan], "mse_high": [np.nan]}
    )
    ax = draw_points(axes(), rows, cells, "mse", looks(["a"], "a", None), reference="b", notes={})
    heavy = [line for line in ax.lines if line.get_linewidth() == 2.4]
    assert heavy == []
    assert any(list(line.get_xdata()) == [2.0] for line in ax.lines)


def test_a_value_without_numbers_says_why():
    rows = pd.DataFrame({"label": ["a"], "replicate": [0], "mse": [np.nan]})
    cells = pd.DataFrame(
        {"label": ["a"], "mse_centre": [np.nan], "mse_low": [np.nan], "mse_high": [np.nan]}
    )
    ax = draw_points(
        axes(), rows, cells, "mse", looks(["a"], "a", None), reference="a", notes={"a": "gone"}
    )
    assert [text.get_text() for text in ax.texts] == ["gone"]


def test_confusion_is_in_percent_of_the_row():
    found = row_percent([[3, 1], [0, 0]])
    assert found.tolist() == [[75.0, 25.0], [0.0, 0.0]]
    assert largest_error([found]) == 25.0
    assert largest_error([np.diag([100.0, 100.0])]) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("value", "text"), [(100.0, "100"), (97.25, "97.3"), (0.3, ".3"), (1.0, "1.0")]
)
def test_percent_text(value, text):
    assert percent_text(value) == text


def test_every_number_of_a_matrix_that_is_not_zero_is_printed():
    ax = draw_confusion(axes(), row_percent([[3, 1], [0, 4]]), ["no", "yes"], largest=25.0)
    assert [text.get_text() for text in ax.texts] == ["75.0", "25.0", "100"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["no", "yes"]


def test_a_matrix_of_many_classes_has_colours_and_as_many_names_as_can_be_read():
    n, names = 100, [f"a name that is long {i}" for i in range(100)]
    ax = draw_confusion(axes(), row_percent(np.eye(n, dtype=int).tolist()), names, largest=1.0)
    shown = [text.get_text() for text in ax.get_yticklabels()]
    assert not ax.texts
    assert 20 <= len(shown) <= 40
    assert max(map(len, shown)) <= 16
    assert panel_size(names) == WIDTH / 2
    assert panel_size(list("0123456789")) == WIDTH / 3


def test_a_prediction_out_of_view_stays_at_the_edge():
    frame = pd.DataFrame({"replicate": [0, 0], "target": [5.0, 50.0], "prediction": [6.0, 900.0]})
    ax = draw_predictions(axes(), frame, Look("#0072b2", "solid", "o"), view=(0.0, 60.0))
    assert np.nanmax(ax.lines[-1].get_ydata()) == 60.0
    assert view_of([]) == (0.0, 1.0)
    assert view_of([frame])[1] < 70


def test_cleaning_keeps_used_ids_and_drops_the_rest():
    raw = (
        '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">\n'
        '<defs>\n <style type="text/css">*{stroke-linejoin: round}</style>\n</defs>\n'
        '<g id="axes_1"><path id="p" d="M 1.23456 2 \nL 1.23456 2 \n"/>'
        '<path id="q" d="M -0.001 2 \nL 3 4 \nL 5 6.789 \nz\n" style="stroke: #010203"/>'
        '<use xlink:href="#p" clip-path="url(#c)"/><text x="1.23456">two words 0.0001</text></g>'
        '<clipPath id="c"/></svg>'
    )
    text = clean(raw)
    for gone in ("?xml", "axes_1", "<style", 'id="q"', "xlink", "#010203", "\n"):
        assert gone not in text
    assert '<path id="p" d="M1.23 2h0"/>' in text
    assert ' d="M0 2 3 4 5 6.79z" style="stroke: currentColor"' in text
    assert '<use href="#p" clip-path="url(#c)"/>' in text
    assert '<text x="1.23">two words 0.0001</text>' in text
    assert '<clipPath id="c"/>' in text
