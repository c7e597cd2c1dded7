"""A model of which every cell failed is collected, drawn, looked at, exported and reported like any other, with its errors."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import ablation
import pandas as pd
import pytest
from ablation.export import latex
from ablation.export.tables import (
    comparisons_frame,
    metric_units,
    parquet_table,
    summary_frame,
)
from ablation.figures.curves import band
from ablation.figures.model import draw
from ablation.language.words import Words
from ablation.results.courses import courses_table
from ablation.results.frames import WORDS, read_csv, read_tables
from ablation.results.tables import joined_table, replicates_table
from ablation.stages import draws as draws_job
from ablation.stages import portraits as portraits_job
from ablation.store.entries import find
from ablation.store.files import read_json
from report.sample import Sample, blank, judged_again, page, sample
from unit_tables import tables_of

REASON = "Killed: out of memory"
MODELS = [("fnn",), ("cnn",), ("fnn", "cnn")]


@cache
def names(*models: str) -> tuple[str, ...]:
    """The cells of some models."""
    study = sample().document
    return tuple(c.name for m in study.models if m.name in models for c in m.cells())


def lost(*models: str) -> Sample:
    """A study in which every cell of some models failed."""
    return sample(failed=names(*models))


def read(made: Sample, folder: Path) -> tuple[Any, dict[str, Any], dict[str, pd.DataFrame]]:
    """Its tables as later stages read them."""
    return read_tables(tables_of(made, folder))


def test_tables_without_rows_keep_the_types_of_their_columns(tmp_path: Path) -> None:
    for table in (joined_table("epochs", {}), replicates_table([])):
        table.to_csv(tmp_path / "empty.csv", index=False)
        found = read_csv(tmp_path / "empty.csv", WORDS)
        numbers = [name for name in found if name not in WORDS]
        assert list(found) == list(table)
        assert numbers == list(found.select_dtypes("float"))
    assert courses_table(joined_table("epochs", {}), joined_table("gradients", {})).empty


def test_curves_of_nothing_have_no_band(tmp_path: Path) -> None:
    joined_table("epochs", {}).to_csv(tmp_path / "epochs.csv", index=False)
    assert band(read_csv(tmp_path / "epochs.csv", WORDS), "val_loss").empty


@pytest.mark.parametrize("models", MODELS)
def test_every_figure_is_drawn(tmp_path: Path, models: tuple[str, ...]) -> None:
    made = lost(*models)
    document, comparisons, frames = read(made, tmp_path)
    for model in models:
        figures = draw(
            document,
            comparisons,
            frames,
            {},
            model=model,
            palette="colorblind",
            words=Words.of("en"),
        )
        assert figures
        curves = [svg for name, svg in figures.items() if name.endswith("_curves")]
        assert curves and all(b"failed" in svg for svg in curves)


@pytest.mark.parametrize("models", MODELS)
def test_the_report_shows_the_errors(tmp_path: Path, models: tuple[str, ...]) -> None:
    made = lost(*models)
    made.tables = read(made, tmp_path)[2]
    html = page(made, blank(made))
    assert html.count(REASON) >= len(names(*models))


@pytest.mark.parametrize("models", MODELS)
def test_without_data_there_are_no_yardsticks_either(models: tuple[str, ...]) -> None:
    made = lost(*models)
    made.study["yardsticks"] |= {model: {} for model in models}
    made = judged_again(made)
    assert REASON in page(made, blank(made))


@pytest.mark.parametrize("models", MODELS)
def test_the_exports_are_made(tmp_path: Path, models: tuple[str, ...]) -> None:
    document, comparisons, frames = read(lost(*models), tmp_path)
    compared = comparisons_frame(document, comparisons)
    own = compared[compared["model"].isin(models)]
    assert set(own["verdict"]) == {"failed"}
    for name, frame in {**frames, "comparisons": compared}.items():
        assert parquet_table(name, frame, metric_units(document), {}).num_rows == len(frame)
    assert len(summary_frame(compared)) == sum(len(m.axes) for m in document.models)
    words = Words.of("en")
    assert latex.summary_table(document, comparisons, words)
    for model in document.models:
        place = latex.Place(model.name, comparisons["confidence"], words.about(model))
        for axis in model.axes:
            assert latex.axis_table(comparisons["models"][model.name], axis, place)


@pytest.mark.parametrize("models", MODELS)
def test_portraits_and_draws_are_made(tmp_path: Path, models: tuple[str, ...]) -> None:
    tables = find(tables_of(lost(*models), tmp_path))
    inputs: Any = {"collect": {"c": tables}, "train": {}, "evaluate": {}, "prepare": {}}
    for model in models:
        spec = {"model": model, "baseline": None, "language": "en"}
        portraits_job.portraits(spec, inputs, tmp_path, {})
        assert read_json(tmp_path / "portraits.json")["cells"] == {}
    if len(models) == 2:
        draws_job.draws({"confidence": 0.95}, inputs, tmp_path, {})
        assert set(read_json(tmp_path / "draws.json")["models"].values()) == {None}


def test_it_is_loaded_and_has_no_numbers(tmp_path: Path) -> None:
    tables_of(lost("fnn", "cnn"), tmp_path)
    study = ablation.load(tmp_path)
    assert study.replicates.empty and study.epochs.empty
    assert set(study.cells["status"]) == {"failed"}
    assert study.history(study.cells["cell"][0], 0).empty
