"""Train the fully connected network: MSE loss, SGD, ReduceLROnPlateau, all replicates at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablation.networks.fnn.network import StackedFNN
from ablation.networks.stack.optimisers import PlateauPerReplicate, StackedSGD
from ablation.networks.stack.steps import Batch
from ablation.networks.stack.task import StackedTask
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


class FNNTask(StackedTask):
    """The task that the shared loop trains, in fp32 whatever the precision asked for."""

    network: StackedFNN
    train_rows: Tensor

    def __init__(self, parameters: dict[str, Any], part: dict[str, Tensor], **options: Any) -> None:
        super().__init__(parameters, part, **{**options, "precision": "fp32"})
        device, replicates = self.device, self.replicates
        self.part = {name: tensor[list(replicates)].to(device) for name, tensor in part.items()}
        self.network = StackedFNN(parameters, self.seed, replicates).to(device)
        rate = torch.full((len(replicates),), float(parameters["learning_rate"]), device=device)
        self.optimiser = StackedSGD(self.network.parameters(), rate)
        self.plateau = PlateauPerReplicate(
            self.optimiser, parameters["lr_factor"], parameters["lr_patience"]
        )
        self.stateful = self.optimiser, self.plateau
        self.train_rows = self.part["train_n"]
        self.train_weight, self.validation_weight = (
            self._weight(f"{name}_n", f"{name}_y") for name in ("train", "validation")
        )
        mean = (self.part["train_y"] * self.train_weight).sum(1) / self.train_rows
        error = (self.part["train_y"] - mean[:, None]).square() * self.train_weight
        self.mean_prediction_loss = error.sum(1) / self.train_rows
        self.replicate = torch.arange(len(replicates), device=device)[:, None]

    def _weight(self, count: str, like: str) -> Tensor:
        rows = torch.arange(self.part[like].shape[1], device=self.device)
        return (rows < self.part[count][:, None]).float()

    def _batches(self, epoch: int) -> Iterator[Batch]:
        order, weight = batch_order(
            self.seed,
            epoch,
            self.replicates,
            rows=self.train_rows.tolist(),
            longest=self.part["train_y"].shape[1],
            size=self.parameters["batch_size"],
        )
        for index, one in zip(order.to(self.device), weight.to(self.device), strict=True):
            yield {"index": index, "weight": one}

    def _step(self, batch: Batch) -> None:
        """Train on one batch: ``index [R, B]`` and ``weight [R, B]``."""
        index, weight = batch["index"], batch["weight"]
        x = self.part["train_x"][self.replicate, index]
        y = self.part["train_y"][self.replicate, index]
        error = squared_error(self.network, x, y, weight)
        (error / weight.sum(1).clamp(min=1)).sum().backward()
        self.optimiser.step()
        self.total += error.detach()

    def _validate(self) -> dict[str, Tensor]:
        x, y = self.part["validation_x"], self.part["validation_y"]
        error = squared_error(self.network, x, y, self.validation_weight)
        return {"val_loss": error / self.part["validation_n"]}

    def _sample_loss(self) -> Tensor:
        """The mean squared error over the whole train part."""
        x, y = self.part["train_x"], self.part["train_y"]
        return squared_error(self.network, x, y, self.train_weight) / self.train_rows

    def after_epoch(self, figures: dict[str, Tensor]) -> None:
        """Record the learning rate that the epoch used, then let the schedule act."""
        figures["learning_rate"] = self.optimiser.learning_rate.clone()
        self.plateau.step(figures["val_loss"])


run = FNNTask.run
