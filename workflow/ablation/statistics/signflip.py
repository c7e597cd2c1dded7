"""The sign-flip test: what can be said of a difference without a normal distribution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ablation.statistics.intervals import as_sample

N_FLIPS = 9_999
"""With up to this many sign patterns (13 pairs) all are tried; beyond, as many are drawn."""


@dataclass(frozen=True)
class SignFlip:
    """A two-sided sign-flip test.

    p: twice the share of sign patterns whose mean lies as far out on the observed side. smallest_p:
    the least that this number of pairs can give. exact: every pattern was tried.
    """

    p: float
    smallest_p: float
    exact: bool
    n_pairs: int


def sign_flip_test(differences: ArrayLike, *, seed: int) -> SignFlip:
    """Fisher's randomisation test of paired differences: flip their signs in every way.

    If neither cell is better, each difference would have come as readily with the other sign. With J
    pairs there are 2^J patterns; the smallest two-sided p is 2/2^J. Where they are too many,
    ``N_FLIPS`` are drawn with ``seed`` and the observed one counts as one more, so that no p is
    below 2/(``N_FLIPS`` + 1).

    It asks for no normal distribution, but takes the pairs for independent: overlapping splits make
    it reject too often.

    differences: shape [J], J ≥ 2, cell minus reference, in any unit.
    Raises ValueError for fewer than two differences, or differences that are not finite.
    Sources: Fisher (1935), "The design of experiments"; Phipson & Smyth (2010) on the count of a drawn
    test.
    """
    sample = as_sample(differences)
    exact = 2**sample.size <= N_FLIPS
    smallest = 2 / 2**sample.size if exact else 2 / (N_FLIPS + 1)
    found = stats.permutation_test(
        (sample,),
        _mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=N_FLIPS,
        rng=np.random.default_rng(seed),
    )
    return SignFlip(float(found.pvalue), smallest, exact, sample.size)


def _mean(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return np.asarray(values.mean(axis=axis))
