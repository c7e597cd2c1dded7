"""All comparisons of a model in one metric: tests, adjusted p, intervals and verdicts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ablation.statistics.crossed import Samples
from ablation.statistics.families import Comparison, family_sizes
from ablation.statistics.intervals import Interval, difference_interval
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

    margin: on the metric's scale, None where none is declared. overlap_ratio: corrects for splits of one pool, 0 with a fixed
    test set. step: test parts of so many replicates in a row are disjoint. trivial: what a prediction that has learnt nothing
    reaches, by replicate, in the metric's unit. power: of what could have been detected.
    """

    metric: str
    better: Better
    scale: Scale
    margin: float | None
    overlap_ratio: float
    fixed_test_set: bool
    confidence: float
    power: float = 0.8
    seed: int = 0
    step: int = 1
    trivial: Values = field(default_factory=dict)

    @property
    def alpha(self) -> float:
        return 1 - self.confidence


@dataclass(frozen=True)
class Numbers:
    """A metric of all cells on its scale, by key. samples: of single test samples on the same scale; fates: see ``Fate``."""

    values: Mapping[str, Values]
    fates: Mapping[str, Fate]
    samples: Mapping[str, Samples] = field(default_factory=dict)

    def fate(self, key: str) -> Fate:
        """Of a cell without any replicate: failed."""
        return self.fates.get(key, Fate(failed=True))


