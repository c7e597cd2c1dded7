"""The parts of a replicate, made from the raw bytes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from oracle.raw import Boston, Digits, boston, digits
from oracle.recipe import (
    Rows,
    boston_inputs,
    boston_moments,
    boston_split,
    further_draws,
    image_moments,
    image_sizes,
    image_split,
    unit_pixels,
)
from oracle.study import Cell
from oracle.training import Part

Parts = dict[str, Part]


def boston_parts(raw: Boston, split: dict[str, Rows]) -> Parts:
    """Standardised parts of Boston Housing."""
    moments = boston_moments(raw, split["train"])
    return {name: Part(*boston_inputs(raw, rows, moments)) for name, rows in split.items()}


def digit_parts(pool: Digits, tested: Digits, split: dict[str, Rows]) -> Parts:
    """Parts of an image data set, standardised when they are used."""
    moments = image_moments(pool.images[split["train"]])
    return {
        name: Part(unit_pixels(source.images[rows]), source.labels[rows], moments)
        for name, rows in split.items()
        for source in [tested if name == "test" else pool]
    }


def image_rows(cell: Cell, replicate: int) -> dict[str, Rows]:
    """The images of one replicate's parts by the recipe, and its further test ``draws``."""
    parameters = cell.parameters
    pool, _ = digits(cell.resources, parameters["test"])
    sizes = tuple(image_sizes(parameters, len(pool.labels)).items())
    return _image_rows(cell.resources, parameters["test"], sizes, cell.spec["seed"], replicate)


@cache
def _image_rows(
    folder: Path, test: str, sizes: tuple[tuple[str, int], ...], seed: int, replicate: int
) -> dict[str, Rows]:
    pool, tested = digits(folder, test)
    split = image_split(pool.labels, dict(sizes), seed, replicate)
    seen = set[int]()
    if test == "official":
        split["test"] = np.arange(len(tested.labels))
    else:
        seen = {*split["train"].tolist(), *split["validation"].tolist()}
    free = [index for index in range(len(tested.labels)) if index not in seen]
    return {**split, "draws": further_draws(free, len(split["test"]), seed, replicate)}


def parts_of(cell: Cell, replicate: int) -> Parts:
    """The ``train``, ``validation`` and ``test`` part of one replicate by the recipe."""
    if cell.model == "fnn":
        raw = boston(cell.resources)
        return boston_parts(raw, boston_split(len(raw.target), cell.spec["seed"], replicate))
    pool, tested = digits(cell.resources, cell.parameters["test"])
    rows = image_rows(cell, replicate)
    return digit_parts(pool, tested, {n: rows[n] for n in ("train", "validation", "test")})


def loss_of_mean_prediction(cell: Cell, replicate: int) -> float:
    """What predicting the train part's mean, or each class equally, costs."""
    if cell.model == "cnn":
        return float(np.log(10))
    targets = parts_of(cell, replicate)["train"].targets.astype(np.float64)
    return float(np.mean((targets - targets.mean()) ** 2))
