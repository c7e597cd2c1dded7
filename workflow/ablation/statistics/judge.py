"""All comparisons of a model in one metric: tests, adjusted p, intervals and verdicts."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ablation.statistics.crossed import Samples
from ablation.statistics.families import Comparison
from ablation.statistics.intervals import Interval, t_interval, variance_factor
from ablation.statistics.paired import holm, p_value
from ablation.statistics.replicates import Fate, Values, paired_differences
from ablation.statistics.scale import Scale
from ablation.statistics.spread import (
    Spread,
    has_spread,
    sampling_floor,
    spread_factor,
    spreads,
)
from ablation.statistics.verdicts import (
    MINIMUM_PAIRS,
    Better,
    Judged,
    Reason,
    Verdict,
    bonferroni_level,
    verdict_of,
)


@dataclass(frozen=True)
class Setting:
    """What is the same for all comparisons of one model in one metric.

    Raises:
        ValueError: for a confidence outside (0, 1) or a negative ratio; what takes these from here does not look again.
    """

    metric: str
    better: Better
    scale: Scale
    margin: float | None  # on the metric's scale, None where none is declared
    overlap_ratio: float  # corrects for splits of one pool, 0 with a fixed test set
    fixed_test_set: bool
    confidence: float
    power: float = 0.8  # of what could have been detected
    seed: int = 0
    step: int = 1  # test parts of so many replicates in a row are disjoint
    trivial: Values = field(
        default_factory=dict
    )  # what has learnt nothing reaches, in the metric's unit

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise ValueError(f"the confidence must lie between 0 and 1, got {self.confidence}")
        if not 0 <= self.overlap_ratio < math.inf:
            raise ValueError(f"the overlap ratio must be 0 or more, got {self.overlap_ratio}")

    @property
    def alpha(self) -> float:
        return 1 - self.confidence


@dataclass(frozen=True)
class Numbers:
    """A metric of all cells on its scale, by key."""

    values: Mapping[str, Values]
    fates: Mapping[str, Fate]
    samples: Mapping[str, Samples] = field(default_factory=dict)  # of single test samples

    def fate(self, key: str) -> Fate:
        """Of a cell without any replicate: failed."""
        return self.fates.get(key, Fate(failed=True))

    def is_broken(self, comparison: Comparison) -> bool:
        """Whether the cell or the reference of a comparison is broken."""
        return self.fate(comparison.cell).broken or self.fate(comparison.reference).broken


@dataclass(frozen=True)
class Outcome:
    """One comparison, on the metric's scale, cell minus reference."""

    comparison: Comparison
    differences: list[float]  # of the complete pairs
    level: float  # of the interval
    spread: Spread | None
    judged: Judged
    p: float | None = None
    p_adjusted: float | None = None  # within the family
    interval: Interval | None = None
    # The same comparison with each diverged replicate scored as the trivial prediction, where that is known.
    scored: "Outcome | None" = None
    n_scored: int = 0

    @property
    def difference(self) -> float | None:
        """The mean difference."""
        return float(np.mean(self.differences)) if self.differences else None

    def seen_from(self, cell: str) -> "Outcome":
        """The outcome with ``cell``, one of the two, as the cell and the other as the reference."""
        if cell == self.comparison.cell:
            return self
        comparison = self.comparison
        interval = None if self.interval is None else (-self.interval[1], -self.interval[0])
        return replace(
            self,
            comparison=replace(comparison, cell=comparison.reference, reference=comparison.cell),
            differences=[-value for value in self.differences],
            interval=interval,
            judged=replace(self.judged, verdict=self.judged.verdict.mirrored),
            scored=None if self.scored is None else self.scored.seen_from(cell),
        )


def judge(
    comparisons: Mapping[str, Comparison], numbers: Numbers, setting: Setting
) -> dict[str, Outcome]:
    """Judge every comparison once, in the family of its axis.

    Where replicates diverged, the verdict must also come out with each of them scored as the trivial prediction of its
    split; else it is inconclusive.
    """
    outcomes = _judge(comparisons, numbers, setting)
    filled = replace(numbers, values=_scored(numbers, setting))
    for name, scored in _judge(comparisons, filled, setting).items():
        outcome = outcomes[name]
        judged, n_scored = outcome.judged, len(scored.differences) - len(outcome.differences)
        if n_scored:
            if judged.verdict.conclusive and scored.judged.verdict is not judged.verdict:
                judged = Judged(Verdict.INCONCLUSIVE, Reason.DIVERGED)
            outcomes[name] = replace(outcome, judged=judged, scored=scored, n_scored=n_scored)
    return outcomes


