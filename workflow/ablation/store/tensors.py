"""The one place that writes arrays to a file: what is on disk is what was meant.

``safetensors.numpy.save_file`` writes the bytes behind an array's first element and does not look at its strides, so that a
column of a table becomes other numbers. Every array is therefore laid out densely first, and every file is read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

if TYPE_CHECKING:
    from torch import Tensor


class UnfaithfulError(RuntimeError):
    """A file does not hold the arrays that were written to it."""


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write NumPy arrays of any strides and byte order as safetensors.

    Raises:
        UnfaithfulError: if the file does not hold their values, shapes and types.
    """
    from safetensors.numpy import save_file

    # Not ascontiguousarray, which gives an array without dimensions one.
    dense = {
        name: np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")
        for name, array in arrays.items()
    }
    save_file(dense, path)
    with safe_open(path, framework="numpy") as stream:
        for name, array in arrays.items():
            stored = stream.get_tensor(name)
            same = stored.dtype == array.dtype.newbyteorder("=") and stored.shape == array.shape
            _require(
                same and np.array_equal(stored, array, equal_nan=array.dtype.kind == "f"), name
            )


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write torch tensors of any strides and device as safetensors.

    Raises:
        UnfaithfulError: if the file does not hold their values, shapes and types.
    """
    import torch
    from safetensors.torch import save_file

    # A view of another tensor's memory is refused, hence the copy.
    dense = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    save_file(dense, path, metadata)
    with safe_open(path, framework="pt") as stream:
        for name, tensor in tensors.items():
            stored, meant = stream.get_tensor(name), tensor.detach().cpu()
            same = stored.dtype == meant.dtype and stored.shape == meant.shape
            _require(same and torch.allclose(stored, meant, rtol=0, atol=0, equal_nan=True), name)


def _require(same: bool, name: str) -> None:
    if not same:
        raise UnfaithfulError(f"the file does not hold the array {name!r} that was written to it")
