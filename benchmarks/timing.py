"""Time commands as whole processes, in turn."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Attributes:
        wall: seconds.
        processor: seconds, of it and of all processes that it waited for.
        peak_mb: resident memory of its largest process.
    """

    wall: float
    processor: float
    peak_mb: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.wall + other.wall,
            self.processor + other.processor,
            max(self.peak_mb, other.peak_mb),
        )

    def __sub__(self, other: Cost) -> Cost:
        """What this took beyond the other; memory is not divided."""
        return Cost(self.wall - other.wall, self.processor - other.processor, self.peak_mb)


def processors() -> list[int]:
    """Cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


@contextmanager
def pinned(cores: list[int]) -> Iterator[None]:
    """Let this thread, and the processes that it starts, run on these cores alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cost_of(
    command: list[str],
    folder: Path,
    environ: Mapping[str, str] | None = None,
    cores: int | None = None,
) -> Cost:
    """Run a command that must succeed, on so many cores; all where none are named.

    Raises:
        RuntimeError: what it printed, if it fails.
    """
    everywhere = processors()
    with (folder / "output.log").open("w+") as log, pinned(everywhere[:cores]):
        begin = time.perf_counter()
        child = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(environ or {})}, stdout=log, stderr=log
        )
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            log.seek(0)
            raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{log.read()}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def in_turn(
    entrants: Mapping[str, Callable[[], Cost]], times: int, once: Collection[str] = ()
) -> dict[str, list[Cost]]:
    """Run all, then all again, for what disturbs the machine then disturbs each; those named in ``once`` run once."""
    costs: dict[str, list[Cost]] = {name: [] for name in entrants}
    for number in range(times):
        for name, run in entrants.items():
            if number == 0 or name not in once:
                costs[name].append(run())
    return costs


def ratio(costs: list[Cost], ours: list[Cost]) -> float:
    """Median over the rounds of a wall time divided by ours in the same round."""
    return median(cost.wall / own.wall for cost, own in zip(costs, ours, strict=False))
