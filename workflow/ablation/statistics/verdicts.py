"""From a test and an interval to one verdict: what a verdict is stands here alone."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from ablation.statistics.intervals import Interval

Better = Literal["lower", "higher"]


class Verdict(StrEnum):
    """What is said of a cell beside its reference, in the order in which they are listed."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "practically equivalent"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTED = "not tested"
    FAILED = "failed"
    REFERENCE = "reference"

    @property
    def tested(self) -> bool:
        """Whether a test stands behind it."""
        return self not in (Verdict.NOT_TESTED, Verdict.FAILED, Verdict.REFERENCE)

    @property
    def conclusive(self) -> bool:
        """Whether the test decided."""
        return self.tested and self is not Verdict.INCONCLUSIVE

    @property
    def differs(self) -> bool:
        """Whether a difference was found."""
        return self in (Verdict.BETTER, Verdict.WORSE)

    @property
    def mirrored(self) -> "Verdict":
        """The same comparison seen from its other side."""
        other = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}
        return other.get(self, self)


class Reason(StrEnum):
    """Why a comparison was not tested, or why it is inconclusive although its interval is not."""

    NO_REFERENCE = "no reference"
    IDENTICAL = "identical"
    FEW_PAIRS = "few pairs"
    ZERO = "zero"
    NO_SPREAD = "no spread"
    DIVERGED = "diverged"


MINIMUM_PAIRS = 5
"""With fewer complete pairs nothing is tested."""


@dataclass(frozen=True)
class Judged:
    """A verdict, and its reason where it needs one."""

    verdict: Verdict
    reason: Reason | None = None


def bonferroni_level(confidence: float, n_comparisons: int) -> float:
    """Level of each of n intervals that hold together: 1 − (1 − confidence) / n."""
    return 1 - (1 - confidence) / n_comparisons


def verdict_of(
    difference: float,
    p_adjusted: float,
    interval: Interval,
    *,
    margin: float | None,
    alpha: float,
    better: Better,
) -> Verdict:
    """The verdict on a comparison that could be tested.

    The first that holds: better or worse, the adjusted p is below alpha · practically equivalent, the whole interval lies
    inside ± margin · inconclusive.

    Args:
        difference: cell minus reference.
        p_adjusted: within the family.
        interval: of the difference, on its scale, at the level of its family.
        margin: on the same scale; None where no difference was declared too small to matter.
        alpha: the error level of the family.
        better: which direction is better.
    """
    if p_adjusted < alpha:
        lower = difference < 0
        return Verdict.BETTER if lower == (better == "lower") else Verdict.WORSE
    if lies_within(interval, margin):
        return Verdict.EQUIVALENT
    return Verdict.INCONCLUSIVE


def lies_within(interval: Interval | None, margin: float | None) -> bool:
    """Whether a whole interval lies strictly inside ± margin.

    An interval at level 1 − α that does is what two one-sided tests at α/2 each reject: the
    difference is neither below −margin nor above it.
    Source: Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15.
    """
    if interval is None or margin is None:
        return False
    return -margin < interval[0] and interval[1] < margin


def holm_alone(p_adjusted: float | None, interval: Interval | None, alpha: float) -> bool:
    """Whether the Holm-adjusted p rejects though the interval, at the Bonferroni level, covers 0.

    Holm's later steps ask less than Bonferroni's level, so this can happen; the reverse, an
    interval that excludes 0 beside a p that does not reject, cannot.
    """
    if p_adjusted is None or interval is None:
        return False
    return p_adjusted < alpha and interval[0] <= 0 <= interval[1]
