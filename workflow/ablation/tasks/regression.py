"""Regression: one number per sample, by squared error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

LOSS = "mse"


def loss(output: Tensor, target: Tensor) -> Tensor:
    """The squared error of each sample, in fp32: ``[…, B, 1]`` and ``[…, B]`` → ``[…, B]``."""
    return (output[..., 0].float() - target.float()).square()


def guess_loss(target: Tensor, outputs: int) -> float:
    """What predicting the mean of targets ``[n]`` loses: their variance."""
    return float(target.double().var(correction=0))


def figures(output: Tensor, target: Tensor) -> dict[str, Tensor]:
    """What is averaged over a validation part beside the loss: nothing tells more."""
    return {}


def score(
    target: NDArray[Any], output: NDArray[Any]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The test metrics of one replicate, and its columns of ``predictions.csv``.

    Args:
        target: ``[n]``.
        output: of the network, in the target's unit, ``[n, 1]``.

    Returns:
        MSE, MAE, and R² (1 − residual over total sum of squares); and target and prediction.
    """
    truth, prediction = target.astype(np.float64), output[:, 0].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # of a network that diverged
        error = prediction - truth
        squares = float(np.square(error).sum())
        metrics = {
            "mse": squares / len(truth),
            "mae": float(np.abs(error).mean()),
            "r2": 1 - squares / float(np.square(truth - truth.mean()).sum()),
        }
    return metrics, {"target": truth, "prediction": prediction}
