"""What every network hands to the training loop: its data, its optimiser and one epoch of steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ablation.networks.stack.device import arithmetic
from ablation.networks.stack.gradients import gradient_norms
from ablation.networks.stack.optimisers import Stateful
from ablation.networks.stack.steps import Batch, Steps
from ablation.networks.stack.training import Checkpoint, Trained, train


class StackedTask(ABC):
    """A stacked network on its data. Every loss is a tensor ``[R]``.

    Attributes:
        network: every parameter of it ``[R, …]``, from input to output.
        mean_prediction_loss: the loss of a network that has learnt nothing but the mean.
        train_rows: how many samples each replicate trains on.
        stateful: the optimiser and its schedule: what a checkpoint must hold beside the network.
        total: adds up the train loss of an epoch.
    """

    network: nn.Module
    mean_prediction_loss: Tensor
    train_rows: Tensor | int
    stateful: tuple[Stateful, ...]

    def __init__(
        self,
        parameters: dict[str, Any],
        part: dict[str, Tensor],
        *,
        seed: int,
        device: torch.device,
        precision: str,
        replicates: Sequence[int],
    ) -> None:
        self.parameters, self.seed, self.device = parameters, seed, device
        self.precision, self.replicates = precision, replicates
        self.total = torch.zeros(len(replicates), device=device)
        self.steps = Steps(self._step, device)

    @classmethod
    def run(
        cls,
        parameters: dict[str, Any],
        part: dict[str, Tensor],
        *,
        replicates: Sequence[int] | None = None,
        checkpoint: Checkpoint | None = None,
        **options: Any,
    ) -> Trained:
        """Train replicates of one cell: those of the given numbers, or all.

        A replicate's numbers do not depend on which others are trained beside it.

        Args:
            parameters: the cell's parameters.
            part: what ``prepare`` made for training.
            replicates: their numbers, None for all that were prepared.
            checkpoint: see the shared loop.
            options: ``seed`` of the study; ``device``: where to train; ``precision``: ``fp32``, ``tf32`` (CUDA) or ``bf16``
                for the forward and backward pass of a network that knows it. Losses are fp32 always.
        """
        chosen = range(len(part["mean"])) if replicates is None else replicates
        task = cls(parameters, part, replicates=chosen, **options)
        with arithmetic(task.device, tf32=task.precision == "tf32"):
            return train(task, parameters["epochs"], checkpoint=checkpoint)

    @abstractmethod
    def _batches(self, epoch: int) -> Iterable[Batch]:
        """The batches of one epoch, in its order."""

    @abstractmethod
    def _step(self, batch: Batch) -> None:
        """Train on one batch, and add its loss to the total."""

    @abstractmethod
    def _validate(self) -> dict[str, Tensor]:
        """Validation figures of each replicate, ``val_loss`` among them."""

    @abstractmethod
    def _sample_loss(self) -> Tensor:
        """The loss on a fixed part of the train data."""

    def train_epoch(self, epoch: int) -> Tensor:
        """One pass over the train part; the mean train loss of each replicate."""
        self.network.train()
        self.total.zero_()
        for batch in self._batches(epoch):
            self.steps(batch)
        return self.total / self.train_rows

    @torch.no_grad()
    def validate(self) -> dict[str, Tensor]:
        """Validation figures of each replicate, in fp32."""
        self.network.eval()
        with arithmetic(self.device, tf32=False):
            return self._validate()

    def gradient_norms(self) -> Tensor:
        """Norms ``[layers, R]`` of the gradients of each layer's weight on a fixed part of the train data.

        In fp32, without dropout and augmentation, batch normalisation with its running statistics.
        """
        self.network.eval()
        with arithmetic(self.device, tf32=False):
            # Biases, scales and shifts are [R, features]; the weights of layers have more dimensions.
            weights = [each for each in self.network.parameters() if each.dim() > 2]
            return gradient_norms(self._sample_loss(), weights)

    def after_epoch(self, figures: dict[str, Tensor]) -> None:
        """Add to the validation figures what the history should hold: here the learning rate, which is constant."""
        rate = float(self.parameters["learning_rate"])
        figures["learning_rate"] = torch.full_like(figures["val_loss"], rate)

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold beside the network's own tensors."""
        return {name: tensor for each in self.stateful for name, tensor in each.state().items()}

    def load(self, state: dict[str, Tensor]) -> None:
        for each in self.stateful:
            each.load(state)
