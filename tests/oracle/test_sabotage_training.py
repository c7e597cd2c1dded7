"""The oracle of training turns red when a stored history is wrong, and when either side departs from the recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from oracle import networks, parts, training_checks
from oracle.damage import Damage, copied, see_it, table
from oracle.recipe import image_moments, torch_stream
from oracle.study import Study
from oracle.training import Draws
from oracle.training_checks import (
    check_course,
    check_learning_rates,
    check_same_distribution,
    trained,
)


def of_another_replicate(name: str, replicate: int, other: int) -> Damage:
    """The rows of a replicate replaced by those of another one."""

    def change(frame: pd.DataFrame) -> None:
        columns = [c for c in frame if c not in ("replicate", "epoch", "layer")]
        own, given = (frame["replicate"] == each for each in (replicate, other))
        frame.loc[own, columns] = frame.loc[given, columns].to_numpy()

    return table(name, change)


def times(name: str, column: str, factor: float) -> Damage:
    """A column of a table multiplied."""

    def change(frame: pd.DataFrame) -> None:
        frame[column] = frame[column] * factor

    return table(name, change)


HISTORIES: dict[str, tuple[str, int, Damage]] = {
    "history of another replicate": ("fnn", 7, of_another_replicate("history", 7, 1)),
    "gradients of another replicate": ("fnn", 7, of_another_replicate("gradients", 7, 1)),
    "divided by the longest part": ("fnn", 7, times("history", "train_loss", 337 / 338)),
    "validation loss": ("fnn", 7, times("history", "val_loss", 1 + 2e-4)),
    "gradients": ("fnn", 7, times("gradients", "norm", 1.002)),
    "rates": ("fnn", 7, times("history", "learning_rate", 0.9)),
    "digits: history of another replicate": ("cnn", 4, of_another_replicate("history", 4, 1)),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_broken_histories_are_seen(study: Study, tmp_path: Path, name: str) -> None:
    model, replicate, damage = HISTORIES[name]
    cell = copied(study, model, tmp_path)
    course = trained(cell, replicate, epochs=1)
    see_it(cell, damage, lambda cell: check_course(cell, replicate, course))


def test_rates_that_are_lowered_late_are_seen(study: Study, tmp_path: Path) -> None:
    def late(frame: pd.DataFrame) -> None:
        rates = frame.groupby("replicate")["learning_rate"]
        frame["learning_rate"] = rates.shift(1).fillna(rates.transform("first"))

    cell = copied(study, "fnn", tmp_path, hidden_layers=2, learning_rate=0.01)
    see_it(cell, table("history", late), check_learning_rates)


def test_results_of_another_distribution_are_seen(study: Study) -> None:
    """Networks that predict the mean; accuracies ten points lower."""

    def results(model: str, metric: str, **parameters: Any) -> NDArray[np.float64]:
        rows = study.of(model, **parameters)[0].metrics["replicates"]
        return np.array([row[metric] for row in rows if row["status"] == "ok"])

    trains, collapses = (results("fnn", "mse", hidden_layers=n, learning_rate=0.01) for n in (1, 8))
    accuracy = results("cnn", "accuracy", kernel=5)
    for stored, own in ((np.log(collapses), np.log(trains)), (accuracy - 0.1, accuracy)):
        with pytest.raises(AssertionError, match="standard errors apart"):
            check_same_distribution(stored, own)


class NextEpoch(Draws):
    """Random numbers of the epoch after."""

    def order(self, epoch: int, count: int) -> NDArray[np.int64]:
        return super().order(epoch + 1, count)


class OtherMasks(Draws):
    """Dropout of the epoch after."""

    def dropout(self, epoch: int) -> torch.Generator | None:
        return super().dropout(epoch + 1)


class OtherMoves(Draws):
    """The two shifts exchanged."""

    def moves(self, epoch: int, count: int, parameters: dict[str, Any]) -> NDArray[Any] | None:
        moves = super().moves(epoch, count, parameters)
        return None if moves is None else moves[:, [0, 2, 1, 3]]


def sample_moments(*given: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """With the divisor n − 1."""
    raw, rows = given
    return raw.features[rows].mean(0), raw.features[rows].std(0, ddof=1)


def one_more_pixel(images: NDArray[np.uint8]) -> tuple[float, float]:
    """The mean of other images, by a thousandth."""
    mean, deviation = image_moments(images)
    return mean + 1e-3, deviation


def other_layers(seed: int, purpose: int, *place: int) -> torch.Generator:
    """Tensors of one shape counted from 1."""
    *where, count = place
    return torch_stream(seed, purpose, *where, count + 1)


RECIPES: dict[str, tuple[str, dict[str, Any], Any, str, Any]] = {
    "order of another epoch": ("fnn", {}, training_checks, "Draws", NextEpoch),
    "sample deviation": ("fnn", {}, parts, "boston_moments", sample_moments),
    "weights of other layers": ("fnn", {}, networks, "torch_stream", other_layers),
    "digits: order of another epoch": ("cnn", {}, training_checks, "Draws", NextEpoch),
    "digits: mean pixel": ("cnn", {}, parts, "image_moments", one_more_pixel),
    "dropout of another epoch": ("cnn", {"dropout": 0.4}, training_checks, "Draws", OtherMasks),
    "shifts exchanged": ("cnn", {"augmentation": "affine"}, training_checks, "Draws", OtherMoves),
}


@pytest.mark.parametrize("name", RECIPES)
def test_another_recipe_is_seen(study: Study, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    model, parameters, module, attribute, other = RECIPES[name]
    ordinary = {"hidden_layers": 2, "learning_rate": 0.001}
    plain = {"kernel": 5, "dropout": 0, "augmentation": "none", "batchnorm": False}
    cell = study.of(model, **(ordinary if model == "fnn" else plain | parameters))[0]
    monkeypatch.setattr(module, attribute, other)
    with pytest.raises(AssertionError):
        check_course(cell, 4, trained(cell, 4, epochs=1))
