"""What the trainer's log says, line by line. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

TIME = r"^(?:\d\d:\d\d:\d\d )?"
EPOCH = re.compile(
    TIME + r"epoch (\d+)/(\d+)  median of replicates: (.*?)  \((\d+(?:\.\d+)?) s\)\s*$"
)
RESUMED = re.compile(TIME + r"resumed after epoch (\d+)\s*$")
SMALLER = re.compile(TIME + r"out of memory with (\d+) replicates at once; trying (\d+) at a time")


@dataclass(frozen=True)
class Epoch:
    """One epoch is over: its number of how many, the medians over the replicates, the seconds it took."""

    number: int
    of: int
    figures: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Resumed:
    """Training went on from a checkpoint."""

    epoch: int


@dataclass(frozen=True)
class Smaller:
    """The memory did not hold so many replicates; fewer are trained at a time."""

    tried: int
    at_once: int


Said = Epoch | Resumed | Smaller


def parse(line: str) -> Said | None:
    """What a line of a train job's log says, or None if it is of no use here."""
    if found := EPOCH.match(line):
        number, of, figures, seconds = found.groups()
        return Epoch(int(number), int(of), _figures(figures), float(seconds))
    if found := RESUMED.match(line):
        return Resumed(int(found[1]))
    if found := SMALLER.match(line):
        return Smaller(int(found[1]), int(found[2]))
    return None


def _figures(text: str) -> dict[str, float]:
    """``train_loss 0.2, val_loss nan`` as a mapping; what is no number is left out."""
    figures = {}
    for item in text.split(", "):
        name, _, value = item.rpartition(" ")
        try:
            figures[name] = float(value)
        except ValueError:
            continue
    return figures
