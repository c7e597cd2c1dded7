"""How learning rates change after an epoch, each replicate's on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ablation.training.optimisers import Stateful


class Constant(Stateful):
    """The rate stays."""

    def step(self, loss: Tensor) -> None:
        """Nothing changes."""

    def state(self) -> dict[str, Tensor]:
        return {}


class Plateau(Stateful):
    """ReduceLROnPlateau: minimum, relative threshold.

    Source: ``torch.optim.lr_scheduler.ReduceLROnPlateau``, whose defaults for threshold and eps these are.

    Args:
        rate: the learning rates ``[R]``, which are changed in place.
        factor: what a rate is multiplied by …
        patience: … after more than so many epochs without a better loss.
    """

    def __init__(
        self,
        rate: Tensor,
        factor: float,
        patience: int,
        threshold: float = 1e-4,
        eps: float = 1e-8,
    ) -> None:
        self.rate, self.factor, self.patience = rate, factor, patience
        self.threshold, self.eps = threshold, eps
        self.best = torch.full_like(rate, float("inf"))
        self.bad_epochs = torch.zeros_like(rate)

    @torch.no_grad()
    def step(self, loss: Tensor) -> None:
        """Take one validation loss per replicate ``[R]`` and lower the rates that are due."""
        better = loss < self.best * (1 - self.threshold)
        self.best.copy_(torch.where(better, loss, self.best))
        self.bad_epochs.copy_(torch.where(better, 0.0, self.bad_epochs + 1))
        due = self.bad_epochs > self.patience
        lower = self.rate * self.factor
        self.rate.copy_(torch.where(due & (self.rate - lower > self.eps), lower, self.rate))
        self.bad_epochs.copy_(torch.where(due, 0.0, self.bad_epochs))

    def state(self) -> dict[str, Tensor]:
        return {"rate": self.rate, "best": self.best, "bad_epochs": self.bad_epochs}


def schedule_of(parameters: Mapping[str, Any], rate: Tensor) -> Constant | Plateau:
    """The schedule that a cell's parameters ask for."""
    if parameters["schedule"] == "constant":
        return Constant()
    return Plateau(rate, parameters["lr_factor"], parameters["lr_patience"])
