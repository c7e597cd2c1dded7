"""The project beside what a user would pick instead: ``make bench`` writes benchmarks/bench.md and bench.json.

Every comparison runs its entrants in turn on one machine, round after round; a ratio is the median over the rounds. Nothing
else should run there. ``--only`` chooses a section, ``--quick`` tries everything out at a small size.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import effort
import entrants
import project
import timing
import workflows
from ablation.machine.provenance import cpu_name
from ablation.training.device import cpu_has_bf16
from entrants import Task
from timing import Cost

Row = dict[str, Any]
FOLDER = project.ROOT / "benchmarks"
# Replicates and epochs: as shipped for the FNN, fewer for the CNN.
SHAPES = {"cnn": (4, 3), "fnn": (24, 100)}
QUICK = {"cnn": (2, 1), "fnn": (6, 1)}  # the FNN's replicates come in sixes
SECTIONS = ("cnn", "fnn", "tested", "step", "alone", "start-up", "workflow", "default-study")


def prepared(folder: Path, model: str, replicates: int) -> Path:
    """Prepare a model's data in the scratch project by its own rule, and export them for the peers."""
    plan = project.plan_with(model, 1, replicates, "fp32")
    stage = plan.prepared[project.baseline(plan, model).data_key]
    change = f"models={{{model}.replicates: {replicates}}}"
    command = [*project.SNAKEMAKE, "2", "--config", change, "--", stage.manifest]
    timing.cost_of(command, folder)
    data = folder / f"{model}.npz"
    project.export_splits(folder / stage.folder, data, replicates)
    return data


def rows_of(what: str, costs: dict[str, list[Cost]], metrics: dict[str, float]) -> Iterator[Row]:
    """One row per entrant; the ratio is to the first."""
    first = next(iter(costs))
    for name, own in costs.items():
        yield {
            "what": what,
            "who": name,
            "runs": len(own),
            "seconds": round(median(cost.wall for cost in own), 2),
            "processor_seconds": round(median(cost.processor for cost in own), 2),
            "ratio": round(timing.ratio(own, costs[first]), 2),
            "peak_mb": round(median(cost.peak_mb for cost in own)),
            "metric": metrics.get(name),
        }


def cell(task: Task, what: str, times: int) -> Iterator[Row]:
    """One cell by all entrants."""
    metrics: dict[str, float] = {}

    def run(name: str, entrant: Callable[[], entrants.Outcome]) -> Callable[[], Cost]:
        def timed() -> Cost:
            cost, metrics[name] = entrant()
            return cost

        return timed

    runs = {name: run(name, entrant) for name, entrant in entrants.entrants(task).items()}
    yield from rows_of(what, timing.in_turn(runs, times, entrants.SLOW[task.model]), metrics)


def cells(options: argparse.Namespace, folder: Path, model: str) -> Iterator[Row]:
    """One cell on one core, then on all."""
    replicates, epochs = (QUICK if options.quick else SHAPES)[model]
    data = prepared(folder, model, replicates)
    for cores in sorted({1, len(timing.processors())}):
        what = f"{model}, {replicates} replicates, {epochs} epochs, {cores} core{'s' * (cores > 1)}"
        task = Task(model, replicates, epochs, cores, folder, data, options.python)
        yield from cell(task, what, options.times)


