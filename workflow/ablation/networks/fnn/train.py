"""Train the fully connected network: MSE loss, SGD, ReduceLROnPlateau, all replicates at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablation.networks.fnn.network import StackedFNN
from ablation.networks.stack.device import arithmetic
from ablation.networks.stack.gradients import gradient_norms
from ablation.networks.stack.optimisers import PlateauPerReplicate, StackedSGD
from ablation.networks.stack.steps import Steps
from ablation.networks.stack.training import Checkpoint, Trained, train
from ablation.networks.streams import Purpose, generator


def batch_order(
    seed: int, epoch: int, replicates: Sequence[int], *, rows: list[int], longest: int, size: int
) -> tuple[Tensor, Tensor]:
    """Row numbers of every batch of one epoch and the weight of each row.

    Args:
        seed, epoch, replicates: which streams.
        rows: how many rows each replicate has.
        longest: the rows of the longest replicate of the study, so that the number of batches depends on nothing else.
        size: rows per batch.

    Returns:
        Two tensors ``[batches, R, size]``. Replicates with fewer rows, and the last batch, are filled up with
        row 0 at weight 0.
    """
    batches = -(-longest // size)
    order = np.zeros((len(rows), batches * size), dtype=np.int64)
    weight = np.zeros((len(rows), batches * size), dtype=np.float32)
    for r, (replicate, count) in enumerate(zip(replicates, rows, strict=True)):
        order[r, :count] = generator(seed, Purpose.ORDER, replicate, epoch).permutation(count)
        weight[r, :count] = 1.0
    shape = (len(rows), batches, size)
    return (
        torch.from_numpy(order.reshape(shape).transpose(1, 0, 2).copy()),
        torch.from_numpy(weight.reshape(shape).transpose(1, 0, 2).copy()),
    )


def squared_error(network: StackedFNN, x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Each replicate's sum of squared errors over the rows of weight 1, ``[R]``, in (1000 USD)²."""
    error: Tensor = network(x) - y
    return (error.square() * weight).sum(1)


class FNNTask:
    """The task that the shared loop trains."""

    def __init__(
        self,
        parameters: dict[str, Any],
        part: dict[str, Tensor],
        *,
        seed: int,
        device: torch.device,
        replicates: Sequence[int],
    ) -> None:
        self.parameters, self.seed, self.device = parameters, seed, device
        self.replicates = replicates
        self.part = {name: tensor[list(replicates)].to(device) for name, tensor in part.items()}
        self.network = StackedFNN(parameters, seed, replicates).to(device)
        rate = torch.full((len(replicates),), float(parameters["learning_rate"]), device=device)
        self.optimiser = StackedSGD(self.network.parameters(), rate)
        self.plateau = PlateauPerReplicate(rate, parameters["lr_factor"], parameters["lr_patience"])
        self.train_weight, self.validation_weight = (
            self._weight(f"{name}_n", f"{name}_y") for name in ("train", "validation")
        )
        mean = (self.part["train_y"] * self.train_weight).sum(1) / self.part["train_n"]
        error = (self.part["train_y"] - mean[:, None]).square() * self.train_weight
        self.mean_prediction_loss = error.sum(1) / self.part["train_n"]
        self.replicate = torch.arange(len(replicates), device=device)[:, None]
        self.total = torch.zeros(len(replicates), device=device)
        self.steps = Steps(self._step, device)

    def _weight(self, count: str, like: str) -> Tensor:
        rows = torch.arange(self.part[like].shape[1], device=self.device)
        return (rows < self.part[count][:, None]).float()

    def train_epoch(self, epoch: int) -> Tensor:
        """One pass over the train part in the epoch's order."""
        rows, longest = self.part["train_n"], self.part["train_y"].shape[1]
        order, weight = batch_order(
            self.seed,
            epoch,
            self.replicates,
            rows=rows.tolist(),
            longest=longest,
            size=self.parameters["batch_size"],
        )
        self.total.zero_()
        for index, one in zip(order.to(self.device), weight.to(self.device), strict=True):
            self.steps({"index": index, "weight": one})
        return self.total / rows

    def _step(self, batch: dict[str, Tensor]) -> None:
        """Train on one batch: ``index [R, B]`` and ``weight [R, B]``."""
        index, weight = batch["index"], batch["weight"]
        x = self.part["train_x"][self.replicate, index]
        y = self.part["train_y"][self.replicate, index]
        error = squared_error(self.network, x, y, weight)
        (error / weight.sum(1).clamp(min=1)).sum().backward()
        self.optimiser.step()
        self.total += error.detach()

    @torch.no_grad()
    def validate(self) -> dict[str, Tensor]:
        """The validation loss of each replicate."""
        x, y = self.part["validation_x"], self.part["validation_y"]
        error = squared_error(self.network, x, y, self.validation_weight)
        return {"val_loss": error / self.part["validation_n"]}

    def gradient_norms(self) -> Tensor:
        """Gradient norms ``[layers, R]`` of the mean squared error over the whole train part."""
        part = self.part
        error = squared_error(self.network, part["train_x"], part["train_y"], self.train_weight)
        return gradient_norms(error / part["train_n"], self.network.weights)

    def after_epoch(self, figures: dict[str, Tensor]) -> None:
        """Record the learning rate that the epoch used, then let the schedule act."""
        figures["learning_rate"] = self.optimiser.learning_rate.clone()
        self.plateau.step(figures["val_loss"])

    def state(self) -> dict[str, Tensor]:
        """Learning rates and the schedule's memory."""
        return {**self.optimiser.state(), **self.plateau.state()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from a checkpoint."""
        self.optimiser.load(state)
        self.plateau.load(state)


def run(
    parameters: dict[str, Any],
    part: dict[str, Tensor],
    *,
    seed: int,
    device: torch.device,
    precision: str,
    replicates: Sequence[int] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train replicates of one cell: those of the given numbers, or all.

    The network always runs in fp32, whatever the precision asked for. A replicate's numbers do not depend on which others
    are trained beside it.
    """
    chosen = range(len(part["train_n"])) if replicates is None else replicates
    task = FNNTask(parameters, part, seed=seed, device=device, replicates=chosen)
    with arithmetic(device, tf32=False):
        return train(task, parameters["epochs"], checkpoint=checkpoint)