def _scored(numbers: Numbers, setting: Setting) -> dict[str, Values]:
    """The values with each diverged replicate scored as the trivial prediction."""
    scaled = map(float, setting.scale.forward(list(setting.trivial.values())))
    trivial = dict(zip(setting.trivial, scaled, strict=True))
    return {
        key: {**values, **{r: trivial[r] for r in numbers.fate(key).diverged & trivial.keys()}}
        for key, values in numbers.values.items()
    }


def _judge(
    comparisons: Mapping[str, Comparison], numbers: Numbers, setting: Setting
) -> dict[str, Outcome]:
    differences = {
        name: paired_differences(
            _finite(numbers, comparison.cell), _finite(numbers, comparison.reference)
        )
        for name, comparison in comparisons.items()
    }
    # Of a cell that mostly diverged a few survivors tell nothing.
    several = {
        name: values
        for name, values in differences.items()
        if len(values) >= (MINIMUM_PAIRS if numbers.is_broken(comparisons[name]) else 2)
    }
    spread = spreads(
        several,
        {
            name: _floor(comparisons[name], len(pairs), numbers, setting)
            for name, pairs in several.items()
        },
        {name: not numbers.is_broken(comparisons[name]) for name in several},
    )
    families = Counter(comparison.axis for comparison in comparisons.values())
    outcomes = {}
    for name, comparison in comparisons.items():
        level = bonferroni_level(setting.confidence, families[comparison.axis])
        judged = _why_not(comparison, differences[name], numbers)
        outcome = Outcome(
            comparison,
            differences[name],
            level,
            spread.get(name),
            judged or Judged(Verdict.INCONCLUSIVE),
        )
        outcomes[name] = outcome if judged else _tested(outcome, setting)
    for axis, size in families.items():
        outcomes |= _family(axis, size, outcomes, setting)
    return outcomes


def _finite(numbers: Numbers, key: str) -> Values:
    return {r: value for r, value in numbers.values.get(key, {}).items() if np.isfinite(value)}


def _floor(comparison: Comparison, n_pairs: int, numbers: Numbers, setting: Setting) -> float:
    if setting.fixed_test_set:  # all replicates share the luck of its samples
        return 0.0
    cell, reference = (
        numbers.samples.get(key, {}) for key in (comparison.cell, comparison.reference)
    )
    factor = spread_factor(n_pairs, setting.overlap_ratio, setting.step)
    return sampling_floor(cell, reference, factor)


def _why_not(comparison: Comparison, differences: list[float], numbers: Numbers) -> Judged | None:
    """Why a comparison cannot be tested; None where it can."""
    if numbers.fate(comparison.cell).failed:
        return Judged(Verdict.FAILED)
    values = [numbers.values.get(key, {}) for key in (comparison.cell, comparison.reference)]
    reason = None
    if numbers.fate(comparison.reference).failed or not values[1]:
        reason = Reason.NO_REFERENCE
    elif not all(np.isfinite(value) for by_replicate in values for value in by_replicate.values()):
        reason = Reason.ZERO
    elif len(differences) < MINIMUM_PAIRS:
        reason = Reason.FEW_PAIRS
    elif not any(differences):
        reason = Reason.IDENTICAL
    elif not has_spread(differences):
        reason = Reason.NO_SPREAD
    return None if reason is None else Judged(Verdict.NOT_TESTED, reason)


def _tested(outcome: Outcome, setting: Setting) -> Outcome:
    """The comparison with its p and its interval."""
    mean, n_pairs, spread = outcome.difference, len(outcome.differences), outcome.spread
    assert mean is not None
    assert spread is not None
    error = math.sqrt(spread.used * variance_factor(n_pairs, setting.overlap_ratio))
    return replace(
        outcome,
        p=p_value(mean, n_pairs, spread.used, spread.degrees, setting.overlap_ratio),
        interval=t_interval(mean, error, spread.degrees, outcome.level),
    )


def _family(
    axis: str, size: int, outcomes: Mapping[str, Outcome], setting: Setting
) -> dict[str, Outcome]:
    """The tested comparisons of an axis with Holm's p and the verdict; one without p counts as p = 1."""
    tested = {
        name: outcome
        for name, outcome in outcomes.items()
        if outcome.comparison.axis == axis and outcome.p is not None
    }
    adjusted = holm([outcome.p for outcome in tested.values() if outcome.p is not None], size)
    judged = {}
    for (name, outcome), p_adjusted in zip(tested.items(), adjusted, strict=True):
        assert outcome.difference is not None
        assert outcome.interval is not None
        verdict = verdict_of(
            outcome.difference,
            p_adjusted,
            outcome.interval,
            margin=setting.margin,
            alpha=setting.alpha,
            better=setting.better,
        )
        judged[name] = replace(outcome, p_adjusted=p_adjusted, judged=Judged(verdict))
    return judged
