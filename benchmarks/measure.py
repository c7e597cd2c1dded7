"""Measure what benchmarks/README.md claims: ``python benchmarks/measure.py`` prints its table as Markdown.

Ratios come from runs in turn (A B A B …) on the same machine; the median of several is quoted. ``--default-study`` also
times the default report from nothing, in a scratch copy; it takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from ablation.config import merge, resolve  # noqa: E402
from ablation.grid import Cell, build  # noqa: E402
from ablation.plan import Plan  # noqa: E402
from ablation.provenance import cpu_has_bf16, cpu_name  # noqa: E402

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--quiet", "all"]
ENVIRON = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}


def seconds(command: list[str], folder: Path) -> float:
    """Wall time of a command that must succeed."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, env=ENVIRON, check=True, capture_output=True)
    return time.perf_counter() - begin


def scratch(folder: Path) -> Path:
    """A copy of the tracked files, with nothing made."""
    copy = folder / "project"
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, files):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    return copy


def cell_with(epochs: int) -> Cell:
    """The CNN's baseline with another number of epochs."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    change = {"models": {"cnn": {"parameters": {"epochs": epochs}}}}
    return build(resolve(merge(config, change))).by_name["cnn/kernel_5"]


def train_command(cell: Cell, data: Path, folder: Path) -> list[str]:
    """The command of the train rule, into a scratch store."""
    run = folder / "run.json"
    run.write_text(json.dumps({"device": "auto", "checkpoint_seconds": 60, "cells": {}}))
    output = folder / "store" / cell.model / cell.key / "status.json"
    shutil.rmtree(folder / "store", ignore_errors=True)
    paths = ["--data", str(data), "--run", str(run), "--output", str(output)]
    return [sys.executable, "-m", "ablation", "train", "--spec", cell.spec_json, *paths]


def fixed_cost(data: Path, folder: Path, times: int) -> tuple[float, float, float]:
    """Seconds of a cell of 0 epochs, of ``import torch``, and the median ratio."""
    pairs = []
    for _ in range(times):
        cell = seconds(train_command(cell_with(0), data, folder), folder)
        pairs.append((cell, seconds([sys.executable, "-c", "import torch"], folder)))
    return (
        median(cell for cell, _ in pairs),
        median(torch for _, torch in pairs),
        median(cell / torch for cell, torch in pairs),
    )


def against_script(data: Path, folder: Path, times: int) -> tuple[float, float, float]:
    """Seconds per replicate and epoch of the stack (2 epochs less 0) and of the plain script, and their ratio."""
    pairs = []
    script = [sys.executable, str(ROOT / "benchmarks" / "plain_script.py"), str(data)]
    for _ in range(times):
        cell = cell_with(2)
        trained = seconds(train_command(cell, data, folder), folder)
        start = seconds(train_command(cell_with(0), data, folder), folder)
        ours = (trained - start) / 2 / cell.spec["replicates"]
        done = subprocess.run(script, check=True, capture_output=True, text=True, env=ENVIRON)
        pairs.append((ours, float(done.stdout)))
    return (
        median(ours for ours, _ in pairs),
        median(theirs for _, theirs in pairs),
        median(theirs / ours for ours, theirs in pairs),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--default-study", action="store_true")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    cpus, bf16 = os.cpu_count(), "bf16" if cpu_has_bf16() else "no bf16"
    print(f"Python {platform.python_version()}, {cpu_name()}, {cpus} cores, {bf16}\n")
    print("| what | measured |\n| --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy = scratch(folder)
        plan = Plan(build(resolve(yaml.safe_load((ROOT / "config.yaml").read_text()))))
        data = copy / plan.data(cell_with(0).data_spec, "train")
        seconds([*SNAKEMAKE, "--cores", "2", "--", str(data.relative_to(copy))], copy)
        cell, torch, ratio = fixed_cost(data, folder, options.times)
        print(f"| a cell of 0 epochs | {cell:.2f} s, {ratio:.2f} × import torch ({torch:.2f} s) |")
        ours, theirs, ratio = against_script(data, folder, options.times)
        print(f"| CNN baseline, per replicate and epoch, one thread | {ours:.2f} s |")
        print(f"| the same by the plain script | {theirs:.2f} s, {ratio:.1f} × ours |", flush=True)
        if options.default_study:
            report = [*SNAKEMAKE, "--cores", "2"]
            print(f"| default report from nothing | {seconds(report, copy) / 60:.1f} min |")
            idle = median(seconds(report, copy) for _ in range(options.times))
            print(f"| nothing to do | {idle:.1f} s |")


if __name__ == "__main__":
    main()
