"""Tables in LaTeX, as a paper sets them: booktabs, a caption, a label, every character escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ablation.report import format as fmt
from ablation.report.axis import Axis, comparison_rows
from ablation.report.words import Words, slug

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
_BREAK = re.compile(r"[\r\n\t]+")


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


def axis_table(axis: Axis, words: Words, note: str = "") -> str:
    """One axis: value, mean and interval, difference and interval, adjusted p, verdict; numbers as in the report."""
    rows = comparison_rows(axis, words)
    judged = axis.compared["rows"].values()
    levels = [row["difference_level"] for row in judged if row["difference_level"]]
    heads = [
        words("table.value"),
        words(
            "export.with_interval",
            head=words(f"metric_unit.{axis.metric}"),
            level=fmt.percent(axis.confidence),
        ),
        words(
            "export.with_interval",
            head=words(f"difference_unit.{axis.metric}"),
            level=fmt.percent(levels[0] if levels else axis.confidence),
        ),
        words("table.p"),
        words("table.verdict"),
    ]
    return table(
        heads,
        [
            [
                words("export.reference", value=row["text"])
                if row["is_reference"]
                else row["text"],
                _joined(row["mean"], row["interval"]),
                _joined(row["difference"], row["difference_interval"]),
                row["p"].text,
                row["verdict_text"],
            ]
            for row in rows
        ],
        caption=words(
            "export.axis_caption",
            model=_short(axis, words),
            axis=words.title(axis.axis),
            reference=words.value(axis.reference),
        ),
        label=f"tab:{axis.id}",
        columns="lrrrl",
        note=note,
    )


def summary_table(axes: Sequence[Axis], study: str, words: Words, note: str = "") -> str:
    """One row per axis: which values are better, worse, no different, undecided, or without a number."""
    groups = (
        *(("better",), ("worse",), ("no detectable difference",), ("cannot tell",)),
        ("diverged", "failed", "no reference"),
    )
    heads = [
        words("export.model"),
        words("export.axis"),
        words("export.reference_head"),
        *(words(f"verdict.{slug(verdicts[0])}") for verdicts in groups[:-1]),
        words("export.no_verdict"),
    ]
    rows = [
        [
            _short(axis, words),
            words.title(axis.axis),
            words.value(axis.reference),
            *(_named(axis, verdicts, words) for verdicts in groups),
        ]
        for axis in axes
    ]
    return table(
        heads,
        rows,
        caption=words("export.summary_caption", study=study),
        label="tab:summary",
        columns="l" * len(heads),
        note=note,
    )


def _joined(number: fmt.Entry, interval: fmt.Entry) -> str:
    if number.reason:
        return number.text
    text = interval.text.strip(fmt.PAD)
    return number.text if interval.reason else f"{number.text} {text}"


def _named(axis: Axis, verdicts: Sequence[str], words: Words) -> str:
    found = [words.value(label) for label in axis.labels if _verdict(axis, label) in verdicts]
    return ", ".join(found) or fmt.DASH


def _verdict(axis: Axis, label: str) -> Any:
    return axis.row(label)["verdict"]


def _short(axis: Axis, words: Words) -> str:
    return words.named("model_short", axis.model["model"])
