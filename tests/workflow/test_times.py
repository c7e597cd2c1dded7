"""Time stamps and Snakemake's memory decide nothing. All of it real runs."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest
from workflow_project import Planned, Project, prepared, promise

DAY = 86_400
NOW = time.time()
SHOWN = ("results/fnn", "results/cnn", "results/tables", "results/figures", "report.html")


def touch(project: Project, stamp: Callable[[], float]) -> None:
    """Give every file of the project a time stamp."""
    for path in project.path.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path, times=(stamp(), stamp()))


def touched(
    stamp: Callable[[random.Random], float], *, forget: bool = True
) -> Callable[[Project], tuple[Planned, bool]]:
    """A real run after touching all files, mostly without Snakemake's own memory; whether what people read stays."""

    def run(project: Project) -> tuple[Planned, bool]:
        rng = random.Random(8)
        before = project.files(*SHOWN)
        touch(project, lambda: stamp(rng))
        if forget:
            project.forget()
        return project.made(), project.files(*SHOWN) == before

    return run


@promise(8)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=prepared(run), id=name)
        for name, run in [
            ("in any order", touched(lambda rng: NOW - rng.random() * DAY)),
            ("with memory", touched(lambda rng: NOW - rng.random() * DAY, forget=False)),
            ("at once", touched(lambda rng: NOW)),
            ("in 1970", touched(lambda rng: 1.0)),
            ("future and past", touched(lambda rng: NOW + rng.choice([-DAY, DAY]))),
            ("future", touched(lambda rng: NOW + 100 * 365 * DAY)),
        ]
    ],
)
def test_touched_files_run_nothing(name: str, outcome: tuple[Planned, bool]) -> None:
    planned, same = outcome
    assert planned.idle, name
    assert same


def forgotten(project: Project) -> Planned:
    project.forget()
    return project.made()


@promise(8)
@prepared(forgotten)
def test_without_snakemakes_memory_nothing_runs(outcome: Planned) -> None:
    assert outcome.idle


@promise(8)
@prepared(lambda project: project.clone().made())
def test_a_clone_with_results_runs_nothing(outcome: Planned) -> None:
    assert outcome.idle


def renamed(project: Project) -> Planned:
    return Project(project.path.rename(project.path.with_name("another name"))).made()


@promise(8)
@prepared(renamed)
def test_a_renamed_folder_runs_nothing(outcome: Planned) -> None:
    assert outcome.idle
