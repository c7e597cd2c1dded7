"""Tables in LaTeX, as a paper sets them: booktabs, a caption, a label, every character escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled, scaled_pair
from ablation.language.verdicts import flags, worded
from ablation.language.words import Words, slug
from ablation.statistics.verdicts import Verdict
from ablation.store.document import AxisDocument, StudyDocument

ESCAPES = {
    "\\": r"\textbackslash{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    '"': r"\textquotedbl{}",
    "−": r"$-$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "≈": r"$\approx$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "…": r"\ldots{}",
    "\u00a0": "~",
    "\u2007": "",  # only pads a column that the alignment of a page keeps straight
    "\u202f": r"\,",
}
_SPECIAL = re.compile("|".join(map(re.escape, ESCAPES)))
# Verdicts with a column of the summary; those without a test share one.
TESTED = tuple(verdict for verdict in Verdict if verdict.tested)
UNTESTED = (Verdict.NOT_TESTED, Verdict.FAILED)
_BREAK = re.compile(r"[\r\n\t]+")


@dataclass(frozen=True)
class Place:
    """Whose table it is: the model's name, the confidence of its intervals, and the words."""

    model: str
    confidence: float
    words: Words


def escape(text: str) -> str:
    """Any text as LaTeX that prints it; characters beyond the table above are left to the engine (UTF-8)."""
    return _SPECIAL.sub(lambda found: ESCAPES[found[0]], _BREAK.sub(" ", text))


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    caption: str,
    label: str,
    columns: str,
    note: str = "",
) -> str:
    """One floating table.

    Args:
        heads: plain texts, one per column.
        rows: plain texts.
        caption: plain text.
        label: what ``\\ref`` asks for.
        columns: LaTeX's column types, one letter each.
        note: a comment at the top.

    Raises:
        ValueError: if a row has not as many fields as there are heads, or there is no column type for each.
    """
    if {len(heads)} != {len(columns), *map(len, rows)}:
        raise ValueError(f"the table {label} has rows of unequal length")

    def line(texts: Sequence[str]) -> str:
        fields = " & ".join(map(escape, texts))
        # After \\ LaTeX takes a bracket for the length of a gap.
        return f"    {'{}' if fields.lstrip().startswith('[') else ''}{fields} \\\\"

    return "\n".join(
        [
            *(f"% {part}" for part in note.splitlines()),
            r"\begin{table}[htbp]",
            r"  \centering",
            rf"  \caption{{{escape(caption)}}}",
            rf"  \label{{{label}}}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            line(heads),
            r"    \midrule",
            *map(line, rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def axis_table(compared: dict[str, Any], axis: AxisDocument, place: Place, note: str = "") -> str:
    """One axis: value, mean and interval, difference and interval, adjusted p, verdict.

    Numbers have the digits that their uncertainty allows, as in the report; accuracies are in percent.

    Args:
        compared: the model's part of ``comparisons.json``.
        axis: whose table it is.
        place: model, confidence and words.
        note: a comment at the top.
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
    return table(
        [
            words("table.value"),
            _head(f"metric_unit.{metric}", place.confidence, words),
            _head(f"difference_unit.{metric}", level, words),
            words("table.p"),
            words("table.verdict"),
        ],
        [
            [
                words("export.reference", value=words.value(label))
                if row["is_reference"]
                else words.value(label),
                mean,
                gap,
                fmt.DASH if row["p_adjusted"] is None else fmt.p_value(row["p_adjusted"]),
                verdict_text(row, words),
            ]
            for label, row, mean, gap in zip(axis.labels, rows, means, gaps, strict=True)
        ],
        caption=words(
            "export.axis_caption",
            model=words.named("model_short", place.model),
            axis=words.title(axis),
            reference=words.value(axis.reference),
        ),
        label=f"tab:{slug(place.model)}-{slug(axis.name)}",
        columns="lrrrl",
        note=note,
    )


def summary_table(
    study: StudyDocument, comparisons: dict[str, Any], words: Words, note: str = ""
) -> str:
    """One row per axis: which values got which verdict."""
    groups = [*((verdict,) for verdict in TESTED), UNTESTED]

    def named(model: str, axis: AxisDocument, group: Sequence[str]) -> str:
        judged = comparisons["models"][model]["axes"][axis.name]["rows"]
        fits = [words.value(label) for label in axis.labels if judged[label]["verdict"] in group]
        return ", ".join(fits) or fmt.DASH

    heads = [words(f"export.{name}") for name in ("model", "axis", "reference_head")]
    heads += [words(f"verdict.{slug(verdict)}") for verdict in TESTED]
    rows = [
        [
            words.named("model_short", model.name),
            words.title(axis),
            words.value(axis.reference),
            *(named(model.name, axis, group) for group in groups),
        ]
        for model in study.models
        for axis in model.axes
    ]
    return table(
        [*heads, words("export.no_verdict")],
        rows,
        caption=words("export.summary_caption", study=study.name),
        label="tab:summary",
        columns="l" * (len(heads) + 1),
        note=note,
    )


def verdict_text(row: dict[str, Any], words: Words) -> str:
    """A verdict as words of the language, with its reason and what became of replicates."""
    text, counts = worded(row["verdict"], row["reason"], words), flags(row, words)
    return f"{text}; {counts}" if counts else text


def _head(key: str, level: float | None, words: Words) -> str:
    if level is None:  # every comparison is judged under another factor, at a level of its own
        return words("export.with_any_interval", head=words(key))
    return words("export.with_interval", head=words(key), level=fmt.percent(level))


def _estimates(
    metric: str, rows: Sequence[dict[str, Any]], number: str, interval: str, *, sign: bool
) -> list[str]:
    """A column of numbers, each with its interval where it has one; a dash where there is no number."""
    values = [scaled(metric, row[number]) for row in rows]
    bounds = [scaled_pair(metric, row[interval]) for row in rows]
    places = fmt.column_decimals(bounds, [value for value in values if value is not None])
    texts = [fmt.DASH if value is None else fmt.fixed(value, places, sign=sign) for value in values]
    return [
        text if pair is None else f"{text} {fmt.interval(pair, places, sign=sign)}"
        for text, pair in zip(texts, bounds, strict=True)
    ]
