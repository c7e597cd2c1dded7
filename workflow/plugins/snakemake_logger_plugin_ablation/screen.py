"""Where the lines go: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from ablation.machine.logs import printable
from ablation.study.progress import Report, duration
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .study import Study, figures, overall


class Plain:
    """Plain lines without control characters.

    Attributes:
        shows_state: the study is seen as it is now, so that only what stays needs a line.
    """

    shows_state = False

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def start(self) -> None:
        """Begin to show the study."""

    def say(self, line: str) -> None:
        """Show a line that stays."""
        self.stream.write(printable(line) + "\n")
        self.stream.flush()

    def stop(self) -> None:
        """Show nothing more."""


class Terminal(Plain):
    """A table of the running cells below the lines that stay, drawn by rich.

    Args:
        console: the terminal.
        state: gives the study as it is now. It must not wait for a lock: rich calls it while it holds its own.
    """

    shows_state = True

    def __init__(self, console: Console, state: Callable[[], Study]) -> None:
        self.console = console
        self._live = Live(
            console=console,
            get_renderable=lambda: table(state()),
            refresh_per_second=4,
            transient=True,
        )

    def start(self) -> None:
        self._live.start(refresh=True)

    def say(self, line: str) -> None:
        self.console.print(Text(printable(line)), soft_wrap=True)

    def stop(self) -> None:
        self._live.stop()


class Stream:
    """A stream for what Snakemake prints; it goes above the table, unchanged."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._text = ""

    def isatty(self) -> bool:
        """True: rich is used on a terminal alone."""
        return True

    def write(self, text: str) -> int:
        """Keep a text until the next flush."""
        self._text += text
        return len(text)

    def flush(self) -> None:
        """Show what was written, with the colours of its escape sequences."""

        text, self._text = self._text, ""
        if text:
            self._console.print(Text.from_ansi(text), soft_wrap=True)


def table(study: Study) -> Group:
    """One line for the study, one per running cell, one for all other jobs."""

    grid = Table.grid(padding=(0, 2, 0, 0))
    for cell in study.running.values():
        report = cell.report
        bar = ProgressBar(total=max(1, report.epochs), completed=report.epoch, width=16)
        grid.add_row(Text(printable(cell.name)), bar, *map(Text, columns(report)))
    lines: list[RenderableType] = [Text(overall(study), style="bold"), grid]
    if study.others:
        doing = printable(", ".join(study.others.values()))
        lines.append(Text(doing, no_wrap=True, overflow="ellipsis"))
    return Group(*lines)


def columns(report: Report) -> tuple[str, str, str]:
    """Epoch, validation figures and time left of a cell in training."""
    if report.left is None:
        return (f"after epoch {report.epoch}" if report.epoch else "starting", "", "")
    left = f"{duration(report.left)} left" if report.left else "ending"
    return f"epoch {report.epoch}/{report.epochs}", ", ".join(figures(report)), left
