"""What must hold of the study that ran on the private Slurm. Each check is one line of the result."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from steps import Step

GROUP = 5  # cells in a job, as the profile has it
RUN_DATA = re.compile(r"<section data-run>.*?</section>", re.DOTALL)
RUN_SCRIPT = re.compile(r'<script[^>]*id="run-data".*?</script>', re.DOTALL)
MEASURED = ("cost", "environment", "log")
STORED = ("train/*/*.safetensors", "train/*/*.csv", "evaluate/*/*.csv", "draws/*/draws.json")
SHOWN = ("results/smoke/**/*", "report-smoke.html")


@dataclass(frozen=True)
class Job:
    """A job as Slurm lists it; memory and time as they were asked for."""

    number: str
    state: str
    node: str
    cpus: str
    memory: str
    limit: str
    gpus: str
    comment: str


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
        folder: of the study.
        status, log: how Snakemake ended and what it printed.
        lines: Slurm's list of jobs.
        killed: the step that ran on the node that was killed.
    """

    folder: Path
    status: int
    log: str
    lines: list[str]
    steps: list[Step]
    killed: Step
    seconds: float

    @property
    def jobs(self) -> list[Job]:
        return [Job(*line.split("|")) for line in self.lines]

    @property
    def trainings(self) -> list[Job]:
        """The jobs that asked for GPUs."""
        return [job for job in self.jobs if job.gpus != "N/A"]

    def tell(self) -> None:
        """Print the jobs of Slurm and how long each took."""
        print("job  state      node  CPUs  memory  limit     GPUs        seconds  parts  what")
        for job in self.jobs:
            steps = [step for step in self.steps if step.job == job.number]
            script = [step for step in steps if not step.is_cell]
            ends = [step.end - step.begin for step in script if step.end]
            took = f"{ends[0]:.0f}" if ends else "-"
            print(
                f"{job.number:4} {job.state:10} {job.node:5} {job.cpus:5} {job.memory:7} {job.limit:9}"
                f" {job.gpus:11} {took:8} {len(steps) - len(script):<6} {job.comment}"
            )


def without_measured(value: Any) -> Any:
    """A document without what it cost to make it and where."""
    if isinstance(value, dict):
        return {k: without_measured(v) for k, v in value.items() if k not in MEASURED}
    return [without_measured(item) for item in value] if isinstance(value, list) else value


def numbers(folder: Path) -> dict[str, Any]:
    """All results and readable files of a study, without measured cost and environment."""
    paths = [p for pattern in STORED for p in folder.glob(f"results/store/{pattern}")]
    paths += [p for pattern in SHOWN for p in folder.glob(pattern)]
    found: dict[str, Any] = {}
    for path in paths:
        if not path.is_file() or path.name in ("manifest.json",):
            continue
        content: Any = path.read_bytes()
        if path.name == "metrics.json":
            content = without_measured(json.loads(content))
        elif path.suffix == ".html":
            content = RUN_SCRIPT.sub("", RUN_DATA.sub("", content.decode("utf-8")))
        found[str(path.relative_to(folder))] = content
    return found


def finished_at_first(outcome: Outcome, local: Path) -> None:
    assert outcome.status == 0, f"status {outcome.status}"


def lost_its_node(outcome: Outcome, local: Path) -> None:
    (job,) = [job for job in outcome.jobs if job.number == outcome.killed.job]
    assert job.state == "NODE_FAIL", f"job {job.number} is {job.state}"
    later = [s for s in outcome.steps if s.node == job.node and s.begin > outcome.killed.begin]
    assert not [s for s in later if s.job != job.number], "the dead node was given further jobs"


def same_numbers(outcome: Outcome, local: Path) -> None:
    here, there = numbers(outcome.folder), numbers(local)
    assert len(there) > 100, f"only {len(there)} files were compared"
    assert sorted(here) == sorted(there), sorted(here.keys() ^ there.keys())
    different = [path for path in there if here[path] != there[path]]
    assert not different, f"{len(different)} files differ: {', '.join(different[:5])}"


def asks_for_one_gpu(outcome: Outcome, local: Path) -> None:
    assert outcome.trainings, "no job asked for a GPU"
    for job in outcome.trainings:
        assert job.gpus == "gres:gpu:1", f"job {job.number} asked for {job.gpus}"
        assert job.cpus == "4", f"job {job.number} asked for {job.cpus} CPUs"
        assert job.memory == "8000M", f"job {job.number} asked for {job.memory}"


def several_in_a_job(outcome: Outcome, local: Path) -> None:
    names = [job.comment for job in outcome.jobs if job.state == "COMPLETED"]
    cells = [name for name in names if "train" in name]
    assert len(cells) == 4, names
    assert sum("prepare" in name for name in names) == 1, names
    assert sum("report" in name for name in names) == 1, names
    assert len(names) == 6, names


def alone_on_its_gpu(outcome: Outcome, local: Path) -> None:
    holding = [step for step in outcome.steps if step.gpu]
    assert {step.gpu for step in holding} == {"0"}
    now = max(step.end or step.begin for step in outcome.steps)
    for one, two in combinations([s for s in holding if s.is_cell], 2):
        if one.node == two.node:
            assert not one.overlaps(two, now), f"{one} and {two} shared a GPU"


def no_noise(outcome: Outcome, local: Path) -> None:
    assert "SLURM account" not in outcome.log


Check = Callable[[Outcome, Path], None]
CHECKS: dict[str, Check] = {
    "the first command finishes the study": finished_at_first,
    "the killed node's job failed, and no further job was sent there": lost_its_node,
    "all numbers, tables, figures and the page are those of a local run": same_numbers,
    "a job of several configurations asks for one GPU and what one training needs": asks_for_one_gpu,
    "16 configurations are 4 jobs, the study is 6": several_in_a_job,
    "each training has a GPU to itself": alone_on_its_gpu,
    "nothing is said of accounts": no_noise,
}