def tested(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """A cell trained, and the same trained and tested: by both jobs, as a run does it."""
    for model in ("cnn", "fnn"):
        replicates, epochs = (QUICK if options.quick else SHAPES)[model]
        data = prepared(folder, model, replicates)
        task = Task(model, replicates, epochs, 1, folder, data, options.python)

        def run(stage: str, task: Task = task) -> Callable[[], Cost]:
            return lambda: entrants.ours(task, stage=stage)[0]

        runs = {entrants.OURS: run("train"), entrants.TESTED: run("evaluate")}
        what = f"{model}, {replicates} replicates, {epochs} epochs, 1 core: tested"
        yield from rows_of(what, timing.in_turn(runs, options.times), {})


def step(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """What further epochs of the FNN cost, without start-up and compilation: the same beside JAX's steps."""
    short, long = (1, 2) if options.quick else (100, 300)
    replicates, _ = (QUICK if options.quick else SHAPES)["fnn"]
    data = prepared(folder, "fnn", replicates)
    for cores in sorted({1, len(timing.processors())}):
        task = Task("fnn", replicates, short, cores, folder, data, options.python)
        few, many = (entrants.entrants(replace(task, epochs=n)) for n in (short, long))

        def further(name: str, few: Any = few, many: Any = many) -> Callable[[], Cost]:
            return lambda: many[name]()[0] - few[name]()[0]

        names = (entrants.OURS, entrants.VMAP, entrants.ONE_BY_ONE)
        costs = timing.in_turn({name: further(name) for name in names}, options.times)
        epochs = f"{long - short} further epochs"
        yield from rows_of(f"fnn, {replicates} replicates, {epochs}, {cores} cores", costs, {})


def alone(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """One configuration of all its replicates on all cores, and on one."""
    replicates, epochs = QUICK["cnn"] if options.quick else (12, 5)
    data = prepared(folder, "cnn", replicates)
    all_cores = len(timing.processors())

    def on(cores: int) -> Callable[[], Cost]:
        task = Task("cnn", replicates, epochs, cores, folder, data, options.python)
        return lambda: entrants.ours(task)[0]

    runs = {f"{cores} cores": on(cores) for cores in sorted({all_cores, 1}, reverse=True)}
    what = f"cnn alone, {replicates} replicates, {epochs} epochs"
    yield from rows_of(what, timing.in_turn(runs, options.times), {})


def start_up(folder: Path, times: int) -> Iterator[Row]:
    """A cell of 0 epochs beside ``import torch``; of two replicates, for it measures gradients of each before training."""
    prepared(folder, "cnn", 2)
    plan = project.plan_with("cnn", 0, 2, "fp32")
    chosen = project.baseline(plan, "cnn")

    def train() -> Cost:
        command = project.stage_command(plan, chosen, "train", folder)
        return timing.cost_of(command, folder, project.ENVIRON)

    def torch() -> Cost:
        return timing.cost_of([project.PYTHON, "-c", "import torch"], folder)

    costs = timing.in_turn({"import torch": torch, "a cell of 0 epochs": train}, times)
    yield from rows_of("start-up", costs, {})


def sections(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """All that is measured."""
    for model in ("cnn", "fnn"):
        if options.only in ("", model):
            yield from cells(options, folder, model)
    for name, section in (("tested", tested), ("step", step), ("alone", alone)):
        if options.only in ("", name):
            yield from section(options, folder)
    if options.only in ("", "start-up"):
        yield from start_up(folder, options.times)
    if options.only in ("", "workflow"):
        if not (folder / "cnn.npz").exists():
            prepared(folder, "cnn", 2)
        for what, costs in workflows.changes(folder, options.python, options.times).items():
            yield from rows_of(what, costs, {})
    if options.only in ("", "default-study") and not options.quick:
        yield from rows_of("default study, 2 cores", workflows.default_study(), {})


def table(rows: list[Row]) -> str:
    """Markdown."""
    heads = ("what", "who", "seconds", "ratio", "runs", "peak MB", "test metric")
    lines = [f"| {' | '.join(heads)} |", "| -- | -- | -: | -: | -: | -: | -: |"]
    for row in rows:
        metric = "" if row["metric"] is None else f"{row['metric']:.3g}"
        told = (row["what"], row["who"], f"{row['seconds']:.1f}", f"{row['ratio']:.2f}")
        lines.append(f"| {' | '.join(told)} | {row['runs']} | {row['peak_mb']} | {metric} |")
    return "\n".join(lines)


def machine(python: str) -> dict[str, Any]:
    """Where it was measured, and with what."""
    return {
        "date": date.today().isoformat(),
        "processor": cpu_name(),
        "cores": len(timing.processors()),
        "bf16": cpu_has_bf16(),
        "python": platform.python_version(),
        "torch": version("torch"),
        **entrants.versions(python),
    }


def write(facts: dict[str, Any], rows: list[Row]) -> None:
    """Keep the result: bench.md and bench.json; rows of sections that were not run stay."""
    path = FOLDER / "bench.json"
    known = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    fresh = {row["what"] for row in rows}
    rows = [row for row in known if row["what"] not in fresh] + rows
    document = {"machine": facts, "rows": rows, "effort": effort.counts()}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    title = ", ".join(f"{key} {value}" for key, value in facts.items())
    text = f"# Speed, measured\n\n{title}\n\n{table(rows)}\n\n{effort.table()}\n"
    page = FOLDER / "bench.md"
    page.write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "mdformat", str(page)], cwd=project.ROOT, check=True)


def main() -> None:
    """Measure, print as it goes, and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--python", default=sys.executable, help="the peers' interpreter")
    parser.add_argument("--times", type=int, default=3, help="rounds")
    parser.add_argument("--only", default="", choices=["", *SECTIONS])
    parser.add_argument("--quick", action="store_true", help="few replicates, one epoch")
    parser.add_argument("--write", action="store_true", help="benchmarks/bench.{md,json}")
    options = parser.parse_args()
    options.python = str(Path(options.python).absolute())  # a link of an environment stays one
    entrants.have(options.python)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = project.scratch(Path(name))
        for row in sections(options, folder):
            rows.append(row)
            print(table([row]).splitlines()[-1], flush=True)
    if options.write:
        write(machine(options.python), rows)


if __name__ == "__main__":
    main()
