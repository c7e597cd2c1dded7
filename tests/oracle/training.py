"""One replicate trained alone in plain torch (docs/by-hand.md, sections 7 and 8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim.lr_scheduler import ReduceLROnPlateau

from oracle.networks import BostonNetwork, DigitNetwork, Network
from oracle.recipe import (
    AUGMENTATION,
    DROPOUT,
    ORDER,
    image_inputs,
    moved,
    moves,
    stream,
    torch_stream,
)

MEASURED = 256
OPTIMISERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass
class Part:
    """What one part of the data holds: inputs before standardisation where they are augmented, and targets or labels.

    Attributes:
        inputs: standardised features ``[N, 13]``, or pixels between 0 and 1 ``[N, 28, 28]``.
        targets: the target ``[N]`` or the labels ``[N]``.
        moments: mean and standard deviation of the train part's pixels; None where the inputs are standardised already.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[Any]
    moments: tuple[float, float] | None = None

    def ready(self, inputs: NDArray[np.float32]) -> Tensor:
        """Inputs as the network takes them."""
        return torch.from_numpy(
            inputs if self.moments is None else image_inputs(inputs, self.moments)
        )

    def rows(self, index: Any = slice(None)) -> tuple[Tensor, Tensor]:
        """Standardised inputs and targets of some rows."""
        return self.ready(self.inputs[index]), torch.from_numpy(self.targets[index])


@dataclass
class Course:
    """What training one replicate recorded, and its best weights."""

    rows: list[dict[str, float]] = field(default_factory=list)
    gradients: dict[int, list[float]] = field(default_factory=dict)
    best_loss: float = float("inf")
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)


class Draws:
    """The random numbers of one replicate's epochs, by the recipe."""

    def __init__(self, seed: int, replicate: int) -> None:
        self.seed, self.replicate = seed, replicate

    def order(self, epoch: int, count: int) -> NDArray[np.int64]:
        """The order of the train part's rows."""
        return stream(self.seed, ORDER, self.replicate, epoch).permutation(count)

    def dropout(self, epoch: int) -> torch.Generator | None:
        """What dropout draws from."""
        return torch_stream(self.seed, DROPOUT, self.replicate, epoch)

    def moves(self, epoch: int, count: int, parameters: dict[str, Any]) -> NDArray[Any] | None:
        """How the image at each position is moved; None without augmentation."""
        if parameters["augmentation"] == "none":
            return None
        numbers = stream(self.seed, AUGMENTATION, self.replicate, epoch)
        return moves(numbers, count, parameters)


class TorchDraws(Draws):
    """Random numbers of torch's own generator, for networks without augmentation."""

    def __init__(self) -> None:
        super().__init__(0, 0)

    def order(self, epoch: int, count: int) -> NDArray[np.int64]:
        return torch.randperm(count).numpy()

    def dropout(self, epoch: int) -> None:
        """None: torch's own generator."""

    def moves(self, epoch: int, count: int, parameters: dict[str, Any]) -> None:
        assert parameters["augmentation"] == "none"


def batches(count: int, size: int) -> Iterator[slice]:
    """The positions of each batch."""
    return (slice(start, start + size) for start in range(0, count, size))


def moments_of_training(epochs: int) -> list[int]:
    """After which epochs gradients are measured, 0 being before training."""
    return sorted({0, min(1, epochs), -(-epochs // 10), -(-epochs // 2), epochs})


def gradient_norms(network: Network, part: Part, loss: Loss) -> list[float]:
    """Norm of the gradient of each layer's weight."""
    chosen = np.arange(MEASURED) * len(part.targets) // MEASURED
    inputs, targets = part.rows(chosen)
    copy = deepcopy(network).eval()
    copy.zero_grad()
    loss(copy(inputs), targets).backward()
    return [float(layer.weight.grad.norm()) for layer in copy.layers]


def optimiser_of(parameters: dict[str, Any], network: Network) -> torch.optim.Optimizer:
    """Torch's own optimiser."""
    method = OPTIMISERS[parameters["optimizer"]]
    return method(network.parameters(), lr=parameters["learning_rate"])


def train_boston(
    parameters: dict[str, Any],
    network: BostonNetwork,
    train: Part,
    validation: Part,
    draws: Draws,
    *,
    epochs: int,
) -> Course:
    """Train on a schedule; epochs: how many to run, of those in the parameters."""
    loss, course = functional.mse_loss, Course()
    optimiser = optimiser_of(parameters, network)
    factor, patience = parameters["lr_factor"], parameters["lr_patience"]
    schedule = ReduceLROnPlateau(optimiser, factor=factor, patience=patience)
    course.gradients[0] = gradient_norms(network, train, loss)
    for epoch in range(1, epochs + 1):
        order, total = draws.order(epoch, len(train.targets)), 0.0
        for batch in batches(len(order), parameters["batch_size"]):
            inputs, targets = train.rows(order[batch])
            total += step(optimiser, loss(network(inputs), targets)) * len(targets)
        with torch.no_grad():
            inputs, targets = validation.rows()
            val_loss = loss(network(inputs), targets).item()
        row = {"train_loss": total / len(order), "val_loss": val_loss}
        row["learning_rate"] = optimiser.param_groups[0]["lr"]
        record(course, network, epoch, row)
        schedule.step(val_loss)
        if epoch in moments_of_training(parameters["epochs"]):
            course.gradients[epoch] = gradient_norms(network, train, loss)
    return course


def train_digits(
    parameters: dict[str, Any],
    network: DigitNetwork,
    train: Part,
    validation: Part,
    draws: Draws,
    *,
    epochs: int,
) -> Course:
    """Train at a constant rate; epochs: how many to run, of those in the parameters."""
    loss, course = functional.cross_entropy, Course()
    optimiser = optimiser_of(parameters, network)
    course.gradients[0] = gradient_norms(network, train, loss)
    count, size = len(train.targets), parameters["batch_size"]
    filled = count + -count % size
    for epoch in range(1, epochs + 1):
        order, total = np.resize(draws.order(epoch, count), filled), 0.0
        network.generator = draws.dropout(epoch)
        motion = draws.moves(epoch, filled, parameters)
        network.train()
        for batch in batches(filled, size):
            true = slice(count - batch.start)
            pixels = train.inputs[order[batch]]
            pixels = pixels if motion is None else moved(pixels, motion[batch])
            targets = torch.from_numpy(train.targets[order[batch]])[true]
            logits = network(train.ready(pixels))[true]
            total += step(optimiser, loss(logits, targets)) * len(targets)
        network.eval()
        with torch.no_grad():
            inputs, targets = validation.rows()
            logits = network(inputs)
        row = {"train_loss": total / count, "val_loss": loss(logits, targets).item()}
        row["val_accuracy"] = float((logits.argmax(1) == targets).double().mean())
        row["learning_rate"] = parameters["learning_rate"]
        record(course, network, epoch, row)
        if epoch in moments_of_training(parameters["epochs"]):
            course.gradients[epoch] = gradient_norms(network, train, loss)
    return course


def step(optimiser: torch.optim.Optimizer, loss: Tensor) -> float:
    """One step of the optimiser; the loss before it."""
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def record(course: Course, network: Network, epoch: int, row: dict[str, float]) -> None:
    """Note an epoch's figures, and its weights if they are the best so far."""
    course.rows.append(row)
    if row["val_loss"] < course.best_loss:
        course.best_loss, course.best_epoch = row["val_loss"], epoch
        course.best = deepcopy(network.state_dict())
