"""Figures as a whole: names, repeatability, and what a page needs of them."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache

import numpy as np
import pytest
import seaborn as sns
from ablation.figures import figure_names
from ablation.figures import model as figures
from ablation.figures.style import _COLORBLIND, INK, colours, looks, luminance, styled
from ablation.language.catalogue import load
from ablation.language.numbers import TIED
from ablation.language.words import Words
from ablation.store.document import ModelDocument
from matplotlib.text import Text
from report.sample import Sample, only, sample
from unit_document import plain_axis, study_of

PALETTE = ["#0072b2", "#d55e00", "#009e73", "#b5539c"]


def draw(made: Sample, model: str, language: str = "en") -> dict[str, bytes]:
    return figures.draw(
        made.document, made.comparisons, made.tables, made.predictions, model=model,
        palette=PALETTE, words=Words.of(language),
    )  # fmt: skip


@cache
def fnn() -> dict[str, bytes]:
    return draw(only(sample(), "fnn", "learning_rate", "activation"), "fnn")


@cache
def cnn() -> dict[str, bytes]:
    return draw(only(sample(failed=("cnn/kernel_9",)), "cnn", "kernel"), "cnn")


def model_of(name: str, task: str, *axes: str) -> ModelDocument:
    study = study_of(*(plain_axis(axis=axis) for axis in axes), model=name, task=task)
    return study.models[0]


def test_the_names_are_known_before_anything_is_drawn():
    assert list(fnn()) == figure_names(model_of("fnn", "regression", "learning_rate", "activation"))
    assert list(cnn()) == figure_names(model_of("cnn", "classification", "kernel"))


def test_the_names_cost_no_heavy_import():
    heavy = "{'matplotlib', 'pandas', 'numpy', 'seaborn'} & set(sys.modules)"
    code = f"import sys, ablation.figures as f; f.KINDS; print({heavy})"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert found.stdout.strip() == "set()"


def test_the_same_data_give_the_same_bytes():
    again = draw(only(sample(), "fnn", "activation"), "fnn")
    assert again == {name: fnn()[name] for name in again}
    assert draw(only(sample(failed=("cnn/kernel_9",)), "cnn", "kernel"), "cnn") == cnn()


def test_other_data_give_another_figure():
    made = only(sample(), "fnn", "activation")
    rows = made.tables["replicates"]["status"] == "ok"
    made.tables["replicates"].loc[rows, "mse"] *= 1.3
    assert draw(made, "fnn")["fnn_activation_metrics"] != fnn()["fnn_activation_metrics"]


@pytest.mark.parametrize("made", [fnn, cnn])
def test_a_figure_takes_its_ink_from_the_page(made):
    for svg in made().values():
        text = svg.decode()
        assert "currentColor" in text
        assert INK not in text
        assert "#000000" not in text
        assert "DejaVu" not in text.replace("'DejaVu Sans', sans-serif", "", 1)
        assert "<dc:date>" not in text
        assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)


def test_ids_of_all_figures_are_different_and_references_resolve():
    seen: set[str] = set()
    for name, svg in {**fnn(), **cnn()}.items():
        root = ET.fromstring(svg)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        assert not seen & set(ids)
        seen |= set(ids)
        text = svg.decode()
        used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
        assert used <= set(ids), name


def test_a_value_has_one_look_on_its_axis_and_the_reference_the_first_colour():
    for name, svg in fnn().items():
        assert PALETTE[0] in svg.decode(), name
    found = looks(["0.1", "0.01", "0.001"], "0.01", PALETTE)
    assert found["0.01"].colour == PALETTE[0]
    assert looks(["a", "b"], "b", PALETTE)["b"].colour == found["0.01"].colour
    assert len({look.colour for look in found.values()}) == 3
    assert len({str(look.dash) for look in found.values()}) == 3
    assert len({look.marker for look in found.values()}) == 3


def test_the_colour_of_a_value_is_the_same_in_every_figure_of_its_axis():
    sigmoid = looks(["relu", "tanh", "sigmoid"], "relu", PALETTE)["sigmoid"].colour
    for kind in ("curves", "metrics", "predictions"):
        assert sigmoid in fnn()[f"fnn_activation_{kind}"].decode()


def test_divergence_and_failure_are_written_into_the_figures():
    for kind in ("curves", "metrics", "predictions"):
        assert "24/24 diverged" in fnn()[f"fnn_learning_rate_{kind}"].decode()
    for kind in ("curves", "metrics", "confusion"):
        assert "failed" in cnn()[f"cnn_kernel_{kind}"].decode()


def test_titles_of_square_panels_lie_inside_the_figure():
    """Also where a value diverged; some panel says what its upright axis is."""
    made = only(sample(), "fnn", "learning_rate")
    model = made.document.model("fnn")
    pair = dataclasses.replace(model.axes[0], cells=model.axes[0].cells[:2])
    sheet = figures.Sheet(model, pair, made.tables, PALETTE, Words.of("en"))
    figure = figures.predictions_figure(sheet, made.predictions)
    figure.draw_without_rendering()
    top = figure.bbox.height
    assert [ax.title.get_window_extent().y1 <= top for ax in figure.axes] == [True, True]
    labels = [ax.get_ylabel().replace(TIED, " ") for ax in figure.axes]
    assert labels.count("Predicted value, 1000 USD") == 1


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("axis", ["dropout_by_batchnorm", "depth_by_learning_rate"])
def test_titles_of_neighbouring_panels_do_not_touch(axis: str, language: str) -> None:
    model = "cnn" if axis == "dropout_by_batchnorm" else "fnn"
    made = only(sample(), model, axis)
    entry = made.document.models[0]
    sheet = figures.Sheet(entry, entry.axes[0], made.tables, PALETTE, Words.of(language))
    with styled("titles"):
        figure = (
            figures.confusion_figure(sheet)
            if model == "cnn"
            else figures.predictions_figure(sheet, made.predictions)
        )
        figure.draw_without_rendering()
    words = [text for ax in figure.axes for text in ax.findobj(Text) if text.get_weight() == "bold"]
    titles = {ax.get_title(loc="left") for ax in figure.axes}
    boxes = [text.get_window_extent() for text in words if text.get_text() in titles]
    assert len(boxes) == len(titles) == 4
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert max(box.x1 for box in boxes) <= figure.bbox.width
    assert max(box.y1 for box in boxes) <= figure.bbox.height
    panels = [ax.get_window_extent() for ax in figure.axes if ax.get_visible()]
    assert not any(title.overlaps(panel) for title in boxes for panel in panels)


def test_each_loss_has_limits_of_its_own():
    """A training loss near 0 must not flatten the validation loss."""
    made = only(sample(), "cnn", "depth")
    entry = made.document.models[0]
    made.tables["epochs"]["train_loss"] *= 10.0 ** (-made.tables["epochs"]["epoch"] / 5)
    sheet = figures.Sheet(entry, entry.axes[0], made.tables, PALETTE, Words.of("en"))
    train, validation, _ = figures.curves_figure(sheet).axes
    bands = sheet.epochs.groupby(["label", "epoch"])["val_loss"].median()
    low, high = validation.get_ylim()
    assert train.get_yscale() == "log"
    assert train.get_ylim()[0] < low / 10
    assert np.ptp(np.log(bands)) > 0.5 * np.log(high / low)


def test_a_replicates_point_is_as_strong_as_its_colour():
    made = only(sample(), "cnn", "depth")
    entry = made.document.models[0]
    sheet = figures.Sheet(entry, entry.axes[0], made.tables, PALETTE, Words.of("en"))
    lines = [line for ax in figures.metrics_figure(sheet, ["accuracy"]).axes for line in ax.lines]
    points = [line for line in lines if line.get_linestyle() == "None"]
    assert len(points) == 6
    assert [line.get_alpha() for line in points] == [None] * 6


def test_the_words_of_a_figure_are_those_of_the_language():
    made = only(sample(), "fnn", "activation")
    text = draw(made, "fnn", "zh")["fnn_activation_curves"].decode()
    assert load("zh")["figure.val_loss"] in text
    assert load("en")["figure.val_loss"] not in text


def test_an_axis_on_which_everything_failed_is_still_drawn():
    cells = ("cnn/pooling_max", "cnn/pooling_average")
    made = only(sample(failed=cells), "cnn", "pooling")
    for name, svg in draw(made, "cnn").items():
        assert "failed" in svg.decode(), name


def test_the_shipped_palette_is_that_of_seaborn():
    assert list(_COLORBLIND) == sns.color_palette("colorblind").as_hex()


def test_named_palettes_leave_out_what_is_too_faint():
    found = colours("colorblind", 5)
    assert len(found) >= 5
    assert all(luminance(colour) < 0.4 for colour in found)
    assert colours(["#FF0000"], 3) == ["#ff0000"] * 3
    with pytest.raises(ValueError, match="at least one"):
        colours([], 2)


def test_contrast_of_the_heat_colour_holds_for_black_and_white_text():
    from ablation.figures.matrices import HEAT

    hexed = "#" + "".join(f"{round(255 * part):02x}" for part in HEAT)
    level = luminance(hexed)
    assert (level + 0.05) / 0.05 >= 4.5 or np.isclose((level + 0.05) / 0.05, 4.5, atol=0.1)
    assert 1.05 / (level + 0.05) >= 4.5
