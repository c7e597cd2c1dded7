"""A table of features and a target, read from a CSV file."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from ablation.data.arrays import Array, Data

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?"))
Column = str | int


def table_from_csv(
    path: Path,
    target: Column = -1,
    *,
    header: bool = True,
    classes: bool = False,
    groups: Column | None = None,
    drop: Sequence[Column] = (),
    delimiter: str = ",",
) -> Data:
    """Read a table; a packed one (``.gz``) too.

    Args:
        path: the file.
        target: the column to predict, by its name or its number from 0 (−1 is the last). Texts become classes, sorted.
        header: whether the first line names the columns.
        classes: whether the target's numbers name classes, such as 1, 2 and 5.
        groups: the column that says which rows belong together; it is no feature.
        drop: columns that are no features, such as a number of the row.
        delimiter: what stands between two fields.

    Raises:
        ValueError: if the file is not such a table, or a value is missing; with one sentence that names row and column.
    """
    names, rows = _read(path, header, delimiter)
    goal = _number(path, names, target)
    group = [] if groups is None else [_number(path, names, groups)]
    left_out = {goal, *group, *(_number(path, names, each) for each in drop)}
    kept = [number for number in range(len(names)) if number not in left_out]
    if not kept:
        raise ValueError(f"{path.name} has no column of features beside {names[goal]!r}")
    features = np.empty((len(rows), len(kept)))
    for place, number in enumerate(kept):
        features[:, place] = _numbers(path, names[number], [row[number] for row in rows], header)
    values, found = _target(path, names[goal], [row[goal] for row in rows], header, classes)
    return Data(
        features,
        values,
        groups=_codes([row[group[0]] for row in rows])[0] if group else None,
        features=tuple(names[number] for number in kept),
        classes=found,
    )


def _read(path: Path, header: bool, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the fields of each row; every row has one per column, and none is missing."""
    try:
        with _opened(path) as stream:
            rows = [
                [field.strip() for field in row] for row in csv.reader(stream, delimiter=delimiter)
            ]
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise ValueError(f"{path.name} cannot be read as a table: {error}") from None
    rows = [row for row in rows if row not in ([], [""])]
    first = rows.pop(0) if header and rows else []
    if not rows:
        raise ValueError(f"{path.name} holds no rows")
    names = first or [f"column {number}" for number in range(len(rows[0]))]
    if header and all(map(_is_number, first)):
        raise ValueError(
            f"the first line of {path.name} holds numbers alone, and would be taken for the names of columns: "
            "give header=False"
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path.name} names two columns {twice!r}")
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise ValueError(
                f"row {number} of {path.name} has {len(row)} fields: allowed are {len(names)}, one for each column"
            )
        for name, field in zip(names, row, strict=True):
            if field.lower() in MISSING:
                raise ValueError(
                    f"row {number} of {path.name} has no value in column {name!r}: fill it, or leave the row out"
                )
    return names, rows


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _number(path: Path, names: list[str], column: Column) -> int:
    """The number of a column, from its name or from a number that may count from the end."""
    if isinstance(column, str):
        if column not in names:
            raise ValueError(
                f"{path.name} has no column {column!r}: there are {', '.join(map(repr, names))}"
            )
        return names.index(column)
    if not -len(names) <= column < len(names):
        raise ValueError(f"{path.name} has no column {column}: it has {len(names)}, counted from 0")
    return column % len(names)


def _numbers(path: Path, name: str, fields: list[str], header: bool) -> NDArray[np.float64]:
    """A column as finite numbers."""
    try:
        values = np.array(list(map(float, fields)))
    except ValueError:
        values = np.array([float(each) if _is_number(each) else math.nan for each in fields])
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        hint = "" if header or row else "; give header=True if this is the line of names"
        raise ValueError(
            f"row {row + 1} of {path.name} has {fields[row]!r} in column {name!r}: allowed are finite numbers{hint}"
        )
    return values


def _target(
    path: Path, name: str, fields: list[str], header: bool, classes: bool
) -> tuple[Array, tuple[str, ...]]:
    """The target as numbers, or as classes with their names."""
    if not classes and any(map(_is_number, fields)):
        return _numbers(path, name, fields, header), ()
    return _codes(fields)


def _codes(fields: list[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Each field as the number of its value among all values, sorted; numbers are sorted as such."""
    values = set(fields)
    order = sorted(values, key=float) if all(map(_is_number, values)) else sorted(values)
    place = {value: number for number, value in enumerate(order)}
    return np.array([place[field] for field in fields], dtype=np.int64), tuple(order)
