"""Split and standardise Boston Housing, replicate by replicate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from ablation.networks.fnn.raw import PARTS, load
from ablation.networks.streams import Purpose, generator

Arrays = dict[str, NDArray[Any]]


def split(rows: int, seed: int, replicate: int) -> dict[str, NDArray[np.int64]]:
    """Row numbers of one replicate's ``train``, ``validation`` and ``test`` parts.

    The rows are shuffled once per block of six replicates and cut into six parts of (nearly) equal size. Replicate r tests on
    part r mod 6, validates on the next and trains on the other four, so that a block tests on every row once.
    """
    block, turn = divmod(replicate, PARTS)
    parts = np.array_split(generator(seed, Purpose.SPLIT, block).permutation(rows), PARTS)
    test, validation = turn, (turn + 1) % PARTS
    train = np.concatenate([part for i, part in enumerate(parts) if i not in (test, validation)])
    return {"train": train, "validation": parts[validation], "test": parts[test]}


def _padded(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Stack arrays of unequal length along a new first axis, filled up with zeros."""
    longest = max(len(part) for part in parts)
    return np.stack(
        [np.pad(part, [(0, longest - len(part))] + [(0, 0)] * (part.ndim - 1)) for part in parts]
    )


def prepare(
    folder: Path, parameters: dict[str, Any], seed: int, replicates: int
) -> tuple[Arrays, Arrays]:
    """The part that training may see, and the part that only evaluation opens.

    Returns:
        Two dictionaries of arrays with the replicate as the first axis, each part padded with zero rows to its longest:
        ``train_x [R, N, 13]``, ``train_y [R, N]``, ``train_n [R]``, ``validation_…``, ``mean [R, 13]``, ``scale [R, 13]``;
        and ``test_x``, ``test_y``, ``test_n``, ``test_index``. Features are standardised by their replicate's train part; the
        target stays in 1000 USD.
    """
    features, target = load(folder)
    rows: dict[str, list[NDArray[Any]]] = {}
    for replicate in range(replicates):
        part = split(len(target), seed, replicate)
        scaler = StandardScaler().fit(features[part["train"]])
        for name, index in part.items():
            rows.setdefault(f"{name}_x", []).append(
                scaler.transform(features[index]).astype(np.float32)
            )
            rows.setdefault(f"{name}_y", []).append(target[index].astype(np.float32))
            rows.setdefault(f"{name}_index", []).append(index.astype(np.int64))
        rows.setdefault("mean", []).append(scaler.mean_)
        rows.setdefault("scale", []).append(scaler.scale_)
    arrays = {name: _padded(parts) for name, parts in rows.items()}
    for name in ("train", "validation", "test"):
        arrays[f"{name}_n"] = np.array([len(part) for part in rows[f"{name}_y"]])
    test = {name: arrays.pop(name) for name in list(arrays) if name.startswith("test_")}
    return arrays, test
