"""What a change costs, beside DVC and a bare Snakemake workflow of as many jobs; and the default study from nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import project
import timing
import yaml
from entrants import PEERS, SETTINGS
from timing import Cost

KERNELS = [3, 5, 7, 9]
CORES = "2"
OURS, DVC = "this project, report included", "DVC"


def study(kernels: list[int]) -> str:
    """A study of one factor whose cells train for an epoch, as a configuration of the project."""
    recipe = {"optimizer": "adam", "learning_rate": 0.001, "epochs": 1, "batch_size": 64}
    model = {
        "network": "convnet",
        "data": "mnist",
        "replicates": 2,
        "margin": {"metric": "accuracy", "margin": 0.01},
        "recipe": recipe,
        "parameters": {"kernel": 5},
        "axes": {"kernel": {"values": kernels}},
    }
    document = {"inherit": False, "study": {"name": "bench", "seed": 1}, "models": {"cnn": model}}
    return yaml.safe_dump(document, sort_keys=False)


def ours(folder: Path, kernels: list[int]) -> Cost:
    """One run of the whole workflow, report included."""
    (folder / "config" / "bench.yaml").write_text(study(kernels), encoding="utf-8")
    command = [*project.SNAKEMAKE, CORES, "--configfile", "config/bench.yaml"]
    return timing.cost_of(command, folder)


def jobs(folder: Path) -> int:
    """How many jobs the study has."""
    command = [*project.SNAKEMAKE[:-3], "-n", "--forceall", "--configfile", "config/bench.yaml"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    totals = [line.split() for line in done.stdout.splitlines() if line.startswith("total ")]
    return int(totals[0][1])


def dvc_folder(folder: Path, python: str) -> Path:
    """A DVC project of the same cells, each trained by ``by_hand.py``."""
    target = folder.parent / "dvc"
    target.mkdir()
    for source in (PEERS / "by_hand.py", PEERS / "dvc" / "dvc.yaml", folder / "cnn.npz"):
        shutil.copy2(source, target)
    dvc = [python, "-m", "dvc"]
    for command in (["git", "init", "-q"], [*dvc, "init", "-q"]):
        subprocess.run(command, cwd=target, check=True, capture_output=True)
    subprocess.run([*dvc, "config", "core.analytics", "false"], cwd=target, check=True)
    return target


def dvc(folder: Path, python: str, kernels: list[int]) -> Cost:
    """One ``dvc repro``."""
    same = {"data": "cnn", "model": "cnn", "replicates": 2, "epochs": 1, "depth": 2}
    cells = {f"kernel_{k}": {**same, **SETTINGS["cnn"], "kernel": k} for k in kernels}
    document = {"python": python, "cells": cells}
    (folder / "params.yaml").write_text(json.dumps(document), encoding="utf-8")
    return timing.cost_of([python, "-m", "dvc", "repro", "-q"], folder)


def changes(folder: Path, python: str, times: int) -> dict[str, dict[str, list[Cost]]]:
    """Section → entrant → costs: from nothing once, then nothing changed, a value changed and changed back, in turn."""
    other, bare = dvc_folder(folder, python), folder.parent / "bare"

    def both(kernels: list[int]) -> dict[str, list[Cost]]:
        runs = {OURS: lambda: ours(folder, kernels), DVC: lambda: dvc(other, python, kernels)}
        return timing.in_turn(runs, 1)

    def snakemake() -> Cost:
        return timing.cost_of([*project.SNAKEMAKE, CORES], bare)

    found = {"four cells of one epoch, from nothing": both(KERNELS)}
    count = jobs(folder)
    project.bare_workflow(bare, count - 1)
    snakemake()
    nothing = {
        OURS: lambda: ours(folder, KERNELS),
        DVC: lambda: dvc(other, python, KERNELS),
        f"Snakemake with {count} empty jobs": snakemake,
    }
    found["nothing changed"] = timing.in_turn(nothing, times)
    names = {
        "one value changed": lambda n: [*KERNELS[:-1], 11 + 2 * n],
        "changed back": lambda _: KERNELS,
    }
    found |= {name: {OURS: [], DVC: []} for name in names}
    for number in range(times):
        for name, kernels in names.items():
            for who, costs in both(kernels(number)).items():
                found[name][who] += costs
    return found


def default_study() -> dict[str, list[Cost]]:
    """The processor time of its trainings over the cores, and the study from nothing to the report."""
    with tempfile.TemporaryDirectory(prefix="bench-default-") as name:
        folder = project.scratch(Path(name))
        whole = timing.cost_of([*project.SNAKEMAKE, CORES], folder)
        runs = (folder / "results" / "store" / "train").glob("*/run.json")
        spent = sum(json.loads(run.read_text())["cost"]["cpu_seconds"] for run in runs)
        again = timing.cost_of([*project.SNAKEMAKE, CORES], folder)
    trained = Cost(spent / int(CORES), spent, whole.peak_mb)
    return {
        "processor time of its trainings over the cores": [trained],
        "from nothing to the report": [whole],
        "nothing changed": [again],
    }
