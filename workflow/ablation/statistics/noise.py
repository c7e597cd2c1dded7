"""How much of the spread between replicates is the chance of a small test part."""

from dataclasses import dataclass

import numpy as np

from ablation.statistics.crossed import Samples


@dataclass(frozen=True)
class Noise:
    """sd: of the metric over replicates; sd_test: what the test part alone gives; both in its unit.

    share: (sd_test / sd)², at most 1; None where nothing varies.
    """

    sd: float
    sd_test: float
    share: float | None


def noise_of(samples: Samples) -> Noise | None:
    """The spread of a mean over replicates, and the part of it that comes of a finite test part.

    samples: by replicate, the metric of each of its test samples, shape [n]; its mean is the
    replicate's metric. The mean of n samples has by itself the standard deviation s/√n, s that of
    the samples; over the replicates the root mean square is taken. What is left is due to
    training: other rows to learn from, other initial weights, other orders.

    Only for test parts that are drawn per replicate: replicates that share a test set share its
    luck. None with fewer than two replicates, or a test part of fewer than two samples.
    """
    parts = [np.asarray(part, dtype=np.float64) for part in samples.values()]
    if len(parts) < 2 or min(part.size for part in parts) < 2:
        return None
    sd = float(np.std([part.mean() for part in parts], ddof=1))
    sd_test = float(np.sqrt(np.mean([part.var(ddof=1) / part.size for part in parts])))
    if sd == 0:
        return Noise(sd, sd_test, 1.0 if sd_test else None)
    return Noise(sd, sd_test, min((sd_test / sd) ** 2, 1.0))
