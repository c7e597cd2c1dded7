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


def verdict_sentences(axis: Axis, words: Words) -> list[str]:
    """What was found on this axis, worst news last."""
    groups: dict[str, list[str]] = {}
    for label in axis.labels:
        groups.setdefault(axis.row(label)["verdict"], []).append(label)
    found = []
    for verdict in ("better", "worse"):
        for label in groups.get(verdict, []):
            found.append(difference_sentence(axis, label, words))
    unresolved = groups.get("no detectable difference", [])
    if unresolved:
        found.append(words("axis.no_difference", values=_values(unresolved, words),
                           reference=words.value(axis.reference)))  # fmt: skip
    if "cannot tell" in groups:
        found.append(words("axis.cannot_tell", values=_values(groups["cannot tell"], words)))
    for label in groups.get("diverged", []):
        found.append(diverged_sentence(axis, label, words))
    if "no reference" in groups:
        found.append(words("axis.no_reference", reference=words.value(axis.reference)))
    for label in groups.get("failed", []):
        found.append(
            words("axis.failed", value=words.value(label), reason=axis.cell(label)["failed"])
        )
    return found


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
    return words(
        f"axis.{row['verdict']}_{direction}",
        value=words.value(label),
        reference=words.value(axis.reference),
        metric=words(f"metric.{axis.metric}"),
        difference=words.difference(axis.metric, fmt.fixed(abs(gap), places)),
        interval=fmt.interval(bounds, places, sign=True) if bounds else fmt.DASH,
        level=fmt.percent(row["difference_level"]),
        p=fmt.p_value(row["p_adjusted"]),
    )


def diverged_sentence(axis: Axis, label: str, words: Words) -> str:
    """How many replicates diverged, when, and what may be said of the rest."""
    row = axis.row(label)
    parts = [
        words("axis.diverged", value=words.value(label), k=row["n_diverged"], n=axis.total(label))
    ]
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
    found = [_speed(courses, words)]
    late = [c.label for c in courses if c.unsettled]
    if late:
        found.append(words("axis.unsettled", values=_values(late, words)))
    swings = sorted((c for c in courses if c.swing), key=lambda c: c.swing or 0)
    if len(swings) > 1 and (swings[-1].swing or 0) >= NOTABLE * (swings[0].swing or 1):
        found.append(words(
            "axis.swing", most=words.value(swings[-1].label), least=words.value(swings[0].label),
            high=fmt.significant(100 * (swings[-1].swing or 0), 2),
            low=fmt.significant(100 * (swings[0].swing or 0), 2),
        ))  # fmt: skip
    gaps = sorted((c for c in courses if c.gap), key=lambda c: c.gap or 0)
    if gaps:
        found.append(_gap(gaps, words))
    return found


def _speed(courses: list[Course], words: Words) -> str:
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


def _gap(gaps: list[Course], words: Words) -> str:
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


def detectable_sentence(axis: Axis, power: float | None, words: Words) -> str:
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
    if power is not None:
        parts.append(words("axis.power", power=fmt.percent(power)))
    step = (size.get("first_step") or {}).get("in_unit")
    if step is not None and axis.compared["n_comparisons"] > 1:
        parts.append(words("axis.detect_corrected", n=axis.compared["n_comparisons"],
                           unit=fmt.significant(scaled(axis.metric, step) or 0.0)))  # fmt: skip
    more = (
        "axis.only_more_data" if axis.compared["only_more_data_helps"] else "axis.more_replicates"
    )
    return words.sentences([*parts, words(more)])


def _values(labels: list[str], words: Words) -> str:
    return words.join([words.value(label) for label in labels])
