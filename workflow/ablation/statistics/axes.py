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

    "n_comparisons" counts the comparisons that are judged on this axis; rows that another axis
    judges name it in "judged_on".
    """
    reference = axis.keys[axis.reference]
    own = [one for one in numbers.tested.comparisons.values() if one.axis == axis.name]
    return {
        "reference": axis.reference,
        "n_comparisons": len(own),
        "difference_level": _level(len(own), numbers.tested),
        "rows": {
            label: _row(key, reference, numbers, is_reference=label == axis.reference)
            for label, key in axis.keys.items()
        },
    }


def _level(n_comparisons: int, measured: Measured) -> float | None:
    if not n_comparisons:
        return None
    return bonferroni_level(measured.setting.confidence, n_comparisons)


def _row(key: str, reference: str, numbers: ModelNumbers, *, is_reference: bool) -> dict[str, Any]:
    measured = numbers.tested
    fate, summary = measured.fate(key), measured.cells.get(key, {})
    outcome = None if is_reference else measured.outcome(key, reference)
    judged = _judged(outcome, measured.fate(key).failed, is_reference=is_reference)
    others = {
        name: _compared(other.outcome(key, reference), other)
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
        **_compared(outcome, measured, judged),
        "judged_on": outcome.comparison.axis if outcome else None,
        "spread": _spread(outcome),
        "scored": _scored(outcome, measured),
        "non_diverged_only": _non_diverged_only(outcome, measured),
        "crossed": _crossed(key, reference, measured),
        "others": others,
    }


def _judged(outcome: Outcome | None, failed: bool, *, is_reference: bool) -> Judged:
    if failed:
        return Judged(Verdict.FAILED)
    if is_reference:
        return Judged(Verdict.REFERENCE)
    if outcome is None:  # the same key under another label
        return Judged(Verdict.NOT_TESTED, Reason.IDENTICAL)
    return outcome.judged


def _compared(
    outcome: Outcome | None, measured: Measured, judged: Judged | None = None
) -> dict[str, Any]:
    """A comparison in one metric: difference, ratio where it is made on the logarithm, test and verdict."""
    judged = judged or (outcome.judged if outcome else Judged(Verdict.NOT_TESTED, Reason.IDENTICAL))
    scale, margin = measured.setting.scale, measured.setting.margin
    found: dict[str, Any] = {
        **dict.fromkeys(("difference", "difference_interval", "ratio", "ratio_interval")),
        "difference_level": None,
        "p": None,
        "p_adjusted": None,
        "verdict": judged.verdict.value,
        "reason": judged.reason.value if judged.reason else None,
        **dict.fromkeys(("within_margin", "below_margin", "holm_alone"), False),
    }
    if outcome is None:
        return found
    difference, interval = effect_in_unit(outcome, measured)
    if scale.log and difference is not None:
        found["ratio"] = math.exp(middle_of(outcome, measured))
        if interval is not None and outcome.interval is not None:
            found["ratio_interval"] = tuple(map(math.exp, outcome.interval))
    decided = judged.verdict in (Verdict.BETTER, Verdict.WORSE)
    middle = outcome.difference
    return {
        **found,
        "difference": difference,
        "difference_interval": interval,
        "difference_level": outcome.level,
        "p": outcome.p,
        "p_adjusted": outcome.p_adjusted,
        "within_margin": decided and lies_within(outcome.interval, margin),
        "below_margin": decided
        and middle is not None
        and margin is not None
        and abs(middle) < margin,
        "holm_alone": holm_alone(outcome.p_adjusted, outcome.interval, measured.setting.alpha),
    }


def _spread(outcome: Outcome | None) -> dict[str, Any] | None:
    """Standard deviations of the paired differences on the metric's scale: as observed, as used, and the floor."""
    if outcome is None or outcome.spread is None:
        return None
    spread = outcome.spread
    return {
        "observed": math.sqrt(spread.observed),
        "pooled": math.sqrt(spread.pooled),
        "floor": math.sqrt(spread.floor),
        "used": math.sqrt(spread.used),
        "degrees": spread.degrees,
    }


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
    if outcome is None or not outcome.differences:
        return False
    keys = (outcome.comparison.cell, outcome.comparison.reference)
    return any(measured.fate(key).n_diverged for key in keys)


def _crossed(key: str, reference: str, measured: Measured) -> dict[str, Any] | None:
    """With a fixed test set: the comparison over replicates and test samples, in the metric's own unit."""
    setting = measured.setting
    if not setting.fixed_test_set or key == reference or setting.scale.log:
        return None
    cell, other = (measured.samples.get(one, {}) for one in (key, reference))
    return crossed_comparison(cell, other, confidence=setting.confidence, seed=setting.seed)
