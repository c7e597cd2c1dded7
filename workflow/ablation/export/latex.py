"""Tables in LaTeX, as a paper sets them: booktabs, a caption, a label, every character escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablation.language import numbers as fmt
from ablation.language.metrics import possible_pair, scaled, scaled_pair
from ablation.language.verdicts import flags, worded
from ablation.language.words import Words, slug
from ablation.statistics.verdicts import Verdict
from ablation.store.document import AxisDocument, StudyDocument

# Characters of our texts that LaTeX lacks, or that its oldest font encoding prints as others.
SYMBOLS = str.maketrans(
    {
        "<": "$<$",
        ">": "$>$",
        "|": "$|$",
        "−": "$-$",
        "≈": r"$\approx$",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "→": r"$\rightarrow$",
        "²": r"\textsuperscript{2}",
        fmt.PAD: "",  # the alignment of a page, not of a table
        fmt.TIED: "~",
        "\u202f": r"\,",
    }
)
# Verdicts with a column of the summary; those without a test share one.
TESTED = tuple(verdict for verdict in Verdict if verdict.tested)
UNTESTED = (Verdict.NOT_TESTED, Verdict.FAILED)


@dataclass(frozen=True)
class Place:
    """Whose table it is: the model's name, the confidence of its intervals, and the words for it."""

    model: str
    confidence: float
    words: Words


def table(columns: dict[str, list[str]], *, caption: str, label: str, alignment: str) -> str:
    """One floating table of plain texts.

    Args:
        columns: head → texts.
        caption: plain text.
        label: what ``\\ref`` asks for.
        alignment: LaTeX's column types, one letter each.
    """
    style = pd.DataFrame(columns).style.hide(axis="index")
    style.format(_with_symbols, escape="latex")
    style.format_index(_with_symbols, escape="latex", axis="columns")
    text: str = style.to_latex(
        hrules=True,
        caption=_with_symbols(re.sub(r"[&%$#_{}]", r"\\\g<0>", caption)),
        label=label,
        column_format=alignment,
        position="htbp",
        position_float="centering",
    )
    return text


def _with_symbols(text: str) -> str:
    return text.translate(SYMBOLS)


def axis_table(compared: dict[str, Any], axis: AxisDocument, place: Place) -> str:
    """One axis: value, mean and interval, difference and interval, adjusted p, verdict.

    Numbers have the digits that their uncertainty allows, as in the report; accuracies are in percent.

    Args:
        compared: the model's part of ``comparisons.json``.
        axis: whose table it is.
        place: model, confidence and words.
    """
    words, metric = place.words, compared["metric"]
    judged = compared["axes"][axis.name]
    rows = [judged["rows"][label] for label in axis.labels]
    level = judged["difference_level"]
    means = _estimates(metric, rows, "mean", "interval", sign=False)
    gaps = [
        words("export.own_level", text=text, level=fmt.percent(row["difference_level"]))
        if row["difference_interval"] and row["difference_level"] != level
        else text
        for row, text in zip(
            rows,
            _estimates(metric, rows, "difference", "difference_interval", sign=True),
            strict=True,
        )
    ]
    columns = {
        words("table.value"): [
            words("export.reference", value=words.value(label))
            if row["is_reference"]
            else words.value(label)
            for label, row in zip(axis.labels, rows, strict=True)
        ],
        _head(words.head(metric), place.confidence, words): means,
        _head(words.difference_head(metric), level, words): gaps,
        words("table.p"): [
            fmt.DASH if row["p_adjusted"] is None else fmt.p_value(row["p_adjusted"])
            for row in rows
        ],
        words("table.verdict"): [verdict_text(row, words) for row in rows],
    }
    caption = words(
        "export.axis_caption",
        model=words.short,
        axis=words.title(axis),
        reference=words.level(axis, axis.reference),
    )
    label = f"tab:{slug(place.model)}-{slug(axis.name)}"
    return table(columns, caption=caption, label=label, alignment="lrrrl")


def summary_table(study: StudyDocument, comparisons: dict[str, Any], words: Words) -> str:
    """One row per axis: which values got which verdict."""
    places = [
        (model.name, words.about(model), axis) for model in study.models for axis in model.axes
    ]

    def named(group: Sequence[Verdict]) -> list[str]:
        texts = []
        for model, model_words, axis in places:
            judged = comparisons["models"][model]["axes"][axis.name]["rows"]
            fits = [
                model_words.value(name) for name in axis.labels if judged[name]["verdict"] in group
            ]
            texts.append(", ".join(fits) or fmt.DASH)
        return texts

    columns = {
        words("export.model"): [model_words.short for _, model_words, _ in places],
        words("export.axis"): [model_words.title(axis) for _, model_words, axis in places],
        words("export.reference_head"): [
            model_words.value(axis.reference) for _, model_words, axis in places
        ],
        **{words(f"verdict.{slug(verdict)}"): named([verdict]) for verdict in TESTED},
        words("export.no_verdict"): named(UNTESTED),
    }
    return table(
        columns,
        caption=words("export.summary_caption", study=study.name),
        label="tab:summary",
        alignment="l" * len(columns),
    )


def verdict_text(row: dict[str, Any], words: Words) -> str:
    """A verdict as words of the language, with its reason and what became of replicates."""
    text, counts = worded(row["verdict"], row["reason"], words), flags(row, words)
    return f"{text}; {counts}" if counts else text


def _head(head: str, level: float | None, words: Words) -> str:
    if level is None:  # every comparison is judged under another factor, at a level of its own
        return words("export.with_any_interval", head=head)
    return words("export.with_interval", head=head, level=fmt.percent(level))


def _estimates(
    metric: str, rows: Sequence[dict[str, Any]], number: str, interval: str, *, sign: bool
) -> list[str]:
    """A column of numbers, each with its interval where it has one; a dash where there is no number."""
    values = [scaled(metric, row[number]) for row in rows]
    bounds = [(scaled_pair if sign else possible_pair)(metric, row[interval]) for row in rows]
    places = fmt.column_decimals(bounds, [value for value in values if value is not None])
    texts = [fmt.DASH if value is None else fmt.fixed(value, places, sign=sign) for value in values]
    return [
        text if pair is None else f"{text} {fmt.interval(pair, places, sign=sign)}"
        for text, pair in zip(texts, bounds, strict=True)
    ]
