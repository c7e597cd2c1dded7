"""What is on disk is what was meant: strides, byte order, shapes and types."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from ablation.store.tensors import UnfaithfulError, save_arrays, save_tensors

TABLE = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
ARRAYS = {
    "two columns of one table": {"mean": TABLE[:, 0], "scale": TABLE[:, 1]},
    "a transposed table": {"x": TABLE.T},
    "in the order of Fortran": {"x": np.asfortranarray(TABLE)},
    "backwards": {"x": TABLE[::-1]},
    "every other": {"x": np.arange(9, dtype=np.int64)[::2]},
    "the other byte order": {"x": TABLE.astype(">f8"), "i": np.arange(3, dtype=">i4")[::2]},
    "broadcast": {"x": np.broadcast_to(np.float32(2.5), (3, 2))},
    "no dimension": {"x": np.array(True)},
    "nothing": {"x": np.empty((0, 3), np.float32)},
    "not finite": {"x": np.array([np.nan, np.inf, -0.0])},
}
TENSORS = {
    "two columns of one table": {
        "mean": torch.tensor(TABLE)[:, 0],
        "scale": torch.tensor(TABLE)[:, 1],
    },
    "transposed": {"x": torch.tensor(TABLE).T},
    "channels last": {
        "x": torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)
    },
    "expanded": {"x": torch.tensor([[1.0], [2.0]]).expand(2, 3)},
    "a leaf that needs a gradient": {"x": torch.nn.Parameter(torch.ones(2))},
    "half precision, not finite": {"x": torch.tensor([1.0, float("nan")], dtype=torch.bfloat16)},
}


@pytest.mark.promise(19)
@pytest.mark.parametrize("arrays", ARRAYS.values(), ids=ARRAYS)
def test_arrays_come_back_as_they_were_meant(arrays: dict[str, Any], tmp_path: Path) -> None:
    save_arrays(tmp_path / "file", arrays)
    stored = safetensors.numpy.load_file(tmp_path / "file")
    for name, array in arrays.items():
        assert stored[name].shape == array.shape
        np.testing.assert_array_equal(stored[name], array)


@pytest.mark.promise(19)
@pytest.mark.parametrize("tensors", TENSORS.values(), ids=TENSORS)
def test_tensors_come_back_as_they_were_meant(tensors: dict[str, Any], tmp_path: Path) -> None:
    save_tensors(tmp_path / "file", tensors, {"kind": "test"})
    stored = safetensors.torch.load_file(tmp_path / "file")
    for name, tensor in tensors.items():
        torch.testing.assert_close(stored[name], tensor.detach(), rtol=0, atol=0, equal_nan=True)


def test_a_library_that_ignores_strides_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What safetensors itself makes of a column; whatever else goes wrong while writing is seen in the same way."""
    original = safetensors.numpy.save_file
    monkeypatch.setattr(
        safetensors.numpy, "save_file", lambda arrays, path: original({"m": TABLE[:, 0]}, path)
    )
    with pytest.raises(UnfaithfulError, match="'m'"):
        save_arrays(tmp_path / "file", {"m": TABLE[:, 0]})


def test_no_other_module_writes_arrays() -> None:
    package = Path(__file__).resolve().parents[2] / "workflow"
    writers = [
        path.name
        for path in package.rglob("*.py")
        if any(word in path.read_text("utf-8") for word in ("save_file", "np.save", "torch.save"))
    ]
    assert writers == ["tensors.py"]
