"""What must hold of the study that ran on the private Slurm. Each check is one line of the result."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import astuple, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from faults.compare import without_measured
from notes import Span, read_members

RUN_DATA = re.compile(r"<section[^>]* data-run>.*?</section>", re.DOTALL)
RUN_SCRIPT = re.compile(r'<script[^>]*id="run-data".*?</script>', re.DOTALL)
HEAD = ["job", "state", "node", "CPUs", "memory", "limit", "GPUs", "seconds", "members", "what"]
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
    name: str


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
        folder: of the study.
        status, log: how Snakemake ended and what it printed.
        lines: Slurm's list of jobs.
        spans: when each job ran.
        killed: the job that ran on the node that was killed.
    """

    folder: Path
    status: int
    log: str
    lines: list[str]
    spans: list[Span]
    killed: Span
    seconds: float

    @property
    def jobs(self) -> list[Job]:
        return [Job(*line.split("|")) for line in self.lines]

    @property
    def trainings(self) -> list[Job]:
        """The jobs that asked for GPUs."""
        return [job for job in self.jobs if job.gpus == "gres:gpu:1"]

    def tell(self) -> None:
        """Print the jobs of Slurm and how long each took."""
        row = "{:4} {:10} {:5} {:>4} {:>7} {:>8} {:11} {:>7} {:>7}  {}"
        print(row.format(*HEAD))
        for job in self.jobs:
            ends = [s.end - s.begin for s in self.spans if s.job == job.number and s.end]
            took = f"{ends[0]:.0f}" if ends else "-"
            members = sum(event == "began" for event, _ in read_members(self.folder, job.number))
            *asked, name = astuple(job)
            print(row.format(*asked, took, members, name.removeprefix("snakejob.")))


def numbers(folder: Path) -> dict[str, Any]:
    """All results and readable files of a study, without measured cost and environment."""
    paths = [p for pattern in STORED for p in folder.glob(f"results/store/{pattern}")]
    paths += [p for pattern in SHOWN for p in folder.glob(pattern)]
    found: dict[str, Any] = {}
    for path in map(Path.absolute, filter(Path.is_file, paths)):
        name = str(path.relative_to(folder.absolute()))
        # What was set aside is hidden; a manifest holds the digests of files with measured parts.
        if "/." not in name and path.name != "manifest.json":
            found[name] = content(path)
    return found


def content(path: Path) -> Any:
    """A file without what was measured."""
    if path.suffix == ".json":
        return without_measured(json.loads(path.read_bytes()))
    if path.suffix == ".html":
        return RUN_SCRIPT.sub("", RUN_DATA.sub("", path.read_text("utf-8")))
    if path.name == "cells.csv":
        rows = csv.DictReader(path.read_text("utf-8").splitlines())
        return [without_measured(row) for row in rows]
    return path.read_bytes()


def finished_at_first(outcome: Outcome, local: Path) -> None:
    assert outcome.status == 0, f"status {outcome.status}"


def lost_its_node(outcome: Outcome, local: Path) -> None:
    (job,) = [job for job in outcome.jobs if job.number == outcome.killed.job]
    assert job.state == "NODE_FAIL", f"job {job.number} is {job.state}"
    later = [s.job for s in outcome.spans if s.node == job.node and s.begin > outcome.killed.begin]
    assert not later, f"the dead node was given jobs {later}"


def same_numbers(outcome: Outcome, local: Path) -> None:
    here, there = numbers(outcome.folder), numbers(local)
    assert len(there) > 100, f"only {len(there)} files were compared"
    assert sorted(here) == sorted(there), sorted(here.keys() ^ there.keys())
    different = [path for path in there if here[path] != there[path]]
    assert not different, f"{len(different)} files differ: {', '.join(different[:5])}"


def trained_once(outcome: Outcome, local: Path) -> None:
    killed = read_members(outcome.folder, outcome.killed.job)
    done = {title for event, title in killed if event == "finished" and title.startswith("Train ")}
    assert done, f"job {outcome.killed.job} had finished no training"
    others = [job.number for job in outcome.jobs if job.number != outcome.killed.job]
    again = {title for job in others for _, title in read_members(outcome.folder, job)} & done
    assert not again, f"trained again: {', '.join(sorted(again))}"


def asks_for_one_gpu(outcome: Outcome, local: Path) -> None:
    assert {job.gpus for job in outcome.jobs} == {"gres:gpu:0", "gres:gpu:1"}
    asked = {(job.cpus, job.memory) for job in outcome.trainings}
    assert asked == {("4", "8000M"), ("4", "16000M")}, asked


def asks_for_more_again(outcome: Outcome, local: Path) -> None:
    again = [job.number for job in outcome.trainings if job.memory == "16000M"]
    assert len(again) == 1 and int(again[0]) > int(outcome.killed.job), again


def several_in_a_job(outcome: Outcome, local: Path) -> None:
    names = [job.name for job in outcome.jobs if job.state == "COMPLETED"]
    kinds = [sum(rule in name for name in names) for rule in ("prepare", "train", "report")]
    assert (kinds, len(names)) == ([1, 4, 1], 6), names


def alone_on_its_gpu(outcome: Outcome, local: Path) -> None:
    holding = [span for span in outcome.spans if span.gpu]
    assert {span.gpu for span in holding} == {"0"}
    assert {span.job for span in holding} == {job.number for job in outcome.trainings}
    now = max(span.end or span.begin for span in outcome.spans)
    for one, two in combinations(holding, 2):
        shared = one.node == two.node and one.overlaps(two, now)
        assert not shared, f"jobs {one.job} and {two.job} shared a GPU"
    for job in outcome.trainings:
        members = read_members(outcome.folder, job.number)
        events = [event for event, _ in members]
        wanted = ["began", "finished"] * (len(events) // 2 + 1)
        assert events == wanted[: len(events)], (
            f"job {job.number} did two things at once: {members}"
        )


Check = Callable[[Outcome, Path], None]
CHECKS: dict[str, Check] = {
    "the first command finishes the study": finished_at_first,
    "the killed node's job failed, and no further job was sent there": lost_its_node,
    "all numbers, tables, figures and the page are those of a local run": same_numbers,
    "a job of several configurations asks for one GPU and what one training needs": asks_for_one_gpu,
    "what the killed job had trained is not trained again": trained_once,
    "the repeated job asks for twice the memory": asks_for_more_again,
    "16 configurations are 4 jobs, the study is 6": several_in_a_job,
    "each job holds a GPU of its own, and each training has it alone": alone_on_its_gpu,
}
