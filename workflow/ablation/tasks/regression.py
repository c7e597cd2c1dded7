"""Regression."""

from __future__ import annotations

from torch import Tensor

LOSS = "mse"


def loss(output: Tensor, target: Tensor) -> Tensor:
    """Squared errors ``[.., B]`` of outputs ``[.., B, 1]``, in fp32."""
    return (output.float().squeeze(-1) - target).square()


def guess_loss(target: Tensor) -> float:
    """What predicting the mean loses."""
    return float((target - target.mean()).square().mean())


def figures(output: Tensor, target: Tensor) -> dict[str, Tensor]:
    """No further validation figures."""
    return {}
