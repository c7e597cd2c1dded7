"""How large the gradients of each layer are, at a few moments of training: what tells of vanishing and exploding ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

SAMPLES = 256


def recorded_epochs(epochs: int) -> list[int]:
    """After which epochs gradients are measured: none (the initial weights), the first, a tenth, a half, all."""
    return sorted({0, min(1, epochs), -(-epochs // 10), -(-epochs // 2), epochs})


def gradient_norms(loss: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """The Euclidean norm of the gradient of each replicate's loss with respect to each layer's weight, ``[layers, R]``.

    The network's own ``grad`` fields stay as they are.

    Args:
        loss: ``[R]``; a replicate's loss depends on its own weights alone.
        weights: ``[R, …]`` of each layer, from input to output.
    """
    gradients = torch.autograd.grad(loss.sum(), list(weights))
    return torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients])
