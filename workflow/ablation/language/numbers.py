"""Numbers as text, in one place: how many digits, which minus, what stands for no number."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from babel.dates import format_datetime
from babel.numbers import get_decimal_symbol, get_group_symbol

MINUS = "\u2212"
DASH = "\u2013"
TIED = "\u00a0"  # a space at which no line ends
PAD = "\u2007"  # as wide as a digit: keeps decimal points below one another
MOST_DECIMALS = 6

Pair = Sequence[float] | None

_locale: ContextVar[str] = ContextVar("locale", default="en")


@contextmanager
def locale(name: str) -> Iterator[None]:
    """Numbers and dates are written as in this language (``en``, ``zh``) inside the block."""
    token = _locale.set(name)
    try:
        yield
    finally:
        _locale.reset(token)


def _localised(text: str) -> str:
    """``1,234.5`` as Python writes it, with the signs of the locale."""
    signs = {",": get_group_symbol(_locale.get()), ".": get_decimal_symbol(_locale.get())}
    return "".join(signs.get(letter, letter) for letter in text)


def moment(stamp: str) -> str:
    """An ISO 8601 time as a date and time of the locale, in the zone that it carries."""
    return format_datetime(
        datetime.fromisoformat(stamp), "long", locale=_locale.get().replace("zh", "zh_Hans")
    )


@dataclass(frozen=True)
class Entry:
    """What stands in a cell of a table; ``reason`` says why there is no number."""

    text: str
    reason: str = ""


def is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """A number with a fixed count of decimals; ``sign`` prints a plus as well."""
    # Half up, on the number as it is written: Python's own rounding makes 8 of 8.5.
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    text = _localised(f"{rounded:,f}")
    if rounded == 0:
        return text.lstrip("-")
    if text.startswith("-"):
        return MINUS + text[1:]
    return "+" + text if sign else text


def decimals_for(uncertainty: float, digits: int = 2) -> int:
    """Decimals that show an uncertainty to so many significant digits."""
    if not math.isfinite(uncertainty) or uncertainty <= 0:
        return digits
    return min(max(digits - 1 - math.floor(math.log10(uncertainty)), 0), MOST_DECIMALS)


def column_decimals(intervals: Iterable[Pair], fallback: Iterable[float] = ()) -> int:
    """One count of decimals for a column, by the median half-width of its intervals."""
    halves = sorted(
        (pair[1] - pair[0]) / 2 for pair in intervals if pair is not None and pair[1] > pair[0]
    )
    if halves:
        return decimals_for(halves[(len(halves) - 1) // 2])
    sizes = sorted(abs(value) for value in fallback if is_number(value) and value)
    return decimals_for(sizes[len(sizes) // 2], 3) if sizes else 2


def significant(value: float, digits: int = 3, *, sign: bool = False) -> str:
    """A number without a known uncertainty, to so many significant digits."""
    if value == 0:
        return "0"
    return fixed(value, decimals_for(abs(value), digits), sign=sign)


def interval(pair: Sequence[float], decimals: int, *, sign: bool = False) -> str:
    """``[9.7, 13.3]``"""
    low, high = (fixed(bound, decimals, sign=sign) for bound in pair)
    return f"[{low}, {high}]"


def intervals(pairs: Sequence[Pair], decimals: int, *, sign: bool = False) -> list[str | None]:
    """A column of intervals, padded so that both bounds are aligned at the decimal point."""
    shown = [
        [fixed(bound, decimals, sign=sign) for bound in pair] if pair is not None else None
        for pair in pairs
    ]
    widths = [max((len(texts[i]) for texts in shown if texts), default=0) for i in (0, 1)]
    return [
        f"[{texts[0]}, {texts[1].rjust(widths[1], PAD)}]".rjust(sum(widths) + 4, PAD)
        if texts
        else None
        for texts in shown
    ]


def count(value: float) -> str:
    """A whole number in groups of three: ``1,234,567``."""
    return fixed(value, 0)


def counts(pair: Sequence[float]) -> str:
    """A count that differs between replicates: ``336–338``, or one number."""
    low, high = (count(end) for end in pair)
    return low if low == high else f"{low}{DASH}{high}"


def p_value(p: float) -> str:
    """Three decimals, and no p is 0: also of the smallest p that a test can give."""
    return "<" + fixed(0.001, 3) if p < 0.0005 else fixed(p, 3)


def percent(fraction: float, digits: int = 2) -> str:
    """A share in percent without the sign: 0.975 → ``97.5``, 0.95 → ``95``."""
    text = fixed(100 * fraction, digits)
    point = _localised(".")
    return text.rstrip("0").rstrip(point) if point in text else text


def in_percent(text: str) -> str:
    """A formatted number with its percent sign: ``95 %`` in one line, and ``95%`` in Chinese."""
    return f"{text}%" if _locale.get() == "zh" else f"{text}{TIED}%"


def tied(text: str) -> str:
    """A written text with each percent sign on the line of its number."""
    return re.sub(r"(?<=\d) (?=%)", TIED, text)


def megabytes(value: float) -> str:
    """Bytes as whole megabytes (10⁶)."""
    return count(value / 1e6)


def entries(texts: Sequence[str | None], reasons: Sequence[str]) -> list[Entry]:
    """A column: a text, or a dash with its reason."""
    return [
        Entry(text) if text is not None else Entry(DASH, reason)
        for text, reason in zip(texts, reasons, strict=True)
    ]
