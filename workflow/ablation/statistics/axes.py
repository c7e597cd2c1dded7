"""One axis: every cell against the reference of the axis, as the model's comparisons have it."""

import math
from typing import Any

from ablation.statistics.crossed import crossed_comparison
from ablation.statistics.judge import Outcome
from ablation.statistics.model import Measured, ModelNumbers, effect_in_unit, middle_of
from ablation.statistics.verdicts import (
    Judged,
    Reason,
    Verdict,
    bonferroni_level,
    holm_alone,
    lies_within,
)
from ablation.store.document import AxisDocument


def axis_entry(axis: AxisDocument, numbers: ModelNumbers) -> dict[str, Any]:
    """The entry of one axis in ``comparisons.json``.

    "n_comparisons" counts the comparisons that are judged on this axis; rows that another axis judges name it in "judged_on".
    """
    reference, tested = axis.keys[axis.reference], numbers.tested
    n_judged = sum(comparison.axis == axis.name for comparison in tested.comparisons.values())
    return {
        "reference": axis.reference,
        "n_comparisons": n_judged,
        "difference_level": bonferroni_level(tested.setting.confidence, n_judged)
        if n_judged
        else None,
        "rows": {
            label: _row(key, reference, numbers, is_reference=label == axis.reference)
            for label, key in axis.keys.items()
        },
    }


def _row(key: str, reference: str, numbers: ModelNumbers, *, is_reference: bool) -> dict[str, Any]:
    measured = numbers.tested
    fate, summary = measured.fate(key), measured.cells.get(key, {})
    outcome = None if is_reference else measured.outcome(key, reference)
    judged = None
    if fate.failed:
        judged = Judged(Verdict.FAILED)
    elif is_reference:
        judged = Judged(Verdict.REFERENCE)
    others = {
        name: compared(other.outcome(key, reference), other)
        for name, other in numbers.others.items()
        if not is_reference
    }
    return {
        "is_reference": is_reference,
        "n": summary.get("n", 0),
        "n_total": fate.n_total,
        "n_diverged": fate.n_diverged,
        "n_collapsed": fate.n_collapsed,
        "broken": fate.broken,
        "mean": summary.get("centre"),
        "median": summary.get("median"),
        "interval": summary.get("interval"),
        "n_pairs": len(outcome.differences) if outcome else 0,
        **compared(outcome, measured, judged),
        "judged_on": outcome.comparison.axis if outcome else None,
        "spread": _spread(outcome),
        "scored": _scored(outcome, measured),
        "non_diverged_only": _non_diverged_only(outcome, measured),
        "crossed": _crossed(key, reference, measured),
        "others": others,
    }


def compared(
    outcome: Outcome | None, measured: Measured, judged: Judged | None = None
) -> dict[str, Any]:
    """A comparison in one metric: difference, ratio where it is made on the logarithm, test and verdict.

    Args:
        outcome: None of a cell with the same key as the reference.
        measured: the metric.
        judged: in place of what the outcome says.
    """
    if judged is None:
        judged = outcome.judged if outcome else Judged(Verdict.NOT_TESTED, Reason.IDENTICAL)
    difference = interval = ratio = ratios = None
    within = below = alone = False
    if outcome is not None:
        margin = measured.setting.margin
        difference, interval = effect_in_unit(outcome, measured)
        if measured.setting.scale.log and difference is not None:
            ratio = math.exp(middle_of(outcome, measured))
            if interval is not None and outcome.interval is not None:
                ratios = tuple(map(math.exp, outcome.interval))
        if judged.verdict.differs and margin is not None and outcome.difference is not None:
            within = lies_within(outcome.interval, margin)
            below = abs(outcome.difference) < margin
        alone = holm_alone(outcome.p_adjusted, outcome.interval, measured.setting.alpha)
    return {
        "difference": difference,
        "difference_interval": interval,
        "ratio": ratio,
        "ratio_interval": ratios,
        "difference_level": outcome and outcome.level,
        "p": outcome and outcome.p,
        "p_adjusted": outcome and outcome.p_adjusted,
        "verdict": judged.verdict.value,
        "reason": judged.reason and judged.reason.value,
        "within_margin": within,
        "below_margin": below,
        "holm_alone": alone,
    }


def _spread(outcome: Outcome | None) -> dict[str, Any] | None:
    """Standard deviations of the paired differences on the metric's scale: as observed, as used, and the floor."""
    if outcome is None or outcome.spread is None:
        return None
    spread = outcome.spread
    names = ("observed", "pooled", "floor", "used")
    deviations = {name: math.sqrt(getattr(spread, name)) for name in names}
    return {**deviations, "degrees": spread.degrees}


def _scored(outcome: Outcome | None, measured: Measured) -> dict[str, Any] | None:
    """The comparison with each diverged replicate scored as the trivial prediction of its split."""
    if outcome is None or outcome.scored is None or outcome.scored.difference is None:
        return None
    scored, difference = outcome.scored, outcome.scored.difference
    centre = measured.cells[scored.comparison.reference]["centre"]
    scale = measured.setting.scale
    return {
        "n_scored": outcome.n_scored,
        "difference": None if centre is None else scale.effect(difference, centre),
        "ratio": math.exp(difference) if scale.log else None,
        "p_adjusted": scored.p_adjusted,
        "verdict": scored.judged.verdict.value,
    }


def _non_diverged_only(outcome: Outcome | None, measured: Measured) -> bool:
    """Whether the difference leaves replicates out because they diverged in the cell or in the reference."""
    if outcome is None or outcome.spread is None:
        return False
    keys = (outcome.comparison.cell, outcome.comparison.reference)
    return any(measured.fate(key).n_diverged for key in keys)


def _crossed(key: str, reference: str, measured: Measured) -> dict[str, Any] | None:
    """With a fixed test set: the comparison over replicates and test samples, in the metric's own unit."""
    setting = measured.setting
    if not setting.fixed_test_set or key == reference or setting.scale.log:
        return None
    cell, other = (measured.samples.get(cell_key, {}) for cell_key in (key, reference))
    return crossed_comparison(cell, other, confidence=setting.confidence, seed=setting.seed)
