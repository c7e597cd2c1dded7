"""How far a run is, for those who follow it: the cells' names, what each training writes as it goes, and what became of it.

No number depends on any of it, so what cannot be read or written is left out.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ablation.machine.logs import printable, say
from ablation.store.entries import find, folder_of
from ablation.store.files import read_json, write_json

if TYPE_CHECKING:
    from ablation.study.plan import Plan

RUN_FACTS = "ABLATION_RUN"  # the variable that tells jobs what no number depends on
CELLS = "ABLATION_CELLS"  # the variable that names the file of names
FOLLOWED = "ABLATION_FOLLOWED"  # set by the logger plugin, which shows what a job would print
SHOWN = ("val_loss", "val_accuracy")
RECENT = 5  # epochs that the time of the next ones is told from
ENOUGH = 1 << 14  # bytes of the end of a file that hold its last lines


def write_names(plan: Plan) -> None:
    """Key → name of each distinct cell."""
    names, path = {key: cell.name for key, cell in plan.study.by_key.items()}, Path(plan.names_file)
    if read_json(path) != names:
        write_json(path, names)


def cell_names() -> dict[str, str]:
    """Key → name of each cell of the study that runs; empty where nothing tells."""
    names = read_json(Path(os.environ.get(CELLS, "")))
    if not isinstance(names, dict):
        return {}
    return {key: printable(str(name)) for key, name in names.items()}


@dataclass(frozen=True)
class Outcome:
    """How the training of a cell ended: seconds, or the sentence of a failure; neither where no file tells."""

    seconds: float | None = None
    failed: str | None = None


def outcome(key: str) -> Outcome:
    """How the training of a cell ended, by the entry that it left."""
    entry = find(folder_of("train", key))
    if entry is None:
        return Outcome()
    if entry.failures:  # its own, or that of its data
        return Outcome(failed=next(iter(entry.failures.values())).reason)
    try:
        return Outcome(seconds=float(entry.read("run.json")["cost"]["seconds"]))
    except (OSError, ValueError, TypeError, KeyError):  # damaged
        return Outcome()


def say_trained(key: str) -> None:
    """Print one line about a trained cell and how far the study is, unless the logger plugin does."""
    ended = outcome(key)
    if os.environ.get(FOLLOWED) or ended.failed:
        return
    names = cell_names()
    trained = sum(outcome(cell).seconds is not None for cell in names)
    seconds, name = ended.seconds or 0, names.get(key, key)
    say(f"{name} trained in {tenths(seconds)} s; {trained} of {len(names)} configurations done")


def progress_file(key: str) -> Path:
    """Where the training of a cell tells how far it is: beside its log, one JSON document per line."""
    return Path("logs", "train", f"{key}.progress.jsonl")


class Progress(logging.Handler):
    """Writes a line for each record with ``progress``: all that is known of the training then.

    The replicates are trained in groups, some of them side by side: the epoch of the cell is the mean of theirs, rounded down.

    Args:
        key: of the cell.
        epochs: how many it has.
    """

    def __init__(self, key: str, epochs: int) -> None:
        super().__init__()
        self.path, self.epochs = progress_file(key), epochs
        self._known: dict[str, Any] = {
            "cell": cell_names().get(key, key),
            "key": key,
            "epochs": epochs,
        }
        self._seconds: deque[float] = deque(maxlen=RECENT)
        self._restart(1, 1)
        with suppress(OSError):  # what an earlier try wrote is not of this one
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(b"")

    def begin(self, groups: int, at_a_time: int) -> None:
        """So many groups are trained from now on, so many of them side by side."""
        self._restart(groups, at_a_time)
        self._write()

    def _restart(self, groups: int, at_a_time: int) -> None:
        self._known |= {"epoch": 0, "resumed_after": 0}
        self._groups, self._at_a_time, self._resumed = groups, at_a_time, 0
        self._latest: dict[int, Mapping[str, Any]] = {}
        self._seconds.clear()

    def emit(self, record: logging.LogRecord) -> None:
        facts = getattr(record, "progress", None)
        if not facts:
            return
        self._latest[facts["first"]] = facts
        if facts["what"] == "resumed":
            self._resumed += facts["epoch"]
        if "seconds" in facts:
            self._seconds.append(facts["seconds"])
        epochs_done = sum(record["epoch"] for record in self._latest.values())
        self._known["epoch"] = epochs_done // self._groups
        self._known["resumed_after"] = self._resumed // self._groups
        for name in SHOWN:
            values = [record[name] for record in self._latest.values() if name in record]
            finite = [value for value in values if math.isfinite(value)]
            if values:
                self._known[name] = median(finite) if finite else math.nan
        if self._seconds:
            per_epoch = sum(self._seconds) / len(self._seconds) / self._at_a_time
            total = self.epochs * self._groups
            self._known["seconds_left"] = per_epoch * (total - epochs_done)
            self._known["seconds_total"] = per_epoch * total
        self._write()

    def end(self) -> None:
        """The cell is trained."""
        self._known["trained"] = True
        self._write()

    def _write(self) -> None:
        document = {name: _plain(value) for name, value in self._known.items()}
        with suppress(OSError), self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(document) + "\n")


def _plain(value: Any) -> Any:
    """A value without NaN, which JSON does not have."""
    return None if isinstance(value, float) and math.isnan(value) else value


@dataclass(frozen=True)
class Report:
    """What a line of a progress file says.

    Attributes:
        epoch, epochs: the last one that is over, of how many.
        resumed_after: the epoch of the checkpoint that training went on from, or 0.
        figures: of ``SHOWN``, medians over the replicates.
        left, total: seconds until the last epoch and from the first to the last; None if no epoch is over.
    """

    epoch: int = 0
    epochs: int = 0
    resumed_after: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    left: float | None = None
    total: float | None = None


def latest(path: Path) -> Report | None:
    """What the last whole line of a progress file says; None where there is none that can be read."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - ENOUGH))
            lines = stream.read().split(b"\n")[:-1]
    except OSError:
        return None
    return next((report for line in reversed(lines) if (report := _parse(line))), None)


def _parse(line: bytes) -> Report | None:
    try:
        document = json.loads(line, parse_int=float)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    numbers = {n: v for n, v in document.items() if isinstance(v, float) and math.isfinite(v)}
    if not numbers.keys() >= {"epoch", "epochs"}:
        return None
    return Report(
        int(numbers["epoch"]),
        int(numbers["epochs"]),
        int(numbers.get("resumed_after", 0)),
        {name: numbers.get(name, math.nan) for name in SHOWN if name in document},
        numbers.get("seconds_left"),
        numbers.get("seconds_total"),
    )


def tenths(seconds: float) -> str:
    """Seconds with one decimal, rounded half up as in the report."""
    return str(Decimal(repr(float(seconds))).quantize(Decimal("0.1"), ROUND_HALF_UP))


def duration(seconds: float) -> str:
    """Seconds as ``8 s``, ``3 min`` or ``1 h 20 min``."""
    if seconds < 99.5:
        return f"{max(1, int(seconds + 0.5))} s"
    minutes = int(seconds / 60 + 0.5)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
