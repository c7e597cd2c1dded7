"""What a finished study of many configurations costs: bytes of the store, processor seconds and memory of each stage.

One configuration of the study of ``growth.py`` is trained and tested. The entries of all others are written without training:
files of the same size, with the weights and courses of the trained one, and metrics that differ at random. The stages after
them are the real ones. ``python benchmarks/finished.py 100 1000`` prints the table of ``docs/how-to/scale.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from growth import CELL, project, snakemake, used

if TYPE_CHECKING:
    import numpy as np
    from ablation.study.plan import Plan

AFTER_THE_CELLS = ("yardsticks", "collect", "draws", "plot", "portraits", "report")
Cost = tuple[float, float]


def varied(metrics: dict[str, Any], stream: np.random.Generator) -> dict[str, Any]:
    """The metrics of a regression with errors that are some percent larger or smaller."""
    from ablation.results.evaluation import summarise
    from ablation.tasks.task import TASKS

    rows = [dict(row) for row in metrics["replicates"]]
    shift = stream.normal(0, 0.1)
    for row, own in zip(rows, stream.normal(0, 0.05, len(rows)).tolist(), strict=True):
        if row["status"] == "ok":
            ratio = 2.0 ** (shift + own)
            row |= {"mse": row["mse"] * ratio, "mae": row["mae"] * ratio**0.5}
            row |= {"r2": 1 - (1 - row["r2"]) * ratio, "val_loss": row["val_loss"] * ratio}
    names = [metric.name for metric in TASKS["regression"].metrics]
    return {**metrics, "replicates": rows, "metrics": summarise(rows, names)}


def fill() -> None:
    """Write the specifications of the study in the working directory, and the entries of all cells but the trained one.

    Prints as JSON what the measured commands need: ``stages`` (name and key), ``environment``, and ``files`` and ``bytes`` of
    the entries of all cells with their specifications.
    """
    import numpy as np
    from ablation.store import entries
    from ablation.store.files import write_json
    from ablation.study.plan import read_plan

    entries.sync = lambda path: None  # a study that is thrown away may be lost
    plan, stream = read_plan([]), np.random.default_rng(0)
    for stage in plan.main_stages.values():
        entries.write_spec(stage.spec)
    known = next(key for key, stage in plan.trained.items() if entries.find(stage.folder))
    trained, tested = (entries.require(s[known].folder) for s in (plan.trained, plan.evaluated))
    metrics = tested.read("metrics.json")
    for key in plan.trained.keys() - {known}:
        with entries.publish(plan.trained[key].folder) as draft:
            for name in trained.files:
                shutil.copyfile(trained.folder / name, draft / name)
        own = {"key": key, "evaluation": plan.evaluated[key].key, "spec": plan.trained[key].spec}
        with entries.publish(plan.evaluated[key].folder) as draft:
            write_json(draft / "metrics.json", {**varied(metrics, stream), **own})
            shutil.copyfile(tested.folder / "predictions.csv", draft / "predictions.csv")
    made = plan.main_stages.values()
    facts = {
        "stages": [(s.name, s.key) for s in made if s.name in AFTER_THE_CELLS],
        "environment": plan.environment,
        **sizes(plan),
    }
    print(json.dumps(facts))


def sizes(plan: Plan) -> dict[str, int]:
    """Files and bytes of the entries of all cells, their specifications included."""
    from ablation.store.entries import spec_path

    stages = [*plan.trained.values(), *plan.evaluated.values()]
    paths = [path for s in stages for path in (spec_path(s.key), *s.folder.iterdir())]
    return {"files": len(paths), "bytes": sum(path.stat().st_size for path in paths)}


def costs(path: Path, facts: dict[str, Any]) -> Iterator[tuple[str, Cost]]:
    """Each stage after the cells, one by one; then a run that finds them made and copies them, and a run without work."""
    os.environ |= {**facts["environment"], "PYTHONPATH": facts["environment"]["ABLATION_PACKAGE"]}
    for stage, key in facts["stages"]:
        yield stage, used([sys.executable, "-P", "-m", "ablation", stage, key], path, quiet=False)
    yield "copies", used(snakemake("--cores", "1"), path)
    yield "nothing to do", used(snakemake("--cores", "1"), path)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", type=int, nargs="*", default=[1_000])
    parser.add_argument("--folder", type=Path, help="for the studies, which are kept")
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fill:
        return fill()
    print("| configurations | what | processor seconds | MB |\n| -- | -- | -- | -- |")
    with tempfile.TemporaryDirectory(prefix="ablation-finished-") as scratch:
        for cells in arguments.cells:
            path = project(arguments.folder or Path(scratch), cells)
            used(snakemake(CELL, "--cores", "1"), path)
            filled = [sys.executable, str(Path(__file__).resolve()), "--fill"]
            done = subprocess.run(filled, cwd=path, stdout=subprocess.PIPE, text=True, check=True)
            facts = json.loads(done.stdout)
            files, kilobytes = facts["files"] / cells, facts["bytes"] / cells / 1e3
            print(f"| {cells:,} | store: {files:.0f} files, {kilobytes:.0f} kB each | | |", flush=True)
            for what, (seconds, memory) in costs(path, facts):
                print(f"| {cells:,} | {what} | {seconds:.1f} | {memory:.0f} |", flush=True)
            report = (path / "report.html").stat().st_size
            print(f"| {cells:,} | report.html: {report / 1e6:.1f} MB | | |", flush=True)


if __name__ == "__main__":
    main()
