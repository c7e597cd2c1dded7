"""A disk that is full, or that cannot be written: the run says so, what people read stays, and with room it goes on."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from workflow_project import Done, Project

from faults.bench import AFTER, CELLS, Bench, Fault, Outcome, last_line
from faults.compare import identities

ROOT = os.geteuid() == 0
STAGES = {"training": "train", "evaluation": "evaluate", "tables": "collect", "report": "report"}
# Where nobody may mount, a file that grows beyond some bytes stands for a full disk.
LIMITED = """
import resource, sys
if {stage!r} in sys.orig_argv:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))
"""
PAGE = 4096
FULL = ("No space left on device", "File too large")


@contextmanager
def _mounted(folder: Path, *options: str) -> Iterator[None]:
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _small_folder(folder: Path, room: int) -> Iterator[None]:
    """Lay a small file system over a folder, with its content and so many bytes more; what is written there stays."""
    old = folder.rename(folder.with_name(f".{folder.name}-before"))
    folder.mkdir()
    taken = sum(-(-p.stat().st_size // PAGE) for p in old.rglob("*") if p.is_file())
    pages = taken + room // PAGE
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={pages * PAGE}", "tmpfs"):
        subprocess.run(["cp", "-a", f"{old}/.", str(folder)], check=True)
        yield
        subprocess.run(["cp", "-a", f"{folder}/.", str(old)], check=True)
    folder.rmdir()
    old.rename(folder)


@contextmanager
def _small(project: Project, stage: str, room: int) -> Iterator[None]:
    """Let a stage have so many bytes for what it is to make."""
    folder = project.path / "results" / "store" / stage
    folder.mkdir(parents=True, exist_ok=True)
    if ROOT:
        with _small_folder(folder, room):
            yield
    else:
        project.sabotage(LIMITED.format(stage=stage, size=room))
        yield
        project.repair()


def _full(bench: Bench, rng: random.Random, *, stage: str) -> Outcome:
    """No room in one stage; then the same command with room."""
    cell = rng.choice(CELLS)
    project = bench.without(*([cell] if stage in ("train", "evaluate") else []), stages=AFTER)
    before = (project.path / "report.html").read_bytes()
    with _small(project, stage, rng.randrange(1, 3) * PAGE):
        first = bench.again(project)
    page = project.path / "report.html"
    # A failed cell is told of by a new report.
    stands = page.is_file() and (stage in ("train", "evaluate") or page.read_bytes() == before)
    return _with_room(bench, project, first, stands and "Traceback" not in first.text)


def _full_anywhere(bench: Bench, rng: random.Random) -> Outcome:
    """No room for anything of the study after some bytes, Snakemake's log included: it tells of that with a traceback."""
    project = bench.without(rng.choice(CELLS), stages=AFTER)
    room = rng.randrange(1, 150) * PAGE
    if ROOT:
        with _small_folder(project.path, room):
            first = bench.again(project)
            stands = (project.path / "report.html").is_file()
    else:
        first = bench.again(project, prefix=["prlimit", f"--fsize={room}"])
        stands = (project.path / "report.html").is_file()
    return _with_room(bench, project, first, stands)


def _with_room(bench: Bench, project: Project, first: Done, stands: bool) -> Outcome:
    """Give the command again, and judge what a run without room said and left."""
    kept = identities(project.path)
    said = any(word in first.text for word in FULL)
    outcome = bench.judge(project, bench.again(project), kept)
    bench.drop(project)
    if said and stands:
        return outcome
    ended = f"status {first.status}: {last_line(first.text)}"
    remark = f"reason named: {said}, report stands: {stands}, {ended}; {outcome.remark}"
    return Outcome(outcome.recovered, False, remark)


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    if ROOT:
        with _mounted(folder, "--bind", str(folder)):
            subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
            yield
        return
    subprocess.run(["chmod", "-R", "a-w", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)


def _refused(bench: Bench, rng: random.Random, *, name: str) -> Outcome:
    """A run that cannot write where it must ends in one sentence; one that need not write there ends well."""
    project = bench.without(rng.choice(CELLS), stages=AFTER)
    folder = project.path / name
    folder.mkdir(exist_ok=True)
    cache = str(project.path / "cache")  # without one, Snakemake ends before it reads the workflow
    environment = {"HOME": str(folder), "XDG_CACHE_HOME": cache} if name == "home" else {}
    kept = identities(project.path)
    with _read_only(folder):
        first = bench.again(project, **environment)
    said = first.text.count("cannot be written") == 1 and "Traceback" not in first.text
    fine = (first.status == 1 and said) or (name == "home" and first.status == 0)
    outcome = bench.judge(project, bench.again(project), kept)
    bench.drop(project)
    if fine:
        return outcome
    ended = f"status {first.status}: {last_line(first.text)}"
    return Outcome(outcome.recovered, False, f"{ended}; {outcome.remark}")


FAULTS = [
    *(
        Fault(
            "disk",
            f"disk full in {what}",
            partial(_full, stage=stage),
            short=stage in ("train", "collect"),
        )
        for what, stage in STAGES.items()
    ),
    Fault("disk", "disk full anywhere", _full_anywhere),
    *(
        Fault(
            "disk", f"{what} read-only", partial(_refused, name=name), short=name == "results/store"
        )
        for what, name in {
            "store": "results/store",
            "a stage of the store": "results/store/train",
            "logs": "logs",
            "logs of a stage": "logs/train",
            ".snakemake": ".snakemake",
            "HOME": "home",
        }.items()
    ),
]
