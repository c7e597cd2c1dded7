"""Split MNIST and measure its pixels, replicate by replicate. Images stay uint8 and are stored once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation.cnn.raw import CLASSES, dataset, load
from ablation.streams import Purpose, generator

Arrays = dict[str, NDArray[Any]]
PER_DIGIT = {"train": 240, "validation": 60, "test": 50}
FULL = {"train": 48_000, "validation": 12_000}


def _quotas(sizes: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Share ``total`` among classes in proportion to their sizes, by largest remainder."""
    exact = sizes * total / sizes.sum()
    quota = np.floor(exact).astype(np.int64)
    order = np.argsort(quota - exact, kind="stable")
    quota[order[: total - quota.sum()]] += 1
    return np.asarray(quota)


def split(
    labels: NDArray[np.int64], seed: int, replicate: int, *, fixed_test: bool
) -> dict[str, NDArray[np.int64]]:
    """Indices of one replicate's parts, stratified by digit and in ascending order.

    Without a fixed test set: 240 / 60 / 50 images per digit, drawn without replacement. With one: 48,000 / 12,000 of the
    training set, in the proportions of its digits.
    """
    stream = generator(seed, Purpose.SPLIT, replicate)
    by_digit = [np.flatnonzero(labels == digit) for digit in range(CLASSES)]
    shuffled = [stream.permutation(members) for members in by_digit]
    if fixed_test:
        quotas = _quotas(np.array([len(members) for members in by_digit]), FULL["train"])
        train = [members[:quota] for members, quota in zip(shuffled, quotas, strict=True)]
        rest = [members[quota:] for members, quota in zip(shuffled, quotas, strict=True)]
        parts = {"train": train, "validation": rest}
    else:
        ends = np.cumsum(list(PER_DIGIT.values()))
        cut = [np.split(members[: ends[-1]], ends[:-1]) for members in shuffled]
        parts = {name: [pieces[i] for pieces in cut] for i, name in enumerate(PER_DIGIT)}
    return {name: np.sort(np.concatenate(pieces)) for name, pieces in parts.items()}


def _moments(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and standard deviation of all pixels in units of 0 to 1, exactly, from their histogram."""
    counts = np.bincount(images.ravel(), minlength=256)
    values, total = np.arange(256) / 255.0, counts.sum()
    mean = float(values @ counts / total)
    return mean, float(np.sqrt(np.square(values - mean) @ counts / total))


def prepare(
    folder: Path, parameters: dict[str, Any], seed: int, replicates: int
) -> tuple[Arrays, Arrays]:
    """The part that training may see, and the part that only evaluation opens.

    Returns:
        ``images [N, 28, 28] uint8``, ``labels [N]``, ``train_index [R, n]``, ``validation_index [R, m]``,
        ``mean [R]`` and ``scale [R]`` (of the train part's pixels, in units of 0 to 1); and ``images``, ``labels``,
        ``test_index [R, k]``. An image that is in no replicate's train or validation part is not in the first dictionary.
        ``fixed`` tells whether all replicates share one test set.
    """
    name = dataset(parameters)
    images, labels, test_images, test_labels = load(folder, name)
    fixed = test_images is not None
    splits = [split(labels, seed, r, fixed_test=fixed) for r in range(replicates)]
    index = {part: np.stack([one[part] for one in splits]) for part in splits[0]}
    moments = np.array([_moments(images[one["train"]]) for one in splits])
    seen = np.unique(np.concatenate([index["train"].ravel(), index["validation"].ravel()]))
    train: Arrays = {
        "images": images[seen],
        "labels": labels[seen],
        "train_index": np.searchsorted(seen, index["train"]),
        "validation_index": np.searchsorted(seen, index["validation"]),
        "mean": moments[:, 0],
        "scale": moments[:, 1],
    }
    if test_images is not None and test_labels is not None:
        every = np.broadcast_to(np.arange(len(test_labels)), (replicates, len(test_labels)))
        index["test"], images, labels = every.copy(), test_images, test_labels
    test: Arrays = {"images": images, "labels": labels, "test_index": index["test"]}
    return train, {**test, "fixed": np.array(fixed)}
