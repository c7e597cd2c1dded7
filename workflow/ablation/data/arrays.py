"""The arrays of a data set, and the digest by which they are known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Data:
    """What a data file's ``load`` returns.

    Attributes:
        inputs: a table of features ``[N, F]``, or images ``[N, H, W]`` or ``[N, C, H, W]`` of unsigned bytes.
        target: ``[N]``: numbers to predict, or classes counted from 0.
        test_inputs, test_target: the official test set, where there is one.
        groups: ``[N]``: rows of equal value belong together and never stand on both sides of a split. Where splits are drawn
            from an official test set too, its rows follow.
        features: the names of the columns of a table.
        classes: the names of the classes that a reader found, in the order in which the target counts them.
    """

    inputs: Array
    target: Array
    test_inputs: Array | None = None
    test_target: Array | None = None
    groups: Array | None = None
    features: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def arrays_digest(data: Data) -> str:
    """The SHA-256 of the types, shapes and values of all arrays of a data set, the same on every machine.

    Raises:
        ValueError: if an array holds Python objects, whose bytes mean nothing.
    """
    found = hashlib.sha256()
    for field in fields(data):
        array = getattr(data, field.name)
        if not isinstance(array, np.ndarray):
            continue
        if array.dtype.hasobject:
            raise ValueError(
                f"{field.name} is an array of Python objects: allowed are numbers, and texts of a fixed length"
            )
        dense = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
        found.update(f"{field.name} {dense.dtype.str} {dense.shape}\0".encode())
        found.update(dense.tobytes())
    return found.hexdigest()
