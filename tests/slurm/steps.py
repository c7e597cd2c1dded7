"""What ran where and when, as the prologs and epilogs of the private Slurm have noted it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NOTES = "steps.txt"


@dataclass(frozen=True)
class Step:
    """A part of a job of Slurm: its script, or one job of Snakemake below it.

    Attributes:
        number: of the part; empty for the script.
        gpu: what CUDA_VISIBLE_DEVICES was; empty where it was not set.
        begin, end: seconds since 1970; the end is None while it runs and where its node died.
    """

    node: str
    job: str
    number: str
    gpu: str
    begin: float
    end: float | None

    @property
    def is_cell(self) -> bool:
        """Whether it is one job of Snakemake, rather than what starts them."""
        return bool(self.number)

    def overlaps(self, other: Step, now: float) -> bool:
        """Whether both ran at one time; ``now`` stands for an end that was not noted."""
        return self.begin < (other.end or now) and other.begin < (self.end or now)


def read_steps(home: Path) -> list[Step]:
    """The steps in the order in which they began."""
    notes = home / NOTES
    lines = notes.read_text("utf-8").splitlines() if notes.exists() else []
    rows = [line.split() for line in lines]
    ends = {(name, number): float(at) for event, at, name, number, _ in rows if event == "end"}
    return [
        Step(node, *number.split("."), gpu.strip("-"), float(at), ends.get((node, number)))
        for event, at, node, number, gpu in rows
        if event == "begin"
    ]
