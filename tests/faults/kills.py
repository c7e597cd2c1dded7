"""Processes that are killed: the run, its process group, a job; and what a loss of power leaves of the newest files."""

from __future__ import annotations

import random
import re
import signal
import time
from functools import partial
from pathlib import Path

from workflow_project import Project

from faults.bench import AFTER, CELLS, Bench, Fault, Outcome, Run, kill, last_line, waited_for
from faults.compare import identities

NEWEST = 4  # files


def _stopped(bench: Bench, rng: random.Random, *, number: int, group: bool) -> Outcome:
    project = bench.without(rng.choice(CELLS))
    moment = bench.interrupted(project, rng, lambda run: run.send(number, group=group))
    kept = identities(project.path)
    done = bench.again(project)
    waited = "waited for orphans" if "Waiting until the jobs" in done.text else ""
    outcome = bench.judge(project, done, kept, waited)
    bench.drop(project)
    return Outcome(outcome.recovered, outcome.identical, _at(outcome, moment))


def _at(outcome: Outcome, moment: float) -> str:
    """A remark; of a loss with the moment, so that it can be found again."""
    if outcome.recovered and outcome.identical:
        return outcome.remark
    return f"after {moment:.1f} s: {outcome.remark}"


def _job(bench: Bench, rng: random.Random, *, stage: str) -> Outcome:
    """SIGKILL to a job: the run goes on with the others, and the next one makes what is missing."""
    cell = rng.choice(CELLS)
    project = bench.without(cell, stages=(*AFTER, "plot") if stage == "plot" else ())
    run = bench.start(project)
    process = waited_for(run, "ablation", stage)
    time.sleep(rng.uniform(0, LASTS.get(stage, 1.5)))
    kill(process)
    first = run.done()
    told = stage == "plot" and "killed by signal 9" in first.text  # the report lacks a figure then
    said = first.status == 0 or told
    kept = identities(project.path)
    done = bench.again(project)
    outcome = bench.judge(project, done, kept)
    bench.drop(project)
    if not said:
        return Outcome(False, outcome.identical, f"the first run: {last_line(first.text)}")
    return outcome


def _tested(bench: Bench, rng: random.Random) -> Outcome:
    """SIGKILL to a training that has published its weights and tests them: nothing failed, and nothing is trained again."""
    cell = rng.choice(CELLS)
    published = bench.base.store(cell)
    project = bench.without(cell)
    run = bench.start(project)
    process = waited_for(run, "ablation", "train", published.name)
    manifest = project.path / published.relative_to(bench.base.path) / "manifest.json"
    while not manifest.exists() and not run.ended():
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 0.8))
    kill(process)
    first = run.done()
    kept = identities(project.path)
    outcome = bench.judge(project, bench.again(project), kept)
    bench.drop(project)
    fine = first.status == 0 and "killed" not in first.text
    remark = "" if fine else f"the first run: {last_line(first.text)}"
    return Outcome(
        outcome.recovered,
        outcome.identical and fine,
        "; ".join(filter(None, [remark, outcome.remark])),
    )


def _newest(project: Project, since: float) -> list[Path]:
    """The files that were written last, Snakemake's own among them."""
    tops = (project.path / "results", project.path / ".snakemake", project.path / "logs")
    found = [p for top in tops for p in top.rglob("*") if p.is_file()]
    found = [p for p in found if p.stat().st_mtime >= since and p.stat().st_size]
    return sorted(found, key=lambda p: p.stat().st_mtime)[-NEWEST:]


def _power_lost(bench: Bench, rng: random.Random, *, zeroed: bool) -> Outcome:
    """Everything ends at once, and the newest files are not whole."""
    project = bench.without(rng.choice(CELLS))
    since = time.time()

    def stop(run: Run) -> None:
        run.send(signal.SIGKILL, group=True)

    moment = bench.interrupted(project, rng, stop)
    damaged = _newest(project, since)
    before = identities(project.path)
    for path in damaged:
        content = path.read_bytes()
        path.write_bytes(bytes(len(content)) if zeroed else content[: len(content) // 2])
    hit = {path.parent.name for path in damaged}
    kept = {name: facts for name, facts in before.items() if name.partition("/")[2] not in hit}
    done = bench.again(project)
    outcome = bench.judge(project, done, kept)
    bench.drop(project)
    return Outcome(outcome.recovered, outcome.identical, _at(outcome, moment))


def _orphans(bench: Bench, rng: random.Random) -> Outcome:
    """SIGKILL to the run in mid-training: its job lives on, and the same command waits for it and takes what it made."""
    cell = rng.choice(CELLS)
    project = bench.without(cell)
    key = project.store(cell).name
    project.sabotage(SLOW)
    run = bench.start(project)
    waited_for(run, "ablation", "train", key)
    time.sleep(rng.uniform(0, 1))
    run.send(signal.SIGKILL)
    run.done()
    kept = identities(project.path)
    done = bench.again(project)
    trained = len(re.findall(rf"^Job \d+: Train {cell} {key}", done.text, re.MULTILINE))
    log = (project.path / "logs" / "train" / f"{key}.log").read_text("utf-8")
    outcome = bench.judge(project, done, kept)
    bench.drop(project)
    waited = "Waiting until the jobs" in done.text
    fine = waited and trained == 0 and log.count("key " + key) == 1
    remark = "waited for" if fine else f"waited: {waited}, trained again: {trained}"
    return Outcome(
        outcome.recovered,
        outcome.identical and fine,
        "; ".join(filter(None, [remark, outcome.remark])),
    )


# A training that outlives its run by some seconds.
SLOW = """
import sys, time
if sys.orig_argv[-7:-5] == ["ablation", "train"]:
    time.sleep(4)
"""

LASTS = {"evaluate": 0.3}  # seconds, of a job that takes what its training has tested
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
FAULTS = [
    *(
        Fault(
            "kills",
            f"{name} to {'its process group' if group else 'the run'}",
            partial(_stopped, number=number, group=group),
            10,
            short=group == (name == "SIGINT"),
        )
        for group in (False, True)
        for name, number in SIGNALS.items()
    ),
    *(
        Fault("kills", f"SIGKILL to {what}", partial(_job, stage=stage), 10)
        for what, stage in {
            "a training": "train",
            "an evaluation": "evaluate",
            "a figure": "plot",
        }.items()
    ),
    Fault("kills", "SIGKILL to a training that tests its network", _tested, 10, short=True),
    *(
        Fault(
            "kills",
            f"all killed, newest files {how}",
            partial(_power_lost, zeroed=how == "zeroed"),
            10,
            short=how == "zeroed",
        )
        for how in ("cut", "zeroed")
    ),
    Fault("kills", "orphans of a killed run", _orphans),
]
