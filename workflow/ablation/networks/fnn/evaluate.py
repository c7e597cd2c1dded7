"""Test the fully connected network: the only place that opens its test part."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablation.networks.fnn.network import INPUT_DIM, StackedFNN, sequential  # noqa: F401
from ablation.networks.fnn.raw import PARTS

Columns = dict[str, NDArray[Any]]
SHAPE = (INPUT_DIM,)
LOSS = "mse"


def metrics(target: NDArray[np.float64], prediction: NDArray[np.float64]) -> dict[str, float]:
    """MSE in (1000 USD)², MAE in 1000 USD, and R² (1 − residual over total sum of squares)."""
    error = prediction - target
    total = float(np.square(target - target.mean()).sum())
    return {
        "mse": float(np.square(error).mean()),
        "mae": float(np.abs(error).mean()),
        "r2": 1 - float(np.square(error).sum()) / total,
    }


@torch.no_grad()
def evaluate(
    parameters: dict[str, Any], tensors: dict[str, Tensor], part: dict[str, Tensor]
) -> tuple[list[dict[str, Any]], Columns]:
    """Predict every replicate's test part, in fp32.

    Args:
        parameters: the cell's parameters.
        tensors: the stacked network.
        part: ``test_x [R, N, 13]``, ``test_y``, ``test_n``, ``test_index``.

    Returns:
        A dictionary of metrics per replicate, and the columns of ``predictions.csv``.
    """
    replicates = len(part["test_n"])
    network = StackedFNN(parameters, 0, range(replicates))
    network.load_state_dict(tensors)
    predicted = network(part["test_x"]).double().numpy()
    rows, columns = [], list[Columns]()
    for r, count in enumerate(part["test_n"].tolist()):
        target = part["test_y"][r, :count].double().numpy()
        rows.append(metrics(target, predicted[r, :count]))
        columns.append(
            {
                "replicate": np.full(count, r),
                "index": part["test_index"][r, :count].numpy(),
                "target": target,
                "prediction": predicted[r, :count],
            }
        )
    return rows, {name: np.concatenate([c[name] for c in columns]) for name in columns[0]}


def sizes(train: dict[str, Tensor], test: dict[str, Tensor], dataset: str) -> dict[str, Any]:
    """Rows of each part, the fewest and the most of any replicate, and the ratio that corrects for overlapping splits.

    The ratio is 1/(k − 1) of k parts (Bouckaert & Frank 2004).
    """
    counts = {
        "n_train": train["train_n"],
        "n_validation": train["validation_n"],
        "n_test": test["test_n"],
    }
    return {
        **{name: [int(count.min()), int(count.max())] for name, count in counts.items()},
        "overlap_ratio": 1 / (PARTS - 1),
        "fixed_test_set": False,
    }


def test_part(part: dict[str, Tensor], replicate: int) -> tuple[Tensor, Tensor]:
    """One replicate's standardised test features ``[N, 13]`` and targets ``[N]``."""
    rows = int(part["test_n"][replicate])
    return part["test_x"][replicate, :rows], part["test_y"][replicate, :rows]
