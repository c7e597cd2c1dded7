"""Sentences on one axis, each said only when its numbers support it."""

from __future__ import annotations

from typing import Any

from ablation.report import format as fmt
from ablation.report.axis import Axis
from ablation.report.metrics import scaled, scaled_pair
from ablation.report.training import Course
from ablation.report.words import Words

NOTABLE = 1.5  # settings whose numbers differ by a smaller factor are not set against each other
OVERFIT = 1.25
NEAR_TRIVIAL = 0.15  # within this share of the trivial yardstick, a network has learnt nothing


def axis_sentences(axis: Axis, words: Words) -> list[str]:
    """What was found on this axis, worst news last."""
    groups: dict[str, list[str]] = {}
    for label in axis.labels:
        groups.setdefault(axis.row(label)["verdict"], []).append(label)
    reference = words.value(axis.reference)
    found = [
        difference_sentence(axis, label, words)
        for verdict in ("better", "worse")
        for label in groups.get(verdict, [])
    ]
    if "equivalent" in groups:
        values = _values(axis, groups["equivalent"], words)
        margin = words.difference(axis.metric, _margin(axis))
        found.append(words("axis.equivalent", values=values, reference=reference, margin=margin))
    if "no detectable difference" in groups:
        values = _values(axis, groups["no detectable difference"], words)
        found.append(words("axis.no_difference", values=values, reference=reference))
        found += _would_have_been_seen(axis, words)
    if "cannot tell" in groups:
        values = _values(axis, groups["cannot tell"], words)
        found.append(words("axis.cannot_tell", values=values))
    found += [diverged_sentence(axis, label, words) for label in groups.get("diverged", [])]
    if "no reference" in groups:
        found.append(words("axis.no_reference", reference=reference))
    for label in groups.get("failed", []):
        reason = axis.cell(label)["failed"]
        found.append(words("axis.failed", value=words.value(label), reason=reason))
    return found


def _would_have_been_seen(axis: Axis, words: Words) -> list[str]:
    """What a verdict of no detectable difference is worth."""
    step = (axis.compared["smallest_detectable"].get("first_step") or {}).get("in_unit")
    size = scaled(axis.metric, step)
    if size is None:
        return []
    unit = words.difference(axis.metric, fmt.significant(size, 2))
    return [words("axis.would_be_seen", unit=unit, power=fmt.percent(axis.power))]


def settle_sentences(axis: Axis, words: Words) -> list[str]:
    """How many replicates would settle what is open, or that none would."""
    hopeless, found = [], []
    for label in axis.labels:
        settle = axis.row(label).get("settle")
        if not settle:
            continue
        if settle["replicates"] is None:
            hopeless.append(label)
        else:
            found.append(
                words("axis.settle", value=words.value(label), n=fmt.count(settle["replicates"]))
            )
    if found:
        found.append(words("axis.settle_if"))
    if hopeless:
        found.append(words("axis.settle_never", values=_values(axis, hopeless, words)))
    return found


def sensitivity_sentences(axis: Axis, words: Words) -> list[str]:
    """What differences would be if diverged replicates were counted as no better than a trivial guess."""
    found: dict[str, list[str]] = {}
    for label in axis.labels:
        other = axis.row(label).get("sensitivity")
        gap = scaled(axis.metric, other["difference"]) if other else None
        if other is None or gap is None:
            continue
        bounds = scaled_pair(axis.metric, other["interval"])
        places = fmt.column_decimals([bounds], [gap])
        found.setdefault(other["counted_as"], []).append(
            words(
                "axis.counted",
                value=words.value(label),
                difference=words.difference(axis.metric, fmt.fixed(gap, places, sign=True)),
                interval=fmt.interval(bounds, places, sign=True) if bounds else fmt.DASH,
            )
        )
    return [
        words(f"axis.counted_as_{trivial}", differences=words.listed(items))
        for trivial, items in found.items()
    ]


def difference_sentence(axis: Axis, label: str, words: Words) -> str:
    """One difference that the test holds for real, with its interval and level."""
    row = axis.row(label)
    gap, bounds = (
        scaled(axis.metric, row["difference"]),
        scaled_pair(axis.metric, row["difference_interval"]),
    )
    assert gap is not None
    places = fmt.column_decimals([bounds], [gap])
    direction = "higher" if gap > 0 else "lower"
    sentence = words(
        f"axis.{row['verdict']}_{direction}",
        value=words.value(label),
        reference=words.value(axis.reference),
        metric=words(f"metric.{axis.metric}"),
        difference=words.difference(axis.metric, fmt.fixed(abs(gap), places)),
        interval=fmt.interval(bounds, places, sign=True) if bounds else fmt.DASH,
        level=fmt.percent(row["difference_level"]),
        p=fmt.p_value(row["p_adjusted"]),
    )
    if not row.get("within_margin"):
        return sentence
    margin = words.difference(axis.metric, _margin(axis))
    return words.sentences([sentence, words("axis.within_margin", margin=margin)])


def diverged_sentence(axis: Axis, label: str, words: Words) -> str:
    """How many replicates diverged, when, and what may be said of the rest."""
    row = axis.row(label)
    numbers = {"value": words.value(label), "k": row["n_diverged"], "n": axis.total(label)}
    if label == axis.reference and row["n"]:
        return words("axis.reference_diverged", **numbers)
    parts = [words("axis.diverged", **numbers)]
    broke = axis.courses[label].broke_at
    if broke is not None:
        parts.append(words("axis.broke_at", epoch=fmt.count(broke)))
    if row["n"]:
        parts.append(words("axis.survivors"))
    return words.sentences(parts)


