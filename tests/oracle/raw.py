"""Raw files (docs/by-hand.md, section 1), read with the standard library."""

from __future__ import annotations

import csv
import gzip
import io
import struct
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIDE, FEATURES = 28, 13
IMAGE_FILE, LABEL_FILE = 2051, 2049  # what an IDX file begins with


class Boston(NamedTuple):
    """Features ``[506, 13]`` and target ``[506]``."""

    features: NDArray[np.float64]
    target: NDArray[np.float64]


class Digits(NamedTuple):
    """Images ``[N, 28, 28]`` and labels ``[N]`` of the pool that splits are drawn from."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@cache
def boston(folder: Path) -> Boston:
    """Read Boston Housing."""
    with (folder / "boston_housing.csv").open(newline="", encoding="utf-8") as stream:
        rows = [[float(field) for field in line] for line in csv.reader(stream)]
    features = np.array([row[:FEATURES] for row in rows])
    return Boston(features, np.array([row[FEATURES] for row in rows]))


@cache
def digits(folder: Path, test: str) -> tuple[Digits, Digits]:
    """Read an image data set: the pool, and where its test draws come from (the pool, or the official test set)."""
    if (folder / "mnist_5k.csv.gz").exists():
        return (_embedded(folder / "mnist_5k.csv.gz"),) * 2
    seen, kept = (_idx(folder, prefix) for prefix in ("train", "t10k"))
    if test == "official":
        return seen, kept
    whole = Digits(
        np.concatenate([seen.images, kept.images]), np.concatenate([seen.labels, kept.labels])
    )
    return whole, whole


def _embedded(path: Path) -> Digits:
    with gzip.open(path, "rb") as stream:
        lines = stream.read().decode().split()
    rows = [[int(float(field)) for field in line.split(",")] for line in lines]
    table = np.array(rows)
    assert table.shape[1] == SIDE * SIDE + 1
    assert table[:, :-1].min() >= 0
    assert table[:, :-1].max() <= 255
    images = table[:, :-1].astype(np.uint8).reshape(len(table), SIDE, SIDE)
    return Digits(images, table[:, -1])


def _idx(folder: Path, prefix: str) -> Digits:
    images = io.BytesIO(gzip.decompress((folder / f"{prefix}-images-idx3-ubyte.gz").read_bytes()))
    labels = io.BytesIO(gzip.decompress((folder / f"{prefix}-labels-idx1-ubyte.gz").read_bytes()))
    kind, count, height, width = struct.unpack(">4i", images.read(16))
    assert (kind, height, width) == (IMAGE_FILE, SIDE, SIDE)
    assert struct.unpack(">2i", labels.read(8)) == (LABEL_FILE, count)
    pixels = np.frombuffer(images.read(), np.uint8).reshape(count, SIDE, SIDE)
    return Digits(pixels, np.frombuffer(labels.read(), np.uint8).astype(np.int64))
