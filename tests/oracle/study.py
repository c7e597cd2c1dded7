"""The files of a finished study, read without the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}
HEADER_LENGTH = 8


def read_arrays(path: Path) -> Arrays:
    """Read a safetensors file: the length of the header, the header as JSON, the bytes of the arrays."""
    content = path.read_bytes()
    start = HEADER_LENGTH + int.from_bytes(content[:HEADER_LENGTH], "little")
    header = json.loads(content[HEADER_LENGTH:start])
    header.pop("__metadata__", None)
    arrays = {}
    for name, facts in header.items():
        begin, end = facts["data_offsets"]
        flat = np.frombuffer(content[start + begin : start + end], TYPES[facts["dtype"]])
        arrays[name] = flat.reshape(facts["shape"]).copy()
    return arrays


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a safetensors file."""
    names, header, parts, end = {v: k for k, v in TYPES.items()}, {}, [], 0
    for name, array in arrays.items():
        part = array.tobytes()
        kind = names[array.dtype.str]
        offsets = [end, end + len(part)]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": offsets}
        parts.append(part)
        end += len(part)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(HEADER_LENGTH, "little") + text + b"".join(parts))


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV file; an empty field is NaN, and every number is the one that was written, to the last bit."""
    return pd.read_csv(path, dtype=str).apply(pd.to_numeric)


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text("utf-8"))


@dataclass(frozen=True)
class Cell:
    """A trained and tested cell, by its key; it may stand on several axes.

    Attributes:
        model: ``fnn`` or ``cnn``.
        names: what it is called on its axes, ``kernel_5``.
        specification: the file that it was trained from.
        train: the folder of weights, history and gradients.
        evaluation: the folder of ``metrics.json`` and ``predictions.csv``.
        data: the folder of the prepared parts.
        resources: the folder of the raw files of its data set.
    """

    model: str
    names: tuple[str, ...]
    specification: Path
    train: Path
    evaluation: Path
    data: Path
    resources: Path

    @property
    def key(self) -> str:
        """Of its training."""
        return self.train.name

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The specification that it was trained with."""
        return dict(read_json(self.specification))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that it was trained with."""
        return dict(self.spec["parameters"])

    @property
    def precision(self) -> str:
        """The arithmetic of its training."""
        if self.model == "fnn":
            return "fp32"
        return str(read_json(self.train / "run.json")["environment"]["precision"])

    @property
    def history(self) -> pd.DataFrame:
        """One row per replicate and epoch."""
        return read_table(self.train / "history.csv")

    @property
    def metrics(self) -> dict[str, Any]:
        """The stored metrics."""
        return dict(read_json(self.evaluation / "metrics.json"))

    @property
    def predictions(self) -> pd.DataFrame:
        """One row per replicate and test sample."""
        return read_table(self.evaluation / "predictions.csv")

    def __str__(self) -> str:
        return f"{self.model}/{self.names[0]}"


@dataclass(frozen=True)
class Study:
    """A finished study.

    Attributes:
        project: the folder it was made in.
        name: ``default``, or the name of a variant.
        cells: each trained cell once.
    """

    project: Path
    name: str
    cells: tuple[Cell, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", tuple(self._cells()))

    @property
    def results(self) -> Path:
        """The folder of the study's own tables, and of the readable numbers of its cells."""
        own = self.project / "results"
        return own if self.name == "default" else own / self.name

    @property
    def store(self) -> Path:
        """The folder of all that was made, which all studies of a project share."""
        return self.project / "results" / "store"

    @property
    def report(self) -> Path:
        """The report."""
        suffix = "" if self.name == "default" else f"-{self.name}"
        return self.project / f"report{suffix}.html"

    @property
    def tables(self) -> Path:
        """The folder of ``study.json``, ``comparisons.json`` and the CSV tables."""
        return self.results / "tables"

    def shown(self, model: str) -> dict[str, Path]:
        """The readable ``metrics.json`` of each cell of a model, by its name ``kernel_5``."""
        found = sorted((self.results / model).glob("*/metrics.json"))
        return {path.parent.name: path for path in found}

    def of(self, model: str, **parameters: Any) -> list[Cell]:
        """The cells of a model that were trained with these parameters."""
        wanted = parameters.items()
        return [
            cell for cell in self.cells if cell.model == model and wanted <= hashable(cell).items()
        ]

    def _cells(self) -> list[Cell]:
        names: dict[tuple[str, str], list[str]] = {}
        shown = {}
        for model in ("fnn", "cnn"):
            for name, path in self.shown(model).items():
                document = read_json(path)
                assert "failed" not in document["status"], f"{model}/{name} failed"
                names.setdefault((model, document["key"]), []).append(name)
                shown[model, document["key"]] = document
        return [
            Cell(
                model,
                tuple(names[model, key]),
                self.store / "specs" / f"{key}.json",
                self.store / "train" / key,
                self.store / "evaluate" / document["evaluation"],
                self.store / "prepare" / document["data"]["prepared"],
                self.project / "resources" / document["spec"]["data"]["dataset"],
            )
            for (model, key), document in shown.items()
        ]


def hashable(cell: Cell) -> dict[str, Any]:
    """A cell's parameters, lists as tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in cell.parameters.items()
    }
