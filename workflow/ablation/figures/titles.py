"""Titles of panels, in as many lines as keep them within their panel."""

from __future__ import annotations

import re
import unicodedata

CHARACTER = 0.079  # inches, the mean of a bold title's Latin letters; a Chinese character takes two
LINE = 0.17  # inches
# A word with the spaces after it, a Chinese character with the punctuation that belongs to it, or a few of them in brackets.
_OPENING, _CLOSING, _HAN = "（「《【", "，、。；：？！）」》】", "\u3400-\u9fff"
_PIECES = re.compile(
    rf"（[{_HAN}]{{1,4}}）\s*|[{_OPENING}]*(?:[{_HAN}][{_CLOSING}]*|[^\s{_HAN}{_OPENING}]+)\s*|[{_OPENING}]+"
)


def characters(text: str) -> int:
    """The width of a text in Latin letters."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def in_lines(text: str, width: float) -> str:
    """A title broken where it would be wider than a panel.

    Args:
        text: the title.
        width: that it may have, in inches.
    """
    lines = [""]
    for piece in _PIECES.findall(text):
        if lines[-1] and characters((lines[-1] + piece).rstrip()) * CHARACTER > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def extra_height(titles: list[str]) -> float:
    """Inches that the longest title of a row of panels takes beyond its first line."""
    return LINE * max((title.count("\n") for title in titles), default=0)
