"""Train the convolutional network: cross-entropy, Adam, all replicates at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ablation.networks.cnn import augment
from ablation.networks.cnn.network import StackedCNN
from ablation.networks.cnn.raw import CLASSES
from ablation.networks.stack.device import Ahead, arithmetic
from ablation.networks.stack.gradients import SAMPLES, gradient_norms
from ablation.networks.stack.optimisers import StackedAdam
from ablation.networks.stack.steps import Steps
from ablation.networks.stack.training import Checkpoint, Trained, train
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


class CNNTask:
    """The task that the shared loop trains."""

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
        own = {name: part[name][list(replicates)].to(device) for name in OWN}
        self.images, self.labels = part["images"].to(device), part["labels"].to(device)
        self.train_index, self.validation_index = own["train_index"], own["validation_index"]
        self.mean, self.scale = own["mean"].float(), own["scale"].float()
        self.network = StackedCNN(parameters, seed, replicates).to(device)
        self.optimiser = StackedAdam(self.network.parameters(), float(parameters["learning_rate"]))
        self.mean_prediction_loss = torch.full_like(self.mean, math.log(CLASSES))
        self.total = torch.zeros_like(self.mean)
        self.steps = Steps(self._step, device)
        self.drawn = Ahead(self._draw, parameters["epochs"], device)

    def _per_replicate(
        self, purpose: Purpose, epoch: int, draw: Callable[[np.random.Generator], Any]
    ) -> Tensor:
        """Draw every replicate's numbers of one epoch and stack them, ``[R, …]``."""
        drawn = [draw(generator(self.seed, purpose, r, epoch)) for r in self.replicates]
        return torch.from_numpy(np.stack(drawn))

    def _draw(self, epoch: int) -> dict[str, Tensor]:
        """One epoch's order ``[R, n]``, dropout mask ``[R, n, fc_width]`` and augmentation ``[R, n, 4]``, where used."""
        p, count = self.parameters, self.train_index.shape[1]
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

    def train_epoch(self, epoch: int) -> Tensor:
        """One pass over the train part in the epoch's order."""
        self.network.train()
        count, size = self.train_index.shape[1], self.parameters["batch_size"]
        drawn = {name: each.to(self.device) for name, each in self.drawn(epoch).items()}
        drawn["index"] = self.train_index.gather(1, drawn.pop("order"))
        self.total.zero_()
        for start in range(0, count, size):
            self.steps({name: each[:, start : start + size] for name, each in drawn.items()})
        return self.total / count

    def _step(self, batch: dict[str, Tensor]) -> None:
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

    @torch.no_grad()
    def validate(self) -> dict[str, Tensor]:
        """Validation loss and accuracy of each replicate, in fp32."""
        with arithmetic(self.device, tf32=False):
            return self._validate()

    def _validate(self) -> dict[str, Tensor]:
        self.network.eval()
        loss = torch.zeros_like(self.mean)
        correct = torch.zeros_like(loss)
        for index in self.validation_index.split(VALIDATION_BATCH[self.device.type], 1):
            logits = self.network(standardised(self.images, index, self.mean, self.scale))
            labels = self.labels[index]
            loss += cross_entropy(logits, labels) * index.shape[1]
            correct += (logits.argmax(2) == labels).sum(1)
        count = self.validation_index.shape[1]
        return {"val_loss": loss / count, "val_accuracy": correct / count}

    def gradient_norms(self) -> Tensor:
        """Gradient norms ``[layers, R]`` of the mean cross-entropy over images spread evenly over the train part.

        In fp32, without dropout and augmentation, batch normalisation with its running statistics.
        """
        self.network.eval()
        index = self.train_index[:, :: max(1, self.train_index.shape[1] // SAMPLES)][:, :SAMPLES]
        with arithmetic(self.device, tf32=False):
            logits = self.network(standardised(self.images, index, self.mean, self.scale))
            loss = cross_entropy(logits, self.labels[index])
            return gradient_norms(loss, self.network.weights)

    def after_epoch(self, figures: dict[str, Tensor]) -> None:
        """Record the learning rate, which is constant."""
        rate = float(self.parameters["learning_rate"])
        figures["learning_rate"] = torch.full_like(figures["val_loss"], rate)

    def state(self) -> dict[str, Tensor]:
        """The optimiser's memory."""
        return self.optimiser.state()

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from a checkpoint."""
        self.optimiser.load(state)


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

    A replicate's numbers do not depend on which others are trained beside it.

    Args:
        parameters: the cell's parameters.
        part: what ``prepare`` made for training.
        seed: the study's seed.
        device: where to train.
        precision: ``fp32``, ``tf32`` (CUDA) or ``bf16`` for the forward and backward pass; losses are fp32 always.
        replicates: their numbers, None for all that were prepared.
        checkpoint: see the shared loop.
    """
    chosen = range(len(part["mean"])) if replicates is None else replicates
    task = CNNTask(
        parameters, part, seed=seed, device=device, precision=precision, replicates=chosen
    )
    with arithmetic(device, tf32=precision == "tf32"):
        return train(task, parameters["epochs"], checkpoint=checkpoint)
