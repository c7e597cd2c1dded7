"""Streams, splits and standardised inputs (docs/by-hand.md, sections 2 to 5), coded anew from the page."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from oracle.raw import Boston

Rows = NDArray[np.int64]
SPLIT, INITIAL, ORDER, DROPOUT, AUGMENTATION, DRAW = range(6)
PARTS, CLASSES, DRAWS = 6, 10, 3
TRAINING_SET = 60_000


def stream(seed: int, purpose: int, *place: int) -> np.random.Generator:
    """The random numbers of one purpose at one place."""
    key = (purpose, *place)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def torch_stream(seed: int, purpose: int, *place: int) -> torch.Generator:
    """The random numbers of one purpose at one place, where torch draws them."""
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose, *place))
    return torch.Generator().manual_seed(int(sequence.generate_state(1, np.uint64)[0]) // 2)


def shape_number(shape: Sequence[int]) -> int:
    """The number that a tensor's shape has in the place of its stream."""
    return zlib.crc32(("[" + ", ".join(map(str, shape)) + "]").encode())


def boston_split(rows: int, seed: int, replicate: int) -> dict[str, Rows]:
    """The train, validation and test rows of one replicate of Boston Housing."""
    block, turn = replicate // PARTS, replicate % PARTS
    order = stream(seed, SPLIT, block).permutation(rows).tolist()
    parts = []
    for number in range(PARTS):
        size = rows // PARTS + (number < rows % PARTS)
        parts.append(order[:size])
        order = order[size:]
    validation = (turn + 1) % PARTS
    train = [
        row for number in range(PARTS) if number not in (turn, validation) for row in parts[number]
    ]
    chosen = {"train": train, "validation": parts[validation], "test": parts[turn]}
    return {name: np.array(rows) for name, rows in chosen.items()}


def image_sizes(parameters: dict[str, Any], pool: int) -> dict[str, int]:
    """Images of each part that is drawn, in the order of drawing."""
    if parameters["test"] == "official":
        total = round(parameters["share"] * TRAINING_SET)
        return {"train": total - round(total / 5), "validation": round(total / 5)}
    total = round(parameters["share"] * pool)
    validation, test = round(1.2 * total / 7), round(total / 7)
    return {"train": total - validation - test, "validation": validation, "test": test}


def shared_out(count: int, available: Sequence[int]) -> list[int]:
    """Share a count among classes by largest remainder, in whole numbers."""
    whole = sum(available)
    quotas = [count * own // whole for own in available]
    remainders = [count * own % whole for own in available]
    ranked = sorted(range(len(available)), key=lambda each: (-remainders[each], each))
    for each in ranked[: count - sum(quotas)]:
        quotas[each] += 1
    return quotas


def image_split(labels: Rows, sizes: dict[str, int], seed: int, replicate: int) -> dict[str, Rows]:
    """The images of one replicate's drawn parts."""
    numbers = stream(seed, SPLIT, replicate)
    waiting = []
    for label in range(CLASSES):
        members = [index for index, own in enumerate(labels.tolist()) if own == label]
        waiting.append(numbers.permutation(members).tolist())
    left = shared_out(sum(sizes.values()), [len(members) for members in waiting])
    parts = {}
    for name, size in sizes.items():
        taken: list[int] = []
        for label, quota in enumerate(shared_out(size, left)):
            taken += waiting[label][:quota]
            waiting[label] = waiting[label][quota:]
            left[label] -= quota
        parts[name] = np.array(sorted(taken))
    return parts


def further_draws(free: Sequence[int], size: int, seed: int, replicate: int) -> Rows:
    """Three further test draws out of the images that training has not seen."""
    size = min(size, len(free) // DRAWS)
    order = stream(seed, DRAW, replicate).permutation(sorted(free)).tolist()
    return np.array([sorted(order[size * draw : size * (draw + 1)]) for draw in range(DRAWS)])


def boston_moments(raw: Boston, train: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and population standard deviation of each feature over the train rows."""
    columns = raw.features[train].T.tolist()
    means = [math.fsum(column) / len(column) for column in columns]
    squares = [
        math.fsum((value - mean) ** 2 for value in column) / len(column)
        for column, mean in zip(columns, means, strict=True)
    ]
    return np.array(means), np.sqrt(squares)


def image_moments(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and population standard deviation of all pixels divided by 255, from exact integer sums."""
    pixels = images.astype(np.int64).ravel()
    count, total, squares = len(pixels), int(pixels.sum()), int((pixels * pixels).sum())
    spread = math.sqrt(count * squares - total * total)
    return total / (255 * count), spread / (255 * count)


def boston_inputs(
    raw: Boston, rows: Rows, moments: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Standardised features and the target of some rows."""
    mean, deviation = moments
    standardised = (raw.features[rows] - mean) / deviation
    return standardised.astype(np.float32), raw.target[rows].astype(np.float32)


def image_inputs(pixels: NDArray[np.float32], moments: tuple[float, float]) -> NDArray[np.float32]:
    """Standardise pixels between 0 and 1, in float32."""
    mean, deviation = (np.float32(moment) for moment in moments)
    return np.asarray((pixels - mean) / deviation)


def unit_pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels between 0 and 1."""
    return images.astype(np.float32) / np.float32(255)


def moves(
    stream: np.random.Generator, count: int, parameters: dict[str, Any]
) -> NDArray[np.float32]:
    """Angle, shift to the right, shift down and brightness factor of each position of an epoch."""
    largest = np.array(
        [
            math.radians(parameters["rotation_degrees"]),
            parameters["translation"],
            parameters["translation"],
            parameters["brightness"],
        ]
    )
    drawn = stream.uniform(-largest, largest, (count, 4)) + np.array([0, 0, 0, 1])
    return drawn.astype(np.float32)


def moved(pixels: NDArray[np.float32], moves: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rotate, shift and brighten images ``[N, 28, 28]`` of pixels between 0 and 1."""
    count, side, _ = pixels.shape
    middle = (side - 1) / 2
    angle, right, down, factor = moves.astype(np.float64).T[:, :, None, None]
    y, x = np.mgrid[:side, :side] - middle
    x, y = x - side * right, y - side * down
    column = middle + x * np.cos(angle) + y * np.sin(angle)
    row = middle - x * np.sin(angle) + y * np.cos(angle)
    # A border of zeros on each side: what lies outside is black.
    bordered = np.pad(pixels.astype(np.float64), [(0, 0), (1, 1), (1, 1)])
    row, column = (np.clip(place + 1, 0, side + 1) for place in (row, column))
    top, first = (np.minimum(np.floor(place).astype(int), side) for place in (row, column))
    low, far = row - top, column - first
    each = np.arange(count)[:, None, None]
    value = (
        bordered[each, top, first] * (1 - low) * (1 - far)
        + bordered[each, top, first + 1] * (1 - low) * far
        + bordered[each, top + 1, first] * low * (1 - far)
        + bordered[each, top + 1, first + 1] * low * far
    )
    return np.clip(value * factor, 0, 1).astype(np.float32)
