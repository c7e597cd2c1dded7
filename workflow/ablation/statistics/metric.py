"""What a metric is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """A test metric.

    Attributes:
        name: its name in tables and in the configuration.
        better: which direction is better.
        log: whether it is compared on the logarithm, as a positive and skewed error is; its margin is then a ratio.
        chance: what guessing reaches, where that is a number known beforehand.
    """

    name: str
    better: Literal["lower", "higher"]
    log: bool = False
    chance: float | None = None
