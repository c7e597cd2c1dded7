"""From a test, an interval and the fate of the replicates to one verdict word."""

from dataclasses import dataclass
from typing import Literal

from ablation.statistics.intervals import Interval, check_level
from ablation.statistics.paired import PairedTest

Better = Literal["lower", "higher"]
Word = Literal[
    "better",
    "worse",
    "equivalent",
    "no detectable difference",
    "cannot tell",
    "diverged",
    "reference",
    "failed",
    "no reference",
]
Reason = Literal["few pairs", "no spread", "wide interval"]

MINIMUM_PAIRS = 5
"""With fewer usable pairs nothing is tested."""


@dataclass(frozen=True)
class Verdict:
    """One of the nine words, the word with its details, and the reason of a "cannot tell"."""

    word: Word
    text: str
    reason: Reason | None = None


@dataclass(frozen=True)
class Fate:
    """What became of the replicates of one cell.

    n_total counts all replicates that ran, n_ok those with a usable number. ``failed`` cells have
    none.
    """

    failed: bool
    n_total: int
    n_ok: int
    n_diverged: int


def bonferroni_level(confidence: float, n_comparisons: int) -> float:
    """Level of each of n intervals that hold together: 1 − (1 − confidence) / n.

    Raises ValueError for a confidence outside (0, 1) or no comparison.
    """
    check_level("confidence", confidence)
    if n_comparisons < 1:
        raise ValueError(f"1 comparison is needed, got {n_comparisons}")
    return 1 - (1 - confidence) / n_comparisons


def can_be_tested(test: PairedTest | None) -> bool:
    """Whether a test's p counts: enough pairs, and a spread that can be estimated."""
    return test is not None and test.n_pairs >= MINIMUM_PAIRS and test.p is not None


def decide(
    *,
    fate: Fate,
    reference: Fate,
    is_reference: bool,
    n_pairs: int,
    test: PairedTest | None,
    p_adjusted: float | None,
    interval: Interval | None,
    margin: float,
    alpha: float,
    better: Better,
) -> Verdict:
    """The verdict on one row of an axis.

    n_pairs: replicates that are usable in both cells. test: the paired test over them, None with
    fewer than two; p_adjusted: its Holm-adjusted p, None where ``can_be_tested`` says no. interval:
    of the difference, at the axis's Bonferroni level, in the metric's unit like ``margin``. alpha:
    the error level of the axis, 1 − confidence.

    The first that holds: failed · diverged · reference · no reference · too few pairs · a spread
    that cannot be estimated · better or worse · equivalent, an interval inside the margin · an
    interval wider than the margin to either side · no detectable difference.
    """
    if fate.failed:
        return Verdict("failed", "failed")
    if fate.n_diverged:
        return Verdict("diverged", f"diverged in {fate.n_diverged} of {fate.n_total}")
    if is_reference:
        return Verdict("reference", "reference")
    if reference.failed or reference.n_ok == 0:
        return Verdict("no reference", f"no reference: {_why_no_reference(reference)}")
    survivors = _survivors(reference)
    if test is None or n_pairs < MINIMUM_PAIRS:
        pairs = f"{n_pairs} usable pair{'' if n_pairs == 1 else 's'}"
        text = f"cannot tell: {pairs}, {MINIMUM_PAIRS} are needed{survivors}"
        return Verdict("cannot tell", text, "few pairs")
    if p_adjusted is None or interval is None:
        text = f"cannot tell: the difference is the same in every pair{survivors}"
        return Verdict("cannot tell", text, "no spread")
    if p_adjusted < alpha:
        lower = test.difference < 0
        word: Word = "better" if lower == (better == "lower") else "worse"
        return Verdict(word, word + survivors)
    if lies_within(interval, margin):
        return Verdict("equivalent", f"equivalent: inside ± {margin:.3g}{survivors}")
    half_width = (interval[1] - interval[0]) / 2
    if half_width > margin:
        text = f"cannot tell: ± {half_width:.3g} is over the margin of {margin:.3g}{survivors}"
        return Verdict("cannot tell", text, "wide interval")
    return Verdict("no detectable difference", f"no detectable difference{survivors}")


def lies_within(interval: Interval | None, margin: float) -> bool:
    """Whether a whole interval lies strictly inside ± margin, both in the metric's unit.

    An interval at level 1 − α that does is what two one-sided tests at α/2 each reject: the
    difference is neither below −margin nor above it.
    Source: Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15.
    """
    return interval is not None and -margin < interval[0] and interval[1] < margin


def holm_alone(p_adjusted: float | None, interval: Interval | None, alpha: float) -> bool:
    """Whether the Holm-adjusted p rejects though the interval, at the Bonferroni level, covers 0.

    Holm's later steps ask less than Bonferroni's level, so this can happen; the reverse, an
    interval that excludes 0 beside a p that does not reject, cannot.
    """
    if p_adjusted is None or interval is None:
        return False
    return p_adjusted < alpha and interval[0] <= 0 <= interval[1]


def _why_no_reference(reference: Fate) -> str:
    if reference.failed:
        return "it failed"
    if reference.n_diverged:
        return f"it diverged in {reference.n_diverged} of {reference.n_total}"
    return "it has no usable replicate"


def _survivors(reference: Fate) -> str:
    if not reference.n_diverged:
        return ""
    return f" (only where the reference survived: {reference.n_ok} of {reference.n_total})"
