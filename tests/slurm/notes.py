"""What ran where, when and with what, as the private Slurm and Snakemake have noted it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FILE = "notes.txt"
EVENT = re.compile(r"^Job (\d+): (.*)$|^Finished jobid: (\d+) ", re.MULTILINE)


@dataclass(frozen=True)
class Span:
    """The time that a job of Slurm ran on a node.

    Attributes:
        gpu: what CUDA_VISIBLE_DEVICES was; empty where it was not set.
        begin, end: seconds since 1970; the end is None while it runs and where its node died.
    """

    node: str
    job: str
    gpu: str
    begin: float
    end: float | None

    def overlaps(self, other: Span, now: float) -> bool:
        """Whether both ran at one time; ``now`` stands for an end that was not noted."""
        return self.begin < (other.end or now) and other.begin < (self.end or now)


def read_spans(home: Path) -> list[Span]:
    """The jobs in the order in which they began."""
    notes = home / FILE
    lines = notes.read_text("utf-8").splitlines() if notes.exists() else []
    rows = [line.split() for line in lines]
    ends = {(node, job): float(at) for event, at, node, job, _ in rows if event == "end"}
    return [
        Span(node, job, gpu.strip("-"), float(at), ends.get((node, job)))
        for event, at, node, job, gpu in rows
        if event == "begin"
    ]


def read_members(folder: Path, job: str) -> list[tuple[str, str]]:
    """What Snakemake began and finished in a job of Slurm, in order: ``("began" or "finished", title)``."""
    log = folder / ".snakemake" / f"slurm-{job}.log"
    text = log.read_text("utf-8", errors="replace") if log.exists() else ""
    titles: dict[str, str] = {}
    events = []
    for number, title, finished in EVENT.findall(text):
        if number:
            titles[number] = title
            events.append(("began", title))
        else:
            events.append(("finished", titles[finished]))
    return events
