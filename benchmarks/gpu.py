"""What a GPU (or, for comparison, a processor) makes of the convolutional baseline, and of the whole study.

``make gpu-benchmark`` runs it on images made at random, as many as the whole of MNIST has, for the time does not depend on
what they show; ``--share 0.02 --device cpu`` tries it out where there is no GPU. It prints a table for benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from ablation.training import steps  # noqa: E402
from ablation.training.run import Cell, Plan  # noqa: E402
from cells import ADAM, CONVNET, Part, Stamps, cell_of, images, timed  # noqa: E402
from timing import cost_of  # noqa: E402

TRAIN, VALIDATION, BATCH = 48_000, 12_000, 128
PARTS = ("train", "validation", "test")
VARIATIONS: dict[str, Callable[[Plan], Plan]] = {
    "as shipped": lambda plan: plan,
    "steps one by one": lambda plan: plan,
    "one vmap over stacked weights": lambda plan: replace(
        plan, at_once=max(2, plan.at_once), vmapped=True
    ),
    "replicate by replicate": lambda plan: replace(plan, at_once=1, vmapped=False),
}


@contextmanager
def utilisation() -> Iterator[list[float]]:
    """Percent of the time that a kernel ran, sampled twice a second; empty without nvidia-smi."""
    found: list[float] = []
    ended = threading.Event()
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]

    def sample() -> None:
        while not ended.wait(0.5):
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=True)
            except (OSError, subprocess.SubprocessError):
                return
            found.append(max(map(float, done.stdout.split())))

    thread = threading.Thread(target=sample)
    thread.start()
    yield found
    ended.set()
    thread.join()


@contextmanager
def recording(wanted: bool) -> Iterator[None]:
    """Record steps, or run them one by one."""
    warm_up = steps.WARM_UP
    if not wanted:
        steps.WARM_UP = 10**12
    yield
    steps.WARM_UP = warm_up


def seconds_per_epoch(cell: Cell, what: str) -> float:
    """The cheapest epoch after the first, which warms up and records."""
    plan = VARIATIONS[what](cell.plan())
    with recording(what != "steps one by one"):
        return Stamps.per_epoch(timed(cell, plan).wall)


def plain_seconds(part: Part) -> float:
    """Seconds per replicate and epoch of the script that a user would write, on the same device: three epochs less one."""
    own = part["train_index"][0], part["validation_index"][0], torch.arange(10)
    rows = {f"{name}_0": index.numpy() for name, index in zip(PARTS, own, strict=True)}
    x, y = part["inputs"].numpy(), part["target"].numpy()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "data.npz", x=x, y=y, test_x=x, test_y=y, **rows)
        script = [sys.executable, str(ROOT / "benchmarks" / "peers" / "plain.py")]
        script += ["data.npz", "metric.json", "--model", "cnn", "--batch", str(BATCH)]
        one, three = (
            cost_of([*script, "--rate", "0.001", "--epochs", str(epochs)], folder).wall
            for epochs in (1, 3)
        )
    return (three - one) / 2


def study_minutes() -> float:
    """The full study from nothing, in a folder of its own, with the raw files where they were downloaded before."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("Snakefile", "config.yaml", "config", "workflow", "profiles", "resources"):
            if (ROOT / name).exists():
                os.symlink(ROOT / name, Path(folder, name))
        begin = time.perf_counter()
        command = [sys.executable, "-m", "snakemake", "--configfile", "config/full.yaml"]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        return (time.perf_counter() - begin) / 60


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument(
        "--epochs", type=int, default=4, help="per measurement, the first is dropped"
    )
    parser.add_argument("--replicates", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the images")
    parser.add_argument("--study", action="store_true", help="time the full study as well")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no GPU is at hand: --device cpu measures the processor instead")
    parameters = {**ADAM, "batch_size": BATCH, "epochs": options.epochs}
    rows, held_out = (round(options.share * count) for count in (TRAIN, VALIDATION))
    part = images(options.replicates, rows, held_out)
    count = rows * options.replicates
    name = torch.cuda.get_device_name() if options.device == "cuda" else "processor"
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    print(f"{name}, torch {torch.__version__}, {options.replicates} replicates of {rows} images\n")
    print("| what | seconds per epoch | samples per second | per replicate | utilisation |")
    print("| --- | --- | --- | --- | --- |")
    fast = options.device == "cuda"
    tries = [("as shipped", p) for p in (("bf16", "tf32", "fp32") if fast else ("fp32",))]
    tries += [(what, "bf16" if fast else "fp32") for what in list(VARIATIONS)[1:]]
    shipped = 0.0
    for what, precision in tries:
        cell = cell_of(CONVNET, part, parameters, precision=precision, device=options.device)
        with utilisation() as used:
            taken = seconds_per_epoch(cell, what)
        shipped = shipped or taken
        busy = f"{statistics.median(used):.0f} %" if used else "–"
        rate = count / taken
        row = (
            f"{what}, {precision}",
            f"{taken:.2f}",
            f"{rate:,.0f}",
            f"{rate / options.replicates:,.0f}",
        )
        print("|", " | ".join([*row, busy]), "|", flush=True)
    plain = plain_seconds(part)
    print(
        f"| plain script, one replicate | {plain:.2f} | {count / options.replicates / plain:,.0f} | | |"
    )
    ratio = plain * options.replicates / shipped
    print(
        f"\nThe plain script takes {ratio:.1f} × as long for the same {options.replicates} replicates."
    )
    if options.study:
        print(f"The full study from nothing: {study_minutes():.1f} minutes.")


if __name__ == "__main__":
    main()