def training_sentences(axis: Axis, words: Words) -> list[str]:
    """Speed, settling, oscillation and overfitting, as the learning curves have them."""
    courses = [c for c in axis.courses.values() if c.best_epoch is not None]
    if not courses:
        return []
    found = [_speed(axis, courses, words)]
    late = [c.label for c in courses if c.unsettled]
    if late:
        found.append(words("axis.unsettled", values=_values(axis, late, words)))
    swings = sorted((c for c in courses if c.swing), key=lambda c: c.swing or 0)
    if len(swings) > 1 and (swings[-1].swing or 0) >= NOTABLE * (swings[0].swing or 1):
        found.append(words(
            "axis.swing", most=words.value(swings[-1].label), least=words.value(swings[0].label),
            high=fmt.significant(100 * (swings[-1].swing or 0), 2),
            low=fmt.significant(100 * (swings[0].swing or 0), 2),
        ))  # fmt: skip
    gaps = sorted((c for c in courses if c.gap), key=lambda c: c.gap or 0)
    if gaps:
        found.append(_gap(axis, gaps, words))
    return found


def _speed(axis: Axis, courses: list[Course], words: Words) -> str:
    order = sorted(courses, key=lambda c: c.best_epoch or 0)
    first, last = order[0], order[-1]
    epochs = fmt.count(max(c.epochs for c in courses))
    if fmt.count(first.best_epoch or 0) == fmt.count(last.best_epoch or 0):
        return words("axis.one_speed", epoch=fmt.count(first.best_epoch or 0), epochs=epochs)
    if (last.best_epoch or 0) < NOTABLE * (first.best_epoch or 0):
        return words("axis.same_speed", low=fmt.count(first.best_epoch or 0),
                     high=fmt.count(last.best_epoch or 0), epochs=epochs)  # fmt: skip
    return words("axis.speed", fast=words.value(first.label), slow=words.value(last.label),
                 low=fmt.count(first.best_epoch or 0), high=fmt.count(last.best_epoch or 0),
                 epochs=epochs)  # fmt: skip


def _gap(axis: Axis, gaps: list[Course], words: Words) -> str:
    low, high = gaps[0], gaps[-1]
    largest = high.gap or 0.0
    if largest < OVERFIT:
        return words("axis.no_gap", ratio=fmt.significant(largest, 2))
    if len(gaps) == 1 or largest < NOTABLE * (low.gap or 1.0):
        return words("axis.gap_all", low=fmt.significant(low.gap or 0, 2),
                     high=fmt.significant(largest, 2))  # fmt: skip
    return words("axis.gap", most=words.value(high.label), least=words.value(low.label),
                 high=fmt.significant(largest, 2), low=fmt.significant(low.gap or 0, 2))  # fmt: skip


def trivial_sentences(axis: Axis, trivial: dict[str, Any] | None, words: Words) -> list[str]:
    """Settings that are no better than predicting the mean."""
    if trivial is None or trivial["mean"] is None:
        return []
    level = scaled(axis.metric, trivial["mean"]) or 0.0
    found = []
    for label in axis.labels:
        mean = scaled(axis.metric, axis.row(label)["mean"])
        if mean is not None and mean >= (1 - NEAR_TRIVIAL) * level:
            key = "axis.trivial_survivors" if axis.row(label)["n_diverged"] else "axis.trivial"
            found.append(words(
                key, value=words.value(label), metric=words(f"metric.{axis.metric}"),
                mean=words.number(axis.metric, fmt.significant(mean)),
                trivial=words.number(axis.metric, fmt.significant(level)),
            ))  # fmt: skip
    return found


def detectable_sentence(axis: Axis, words: Words) -> str:
    """The smallest difference that this axis could have found, and what would make it smaller."""
    size = axis.compared["smallest_detectable"]
    if size["in_sd"] is None:
        return words("axis.detect_nothing")
    parts = []
    unit = scaled(axis.metric, size["in_unit"])
    in_sd = fmt.significant(size["in_sd"])
    if unit is None:
        parts.append(words("axis.detect_sd", in_sd=in_sd))
    else:
        text = words.difference(axis.metric, fmt.significant(unit))
        parts.append(words("axis.detect", unit=text, in_sd=in_sd))
    parts.append(words("axis.power", power=fmt.percent(axis.power)))
    step = (size.get("first_step") or {}).get("in_unit")
    if step is not None and axis.compared["n_comparisons"] > 1:
        parts.append(words("axis.detect_corrected", n=axis.compared["n_comparisons"],
                           unit=fmt.significant(scaled(axis.metric, step) or 0.0)))  # fmt: skip
    more = (
        "axis.only_more_data" if axis.compared["only_more_data_helps"] else "axis.more_replicates"
    )
    return words.sentences([*parts, words(more)])


def _values(axis: Axis, labels: list[str], words: Words) -> str:
    return words.join([words.value(label) for label in labels])


def _margin(axis: Axis) -> str:
    return fmt.significant(scaled(axis.metric, axis.margin) or 0.0, 2)
