"""Optimisers and a schedule over stacked parameters: the first axis is the replicate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Stateful(ABC):
    """What remembers something between steps, as tensors of a fixed shape."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold of it."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from a checkpoint, which may hold more than its own."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


class StackedSGD(Stateful):
    """Plain gradient descent with a learning rate per replicate ``[R]``."""

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: Tensor) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter against its gradient, and forget the gradient."""
        for parameter in self.parameters:
            if parameter.grad is None:
                continue
            rate = self.learning_rate.view(-1, *[1] * (parameter.dim() - 1))
            parameter.addcmul_(parameter.grad, rate, value=-1)
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        return {"learning_rate": self.learning_rate}


class StackedAdam(Stateful):
    """Adam (Kingma & Ba 2015) over stacked tensors, as one fused operation for all of them.

    The kernel is the one behind ``torch.optim.Adam(fused=True)``. The class around it is not used: its first step imports the
    compiler, which doubles the start-up of a cell.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.parameters = list(parameters)
        self.learning_rate, self.betas, self.eps = learning_rate, betas, eps
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.steps = [torch.zeros((), device=p.device) for p in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter, and forget the gradients."""
        torch._foreach_add_(self.steps, 1)
        torch._fused_adam_(
            list[Tensor](self.parameters),
            [p.grad for p in self.parameters if p.grad is not None],
            self.means,
            self.squares,
            [],
            self.steps,
            lr=self.learning_rate,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=0.0,
            eps=self.eps,
            amsgrad=False,
            maximize=False,
        )
        for parameter in self.parameters:
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        named = {"mean": self.means, "square": self.squares, "step": self.steps}
        return {f"{name}.{i}": t for name, group in named.items() for i, t in enumerate(group)}


class PlateauPerReplicate(Stateful):
    """ReduceLROnPlateau (minimum, relative threshold) on the rates of an optimiser, each replicate on its own.

    Source: ``torch.optim.lr_scheduler.ReduceLROnPlateau``, whose defaults for threshold and eps these are.
    """

    def __init__(
        self,
        optimiser: StackedSGD,
        factor: float,
        patience: int,
        threshold: float = 1e-4,
        eps: float = 1e-8,
    ) -> None:
        self.optimiser = optimiser
        self.factor, self.patience, self.threshold, self.eps = factor, patience, threshold, eps
        self.best = torch.full_like(optimiser.learning_rate, float("inf"))
        self.bad_epochs = torch.zeros_like(optimiser.learning_rate)

    @torch.no_grad()
    def step(self, loss: Tensor) -> None:
        """Take one validation loss per replicate ``[R]`` and lower the rates that are due."""
        better = loss < self.best * (1 - self.threshold)
        self.best.copy_(torch.where(better, loss, self.best))
        self.bad_epochs.copy_(torch.where(better, 0.0, self.bad_epochs + 1))
        due = self.bad_epochs > self.patience
        rate = self.optimiser.learning_rate
        lower = rate * self.factor
        rate.copy_(torch.where(due & (rate - lower > self.eps), lower, rate))
        self.bad_epochs.copy_(torch.where(due, 0.0, self.bad_epochs))

    def state(self) -> dict[str, Tensor]:
        return {"best": self.best, "bad_epochs": self.bad_epochs}
