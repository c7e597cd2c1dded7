"""One fixed test set: replicates crossed with test samples, so that both kinds of chance can be told apart."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation.statistics.intervals import MINIMUM_BOOTSTRAP_SIZE, Interval, two_way_bootstrap
from ablation.statistics.paired import mcnemar

Samples = Mapping[int, NDArray[Any]]
"""One value per test sample (0/1 for right or wrong), shape [n], by replicate number; usable replicates only."""


def crossed_interval(samples: Samples, *, confidence: float, seed: int) -> Interval | None:
    """Interval of the mean over replicates and test samples, both drawn again.

    None with fewer than two replicates or thirty samples.
    Source: see ``two_way_bootstrap``.
    """
    return _interval(list(samples.values()), confidence, seed)


def crossed_comparison(
    cell: Samples, reference: Samples, *, confidence: float, seed: int
) -> dict[str, Any] | None:
    """A cell against its reference on the same test samples.

    confidence: of the interval of the difference (cell minus reference), which crosses replicates
    and test samples. alpha of McNemar's tests is 1 − confidence.

    Returns {"n_samples", "level", "difference_interval", "mcnemar": one row per pair of replicates
    with only_cell, only_reference (samples that only one of them gets right) and the exact p;
    "n_rejected": how many of those reject}, or None without a common replicate. No p is pooled over
    the pairs: they share their test samples.
    """
    common = sorted(cell.keys() & reference.keys())
    if not common:
        return None
    rows = []
    for number in common:
        found = mcnemar(cell[number], reference[number])
        rows.append(
            {
                "replicate": number,
                "only_cell": found.only_first,
                "only_reference": found.only_second,
                "p": found.p,
            }
        )
    differences = [cell[r].astype(np.float64) - reference[r] for r in common]
    return {
        "n_samples": len(differences[0]),
        "level": confidence,
        "difference_interval": _interval(differences, confidence, seed),
        "mcnemar": rows,
        "n_rejected": sum(row["p"] < 1 - confidence for row in rows),
    }


def _interval(rows: list[NDArray[Any]], confidence: float, seed: int) -> Interval | None:
    if len(rows) < 2 or len(rows[0]) < MINIMUM_BOOTSTRAP_SIZE:
        return None
    rng = np.random.default_rng(seed)
    return two_way_bootstrap(np.stack(rows), confidence=confidence, rng=rng)
