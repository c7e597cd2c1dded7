"""Stored histories against plain torch, one replicate at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from oracle.networks import NETWORKS, Network
from oracle.parts import Parts, boston_parts, digit_parts
from oracle.raw import boston, digits
from oracle.recipe import Rows
from oracle.study import Cell, Study
from oracle.training import TorchDraws
from oracle.training_checks import (
    TRAINERS,
    check_course,
    check_learning_rates,
    check_same_distribution,
)

OWN_SEED = 987_654_321
REPLICATES = {"fnn": (3, 7), "cnn": (4,)}
# Trains steadily, and stands in the default study as well.
BASELINE: dict[str, dict[str, Any]] = {
    "fnn": {"hidden_layers": 2, "learning_rate": 0.001, "activation": "relu", "optimizer": "sgd"},
    "cnn": {
        "depth": 2,
        "kernel": 5,
        "dropout": 0,
        "batchnorm": False,
        "augmentation": "none",
        "optimizer": "adam",
    },
}
RUNS = {"fnn": 12, "cnn": 4}
METRICS = {"fnn": ("mse", "mae"), "cnn": ("accuracy", "loss")}


@pytest.mark.promise(20)
@pytest.mark.parametrize("model", ["fnn", "cnn"])
def test_the_first_epochs_of_every_cell(study: Study, model: str) -> None:
    """Losses, rates and gradients of replicates that are neither the first of the study nor of a block."""
    cells = study.of(model)
    assert cells
    for cell in cells:
        for replicate in REPLICATES[model]:
            check_course(cell, replicate)


@pytest.mark.parametrize("model", ["fnn", "cnn"])
def test_learning_rates(study: Study, model: str) -> None:
    for cell in study.of(model):
        check_learning_rates(cell)


def test_some_learning_rates_are_lowered(study: Study) -> None:
    """Otherwise the test above says nothing."""
    rates = [set(cell.history["learning_rate"]) for cell in study.of("fnn")]
    assert max(map(len, rates)) > 1


@pytest.mark.parametrize("model", ["fnn", "cnn"])
def test_own_full_length_runs(study: Study, model: str) -> None:
    """Splits, weights and orders of torch's own lead to the test results that are stored.

    Per metric the means of own runs and of replicates lie within k standard errors of their difference, k as for a false alarm
    in one of a thousand studies that are right (see ``check_same_distribution``). Losses and errors are compared as logarithms,
    because they are skewed. The seed is fixed, so that the test passes always or never.
    """
    cells = [
        c for c in study.of(model, **BASELINE[model]) if c.parameters.get("pooling") != "average"
    ]
    assert len(cells) == 1
    stored = [row for row in cells[0].metrics["replicates"] if row["status"] == "ok"]
    own = [own_run(cells[0], OWN_SEED + run) for run in range(RUNS[model])]
    for metric in METRICS[model]:
        found, expected = ([row[metric] for row in rows] for rows in (stored, own))
        scale = np.asarray if metric == "accuracy" else np.log
        check_same_distribution(scale(found), scale(expected))


def own_run(cell: Cell, seed: int) -> dict[str, float]:
    """Train a network of this cell's parameters to the end with other random numbers, and test it."""
    torch.manual_seed(seed)
    parts = own_parts(cell)
    network: Network = NETWORKS[cell.model](cell.parameters)
    course = TRAINERS[cell.model](
        cell.parameters,
        network,
        parts["train"],
        parts["validation"],
        TorchDraws(),
        epochs=cell.parameters["epochs"],
    )
    network.load_state_dict(course.best)
    inputs, targets = parts["test"].rows()
    with torch.no_grad():
        output = network.eval()(inputs)
    if cell.model == "fnn":
        error = output - targets
        return {"mse": float(error.square().mean()), "mae": float(error.abs().mean())}
    right = (output.argmax(1) == targets).double()
    loss = functional.cross_entropy(output, targets)
    return {"accuracy": float(right.mean()), "loss": float(loss)}


def own_parts(cell: Cell) -> Parts:
    """A random split of the sizes that the cell has, not stratified."""
    facts = cell.metrics["data"]
    sizes = {name: facts[f"n_{name}"][0] for name in ("train", "validation", "test")}
    if cell.model == "fnn":
        raw = boston(cell.resources)
        return boston_parts(raw, own_split(len(raw.target), sizes))
    assert cell.parameters["test"] == "drawn"
    pool, tested = digits(cell.resources, cell.parameters["test"])
    return digit_parts(pool, tested, own_split(len(pool.labels), sizes))


def own_split(rows: int, sizes: dict[str, int]) -> dict[str, Rows]:
    """Rows of each part in the order of torch's own permutation."""
    order = torch.randperm(rows)[: sum(sizes.values())].split(list(sizes.values()))
    return {name: part.numpy() for name, part in zip(sizes, order, strict=True)}
