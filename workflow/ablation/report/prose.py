"""Sentences on one axis, each said only when its numbers support it."""

from __future__ import annotations

from collections.abc import Callable

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled, with_interval
from ablation.language.words import Words, slug
from ablation.report.axis import Axis
from ablation.report.axis_tables import percent_text
from ablation.statistics.verdicts import Reason, Verdict

NOTABLE = 1.5  # cells whose numbers differ by a smaller factor are not set against each other
OVERFIT = 1.25


def axis_sentences(axis: Axis, words: Words) -> list[str]:
    """What was found on this axis, in the order of the verdicts; then what became of replicates."""
    compared = [label for label in axis.labels if label != axis.reference]
    sentences = [
        verdict_sentence(axis, label, words)
        for verdict in Verdict
        if verdict is not Verdict.REFERENCE
        for label in compared
        if axis.verdict(label) is verdict
    ]
    return sentences + [
        text for label in axis.labels for text in fate_sentences(axis, label, words)
    ]


def verdict_sentence(axis: Axis, label: str, words: Words) -> str:
    """What may be said of one cell beside the reference."""
    row, verdict = axis.row(label), axis.verdict(label)
    value = words.level(axis.axis, label, begins=True)
    reference = words.level(axis.axis, axis.reference)
    if verdict is Verdict.FAILED:
        return words("axis.failed", value=value, reason=axis.cell(label).failed)
    if verdict is Verdict.NOT_TESTED:
        return words(f"axis.not_tested.{slug(row['reason'])}", value=value, reference=reference)
    if row["reason"] == Reason.DIVERGED:
        return words("axis.only_without_diverged", value=value, reference=reference)
    numbers = {
        "value": value,
        "reference": reference,
        "metric": words(f"metric.{axis.metric}"),
        "difference": difference_text(axis, label, words),
        "level": fmt.percent(row["difference_level"]),
        "margin": margin_text(axis, words),
        "p": fmt.p_value(row["p_adjusted"]),
    }
    broken = row["difference_interval"] is None  # a broken cell has a median and no interval
    parts = [words(f"axis.{'broken' if broken else 'verdict'}.{slug(verdict)}", **numbers)]
    if row["within_margin"]:
        parts.append(words("axis.within_margin", margin=numbers["margin"]))
    elif row["below_margin"]:
        parts.append(words("axis.below_margin", margin=numbers["margin"]))
    return words.sentences(parts)


def difference_text(axis: Axis, label: str, words: Words) -> str:
    """A difference with its interval: as a change in percent where it is a ratio, then in the unit."""
    row = axis.row(label)
    if row["difference"] is None:
        return fmt.DASH
    number = with_interval(axis.metric, row["difference"], row["difference_interval"])
    unit = words.difference(axis.metric, number)
    percent = percent_text(row, words)
    return words("text.percent_and_unit", percent=percent, unit=unit) if percent else unit


def margin_text(axis: Axis, words: Words) -> str:
    """The equivalence margin of an axis."""
    return margin_words(axis.metric, axis.margin, words, log=axis.log)


def margin_words(metric: str, margin: float, words: Words, *, log: bool) -> str:
    """An equivalence margin with its unit, or in percent where it is a ratio."""
    if log:
        ends = (fmt.fixed(100 * (end - 1), 0, sign=True) for end in (1 / margin, margin))
        return words("text.margin_ratio", **dict(zip(("low", "high"), ends, strict=True)))
    number = fmt.significant(scaled(metric, margin) or 0.0, 2)
    return words("text.margin", margin=words.difference(metric, number))


