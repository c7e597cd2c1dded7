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
    """Interval of the mean over replicates and test samples, both drawn again; see ``two_way_bootstrap``.

    None with fewer than two replicates or thirty samples.
    """
    rows = list(samples.values())
    if len(rows) < 2 or len(rows[0]) < MINIMUM_BOOTSTRAP_SIZE:
        return None
    rng = np.random.default_rng(seed)
    return two_way_bootstrap(np.stack(rows), confidence=confidence, rng=rng)


def crossed_comparison(
    cell: Samples, reference: Samples, *, confidence: float, seed: int
) -> dict[str, Any] | None:
    """A cell against its reference on the same test samples.

    Args:
        cell, reference: what is compared.
        confidence: of the interval of the difference (cell minus reference), which crosses replicates and test samples. alpha
            of McNemar's tests is 1 − confidence.
        seed: of the bootstrap.

    Returns:
        ``n_samples``, ``level``, ``difference_interval``; ``mcnemar``: one row per pair of replicates with ``only_cell``,
        ``only_reference`` (samples that only one of them gets right) and the exact p; ``n_rejected``: how many of those
        reject. None without a common replicate. No p is pooled over the pairs: they share their test samples.
    """
    common = sorted(cell.keys() & reference.keys())
    if not common:
        return None
    rows = []
    for number in common:
        tested = mcnemar(cell[number], reference[number])
        names = ("only_cell", "only_reference", "p")
        rows.append({"replicate": number, **dict(zip(names, tested, strict=True))})
    differences = {r: cell[r].astype(np.float64) - reference[r] for r in common}
    return {
        "n_samples": len(differences[common[0]]),
        "level": confidence,
        "difference_interval": crossed_interval(differences, confidence=confidence, seed=seed),
        "mcnemar": rows,
        "n_rejected": sum(float(row["p"]) < 1 - confidence for row in rows),
    }
