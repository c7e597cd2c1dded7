"""What a metric is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Metric:
    """A test metric.

    Attributes:
        name: its name in tables and in the configuration.
        better: which direction is better.
        log: whether it is compared on the logarithm, as a positive and skewed error is; its margin is then a ratio.
        chance: what guessing reaches, where that is a number known beforehand.
        unit: of the stored number.
        scale: what a stored number is multiplied by before it is shown: 100 for percent.
        lowest, highest: what it can be.
        decimals: of one replicate's number as shown.
        tolerance: how far a repetition on another machine may move it: of a replicate, and in the mean over replicates. In its
            unit, or a fraction of the stored number where it is compared on the logarithm.
        per_sample: table of predictions → values whose mean it is; None for what is no mean over samples.
    """

    name: str
    better: Literal["lower", "higher"]
    log: bool = False
    chance: float | None = None
    unit: str = "1"
    scale: float = 1.0
    lowest: float = -math.inf
    highest: float = math.inf
    decimals: int = 4
    tolerance: tuple[float, float] = (0.0, 0.0)
    per_sample: Callable[[Any], Any] | None = None

    @property
    def bounds(self) -> dict[str, Any]:
        """Its tolerance as a record of a verification has it."""
        replicate, mean = self.tolerance
        return {"replicate": replicate, "mean": mean, "relative": self.log}