def fate_sentences(axis: Axis, label: str, words: Words) -> list[str]:
    """How many replicates diverged and when, how many learnt nothing, and what that means for the mean."""
    row = axis.row(label)
    value = words.level(axis.axis, label, begins=True)
    numbers = {"value": value, "n": row["n_total"]}
    parts = []
    if row["n_diverged"]:
        parts.append(words("axis.diverged", k=row["n_diverged"], **numbers))
        broke = axis.courses[label].broke_at
        if broke is not None:
            parts.append(words("axis.broke_at", epoch=fmt.fixed(broke, 0)))
        if label == axis.reference and row["n"]:
            parts.append(words("axis.reference_diverged", m=row["n"]))
        elif row["n"]:
            parts.append(words("axis.non_diverged", m=row["n"]))
    if row["n_collapsed"]:
        parts.append(words(f"axis.collapsed_{axis.model.task}", k=row["n_collapsed"], **numbers))
    return [words.sentences(parts)] if parts else []


def scored_sentences(axis: Axis, words: Words) -> list[str]:
    """What comparisons would be with each diverged replicate scored as a prediction that has learnt nothing."""
    differences = []
    for label in axis.labels:
        scored = axis.row(label)["scored"]
        if scored is None or scored["difference"] is None:
            continue
        gap = scaled(axis.metric, scored["difference"]) or 0.0
        number = words.difference(axis.metric, fmt.significant(gap, 2, sign=True))
        verdict = words(f"verdict.{slug(scored['verdict'])}")
        value = words.level(axis.axis, label)
        differences.append(
            words("axis.scored_one", value=value, difference=number, verdict=verdict)
        )
    return (
        [words(f"axis.scored_{axis.model.task}", differences=words.listed(differences))]
        if differences
        else []
    )


def settle_sentences(axis: Axis, words: Words) -> list[str]:
    """How many replicates would settle what is open, or that none would."""
    settles = {label: axis.row(label)["settle"] for label in axis.labels}
    needed = {label: settle["replicates"] for label, settle in settles.items() if settle}
    sentences = [
        words("axis.settle", value=words.level(axis.axis, label), n=fmt.count(n))
        for label, n in needed.items()
        if n is not None
    ]
    hopeless = [label for label, n in needed.items() if n is None]
    if hopeless:
        sentences.append(words("axis.settle_never", values=_values(axis, hopeless, words)))
    return sentences


def training_sentences(axis: Axis, words: Words) -> list[str]:
    """Speed, convergence, oscillation and overfitting, as the learning curves have them."""
    courses = [c for c in axis.courses.values() if c.measures]
    if not courses:
        return []

    def listed(measure: str, message: str, text: Callable[[float], str]) -> str:
        parts = [
            words(
                "text.of_value",
                number=text(c.measures[measure]),
                value=words.level(axis.axis, c.label),
            )
            for c in courses
            if measure in c.measures
        ]
        return words(message, values=words.listed(parts)) if parts else ""

    sentences = [listed("epochs_to_final", "axis.speed", lambda v: fmt.fixed(v, 1))]
    falling = [c.label for c in courses if c.converged is False]
    if falling:
        epochs, values = fmt.count(max(c.epochs for c in courses)), _values(axis, falling, words)
        sentences.append(words("axis.not_converged", values=values, epochs=epochs))
    changes = sorted(c.measures["early_change"] for c in courses if "early_change" in c.measures)
    if len(changes) > 1 and changes[-1] >= NOTABLE * changes[0]:
        sentences.append(listed("early_change", "axis.oscillation", _percent))
    ratios = [c.measures["final_ratio"] for c in courses if "final_ratio" in c.measures]
    if ratios and max(ratios) >= OVERFIT:
        sentences.append(listed("final_ratio", "axis.overfit", lambda v: fmt.significant(v, 2)))
    elif ratios:
        sentences.append(words("axis.no_overfit", ratio=fmt.significant(max(ratios), 2)))
    return [text for text in sentences if text]


def _percent(fraction: float) -> str:
    return fmt.in_percent(fmt.significant(100 * fraction, 2))


def _values(axis: Axis, labels: list[str], words: Words) -> str:
    return words.listed([words.level(axis.axis, label) for label in labels])