@dataclass(frozen=True)
class Outcome:
    """One comparison, on the metric's scale, cell minus reference.

    differences: of the complete pairs. level: of the interval; p_adjusted: within the family. scored: the same comparison
    with each diverged replicate scored as the trivial prediction, where a replicate diverged and that is known.
    """

    comparison: Comparison
    differences: list[float]
    level: float
    spread: Spread | None
    p: float | None
    p_adjusted: float | None
    interval: Interval | None
    judged: Judged
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
        own = self.comparison
        interval = None if self.interval is None else (-self.interval[1], -self.interval[0])
        return replace(
            self,
            comparison=replace(own, cell=own.reference, reference=own.cell),
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
    complete = _judge(comparisons, numbers, setting)
    filled = replace(numbers, values=_scored(numbers, setting))
    scored = _judge(comparisons, filled, setting)
    found = {}
    for name, outcome in complete.items():
        n_scored = len(scored[name].differences) - len(outcome.differences)
        if n_scored == 0:
            found[name] = outcome
            continue
        judged = outcome.judged
        if judged.verdict.conclusive and scored[name].judged.verdict is not judged.verdict:
            judged = Judged(Verdict.INCONCLUSIVE, Reason.DIVERGED)
        found[name] = replace(outcome, judged=judged, scored=scored[name], n_scored=n_scored)
    return found


def _scored(numbers: Numbers, setting: Setting) -> dict[str, Values]:
    """The values with each diverged replicate scored as the trivial prediction."""
    trivial = dict(
        zip(setting.trivial, setting.scale.forward(list(setting.trivial.values())), strict=True)
    )
    return {
        key: {
            **values,
            **{r: float(trivial[r]) for r in numbers.fate(key).diverged & trivial.keys()},
        }
        for key, values in numbers.values.items()
    }


def _judge(
    comparisons: Mapping[str, Comparison], numbers: Numbers, setting: Setting
) -> dict[str, Outcome]:
    values = {key: _finite(own) for key, own in numbers.values.items()}
    differences = {
        name: paired_differences(values.get(one.cell, {}), values.get(one.reference, {}))
        for name, one in comparisons.items()
    }
    several = {name: own for name, own in differences.items() if len(own) > 1}
    found = spreads(
        several,
        {
            name: _floor(comparisons[name], len(own), numbers, setting)
            for name, own in several.items()
        },
        {name: not _is_broken(comparisons[name], numbers) for name in several},
    )
    why = {
        name: _why_not(one, differences[name], found.get(name), numbers)
        for name, one in comparisons.items()
    }
    ps = {
        name: _p_value(differences[name], found[name], setting)
        for name in comparisons
        if why[name] is None
    }
    sizes = family_sizes(comparisons.values())
    adjusted = _adjusted(comparisons.values(), ps, sizes)
    return {
        name: _outcome(
            one,
            differences[name],
            found.get(name),
            p=ps.get(name),
            p_adjusted=adjusted.get(name),
            why=why[name],
            level=bonferroni_level(setting.confidence, sizes[one.axis]),
            setting=setting,
        )
        for name, one in comparisons.items()
    }


def _p_value(differences: list[float], spread: Spread, setting: Setting) -> float:
    mean = float(np.mean(differences))
    return p_value(mean, len(differences), spread.used, spread.degrees, setting.overlap_ratio)


def _finite(values: Values) -> dict[int, float]:
    return {r: value for r, value in values.items() if np.isfinite(value)}


def _floor(one: Comparison, n_pairs: int, numbers: Numbers, setting: Setting) -> float:
    if setting.fixed_test_set:  # all replicates share the luck of its samples
        return 0.0
    cell, reference = (numbers.samples.get(key, {}) for key in (one.cell, one.reference))
    factor = spread_factor(n_pairs, setting.overlap_ratio, setting.step)
    return sampling_floor(cell, reference, factor)


def _is_broken(one: Comparison, numbers: Numbers) -> bool:
    return numbers.fate(one.cell).broken or numbers.fate(one.reference).broken


def _why_not(
    one: Comparison, differences: list[float], spread: Spread | None, numbers: Numbers
) -> Judged | None:
    """Why a comparison cannot be tested; None where it can."""
    if numbers.fate(one.cell).failed:
        return Judged(Verdict.FAILED)
    if numbers.fate(one.reference).failed or not numbers.values.get(one.reference):
        return Judged(Verdict.NOT_TESTED, Reason.NO_REFERENCE)
    infinite = [
        not np.isfinite(value)
        for key in (one.cell, one.reference)
        for value in numbers.values.get(key, {}).values()
    ]
    if any(infinite):
        return Judged(Verdict.NOT_TESTED, Reason.ZERO)
    if spread is None or len(differences) < MINIMUM_PAIRS:
        return Judged(Verdict.NOT_TESTED, Reason.FEW_PAIRS)
    if not any(differences):
        return Judged(Verdict.NOT_TESTED, Reason.IDENTICAL)
    if not has_spread(differences):
        return Judged(Verdict.NOT_TESTED, Reason.NO_SPREAD)
    return None


def _adjusted(
    comparisons: Collection[Comparison], ps: Mapping[str, float], sizes: Mapping[str, int]
) -> dict[str, float]:
    """Holm's adjustment within each family; a comparison without p counts as p = 1."""
    found: dict[str, float] = {}
    for axis, size in sizes.items():
        names = [one.name for one in comparisons if one.axis == axis and one.name in ps]
        found.update(zip(names, holm([ps[name] for name in names], size), strict=True))
    return found


def _outcome(
    one: Comparison,
    differences: list[float],
    spread: Spread | None,
    *,
    p: float | None,
    p_adjusted: float | None,
    why: Judged | None,
    level: float,
    setting: Setting,
) -> Outcome:
    if why is not None or spread is None or p_adjusted is None:
        judged = why or Judged(Verdict.NOT_TESTED, Reason.FEW_PAIRS)
        return Outcome(one, differences, level, spread, None, None, None, judged)
    mean = float(np.mean(differences))
    interval = difference_interval(
        mean,
        len(differences),
        spread.used,
        spread.degrees,
        overlap_ratio=setting.overlap_ratio,
        confidence=level,
    )
    verdict = verdict_of(
        mean,
        p_adjusted,
        interval,
        margin=setting.margin,
        alpha=setting.alpha,
        better=setting.better,
    )
    return Outcome(one, differences, level, spread, p, p_adjusted, interval, Judged(verdict))
