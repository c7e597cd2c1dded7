"""The oracles of data and metrics turn red when their stage is broken: one thing is wrong in a copy of a finished study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oracle.damage import (
    Check,
    Damage,
    arrays,
    boston_scaler,
    copied,
    digit_scaler,
    dirty_padding,
    document,
    overwrite,
    see_it,
    seen_again,
    shift,
    strided_save,
    swap,
    table,
)
from oracle.data_checks import (
    check_boston_indices,
    check_boston_promises,
    check_boston_values,
    check_digit_indices,
    check_digit_moments,
    check_digit_promises,
)
from oracle.metrics_checks import (
    check_best_epochs,
    check_entries,
    check_metrics,
    check_predictions,
    check_samples,
    check_shown,
    check_size,
    check_status,
)
from oracle.study import Cell, Study

Case = tuple[str, Damage, Check]
SWAPPED = arrays("train", swap("train_index", "validation_index"))
DATA: dict[str, Case] = {
    "strided save": ("cnn", arrays("train", strided_save), check_digit_moments),
    "digits: scaler of all images": ("cnn", arrays("train", digit_scaler), check_digit_moments),
    "digits: train for validation": ("cnn", SWAPPED, check_digit_promises),
    "digits: not the recipe's parts": ("cnn", SWAPPED, check_digit_indices),
    "digits: shifted labels": ("cnn", arrays("test", shift("target")), check_digit_indices),
    "digits: test part of another replicate": (
        "cnn",
        arrays("test", overwrite("test_index", 2, 3)),
        check_digit_indices,
    ),
    "digits: an image twice": (
        "cnn",
        arrays("train", overwrite("train_index", (2, 0), (2, 1))),
        check_digit_promises,
    ),
    "digits: a draw that was seen": ("cnn", arrays("test", seen_again), check_digit_promises),
    "boston: scaler of all rows": (
        "fnn",
        arrays("train", boston_scaler("all", 0)),
        check_boston_values,
    ),
    "boston: sample deviation": (
        "fnn",
        arrays("train", boston_scaler("own", 1)),
        check_boston_values,
    ),
    "boston: shifted targets": ("fnn", arrays("test", shift("target")), check_boston_values),
    "boston: validation part of another replicate": (
        "fnn",
        arrays("train", overwrite("validation_index", 0, 1)),
        check_boston_indices,
    ),
    "boston: a row tested twice": (
        "fnn",
        arrays("test", overwrite("test_index", (1, 0), (0, 0))),
        check_boston_promises,
    ),
    "boston: padding": ("fnn", arrays("train", dirty_padding), check_boston_values),
}


@pytest.mark.parametrize("name", DATA)
def test_broken_data_are_seen(study: Study, tmp_path: Path, name: str) -> None:
    model, damage, check = DATA[name]
    see_it(copied(study, model, tmp_path), damage, check)


def off_by_one_sample(name: str, samples: int) -> Damage:
    """The metric of one replicate as if the last sample were left out."""

    def change(held: Any) -> None:
        row = held["replicates"][2]
        row[name] = row[name] * samples / (samples - 1)

    return document("metrics", change)


def put(name: str, *path: Any, value: Any = None, by: float = 0) -> Damage:
    """Another value at one place of a document."""

    def change(held: Any) -> None:
        *way, last = path
        for step in way:
            held = held[step]
        held[last] = held[last] + by if by else value

    return document(name, change)


def transposed(held: Any) -> None:
    held["confusion_matrix"] = np.transpose(held["confusion_matrix"]).tolist()


def population_deviation(held: Any) -> None:
    facts = held["metrics"]["mse"]
    facts["sd"] *= np.sqrt((facts["n"] - 1) / facts["n"])


def scaled(name: str, factor: float) -> Damage:
    """The weights of one layer of replicate 1 multiplied."""

    def change(held: dict[str, Any], cell: Cell) -> None:
        held[name][1] *= factor

    return arrays("model", change)


def row_shift(*columns: str) -> Damage:
    """Give each prediction the value of the one before."""

    def change(frame: pd.DataFrame) -> None:
        for column in columns:
            frame[column] = np.roll(frame[column], 1)

    return table("predictions", change)


def check_two(cell: Cell) -> None:
    check_predictions(cell, (1, 4))


METRICS: dict[str, Case] = {
    "mse off by one sample": ("fnn", off_by_one_sample("mse", 84), check_metrics),
    "accuracy off by one sample": ("cnn", off_by_one_sample("accuracy", 464), check_metrics),
    "r2": ("fnn", put("metrics", "replicates", 3, "r2", by=1e-6), check_metrics),
    "per-class accuracy": (
        "cnn",
        put("metrics", "replicates", 3, "per_class_accuracy", 9, by=0.01),
        check_metrics,
    ),
    "mean": ("cnn", put("metrics", "metrics", "loss", "mean", by=1e-6), check_metrics),
    "population deviation": ("fnn", document("metrics", population_deviation), check_metrics),
    "confusion transposed": ("cnn", document("metrics", transposed), check_metrics),
    "predictions shifted": ("fnn", row_shift("prediction"), check_metrics),
    "predictions and targets shifted": ("fnn", row_shift("prediction", "target"), check_samples),
    "labels shifted": ("cnn", row_shift("label", "predicted", "loss"), check_samples),
    "size of a part": ("fnn", put("metrics", "data", "n_train", value=[336, 336]), check_samples),
    "weights of the first layer": ("fnn", scaled("layers.1.weight", 1.001), check_two),
    "running mean": ("cnn", scaled("blocks.0.1.running_mean", 1.01), check_two),
    "one bias": ("cnn", scaled("head.4.bias", 1.01), check_two),
    "size of the network": ("cnn", put("metrics", "model_size", "parameters", by=1), check_size),
    "a diverged flag": ("fnn", put("replicates", 5, "diverged", value=True), check_status),
    "status": ("fnn", put("metrics", "replicates", 5, "status", value="diverged"), check_status),
    "best epoch": ("fnn", put("replicates", 5, "best_epoch", by=-1), check_best_epochs),
    "best loss": ("cnn", put("metrics", "replicates", 2, "val_loss", by=1e-7), check_best_epochs),
}


@pytest.mark.parametrize("name", METRICS)
def test_broken_metrics_are_seen(study: Study, tmp_path: Path, name: str) -> None:
    model, damage, check = METRICS[name]
    see_it(copied(study, model, tmp_path), damage, check)


def test_a_diverged_replicate_that_counts_is_seen(study: Study, tmp_path: Path) -> None:
    """Neither metrics that are kept nor predictions that are kept go unseen, nor a flag that is missing."""
    for name, damage, check in (
        ("a", put("metrics", "replicates", 0, "mse", value=600.0), check_metrics),
        ("b", table("predictions", lambda frame: frame.fillna(22.5)), check_metrics),
        ("c", put("replicates", 0, "diverged", value=False), check_status),
    ):
        see_it(copied(study, "fnn", tmp_path / name, learning_rate=0.1), damage, check)


def test_a_copy_of_other_numbers_is_seen(study: Study, tmp_path: Path) -> None:
    see_it(
        copied(study, "cnn", tmp_path),
        put("metrics", "replicates", 0, "accuracy", by=0.01),
        lambda cell: check_shown(study, cell),
    )


def other_specification(cell: Cell) -> None:
    cell.specification.write_text(cell.specification.read_text("utf-8") + " ", "utf-8")


def file_too_many(cell: Cell) -> None:
    (cell.train / "notes.txt").touch()


ENTRIES: dict[str, Damage] = {
    "weights": scaled("head.4.bias", 1.01),
    "metrics": put("metrics", "replicates", 0, "accuracy", by=0.01),
    "data": arrays("test", shift("target")),
    "specification": other_specification,
    "a file too many": file_too_many,
}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_damaged_entry_is_seen(study: Study, tmp_path: Path, name: str) -> None:
    see_it(copied(study, "cnn", tmp_path), ENTRIES[name], check_entries)
