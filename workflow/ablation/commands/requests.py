"""What a training asks for: a priority, and of a cluster memory and time by what earlier cells of its model took, more at each
further attempt."""

from __future__ import annotations

import math
from functools import cached_property

from ablation.commands import costs
from ablation.machine.devices import resolves_to_cuda
from ablation.study.models import Model
from ablation.study.plan import Plan

HEADROOM = 2  # nodes may be slower than the machine that was measured, and load comes on top
BASE_MB, BASE_MINUTES = 1_000, 5  # the Snakemake processes around a job, and their start
UNKNOWN_MB, UNKNOWN_MINUTES = 8_000, 60  # where nothing like it was trained


def megabytes(peak: float | None, attempt: int) -> int:
    """The memory to ask for, in hundreds of MB.

    Args:
        peak: the most bytes that a cell of the model took, None where none tells.
        attempt: 1 at first; a job may have failed for want of memory.
    """
    once = UNKNOWN_MB if peak is None else BASE_MB + HEADROOM * peak / 1e6
    return attempt * math.ceil(once / 100) * 100


def minutes(seconds: float | None, attempt: int) -> int:
    """The time to ask for. seconds: as estimated, None without an estimate. attempt: a cell cut off goes on where it was."""
    once = UNKNOWN_MINUTES if seconds is None else BASE_MINUTES + HEADROOM * seconds / 60
    return attempt * math.ceil(once)


class Requests:
    """What the trainings of a plan ask for; the store is read once, at the first question."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.device = "cuda" if resolves_to_cuda(plan.device) else "cpu"

    @cached_property
    def _models(self) -> dict[str, Model]:
        return {part.model.name: part.model for part in self.plan.study.models}

    @cached_property
    def _stored(self) -> dict[str, costs.Spec]:
        return costs.stored(self._models)

    @cached_property
    def _rates(self) -> dict[str, list[float]]:
        return costs.rates(self._stored, self.plan.study.by_key, self._models, self.device)

    @cached_property
    def _peaks(self) -> dict[str, int]:
        return costs.peaks(self._stored, self.device)

    def memory(self, key: str, attempt: int) -> int:
        """MB for the training of a key."""
        return megabytes(self._peaks.get(self.plan.study.by_key[key].model), attempt)

    def time(self, key: str, attempt: int) -> int:
        """Minutes for the training of a key."""
        spec = self.plan.study.by_key[key].spec
        return minutes(costs.estimate(spec, self._models, self._rates), attempt)

    def priority(self, key: str) -> int:
        """1 for the training of a key on images, else 0; what takes seconds has 2.

        The longest come first, so that near the end no core waits for a long one.
        """
        return int(self._models[self.plan.study.by_key[key].model].data.images)
