"""Time stamps in the past, in the future and at random, each followed by a change."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from functools import partial

from faults.bench import Bench, Fault, Outcome, change
from faults.compare import identities

DAY = 86_400
STAMPS: dict[str, Callable[[random.Random], float]] = {
    "in the past": lambda rng: rng.uniform(0, time.time() / 2),
    "in the future": lambda rng: time.time() + rng.uniform(DAY, 70 * 365 * DAY),
    "at random": lambda rng: time.time() + rng.choice([-1, 1]) * rng.uniform(0, 300 * DAY),
}


def _touched(
    bench: Bench, rng: random.Random, *, stamp: Callable[[random.Random], float]
) -> Outcome:
    """Every file gets a time stamp, half of the times Snakemake forgets; then one more cell is declared."""
    project = bench.copy()
    if rng.random() < 0.5:
        project.forget()
    for path in project.path.rglob("*"):
        if path.is_file():
            os.utime(path, times=(stamp(rng), stamp(rng)))
    kept = {name: facts[:1] for name, facts in identities(project.path).items()}
    trained = len([name for name in kept if name.startswith("train/")])
    project.configure(change)
    done = bench.again(project)
    # A run may date a file of tomorrow back, so the inode alone tells whether it was made again.
    now = {name: facts[:1] for name, facts in identities(project.path).items()}
    twice = [name for name, inode in kept.items() if now.get(name) != inode]
    outcome = bench.judge(project, done, {}, expected=bench.changed)
    new = len([name for name in now if name.startswith("train/")]) - trained
    bench.drop(project)
    if twice or new != 1:
        return Outcome(outcome.recovered, False, f"trained {new}, made twice: {', '.join(twice)}")
    return outcome


FAULTS = [
    Fault(
        "times",
        f"times {name}, then a change",
        partial(_touched, stamp=stamp),
        short=name == "in the future",
    )
    for name, stamp in STAMPS.items()
]
