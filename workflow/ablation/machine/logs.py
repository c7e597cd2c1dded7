"""What a terminal and a log are told: one line at a time, and of a job's log the lines that are kept with its result."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeVar

AnyHandler = TypeVar("AnyHandler", bound=logging.Handler)
FORMAT, DATE_FORMAT = "%(asctime)s %(message)s", "%H:%M:%S"
FIRST, WARNINGS, LAST = 40, 40, 80  # lines of an entry's log.txt
LOG = "log.txt"  # in an entry
TAIL = 20  # lines that views, study.json and the report have
WIDTH = 1000  # characters of a line
TIED = "\N{NO-BREAK SPACE}"

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
    """A text in one line without control characters, and without those that turn the direction of writing."""
    return "".join(char if char.isprintable() or char == TIED else " " for char in text)


def printable_lines(text: str) -> str:
    """The same of a text of several lines, which end with a line feed."""
    return "\n".join(map(printable, text.expandtabs(4).split("\n")))


def say(text: str = "", stream: TextIO | None = None) -> None:
    """Print one line; all that the package prints goes through here. stream: standard output where left out."""
    print(printable(text), file=stream or sys.stdout, flush=True)


class LineFormatter(logging.Formatter):
    """The format of a job's log, which people read on a terminal, too."""

    def __init__(self) -> None:
        super().__init__(FORMAT, DATE_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(super().format(record))


class Kept(logging.Handler):
    """Keeps what goes to the log."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(LineFormatter())
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
