"""Train a cell's replicates in fewer at a time, where the memory of a GPU does not hold all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import torch

from ablation.networks.stack.training import Trained

log = logging.getLogger("ablation")


def train_in_chunks(
    run: Callable[[Sequence[int]], Trained], replicates: int
) -> tuple[Trained, int]:
    """Train all replicates at once, or in halves, quarters, … after running out of GPU memory.

    A replicate's numbers do not depend on which others are trained beside it: beyond rounding, the cut does not change them.

    Args:
        run: trains the replicates of the given numbers.
        replicates: how many there are.

    Returns:
        The whole, and how many replicates were trained at a time.

    Raises:
        torch.OutOfMemoryError: if a single replicate does not fit.
    """
    done: list[Trained] = []
    size, start = replicates, 0
    while start < replicates:
        chosen = range(start, min(start + size, replicates))
        trained = _attempt(run, chosen)
        if trained is None:
            size = -(-len(chosen) // 2)
            # Only here is the failed attempt's last tensor gone: its traceback held them.
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()
            line = "out of memory with %d replicates at once; trying %d at a time"
            log.warning(line, len(chosen), size)
            continue
        done.append(trained)
        start = chosen.stop
    return merge(done), size


def _attempt(run: Callable[[Sequence[int]], Trained], chosen: Sequence[int]) -> Trained | None:
    try:
        return run(chosen)
    except torch.OutOfMemoryError:
        if len(chosen) == 1:
            raise
        return None


def merge(parts: Sequence[Trained]) -> Trained:
    """One result of several, whose replicates follow one another."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    return Trained(
        {name: torch.cat([part.tensors[name] for part in parts]) for name in first.tensors},
        {name: torch.cat([part.history[name] for part in parts], 1) for name in first.history},
        torch.cat([part.gradients for part in parts], 2),
        torch.cat([part.best_epoch for part in parts]),
        torch.cat([part.diverged for part in parts]),
    )
