"""Classification."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

LOSS = "loss"


def loss(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropies ``[.., B]`` of logits ``[.., B, classes]``, in fp32."""
    flat = functional.cross_entropy(
        output.float().flatten(0, -2), target.flatten(), reduction="none"
    )
    return flat.view(target.shape)


def guess_loss(target: Tensor) -> float:
    """What equal probabilities lose."""
    return math.log(int(target.max()) + 1)


def figures(output: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Whether each sample is classified rightly."""
    return {"accuracy": (output.argmax(-1) == target).float()}
