"""One thing made wrong in a copy of a cell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oracle.data_checks import stored_digit_rows
from oracle.raw import boston
from oracle.study import Arrays, Cell, Study, read_arrays, read_json, read_table, write_arrays

Damage = Callable[[Cell], None]
Check = Callable[[Cell], Any]
FNN = {"hidden_layers": 2, "learning_rate": 0.001, "activation": "relu"}
CNN = {"depth": 2, "kernel": 5, "dropout": 0, "augmentation": "none", "batchnorm": True}


def copied(study: Study, model: str, folder: Path, **parameters: Any) -> Cell:
    """A copy of an ordinary cell with all its files, or of one with other parameters."""
    cell = study.of(model, **(FNN if model == "fnn" else CNN) | parameters)[0]
    kinds = ("train", "evaluation", "data")
    places = {name: folder / name / getattr(cell, name).name for name in kinds}
    for name, place in places.items():
        shutil.copytree(getattr(cell, name), place)
    specification = folder / cell.specification.name
    shutil.copy(cell.specification, specification)
    return replace(cell, specification=specification, **places)


def arrays(name: str, change: Callable[[Arrays, Cell], None]) -> Damage:
    """Damage to ``train`` or ``test`` data, or to ``model`` weights."""

    def damage(cell: Cell) -> None:
        path = (cell.train if name == "model" else cell.data) / f"{name}.safetensors"
        held = read_arrays(path)
        change(held, cell)
        write_arrays(path, held)

    return damage


def table(name: str, change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> Damage:
    """Damage to ``history``, ``gradients`` or ``predictions``."""

    def damage(cell: Cell) -> None:
        path = (cell.evaluation if name == "predictions" else cell.train) / f"{name}.csv"
        frame = read_table(path)
        changed = change(frame)
        (frame if changed is None else changed).to_csv(path, index=False)

    return damage


def document(name: str, change: Callable[[Any], None]) -> Damage:
    """Damage to ``metrics`` or ``replicates``."""

    def damage(cell: Cell) -> None:
        path = (cell.evaluation if name == "metrics" else cell.train) / f"{name}.json"
        held = read_json(path)
        change(held)
        path.write_text(json.dumps(held), "utf-8")

    return damage


def strided_save(held: Arrays, cell: Cell) -> None:
    """What is written of two columns of one table when a writer looks at the first address and not at the strides."""
    memory = np.stack([held["mean"], held["scale"]], axis=1).ravel()
    count = len(held["mean"])
    held["mean"], held["scale"] = memory[:count], memory[1 : count + 1]


def swap(first: str, second: str) -> Callable[[Arrays, Cell], None]:
    """Exchange two arrays."""

    def change(held: Arrays, cell: Cell) -> None:
        held[first], held[second] = held[second], held[first]

    return change


def shift(name: str) -> Callable[[Arrays, Cell], None]:
    """Give each row the value of the one before."""

    def change(held: Arrays, cell: Cell) -> None:
        held[name] = np.roll(held[name], 1, axis=-1)

    return change


def boston_scaler(rows: str, ddof: int) -> Callable[[Arrays, Cell], None]:
    """Standardise the train part by other numbers."""

    def change(held: Arrays, cell: Cell) -> None:
        raw = boston(cell.resources).features
        for r, count in enumerate(held["train_n"]):
            own = raw[held["row"][held["train_index"][r][:count]]]
            base = raw if rows == "all" else own
            held["mean"][r], held["scale"][r] = base.mean(0), base.std(0, ddof=ddof)

    return change


def digit_scaler(held: Arrays, cell: Cell) -> None:
    pixels = held["inputs"] / 255
    held["mean"][:], held["scale"][:] = pixels.mean(), pixels.std()


def overwrite(name: str, place: Any, source: Any) -> Callable[[Arrays, Cell], None]:
    """Put one part of an array in the place of another one."""

    def change(held: Arrays, cell: Cell) -> None:
        held[name][place] = held[name][source]

    return change


def seen_again(held: Arrays, cell: Cell) -> None:
    """A further draw holds an image of the train part."""
    seen = stored_digit_rows(cell)["train"][0]
    held["draw_index"][0, 0, 0] = np.flatnonzero(np.isin(held["row"], seen))[0]


def dirty_padding(held: Arrays, cell: Cell) -> None:
    short = int(held["train_n"].argmin())
    held["train_index"][short, held["train_n"][short] :] = 1


def see_it(cell: Cell, damage: Damage, check: Check) -> None:
    """A check passes before the damage and fails after it."""
    check(cell)
    damage(cell)
    with pytest.raises(AssertionError):
        check(cell)
