"""The state of a running study: events in, a new state and lines out. Pure: times are given, nothing is read or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ablation.study.progress import Outcome, Report, duration, tenths

T = TypeVar("T")


@dataclass(frozen=True)
class Cell:
    """A cell in training.

    Attributes:
        key: of its training.
        told: when it was last spoken of, in seconds of a monotonic clock.
        report: the last that its training told.
    """

    key: str
    name: str
    told: float
    report: Report = field(default_factory=Report)

    @property
    def model(self) -> str:
        """The model's name."""
        return self.name.partition("/")[0]


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


def read(study: Study, job: int, report: Report | None, now: float, every: float) -> Step:
    """A train job has told how far it is.

    Args:
        study: the state.
        job: Snakemake's number of the job.
        report: what it told last, None for nothing new.
        now: seconds of a monotonic clock.
        every: seconds between two lines about a cell, at least.
    """
    cell = study.running.get(job)
    if cell is None or report is None:
        return study, []
    before, cell, lines = cell.report, replace(cell, report=report), []
    if report.resumed_after not in (0, before.resumed_after):
        lines.append(f"{cell.name} resumed after epoch {report.resumed_after}")
    is_next = report.epoch not in (0, before.epoch)
    if is_next and report.left is not None and now - cell.told >= every:
        cell = replace(cell, told=now)
        lines.append(f"{cell.name} {epoch_text(report)}{left_text(report.left)}")
    return replace(study, running={**study.running, job: cell}), lines


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
        took = f" in {tenths(outcome.seconds)} s"
    last = f" ({epoch_text(cell.report)})" if cell.report.left is not None else ""
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
    running = [
        _mean(known.get(cell.model)) if cell.report.left is None else cell.report.left
        for cell in study.running.values()
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
        if cell.report.total is not None:
            known.setdefault(cell.model, []).append(cell.report.total)
    return known


def _mean(values: list[float] | None) -> float | None:
    return sum(values) / len(values) if values else None


def epoch_text(report: Report) -> str:
    """``epoch 3/15, val_loss 0.52, val_accuracy 0.91``."""
    return ", ".join([f"epoch {report.epoch}/{report.epochs}", *figures(report)])


def figures(report: Report) -> list[str]:
    """The validation figures of the last epoch."""
    return [f"{name} {value:.4g}" for name, value in report.figures.items()]


def left_text(seconds: float | None) -> str:
    """``, about 3 min left``, or nothing."""
    return "" if seconds is None else f", about {duration(seconds)} left"


def overall(study: Study) -> str:
    """``7 of 24 configurations trained, 12 of 86 jobs done, about 20 min left``."""
    trained = f"{len(study.trained)} of {len(study.names)} configurations trained, "
    return f"{trained if study.names else ''}{study.done} of {study.jobs} jobs done{left_text(left(study))}"
