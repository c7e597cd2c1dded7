"""Train the convolutional network: cross-entropy, Adam, all replicates at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ablation.networks.cnn import augment
from ablation.networks.cnn.network import StackedCNN
from ablation.networks.cnn.raw import CLASSES
from ablation.networks.stack.device import Ahead
from ablation.networks.stack.gradients import SAMPLES
from ablation.networks.stack.optimisers import StackedAdam
from ablation.networks.stack.steps import Batch
from ablation.networks.stack.task import StackedTask
from ablation.networks.streams import Purpose, generator

VALIDATION_BATCH = {"cpu": 256, "cuda": 2048}
OWN = ("train_index", "validation_index", "mean", "scale")


def standardised(images: Tensor, index: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Images of a batch, ``[B, R, 28, 28]``, standardised by each replicate's own mean and scale.

    Args:
        images: the pool ``[N, 28, 28]`` uint8.
        index: which image each replicate sees at each place, ``[R, B]``.
        mean, scale: ``[R]``, of pixels in units of 0 to 1.
    """
    return _standardise(images[index.T].float().div_(255.0), mean, scale)


def _standardise(pixels: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    return pixels.sub_(mean.view(1, -1, 1, 1)).div_(scale.view(1, -1, 1, 1))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Each replicate's mean cross-entropy ``[R]`` of logits ``[R, B, 10]``, in fp32."""
    flat = functional.cross_entropy(
        logits.float().flatten(0, 1), labels.flatten(), reduction="none"
    )
    return flat.view(labels.shape).mean(1)


class CNNTask(StackedTask):
    """The task that the shared loop trains."""

    network: StackedCNN
    train_rows: int

    def __init__(self, parameters: dict[str, Any], part: dict[str, Tensor], **options: Any) -> None:
        super().__init__(parameters, part, **options)
        device, replicates = self.device, self.replicates
        own = {name: part[name][list(replicates)].to(device) for name in OWN}
        self.images, self.labels = part["images"].to(device), part["labels"].to(device)
        self.train_index, self.validation_index = own["train_index"], own["validation_index"]
        self.mean, self.scale = own["mean"].float(), own["scale"].float()
        self.network = StackedCNN(parameters, self.seed, replicates).to(device)
        self.optimiser = StackedAdam(self.network.parameters(), float(parameters["learning_rate"]))
        self.stateful = (self.optimiser,)
        self.mean_prediction_loss = torch.full_like(self.mean, math.log(CLASSES))
        self.train_rows = self.train_index.shape[1]
        self.drawn = Ahead(self._draw, parameters["epochs"], device)

    def _per_replicate(
        self, purpose: Purpose, epoch: int, draw: Callable[[np.random.Generator], Any]
    ) -> Tensor:
        """Draw every replicate's numbers of one epoch and stack them, ``[R, …]``."""
        drawn = [draw(generator(self.seed, purpose, r, epoch)) for r in self.replicates]
        return torch.from_numpy(np.stack(drawn))

    def _draw(self, epoch: int) -> dict[str, Tensor]:
        """One epoch's order ``[R, n]``, dropout mask ``[R, n, fc_width]`` and augmentation ``[R, n, 4]``, where used."""
        p, count = self.parameters, self.train_rows
        found = {"order": self._per_replicate(Purpose.ORDER, epoch, lambda s: s.permutation(count))}
        if p["dropout"] > 0:
            shape, rate = (count, p["fc_width"]), p["dropout"]
            found["mask"] = self._per_replicate(
                Purpose.DROPOUT, epoch, lambda s: s.random(shape, np.float32) >= rate
            )
        if p["augmentation"] == "affine":
            ranges = (p["rotation_degrees"], p["translation"], p["brightness"])
            found["values"] = self._per_replicate(
                Purpose.AUGMENTATION, epoch, lambda s: augment.draw(s, count, *ranges)
            )
        return found

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.precision == "bf16":
            # A cast weight must not outlive the step that a CUDA graph records.
            cached = self.device.type != "cuda"
            return torch.autocast(self.device.type, torch.bfloat16, cache_enabled=cached)
        return nullcontext()

    def _input(self, index: Tensor, values: Tensor | None) -> Tensor:
        if values is None:
            return standardised(self.images, index, self.mean, self.scale)
        pixels = self.images[index].float().div_(255.0).flatten(0, 1).unsqueeze(1)
        moved = augment.apply(pixels, values.flatten(0, 1)).view(*index.shape, *pixels.shape[2:])
        return _standardise(moved.transpose(0, 1), self.mean, self.scale)

    def _batches(self, epoch: int) -> Iterator[Batch]:
        size = self.parameters["batch_size"]
        drawn = {name: each.to(self.device) for name, each in self.drawn(epoch).items()}
        drawn["index"] = self.train_index.gather(1, drawn.pop("order"))
        for start in range(0, self.train_rows, size):
            yield {name: each[:, start : start + size] for name, each in drawn.items()}

    def _step(self, batch: Batch) -> None:
        """Train on one batch: ``index [R, B]``, and where used ``mask`` and ``values``."""
        index, mask = batch["index"], batch.get("mask")
        factors = None if mask is None else mask.float() / (1 - self.parameters["dropout"])
        x = self._input(index, batch.get("values"))
        with self._autocast():
            logits = self.network(x, factors)
        loss = cross_entropy(logits, self.labels[index])
        loss.sum().backward()
        self.optimiser.step()
        self.total += loss.detach() * index.shape[1]

    def _validate(self) -> dict[str, Tensor]:
        """Validation loss and accuracy of each replicate."""
        loss = torch.zeros_like(self.mean)
        correct = torch.zeros_like(loss)
        for index in self.validation_index.split(VALIDATION_BATCH[self.device.type], 1):
            logits = self.network(standardised(self.images, index, self.mean, self.scale))
            labels = self.labels[index]
            loss += cross_entropy(logits, labels) * index.shape[1]
            correct += (logits.argmax(2) == labels).sum(1)
        count = self.validation_index.shape[1]
        return {"val_loss": loss / count, "val_accuracy": correct / count}

    def _sample_loss(self) -> Tensor:
        """The mean cross-entropy over images spread evenly over the train part."""
        index = self.train_index[:, :: max(1, self.train_rows // SAMPLES)][:, :SAMPLES]
        logits = self.network(standardised(self.images, index, self.mean, self.scale))
        return cross_entropy(logits, self.labels[index])


run = CNNTask.run
