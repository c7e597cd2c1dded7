"""The lines of a job's log that are kept with its result."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

AnyHandler = TypeVar("AnyHandler", bound=logging.Handler)
FORMAT, DATE_FORMAT = "%(asctime)s %(message)s", "%H:%M:%S"
FIRST, WARNINGS, LAST = 40, 40, 80  # lines of an entry's log.txt
LOG = "log.txt"  # in an entry
TAIL = 20  # lines that views, study.json and the report have
WIDTH = 1000  # characters of a line

Line = tuple[int, str]  # the record's level, and its text


def lines_of(text: str) -> list[str]:
    """A text as printable lines of bounded width, without empty ones."""
    return [_clean(line) for line in text.splitlines() if line.strip()]


def _clean(line: str) -> str:
    kept = printable(line.expandtabs(4)).rstrip()
    return kept if len(kept) <= WIDTH else kept[: WIDTH - 1] + "…"


def bounded(
    lines: Sequence[Line], first: int = FIRST, warnings: int = WARNINGS, last: int = LAST
) -> list[str]:
    """The first lines, the warnings and the last lines; what is left out is counted in its place.

    Args:
        lines: all lines in their order.
        first, last: how many of either end are kept.
        warnings: how many warnings and errors are kept between them; of more, the last.
    """
    begin = min(first, len(lines))
    end = max(begin, len(lines) - last)
    between = [i for i in range(begin, end) if lines[i][0] >= logging.WARNING]
    between = between[max(0, len(between) - warnings) :]
    kept = [*range(begin), *between, *range(end, len(lines))]
    result, expected = [], 0
    for i in kept:
        if i > expected:
            result.append(f"… {i - expected} lines left out …")
        result.append(lines[i][1])
        expected = i + 1
    return result


def tail(path: Path, count: int = TAIL) -> list[str] | None:
    """The last lines of a log, or None if there is none that can be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return lines_of(text)[-count:]


def printable(text: str) -> str:
    """A text without control characters."""
    return "".join(char if char.isprintable() else " " for char in text)


class Kept(logging.Handler):
    """Keeps what goes to the log."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(FORMAT, DATE_FORMAT))
        self.lines: list[Line] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [(record.levelno, line) for line in lines_of(self.format(record))]


@contextmanager
def attached(handler: AnyHandler) -> Iterator[AnyHandler]:
    """Hand all that is logged meanwhile to a handler too."""
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
