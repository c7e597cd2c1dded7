"""Write a finished study of which one configuration is trained: ``finished.py`` calls it in the study's folder.

The entries of all other configurations are written as if they were trained and tested: files of the same size, with the weights
and courses of the trained one, and metrics that differ at random. It prints as JSON what the measured commands need: ``stages``
(name and key), ``environment``, and ``files`` and ``bytes`` of the entries of all configurations with their specifications.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

import numpy as np
from ablation.results.evaluation import summarise
from ablation.store import entries
from ablation.store.files import write_json
from ablation.study.plan import Plan, read_plan
from ablation.tasks.task import TASKS

AFTER_THE_CELLS = ("yardsticks", "collect", "draws", "plot", "portraits", "report")


def varied(metrics: dict[str, Any], stream: np.random.Generator) -> dict[str, Any]:
    """The metrics of a regression with errors that are some percent larger or smaller."""
    rows = [dict(row) for row in metrics["replicates"]]
    shift = stream.normal(0, 0.1)
    for row, own in zip(rows, stream.normal(0, 0.05, len(rows)).tolist(), strict=True):
        if row["status"] == "ok":
            ratio = 2.0 ** (shift + own)
            row |= {"mse": row["mse"] * ratio, "mae": row["mae"] * ratio**0.5}
            row |= {"r2": 1 - (1 - row["r2"]) * ratio, "val_loss": row["val_loss"] * ratio}
    names = [metric.name for metric in TASKS["regression"].metrics]
    return {**metrics, "replicates": rows, "metrics": summarise(rows, names)}


def fill(plan: Plan) -> None:
    """Write the specifications of a study, and the entries of all cells but the trained one."""
    entries.sync = lambda path: None  # a study that is thrown away may be lost
    stream = np.random.default_rng(0)
    for stage in plan.main_stages.values():
        entries.write_spec(stage.spec)
    known = next(key for key, stage in plan.trained.items() if entries.find(stage.folder))
    trained, tested = (entries.require(s[known].folder) for s in (plan.trained, plan.evaluated))
    metrics = tested.read("metrics.json")
    for key, stage in plan.trained.items():
        if key == known:
            continue
        with entries.publish(stage.folder) as draft:
            for name in trained.files:
                shutil.copyfile(trained.folder / name, draft / name)
        own = {"key": key, "evaluation": plan.evaluated[key].key, "spec": stage.spec}
        with entries.publish(plan.evaluated[key].folder) as draft:
            write_json(draft / "metrics.json", {**varied(metrics, stream), **own})
            shutil.copyfile(tested.folder / "predictions.csv", draft / "predictions.csv")


def sizes(plan: Plan) -> dict[str, int]:
    """Files and bytes of the entries of all cells, their specifications included."""
    stages = [*plan.trained.values(), *plan.evaluated.values()]
    paths = [path for s in stages for path in (entries.spec_path(s.key), *s.folder.iterdir())]
    return {"files": len(paths), "bytes": sum(path.stat().st_size for path in paths)}


def main() -> None:
    """Fill, and print."""
    plan = read_plan([])
    fill(plan)
    stages = [(s.name, s.key) for s in plan.main_stages.values() if s.name in AFTER_THE_CELLS]
    print(json.dumps({"stages": stages, "environment": plan.environment, **sizes(plan)}))


if __name__ == "__main__":
    main()
