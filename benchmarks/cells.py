"""What one epoch of each kind of cell costs: ``python benchmarks/cells.py [--json]``.

It prints processor seconds from prepared data that are made at random, so that it needs no file and no study. To compare two
commits, run it in turn in two checkouts of them on one machine. A convolutional network is one replicate; its cell has
several, which cost as much each.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

import numpy as np
import torch
from ablation.training.allocator import keep_freed_memory
from ablation.training.run import Cell, Plan, train

Part = dict[str, torch.Tensor]
EPOCHS = 4  # the cheapest after the first counts, in which no gradients are measured
MLP = {"file": "ablation/networks/mlp.py", "entry": "MLP"}
CONVNET = {"file": "ablation/networks/convnet.py", "entry": "ConvNet"}
RECIPE = {"weight_decay": 0.0, "clip_norm": 0.0, "epochs": EPOCHS}
PLATEAU = {"schedule": "plateau", "lr_factor": 0.1, "lr_patience": 10}
SGD = {
    **RECIPE,
    **PLATEAU,
    "optimizer": "sgd",
    "learning_rate": 0.01,
    "batch_size": 32,
    "target": "raw",
}
ADAM = {
    **RECIPE,
    "schedule": "constant",
    "optimizer": "adam",
    "learning_rate": 0.001,
    "batch_size": 64,
    "augmentation": "none",
}
AFFINE = {"augmentation": "affine", "rotation_degrees": 10, "translation": 0.1, "brightness": 0.2}
CONVNETS: dict[str, dict[str, Any]] = {
    **{f"kernel {kernel}": {"kernel": kernel} for kernel in (3, 5, 7, 9)},
    **{f"depth {depth}": {"depth": depth} for depth in (1, 4)},
    "batchnorm": {"batchnorm": True},
    "dropout": {"dropout": 0.4},
    "augmentation": AFFINE,
    "average pooling": {"pooling": "average"},
}


def _indices(replicates: int, train: int, validation: int) -> dict[str, Any]:
    orders = [np.random.default_rng(r).permutation(train + validation) for r in range(replicates)]
    return {
        "train_index": np.stack([order[:train] for order in orders]),
        "train_n": np.full(replicates, train),
        "validation_index": np.stack([order[train:] for order in orders]),
        "validation_n": np.full(replicates, validation),
    }


def _tensors(arrays: dict[str, Any]) -> Part:
    return {name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()}


def table(replicates: int, train: int = 337, validation: int = 85, features: int = 13) -> Part:
    """A prepared train part as large as that of the housing data."""
    inputs = np.random.default_rng(0).normal(size=(train + validation, features))
    moments = {"mean": np.zeros((replicates, features)), "scale": np.ones((replicates, features))}
    target = inputs.sum(1) + 20
    own = {**moments, "target_mean": np.full(replicates, 20.0), "target_scale": np.ones(replicates)}
    split = _indices(replicates, train, validation)
    return _tensors({"inputs": inputs, "target": target, **split, **own, "outputs": 1})


def images(replicates: int, train: int = 2400, validation: int = 600, side: int = 28) -> Part:
    """A prepared train part of grey images of ten classes; by default as large as that of the default study."""
    stream, count = np.random.default_rng(0), train + validation
    target = np.arange(count) % 10
    looks = stream.integers(0, 200, (10, side, side), dtype=np.uint8)
    pixels = looks[target] + stream.integers(0, 55, (count, side, side), dtype=np.uint8)
    moments = {"mean": np.full(replicates, 0.5), "scale": np.full(replicates, 0.25)}
    split = _indices(replicates, train, validation)
    return _tensors({"inputs": pixels, "target": target, **split, **moments, "outputs": 10})


def cell_of(
    network: dict[str, str],
    part: Part,
    parameters: dict[str, Any],
    *,
    precision: str = "fp32",
    device: str = "cpu",
) -> Cell:
    """A cell without a study."""
    spec = {
        "task": "classification" if part["inputs"].dtype == torch.uint8 else "regression",
        "network": network,
        "parameters": parameters,
        "seed": 1,
        "replicates": len(part["train_n"]),
        "precision": precision,
        "replicates_at_once": "auto",
    }
    return Cell(spec, part, torch.device(device))


class Stamps(logging.Handler):
    """Wall and processor time at the end of each epoch of each group."""

    def __init__(self) -> None:
        super().__init__()
        self.wall: dict[int, list[float]] = {}
        self.processor: dict[int, list[float]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        told = record.__dict__.get("progress", {"what": ""})
        if told["what"] == "epoch":
            self.wall.setdefault(told["first"], []).append(time.perf_counter())
            self.processor.setdefault(told["first"], []).append(time.process_time())

    @staticmethod
    def per_epoch(stamps: dict[int, list[float]]) -> float:
        """The cheapest epoch of each group after its first, summed over the groups."""
        return sum(min(b - a for a, b in pairwise(own)) for own in stamps.values())


@contextmanager
def stamped() -> Iterator[Stamps]:
    """Listen to a training."""
    log, stamps = logging.getLogger("ablation"), Stamps()
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(stamps)
    try:
        yield stamps
    finally:
        log.removeHandler(stamps)
        log.setLevel(level)


def timed(cell: Cell, plan: Plan | None = None, *, threads: int = 1) -> Stamps:
    """Train a cell, so many groups side by side, each on one thread."""
    keep_freed_memory()
    torch.set_num_threads(1)
    plan = plan or cell.plan()
    with stamped() as stamps:
        train(cell, plan, threads=threads)
    return stamps


def kinds(share: float) -> Iterator[tuple[str, Cell]]:
    """Each kind of cell of the default study."""
    rows, held_out = (round(share * count) for count in (2400, 600))
    yield "MLP, 24 replicates", cell_of(MLP, table(24), {**SGD, "epochs": 5 * EPOCHS})
    for name, change in CONVNETS.items():
        part = images(1, rows, held_out)
        yield f"ConvNet, {name}", cell_of(CONVNET, part, {**ADAM, **change})


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object: kind → seconds")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--share", type=float, default=1.0, help="of the images")
    options = parser.parse_args(arguments)
    found = {}
    if not options.json:
        print("| one epoch of | processor seconds |\n| --- | --- |")
    for name, cell in kinds(options.share):
        if options.only not in name:
            continue
        found[name] = round(Stamps.per_epoch(timed(cell).processor), 4)
        if not options.json:
            print(f"| {name} | {found[name]:.3f} |", flush=True)
    if options.json:
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
