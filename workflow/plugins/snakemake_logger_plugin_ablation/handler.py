"""The log handler: Snakemake's events and what the train jobs tell in, a display out."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ablation.machine.logs import printable, printable_lines, tail
from ablation.stages import failures
from ablation.study.progress import FOLLOWED, Outcome, cell_names, outcome, progress_file
from rich.console import Console
from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from . import study as states
from .screen import Plain, Stream, Terminal
from .settings import LogHandlerSettings
from .study import Study
from .tail import Tail

RULE = "train"
POLL = 0.5  # seconds
# The display says these itself.
REPLACED = (LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED, LogEvent.PROGRESS)
SELECTING = "Select jobs to execute..."


class LineFormatter(DefaultFormatter):
    """What Snakemake says, without the control characters of texts that it repeats; its own colours come after."""

    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(super().format(record) or "")


class LogHandler(LogHandlerBase):
    """Shows what trains, and lets Snakemake's own handler show all the rest."""

    def __post_init__(self) -> None:
        common = self.common_settings
        quiet = set(common.quiet or ())
        self._following = not common.dryrun and not quiet & {Quietness.ALL, Quietness.PROGRESS}
        self._study = Study()
        self._tails: dict[int, Tail] = {}
        self._keyed: dict[int, tuple[str, str]] = {}  # job → rule and key, but of those that train
        self._state = threading.RLock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        stream: Any = sys.stdout if common.stdout else sys.stderr
        self._screen = Plain(stream)
        if self._following:
            os.environ[FOLLOWED] = "1"
            if stream.isatty():
                console = Console(file=stream, no_color=common.nocolor or None, highlight=False)
                if console.is_interactive:
                    self._screen = Terminal(console, lambda: self._study)
                    stream = Stream(console)
        self._default = ColorizingTextHandler(
            nocolor=common.nocolor,
            stream=stream,
            formatter=LineFormatter(quiet, common.show_failed_logs),
            filter=DefaultFilter(
                quiet, common.debug_dag, common.verbose, common.dryrun, common.printshellcmds
            ),
        )

    @property
    def writes_to_stream(self) -> bool:
        """True: Snakemake's own handler is this one's, not beside it."""
        return True

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        """True: what ``--quiet`` hides is news for the display."""
        return True

    @property
    def has_formatter(self) -> bool:
        return True

    @property
    def needs_rulegraph(self) -> bool:
        return False

    def emit(self, record: logging.LogRecord) -> None:
        """Take in a record, and hand on what is not shown here."""
        try:
            with self._state:
                shown = self._following and self._take(record)
        except Exception:
            shown = False
            self.handleError(record)
        if not shown:
            self._default.handle(as_sent(record))

    def _take(self, record: logging.LogRecord) -> bool:
        """Follow an event. True if nothing else is to be shown of it."""
        given, event = record.__dict__, getattr(record, "event", None)
        if event == LogEvent.RUN_INFO:
            self._begin(given["stats"])
        elif event == LogEvent.JOB_INFO:
            return self._job_started(given)
        elif event == LogEvent.JOB_FINISHED:
            self._job_finished(given["job_id"])
        elif event == LogEvent.JOB_ERROR:
            self._job_stopped(given["jobid"], given.get("log") or [])
        elif event == LogEvent.PROGRESS:
            self._study = states.progress(self._study, given["done"], given["total"])
        return event in REPLACED or (event is None and record.getMessage() == SELECTING)

    def _begin(self, stats: dict[str, int]) -> None:
        names = cell_names()
        trained = [key for key in names if outcome(key).seconds is not None]
        self._study = states.begin(names, trained, stats.get("total", 0), stats.get(RULE, 0))

    def _job_started(self, given: dict[str, Any]) -> bool:
        self._follow()
        job, key = given["jobid"], given["wildcards"].get("key", "")
        if given["rule_name"] != RULE:
            text = given["rule_msg"] or given["rule_name"]
            self._study = states.other_started(self._study, job, printable(text))
            self._keyed[job] = given["rule_name"], key
            return False
        self._tails[job] = Tail(progress_file(key))
        self._study, lines = states.started(self._study, job, key, time.monotonic())
        if not self._screen.shows_state:
            self._say(lines)
        return True

    def _job_finished(self, job: int) -> None:
        self._read(job, ended=True)
        self._tails.pop(job, None)
        cell = self._study.running.get(job)
        ended = outcome(cell.key) if cell else Outcome()
        self._study, lines = states.finished(self._study, job, ended)
        self._say(lines)
        rule, key = self._keyed.pop(job, ("", ""))
        if key and (reason := failures.failure_of(rule, key)):
            self._say([failures.line(rule, key, reason)])

    def _job_stopped(self, job: int, logs: list[str]) -> None:
        """A job ended with an error, of which Snakemake tells; its own last words come first."""
        self._tails.pop(job, None)
        self._study = states.stopped(self._study, job)
        rule, key = self._keyed.pop(job, ("", ""))
        lines = tail(Path(logs[0])) if key and logs else None
        if lines:
            self._say([failures.line(rule, key, lines[-1].partition(" ")[2])])

    def _say(self, lines: list[str]) -> None:
        for line in lines:
            self._screen.say(line)

    def _read(self, job: int, *, ended: bool = False) -> None:
        """Read what a job has told meanwhile."""
        if job not in self._tails:
            return
        quiet = ended or self._screen.shows_state
        every = float("inf") if quiet else self._every
        report = self._tails[job].read(ended=ended)
        self._study, told = states.read(self._study, job, report, time.monotonic(), every)
        self._say(told)

    @property
    def _every(self) -> float:
        settings = self.settings
        return settings.every if isinstance(settings, LogHandlerSettings) else 30

    def _follow(self) -> None:
        """Start the display and the thread that reads what jobs tell."""
        if self._thread is None:
            self._screen.start()
            self._thread = threading.Thread(target=self._watch, name="follow", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(POLL):
            with self._state:
                for job in list(self._tails):
                    self._read(job)

    def close(self) -> None:
        """End the display; a last line says how far the run came."""
        if not self._ended.is_set():
            self._ended.set()
            if self._thread is not None:
                self._thread.join()
                self._screen.stop()
                self._say([states.overall(self._study)])
        super().close()


def as_sent(record: logging.LogRecord) -> logging.LogRecord:
    """A record as Snakemake made it: its queue turns a message of None into a text."""
    if record.msg == "None" and hasattr(record, "event"):
        record.msg = None
    return record
