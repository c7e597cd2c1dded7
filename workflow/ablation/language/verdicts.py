"""What is said of a verdict beside its number."""

from __future__ import annotations

from typing import Any

from ablation.language.words import Words, slug


def worded(verdict: str, reason: str | None, words: Words) -> str:
    """A verdict and its reason as words of the language."""
    text = words(f"verdict.{slug(verdict)}")
    if not reason:
        return text
    return words("verdict.because", verdict=text, reason=words(f"reason.{slug(reason)}"))


def fates(row: dict[str, Any], words: Words) -> list[str]:
    """How many replicates diverged, and how many learnt nothing: counts beside a verdict, not verdicts."""
    return [
        words(f"flag.{fate}", k=row[f"n_{fate}"], n=row["n_total"])
        for fate in ("diverged", "collapsed")
        if row[f"n_{fate}"]
    ]


def flags(row: dict[str, Any], words: Words) -> str:
    """The counts as one text; empty where there are none."""
    return words.join(counts) if (counts := fates(row, words)) else ""
