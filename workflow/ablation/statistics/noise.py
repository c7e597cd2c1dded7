"""How much of the spread between replicates is the chance of a small test part."""

from dataclasses import dataclass

import numpy as np

from ablation.statistics.crossed import Samples
from ablation.statistics.spread import spread_factor


@dataclass(frozen=True)
class Noise:
    """sd: of the metric over replicates; sd_test: what the test part alone gives; both in its unit.

    share: (sd_test / sd)². Above 1 the replicates happened to lie closer together than their test parts alone should let
    them; None where nothing varies.
    """

    sd: float
    sd_test: float
    share: float | None


def noise_of(samples: Samples, *, overlap_ratio: float, step: int) -> Noise | None:
    """The spread of a mean over replicates, and the part of it that comes of a finite test part.

    samples: by replicate, the metric of each of its test samples, shape [n]; its mean is the
    replicate's metric. The mean of n samples has by itself the variance s²/n, s² that of the samples; ``spread_factor`` says
    how much of it shows between replicates that draw from one pool. Over the replicates the mean is taken. What is left is due
    to training: other rows to learn from, other initial weights, other orders.

    Only for test parts that are drawn per replicate: replicates that share a test set share its
    luck. None with fewer than two replicates, or a test part of fewer than two samples.
    """
    parts = [np.asarray(part, dtype=np.float64) for part in samples.values()]
    if len(parts) < 2 or min(part.size for part in parts) < 2:
        return None
    sd = float(np.std([part.mean() for part in parts], ddof=1))
    factor = spread_factor(len(parts), overlap_ratio, step)
    sd_test = float(np.sqrt(factor * np.mean([part.var(ddof=1) / part.size for part in parts])))
    return Noise(sd, sd_test, None if sd == 0 else (sd_test / sd) ** 2)
