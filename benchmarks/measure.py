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

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from ablation.machine.provenance import cpu_name  # noqa: E402
from ablation.store.keys import canonical_json  # noqa: E402
from ablation.study.grid import Cell, build  # noqa: E402
from ablation.study.plan import Plan  # noqa: E402
from ablation.study.reading import load  # noqa: E402
from ablation.training.device import cpu_has_bf16  # noqa: E402

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--quiet", "all"]
FACTS = {"device": "auto", "checkpoint_seconds": 60, "mirrors": {}}
ENVIRON = {
    **os.environ,
    "PYTHONPATH": str(ROOT / "workflow"),
    "ABLATION_RUN": json.dumps(FACTS),
}


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


def plan_with(epochs: int) -> Plan:
    """The plan of the shipped study, the CNN's baseline with another number of epochs."""
    change = {"models": {"cnn": {"parameters": {"epochs": epochs}}}}
    return Plan(build(load(ROOT / "config.yaml", overrides=change)))


def cell_of(plan: Plan) -> Cell:
    """The CNN's baseline."""
    return plan.study.by_name["cnn/kernel_5"]


def training(epochs: int, folder: Path) -> list[str]:
    """The command of the train rule for a project in which the data are prepared and the cell is not trained."""
    stage = plan_with(epochs).trained[cell_of(plan_with(epochs)).key]
    shutil.rmtree(folder / stage.folder, ignore_errors=True)
    (folder / stage.spec_file).parent.mkdir(parents=True, exist_ok=True)
    (folder / stage.spec_file).write_text(canonical_json(stage.spec), encoding="utf-8")
    return [sys.executable, "-m", "ablation", "train", stage.key]


def fixed_cost(folder: Path, times: int) -> tuple[float, float, float]:
    """Seconds of a cell of 0 epochs, of ``import torch``, and the median ratio."""
    pairs = []
    for _ in range(times):
        cell = seconds(training(0, folder), folder)
        pairs.append((cell, seconds([sys.executable, "-c", "import torch"], folder)))
    return (
        median(cell for cell, _ in pairs),
        median(torch for _, torch in pairs),
        median(cell / torch for cell, torch in pairs),
    )


def against_script(data: Path, folder: Path, times: int) -> tuple[float, float, float]:
    """Seconds per replicate and epoch of the engine (2 epochs less 0) and of the plain script, and their ratio."""
    pairs = []
    script = [sys.executable, str(ROOT / "benchmarks" / "plain_script.py"), str(data)]
    replicates = cell_of(plan_with(2)).spec["replicates"]
    for _ in range(times):
        trained, start = (seconds(training(epochs, folder), folder) for epochs in (2, 0))
        ours = (trained - start) / 2 / replicates
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
        copy = scratch(Path(name))
        plan = plan_with(0)
        prepared = plan.prepared[cell_of(plan).data_key]
        seconds([*SNAKEMAKE, "--cores", "2", "--", prepared.manifest], copy)
        data = copy / prepared.folder / "train.safetensors"
        cell, torch, ratio = fixed_cost(copy, options.times)
        print(f"| a cell of 0 epochs | {cell:.2f} s, {ratio:.2f} × import torch ({torch:.2f} s) |")
        ours, theirs, ratio = against_script(data, copy, options.times)
        print(f"| CNN baseline, per replicate and epoch, one thread | {ours:.2f} s |")
        print(f"| the same by the plain script | {theirs:.2f} s, {ratio:.1f} × ours |", flush=True)
        if options.default_study:
            report = [*SNAKEMAKE, "--cores", "2"]
            print(f"| default report from nothing | {seconds(report, copy) / 60:.1f} min |")
            idle = median(seconds(report, copy) for _ in range(options.times))
            print(f"| nothing to do | {idle:.1f} s |")


if __name__ == "__main__":
    main()
