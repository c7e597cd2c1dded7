"""Split MNIST and measure its pixels, replicate by replicate. Images stay uint8 and are stored once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation.networks.cnn.raw import CLASSES, dataset, load, part_sizes
from ablation.networks.streams import Purpose, generator

Arrays = dict[str, NDArray[Any]]
DRAWS = 3


def _quotas(sizes: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Share ``total`` among classes in proportion to their sizes, by largest remainder."""
    exact = sizes * total / sizes.sum()
    quota = np.floor(exact).astype(np.int64)
    order = np.argsort(quota - exact, kind="stable")
    quota[order[: total - quota.sum()]] += 1
    return np.asarray(quota)


def split(
    labels: NDArray[np.int64], sizes: dict[str, int], seed: int, replicate: int
) -> dict[str, NDArray[np.int64]]:
    """Indices of one replicate's parts: disjoint, stratified by class, in ascending order.

    Args:
        labels: of the pool, ``[N]``.
        sizes: images of each part, in the order in which they are dealt.
        seed, replicate: which stream.
    """
    stream = generator(seed, Purpose.SPLIT, replicate)
    shuffled = [stream.permutation(np.flatnonzero(labels == each)) for each in range(CLASSES)]
    left = _quotas(np.array([len(members) for members in shuffled]), sum(sizes.values()))
    start, parts = np.zeros_like(left), {}
    for name, size in sizes.items():
        quotas = _quotas(left, size)
        cut = zip(shuffled, start, start + quotas, strict=True)
        parts[name] = np.sort(np.concatenate([members[a:b] for members, a, b in cut]))
        start, left = start + quotas, left - quotas
    return parts


def draws(
    pool: int, taken: list[NDArray[np.int64]], size: int, seed: int, replicate: int
) -> NDArray[np.int64]:
    """Three disjoint random test draws ``[3, m]``, in ascending order, out of the images that are not taken.

    m is ``size``, or less where the pool does not hold three of that size.
    """
    free = np.setdiff1d(np.arange(pool), np.concatenate([np.empty(0, np.int64), *taken]))
    size = min(size, len(free) // DRAWS)
    drawn = generator(seed, Purpose.DRAW, replicate).permutation(free)[: DRAWS * size]
    return np.sort(drawn.reshape(DRAWS, size), axis=1)


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
        ``test_index [R, k]``, ``draw_index [R, 3, l]`` (further test draws, out of images that are in none of the replicate's
        other parts but the test part). Each dictionary holds only the images that its own indices name.
        ``fixed`` tells whether all replicates share one test set.
    """
    images, labels, test_images, test_labels = load(folder, dataset(parameters))
    fixed, sizes = parameters["test"] == "official", part_sizes(parameters)
    if test_images is not None and test_labels is not None and not fixed:
        images, labels = (
            np.concatenate([images, test_images]),
            np.concatenate([labels, test_labels]),
        )
    splits = [split(labels, sizes, seed, r) for r in range(replicates)]
    index = {part: np.stack([one[part] for one in splits]) for part in splits[0]}
    means, scales = zip(*(_moments(images[one["train"]]) for one in splits), strict=True)
    seen = {f"{part}_index": index[part] for part in ("train", "validation")}
    train = _named(images, labels, seen)
    if fixed and test_images is not None and test_labels is not None:
        images, labels = test_images, test_labels
        index["test"] = np.tile(np.arange(len(labels)), (replicates, 1))
    taken = [[] if fixed else [one["train"], one["validation"]] for one in splits]
    size = index["test"].shape[1]
    drawn = [draws(len(labels), each, size, seed, r) for r, each in enumerate(taken)]
    test = _named(images, labels, {"test_index": index["test"], "draw_index": np.stack(drawn)})
    return (
        {**train, "mean": np.array(means), "scale": np.array(scales)},
        {**test, "fixed": np.array(fixed)},
    )


def _named(
    images: NDArray[np.uint8], labels: NDArray[np.int64], index: dict[str, NDArray[np.int64]]
) -> Arrays:
    """The images and labels that some index names, once each, with the indices into them."""
    kept = np.unique(np.concatenate([each.ravel() for each in index.values()]))
    found = {name: np.searchsorted(kept, each) for name, each in index.items()}
    return {"images": images[kept], "labels": labels[kept], **found}
