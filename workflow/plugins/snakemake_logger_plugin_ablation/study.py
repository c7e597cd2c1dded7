"""The state of a running study: events in, a new state and lines out. Pure: times are given, nothing is read or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .lines import Epoch, Resumed, Said, Smaller, parse

RECENT = 5  # epochs that the time of the next ones is told from
SHOWN = ("val_loss", "val_accuracy")
T = TypeVar("T")


@dataclass(frozen=True)
class Cell:
    """A cell in training.

    Attributes:
        key: of its training.
        told: when it was last spoken of, in seconds of a monotonic clock.
        seconds: of the last epochs.
        at_once, waiting: where the memory does not hold all replicates: how many are trained at a time, and how many wait.
    """

    key: str
    name: str
    told: float
    epoch: int = 0
    epochs: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    seconds: tuple[float, ...] = ()
    at_once: int = 0
    waiting: int = 0

    @property
    def model(self) -> str:
        """The model's name."""
        return self.name.partition("/")[0]

    @property
    def per_epoch(self) -> float | None:
        """Seconds of an epoch, of those replicates that are trained at once."""
        return sum(self.seconds) / len(self.seconds) if self.seconds else None

    def total(self) -> float | None:
        """Seconds from the first epoch to the last."""
        if self.per_epoch is None:
            return None
        return self.per_epoch * self.epochs * (1 + self._chunks_waiting)

    def left(self) -> float | None:
        """Seconds until the last epoch, or None if no epoch is over."""
        if self.per_epoch is None:
            return None
        return self.per_epoch * (self.epochs - self.epoch + self.epochs * self._chunks_waiting)

    @property
    def _chunks_waiting(self) -> int:
        return -(-self.waiting // self.at_once) if self.at_once else 0


@dataclass(frozen=True)
class Study:
    """A run of the workflow.

    Attributes:
        names: key → name, of all cells of the study.
        trained: those that have their entry.
        pending: those that this run is still to train; None if the run makes a part of the study and it is not known which.
        n_pending: how many it is still to train.
        done, jobs: Snakemake's jobs.
        running: job → cell.
        others: job → what it does, of the jobs that do not train.
        spent: model → seconds of the cells that this run trained.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    trained: frozenset[str] = frozenset()
    pending: frozenset[str] | None = None
    n_pending: int = 0
    done: int = 0
    jobs: int = 0
    running: Mapping[int, Cell] = field(default_factory=dict)
    others: Mapping[int, str] = field(default_factory=dict)
    spent: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How the training of a cell ended: seconds, or the sentence of a failure; neither where no file tells."""

    seconds: float | None = None
    failed: str | None = None


Step = tuple[Study, list[str]]


def begin(names: Mapping[str, str], trained: Iterable[str], jobs: int, train_jobs: int) -> Study:
    """The state when Snakemake has counted its jobs.

    Args:
        names: key → name, of all cells of the study.
        trained: those that have their entry.
        jobs: of all rules.
        train_jobs: of the rule that trains.
    """
    there = frozenset(trained) & frozenset(names)
    missing = frozenset(names) - there
    pending = missing if len(missing) == train_jobs else None
    return Study(names, there, pending, train_jobs, jobs=jobs)


def started(study: Study, job: int, key: str, now: float) -> Step:
    """A train job was started, or handed to a cluster."""
    cell = Cell(key, study.names.get(key, key), now)
    pending = None if study.pending is None else study.pending - {key}
    running = {**study.running, job: cell}
    left = max(0, study.n_pending - 1)
    return replace(study, running=running, pending=pending, n_pending=left), [
        f"{cell.name} started"
    ]


def other_started(study: Study, job: int, text: str) -> Study:
    """A job of another rule was started."""
    return replace(study, others={**study.others, job: text})


def read(
    study: Study, job: int, lines: Iterable[str], now: float, every: float, *, anew: bool = False
) -> Step:
    """The log of a train job has new lines.

    Args:
        study: the state.
        job: Snakemake's number of the job.
        lines: new lines of its log.
        now: seconds of a monotonic clock.
        every: seconds between two lines about a cell, at least.
        anew: the log was begun anew.
    """
    cell = study.running.get(job)
    if cell is None:
        return study, []
    if anew:
        cell = Cell(cell.key, cell.name, cell.told)
    told, epochs = [], cell.epoch
    for line in lines:
        said = parse(line)
        if isinstance(said, Resumed):
            told.append(f"{cell.name} resumed after epoch {said.epoch}")
        cell = _after(cell, said)
    if cell.epoch not in (0, epochs) and cell.seconds and now - cell.told >= every:
        cell = replace(cell, told=now)
        told.append(f"{cell.name} {epoch_text(cell)}{left_text(cell.left())}")
    return replace(study, running={**study.running, job: cell}), told


def _after(cell: Cell, said: Said | None) -> Cell:
    if said is None:
        return cell
    if isinstance(said, Smaller):  # the epochs so far were of a stack that did not fit
        waiting = cell.waiting + said.tried - said.at_once
        return replace(cell, waiting=waiting, at_once=said.at_once, epoch=0, seconds=())
    number = said.number if isinstance(said, Epoch) else said.epoch
    if number <= cell.epoch:  # the next replicates
        cell = replace(cell, waiting=max(0, cell.waiting - cell.at_once))
    cell = replace(cell, epoch=number)
    if isinstance(said, Resumed):
        return cell
    seconds = (*cell.seconds, said.seconds)[-RECENT:]
    return replace(cell, epochs=said.of, figures=said.figures, seconds=seconds)


def finished(study: Study, job: int, outcome: Outcome) -> Step:
    """A job is over; of one that trains, one line stays."""
    study = replace(study, done=study.done + 1, others=_without(study.others, job))
    cell = study.running.get(job)
    if cell is None:
        return study, []
    study = replace(study, running=_without(study.running, job))
    if outcome.failed is not None:
        return study, [f"{cell.name} failed: {outcome.failed}; {overall(study)}"]
    study = replace(study, trained=study.trained | ({cell.key} & study.names.keys()))
    took = ""
    if outcome.seconds is not None:
        spent = (*study.spent.get(cell.model, ()), outcome.seconds)
        study = replace(study, spent={**study.spent, cell.model: spent})
        took = f" in {outcome.seconds:.1f} s"
    last = f" ({epoch_text(cell)})" if cell.epochs else ""
    return study, [f"{cell.name} trained{took}{last}; {overall(study)}"]


def stopped(study: Study, job: int) -> Study:
    """A job ended with an error, of which Snakemake tells; it may be tried again."""
    again = study.n_pending + (job in study.running)
    others, running = _without(study.others, job), _without(study.running, job)
    return replace(study, others=others, running=running, n_pending=again, pending=None)


def progress(study: Study, done: int, jobs: int) -> Study:
    """Snakemake's own count."""
    return replace(study, done=done, jobs=jobs)


def _without(jobs: Mapping[int, T], job: int) -> dict[int, T]:
    return {number: value for number, value in jobs.items() if number != job}


def left(study: Study) -> float | None:
    """Seconds until the last cell is trained; None if nothing tells, or nothing is left to train."""
    known = _known_seconds(study)
    if not study.running:
        return None
    ahead = [cell.left() for cell in study.running.values()]
    running = [
        _mean(known.get(cell.model)) if seconds is None else seconds
        for cell, seconds in zip(study.running.values(), ahead, strict=True)
    ]
    if study.pending is None:  # of whichever model: as long as those that are known
        mean = _mean([seconds for group in known.values() for seconds in group])
        waiting = [mean] * study.n_pending
    else:
        waiting = [_mean(known.get(study.names[key].partition("/")[0])) for key in study.pending]
    told = [seconds for seconds in (*running, *waiting) if seconds is not None]
    if len(told) < len(running) + len(waiting):
        return None
    longest = max((seconds for seconds in running if seconds is not None), default=0.0)
    return max(longest, sum(told) / len(running))


def _known_seconds(study: Study) -> dict[str, list[float]]:
    """Model → seconds of its cells, trained or in training."""
    known = {model: list(seconds) for model, seconds in study.spent.items()}
    for cell in study.running.values():
        total = cell.total()
        if total is not None:
            known.setdefault(cell.model, []).append(total)
    return known


def _mean(values: list[float] | None) -> float | None:
    return sum(values) / len(values) if values else None


def epoch_text(cell: Cell) -> str:
    """``epoch 3/15, val_loss 0.52, val_accuracy 0.91``."""
    if not cell.epochs:
        return f"epoch {cell.epoch}" if cell.epoch else ""
    return ", ".join([f"epoch {cell.epoch}/{cell.epochs}", *figures(cell)])


def figures(cell: Cell) -> list[str]:
    """The validation figures of the last epoch."""
    return [f"{name} {cell.figures[name]:.4g}" for name in SHOWN if name in cell.figures]


def left_text(seconds: float | None) -> str:
    """``, about 3 min left``, or nothing."""
    return "" if seconds is None else f", about {duration(seconds)} left"


def overall(study: Study) -> str:
    """``7 of 24 cells trained, 12 of 86 jobs done, about 20 min left``."""
    cells = f"{len(study.trained)} of {len(study.names)} cells trained, " if study.names else ""
    return f"{cells}{study.done} of {study.jobs} jobs done{left_text(left(study))}"


def duration(seconds: float) -> str:
    """Seconds as ``8 s``, ``3 min`` or ``1 h 20 min``."""
    if seconds < 99.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def printable(text: str) -> str:
    """A text without control characters."""
    return "".join(char if char.isprintable() else " " for char in text)
