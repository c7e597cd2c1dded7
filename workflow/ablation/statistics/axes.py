"""One axis: every cell against the reference of the axis."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import median
from typing import Any

import numpy as np

from ablation.statistics.crossed import Samples, crossed_comparison, crossed_interval
from ablation.statistics.intervals import Interval, mean_interval
from ablation.statistics.paired import (
    PairedTest,
    corrected_paired_test,
    detectable_floor,
    holm,
    smallest_detectable,
)
from ablation.statistics.replicates import CellNumbers, paired_differences
from ablation.statistics.sensitivity import Trivial
from ablation.statistics.verdicts import (
    Better,
    Fate,
    bonferroni_level,
    can_be_tested,
    decide,
    holm_alone,
    lies_within,
)

NEAR_FLOOR = 1.15
"""Within 15 % of what endlessly many replicates would detect, more of them no longer help."""


@dataclass(frozen=True)
class Setting:
    """What is the same for all rows of one model.

    margin: in the unit of the metric. ratio: n_test / n_train, 0 with a fixed test set.
    n_replicates: as declared. samples: by cell name, for a fixed test set; seed: of the bootstrap
    and of drawn sign patterns. step: replicates are declared in multiples of it. trivial: what a
    diverged replicate can be counted as.
    """

    metric: str
    better: Better
    margin: float
    ratio: float
    fixed_test_set: bool
    n_replicates: int
    confidence: float
    power: float
    samples: Mapping[str, Samples] = field(default_factory=dict)
    seed: int = 0
    step: int = 1
    trivial: Trivial | None = None

    @property
    def alpha(self) -> float:
        return 1 - self.confidence

    @property
    def scope(self) -> str:
        return "for this test set" if self.fixed_test_set else "for this pool of data"


def compare_axis(
    axis: dict[str, Any], numbers: dict[str, CellNumbers], setting: Setting
) -> dict[str, Any]:
    """The entry of one axis in ``comparisons.json``.

    axis: as in ``study.json``; numbers: by cell name.
    Raises ValueError when the reference is not among the cells.
    """
    cells = {cell["label"]: cell for cell in axis["cells"]}
    if axis["reference"] not in cells:
        raise ValueError(
            f"axis {axis['axis']!r}: the reference {axis['reference']!r} is none of {list(cells)}"
        )
    found = {label: numbers_of(cell, numbers) for label, cell in cells.items()}
    fates = {label: _fate(cell, found[label]) for label, cell in cells.items()}
    reference = axis["reference"]
    # All declared comparisons count, also those that failed: a rerun must not change its
    # neighbours' verdicts.
    n_comparisons = len(cells) - 1
    differences = {
        label: paired_differences(found[label], found[reference])
        for label in cells
        if label != reference
    }
    tests = {
        label: corrected_paired_test(values, test_train_ratio=setting.ratio)
        for label, values in differences.items()
        if len(values) >= 2
    }
    # A cell that diverged is judged by that alone; its survivors are the lucky ones and are not
    # tested.
    tested = [
        label
        for label, test in tests.items()
        if can_be_tested(test) and not fates[label].n_diverged and not fates[label].failed
    ]
    p_values = [p for label in tested if (p := tests[label].p) is not None]
    adjusted = dict(zip(tested, holm(p_values, max(n_comparisons, len(p_values))), strict=True))
    rows = {}
    for label in cells:
        rows[label] = _row(
            numbers=found[label],
            fate=fates[label],
            reference=fates[reference],
            is_reference=label == reference,
            differences=differences.get(label, []),
            test=tests.get(label),
            p_adjusted=adjusted.get(label),
            n_comparisons=n_comparisons,
            setting=setting,
        )
        rows[label] |= _crossed(cells[label]["cell"], cells[reference]["cell"], setting)
    usable_tests = [tests[label] for label in tested] or list(tests.values())
    return {
        "reference": reference,
        "n_comparisons": n_comparisons,
        **_detectable(usable_tests, n_comparisons, setting),
        "rows": rows,
    }


def _row(
    *,
    numbers: CellNumbers,
    fate: Fate,
    reference: Fate,
    is_reference: bool,
    differences: list[float],
    test: PairedTest | None,
    p_adjusted: float | None,
    n_comparisons: int,
    setting: Setting,
) -> dict[str, Any]:
    level = None if is_reference else bonferroni_level(setting.confidence, n_comparisons)
    interval: Interval | None = None
    # One and the same difference in every pair has a spread of 0 on paper; an interval of width 0
    # would mislead.
    if test is not None and test.p is not None and level is not None:
        interval = mean_interval(differences, test_train_ratio=setting.ratio, confidence=level)
    verdict = decide(
        fate=fate,
        reference=reference,
        is_reference=is_reference,
        n_pairs=len(differences),
        test=test,
        p_adjusted=p_adjusted,
        interval=interval,
        margin=setting.margin,
        alpha=setting.alpha,
        better=setting.better,
    )
    return {
        "is_reference": is_reference,
        "n": fate.n_ok,
        "n_pairs": len(differences),
        "n_diverged": fate.n_diverged,
        **mean_and_interval(list(numbers.metric.values()), setting),
        "difference": float(np.mean(differences)) if differences else None,
        "difference_interval": interval,
        "difference_level": level,
        "p": test.p if test is not None and p_adjusted is not None else None,
        "p_adjusted": p_adjusted,
        "effect_size": test.effect_size if test is not None else None,
        "survivors_only": bool(differences) and bool(fate.n_diverged or reference.n_diverged),
        "within_margin": verdict.word in ("better", "worse")
        and lies_within(interval, setting.margin),
        "holm_alone": holm_alone(p_adjusted, interval, setting.alpha),
        "verdict": verdict.word,
        "verdict_text": verdict.text,
        "reason": verdict.reason,
        "scope": setting.scope,
    }


def _crossed(cell: str, reference: str, setting: Setting) -> dict[str, Any]:
    """With the predictions at hand: the interval of the mean that crosses replicates and samples, and the comparison."""
    if not setting.samples.get(cell):
        return {"crossed": None}
    options: dict[str, Any] = {"confidence": setting.confidence, "seed": setting.seed}
    interval = crossed_interval(setting.samples[cell], **options)
    other = setting.samples.get(reference, {})
    compared = None
    if cell != reference:
        compared = crossed_comparison(setting.samples[cell], other, **options)
    return {**({"interval": interval} if interval else {}), "crossed": compared}


def _detectable(tests: list[PairedTest], n_comparisons: int, setting: Setting) -> dict[str, Any]:
    """The two keys that say how much an axis could have seen, and what would let it see more."""
    n_pairs = max((test.n_pairs for test in tests), default=setting.n_replicates)
    spreads = [test.sd for test in tests if test.sd > 0]
    if n_pairs < 2:
        empty = {"in_sd": None, "in_unit": None}
        return {
            "smallest_detectable": {**empty, "n_pairs": n_pairs, "first_step": empty},
            "only_more_data_helps": False,
        }

    def sizes(alpha: float) -> dict[str, float | None]:
        size = _smallest(n_pairs, setting.ratio, alpha, setting.power)
        return {"in_sd": size, "in_unit": size * median(spreads) if spreads else None}

    alone = sizes(setting.alpha)
    floor = _floor(setting.ratio, setting.alpha, setting.power)
    at_floor = floor > 0 and alone["in_sd"] is not None and alone["in_sd"] <= NEAR_FLOOR * floor
    return {
        "smallest_detectable": {
            **alone,
            "n_pairs": n_pairs,
            "first_step": sizes(setting.alpha / max(n_comparisons, 1)),
        },
        "only_more_data_helps": at_floor,
    }


# Axes share these few numbers, and each is a search.
@lru_cache
def _smallest(n_pairs: int, ratio: float, alpha: float, power: float) -> float:
    return smallest_detectable(n_pairs, test_train_ratio=ratio, alpha=alpha, power=power)


@lru_cache
def _floor(ratio: float, alpha: float, power: float) -> float:
    return detectable_floor(test_train_ratio=ratio, alpha=alpha, power=power)


def numbers_of(cell: dict[str, Any], numbers: dict[str, CellNumbers]) -> CellNumbers:
    """The numbers of one cell of ``study.json``; none of a failed one."""
    if cell["failed"] is not None:
        return CellNumbers()
    return numbers.get(cell["cell"], CellNumbers())


def _fate(cell: dict[str, Any], numbers: CellNumbers) -> Fate:
    return Fate(
        failed=cell["failed"] is not None,
        n_total=numbers.n_total,
        n_ok=len(numbers.metric),
        n_diverged=numbers.n_diverged,
    )


def mean_and_interval(values: list[float], setting: Setting) -> dict[str, Any]:
    """Mean and interval of the replicates of one cell, each None where there are too few values."""
    interval = None
    if len(values) >= 2:
        interval = mean_interval(
            values, test_train_ratio=setting.ratio, confidence=setting.confidence
        )
    return {"mean": float(np.mean(values)) if values else None, "interval": interval}
