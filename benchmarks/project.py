"""The project in a scratch folder, as the benchmarks use it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np  # noqa: E402
from ablation.store.entries import spec_path  # noqa: E402
from ablation.store.keys import canonical_json  # noqa: E402
from ablation.study.grid import Cell, build  # noqa: E402
from ablation.study.plan import Plan  # noqa: E402
from ablation.study.reading import load  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

PYTHON = sys.executable
SNAKEMAKE = [PYTHON, "-P", "-m", "snakemake", "--quiet", "all", "--cores"]
FACTS = {"device": "cpu", "checkpoint_seconds": 60, "mirrors": {}}
ENVIRON = {"PYTHONPATH": str(ROOT / "workflow"), "ABLATION_RUN": json.dumps(FACTS)}
BASELINES = {"cnn": "cnn/kernel_5", "fnn": "fnn/depth_at_0.01_2"}


def scratch(folder: Path) -> Path:
    """A copy of the tracked files, with nothing made."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        target = folder / "project" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return folder / "project"


@cache
def plan_with(model: str, epochs: int, replicates: int, precision: str) -> Plan:
    """The plan of the shipped study with other epochs, replicates and precision of a model."""
    change: dict[str, Any] = {
        "compute": {"precision": precision},
        "models": {model: {"replicates": replicates, "recipe": {"epochs": epochs}}},
    }
    return Plan(build(load(ROOT / "config.yaml", overrides=change)))


def baseline(plan: Plan, model: str) -> Cell:
    """The model's baseline."""
    return plan.study.by_name[BASELINES[model]]


def stage_command(plan: Plan, cell: Cell, stage: str, folder: Path, *options: str) -> list[str]:
    """The command that makes one entry of the store anew; what it needs must be there."""
    made = {"train": plan.trained, "evaluate": plan.evaluated}[stage][cell.key]
    shutil.rmtree(folder / made.folder, ignore_errors=True)
    path = folder / spec_path(made.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(canonical_json(made.spec), encoding="utf-8")
    return [PYTHON, "-P", "-m", "ablation", stage, made.key, *options]


def export_splits(prepared: Path, path: Path, replicates: int) -> None:
    """Write the raw data and the rows of each replicate's parts as one ``.npz`` file, which the peers read."""
    train, test = (load_file(prepared / f"{part}.safetensors") for part in ("train", "test"))
    arrays = {"x": train["inputs"], "y": train["target"]}
    arrays |= {"test_x": test["inputs"], "test_y": test["target"]}
    for part, source in (("train", train), ("validation", train), ("test", test)):
        for r in range(replicates):
            arrays[f"{part}_{r}"] = source[f"{part}_index"][r, : source[f"{part}_n"][r]]
    np.savez(path, **arrays)


def bare_workflow(folder: Path, jobs: int) -> None:
    """A Snakefile of as many jobs that do nothing, the least that Snakemake can take."""
    folder.mkdir(parents=True, exist_ok=True)
    names = f"expand('made/{{n}}', n=range({jobs}))"
    (folder / "Snakefile").write_text(
        f"rule all:\n    input: {names}\n\nrule one:\n    output: touch('made/{{n}}')\n"
    )
