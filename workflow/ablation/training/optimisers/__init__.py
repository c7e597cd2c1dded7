"""What moves weights: a module per method, so that the code of one is in the key of the cells that use it, and of no others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from ablation.training.group import Group


class Stateful(ABC):
    """What remembers something between steps, as tensors of a fixed shape."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold of it."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from a checkpoint, which may hold more than its own."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


class Optimiser(Stateful):
    """Moves the trained tensors of a group against their gradients.

    Args:
        group: the replicates.
        rate: the learning rate of each, ``[R]``; it may be changed in place between steps.
        weight_decay: λ.
        clip_norm: the largest norm of a replicate's gradient, over all its tensors; 0 for no limit.
        one_rate: the rates of all replicates stay what they are, and are the same.
    """

    def __init__(
        self,
        group: Group,
        rate: Tensor,
        *,
        weight_decay: float = 0.0,
        clip_norm: float = 0.0,
        one_rate: bool = False,
    ) -> None:
        self.group, self.rate = group, rate
        self.weight_decay, self.clip_norm, self.one_rate = weight_decay, clip_norm, one_rate

    @torch.no_grad()
    def step(self) -> None:
        """Move every tensor, and forget the gradients."""
        if self.clip_norm > 0:
            self._clip()
        self.move()
        for tensor in self.group.trained:
            tensor.grad = None

    @abstractmethod
    def move(self) -> None:
        """Move every tensor that has a gradient."""

    def _clip(self) -> None:
        """Scale each replicate's gradient down to the limit (Pascanu et al. 2013), as ``clip_grad_norm_`` of torch does."""
        zero = torch.zeros(())
        grads = [
            t.grad if t.grad is not None else zero.to(t).expand_as(t) for t in self.group.trained
        ]
        norm = self.group.gathered([grad.square() for grad in grads]).sqrt()
        factors = self.group.spread((self.clip_norm / (norm + 1e-6)).clamp(max=1.0))
        for tensor, factor in zip(self.group.trained, factors, strict=True):
            if tensor.grad is not None:
                tensor.grad.mul_(factor)


MODULES = {"sgd": "sgd", "adam": "adam", "adamw": "adam"}


def optimiser_of(parameters: Mapping[str, Any], group: Group, rate: Tensor) -> Optimiser:
    """The optimiser that a cell's parameters ask for."""
    name = parameters["optimizer"]
    module = import_module(f"ablation.training.optimisers.{MODULES[name]}")
    made: Optimiser = module.METHODS[name](
        group,
        rate,
        weight_decay=float(parameters["weight_decay"]),
        clip_norm=float(parameters["clip_norm"]),
        one_rate=parameters["schedule"] == "constant",
    )
    return made
