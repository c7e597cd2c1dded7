"""Random streams: one per purpose, replicate and place, the same in every cell (common random numbers)."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for. The numbers are part of every result: append, never reorder."""

    SPLIT = 0
    INITIALISATION = 1
    ORDER = 2
    DROPOUT = 3
    AUGMENTATION = 4
    DRAW = 5


def generator(seed: int, purpose: Purpose, *place: int) -> np.random.Generator:
    """The generator of one stream.

    Args:
        seed: the study's seed.
        purpose: what the numbers are for.
        place: the replicate first, then what divides its stream further (a layer, an epoch).

    Source: ``numpy.random.SeedSequence`` with a spawn key; streams of different keys are independent.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(int(purpose), *place))
    return np.random.Generator(np.random.PCG64(sequence))


def torch_seed(seed: int, purpose: Purpose, *place: int) -> int:
    """The seed of a torch generator for one stream, where layers draw by themselves."""
    sequence = np.random.SeedSequence(seed, spawn_key=(int(purpose), *place))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))
