"""What a row would say if a diverged replicate were counted, not left out."""

from collections.abc import Mapping
from dataclasses import dataclass

from ablation.statistics.intervals import Interval, mean_interval
from ablation.statistics.paired import corrected_paired_test
from ablation.statistics.replicates import CellNumbers
from ablation.statistics.verdicts import can_be_tested


@dataclass(frozen=True)
class Trivial:
    """What a predictor reaches that has learnt nothing: the metric by replicate number, and its name."""

    counted_as: str
    values: Mapping[int, float]


@dataclass(frozen=True)
class Sensitivity:
    """The difference with diverged replicates counted as trivial.

    n_counted: pairs in which the cell or the reference was counted so. difference: mean, in the
    metric's unit. interval, p: of the corrected paired test, p without adjustment; None where the
    row could not be tested.
    """

    counted_as: str
    n_counted: int
    difference: float
    interval: Interval | None
    p: float | None


def counted_as_trivial(
    cell: CellNumbers,
    reference: CellNumbers,
    trivial: Trivial,
    *,
    level: float,
    test_train_ratio: float,
) -> Sensitivity | None:
    """Cell minus reference over all replicates, a diverged one no better than the trivial predictor.

    A network that diverged can always be replaced by the trivial predictor, so this is the kindest
    value that still counts the failure. level: of the interval.
    None where no replicate diverged, or the trivial value of each that did is unknown.
    """
    own, other = _filled(cell, trivial), _filled(reference, trivial)
    common = sorted(own.keys() & other.keys())
    n_counted = sum(r not in cell.metric or r not in reference.metric for r in common)
    if not n_counted:
        return None
    differences = [own[r] - other[r] for r in common]
    interval = p = None
    if len(differences) >= 2:
        test = corrected_paired_test(differences, test_train_ratio=test_train_ratio)
        if test.p is not None:
            interval = mean_interval(
                differences, test_train_ratio=test_train_ratio, confidence=level
            )
        p = test.p if can_be_tested(test) else None
    mean = sum(differences) / len(differences)
    return Sensitivity(trivial.counted_as, n_counted, mean, interval, p)


def _filled(numbers: CellNumbers, trivial: Trivial) -> dict[int, float]:
    known = {r: trivial.values[r] for r in numbers.diverged if r in trivial.values}
    return {**numbers.metric, **known}
