"""What is compared: the project's training of a cell, and the same cell by each peer."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import project
import timing
from timing import Cost

PEERS = project.ROOT / "benchmarks" / "peers"
SETTINGS = {"cnn": {"batch": 64, "rate": 0.001}, "fnn": {"batch": 32, "rate": 0.01}}
PLAIN, LIGHTNING = "plain PyTorch, a process per run", "Lightning and Hydra"
BY_HAND, SKLEARN = "PyTorch with care", "scikit-learn"
VMAP, ONE_BY_ONE = "JAX, vmap over replicates", "JAX, replicate by replicate"
OURS, SHIPPED = "this project, fp32", "this project, as shipped"
TESTED = "the same, trained and tested"
# Minutes each, and so far from the rest that one run tells enough.
SLOW = {"cnn": {VMAP, ONE_BY_ONE}, "fnn": {PLAIN, LIGHTNING}}


@dataclass(frozen=True)
class Task:
    """A cell that all train.

    Attributes:
        model: ``cnn`` or ``fnn``.
        replicates: of the cell.
        epochs: of training.
        cores: that it may use.
        folder: the project's scratch folder, with the data prepared.
        data: the same data as one ``.npz`` file.
        python: the interpreter of the peers' environment.
    """

    model: str
    replicates: int
    epochs: int
    cores: int
    folder: Path
    data: Path
    python: str

    @property
    def options(self) -> list[str]:
        """What the peers are told."""
        settings = {"model": self.model, "epochs": self.epochs, **SETTINGS[self.model]}
        return [part for name, value in settings.items() for part in (f"--{name}", str(value))]


Outcome = tuple[Cost, float]


def ours(task: Task, precision: str = "fp32", stage: str = "train") -> Outcome:
    """The project's job; the metric comes from its evaluation."""
    plan = project.plan_with(task.model, task.epochs, task.replicates, precision)
    cell = project.baseline(plan, task.model)

    def run(stage: str, *options: str) -> Cost:
        command = project.stage_command(plan, cell, stage, task.folder, *options)
        return timing.cost_of(command, task.folder, project.ENVIRON, task.cores)

    after = ("--evaluation", plan.evaluated[cell.key].key) if stage == "evaluate" else ()
    trained = run("train", "--threads", str(task.cores), *after)
    evaluated = run("evaluate")
    metrics = json.loads(
        (task.folder / plan.evaluated[cell.key].folder / "metrics.json").read_text()
    )
    name = "accuracy" if task.model == "cnn" else "mse"
    metric = median(row[name] for row in metrics["replicates"] if row["status"] == "ok")
    return (trained if stage == "train" else trained + evaluated), metric


def plain(task: Task) -> Outcome:
    """A process per replicate, as many at a time as there are cores."""

    def one(replicate: int) -> tuple[Path, Cost]:
        folder = task.folder / "plain" / str(replicate)
        folder.mkdir(parents=True, exist_ok=True)
        out = folder / "metric.json"
        command = [task.python, str(PEERS / "plain.py"), str(task.data), str(out)]
        command += [*task.options, "--replicate", str(replicate)]
        return out, timing.cost_of(command, folder, cores=task.cores)

    begin = time.perf_counter()
    with ThreadPoolExecutor(task.cores) as pool:
        done = list(pool.map(one, range(task.replicates)))
    wall = time.perf_counter() - begin
    peak = task.cores * max(cost.peak_mb for _, cost in done)
    return Cost(wall, sum(cost.processor for _, cost in done), peak), metric_in(o for o, _ in done)


def script(task: Task, name: str, *options: str, model: bool = True) -> Outcome:
    """A peer that trains all replicates in one process."""
    out = task.folder / f"{name}.json"
    told = task.options if model else task.options[2:]
    command = [task.python, str(PEERS / name), str(task.data), str(out), *told]
    command += ["--replicates", str(task.replicates), *options]
    return timing.cost_of(command, task.folder, cores=task.cores), metric_in([out])


def lightning(task: Task) -> Outcome:
    """Hydra's multirun over the replicates."""
    out = task.folder / "multirun"
    settings = {"model": task.model, "epochs": task.epochs, **SETTINGS[task.model]}
    told = [f"{name}={value}" for name, value in settings.items()]
    told += [f"data={task.data}", f"out={out}", f"hydra.launcher.n_jobs={task.cores}"]
    command = [task.python, str(PEERS / "lightning_hydra" / "train.py"), "--multirun", *told]
    command += [f"replicate=range({task.replicates})"]
    cost = timing.cost_of(command, task.folder, {"PYTHONWARNINGS": "ignore"}, task.cores)
    return cost, metric_in(out / str(r) / "metric.json" for r in range(task.replicates))


def metric_in(paths: Iterable[Path]) -> float:
    """Median of the replicates' test metrics; a diverged one would hide the others in a mean."""
    return median(value for path in paths for value in json.loads(path.read_text())["metric"])


def entrants(task: Task) -> dict[str, Callable[[], Outcome]]:
    """Name → run, of all that train this model; ours comes first."""
    runs: dict[str, Callable[[], Outcome]] = {
        OURS: partial(ours, task),
        PLAIN: partial(plain, task),
        BY_HAND: partial(script, task, "by_hand.py", "--threads", str(task.cores)),
        LIGHTNING: partial(lightning, task),
        VMAP: partial(script, task, "jax_cell.py"),
        ONE_BY_ONE: partial(script, task, "jax_cell.py", "--one-by-one"),
    }
    if task.model == "cnn":
        runs[SHIPPED] = partial(ours, task, precision="auto")
    else:
        runs[SKLEARN] = partial(script, task, "sklearn_mlp.py", model=False)
    return runs


def versions(python: str) -> dict[str, str]:
    """Of the peers' packages."""
    names = ("lightning", "hydra-core", "dvc", "scikit-learn", "jax", "optax")
    code = f"import importlib.metadata as m; print(*map(m.version, {names}))"
    done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return dict(zip(names, done.stdout.split(), strict=True))


def have(python: str) -> None:
    """Stop in one sentence where the peers' packages are missing.

    Raises:
        SystemExit: if they are.
    """
    wanted = "import dvc, hydra, jax, lightning, optax, torch, sklearn"
    if subprocess.run([python, "-c", wanted], capture_output=True, check=False).returncode:
        raise SystemExit(
            "The peers' packages are missing: `make bench` installs benchmarks/peers/requirements.txt."
        )
