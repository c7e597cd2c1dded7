"""A plain-torch twin of the engine: one replicate, one network, nothing but torch's own layers, optimisers and schedules.

It shares with the engine what goes in: the prepared data, the initial weights and the random streams. Everything that is
computed from them is written a second time, in the plainest way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from ablation.training import augmentation
from ablation.training.run import Cell
from ablation.training.streams import Purpose, generator, torch_seed
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
POOLINGS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}
OPTIMISERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


class OwnDropout(nn.Module):
    """Dropout whose masks come from the replicate's stream."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate, self.chance = rate, torch.Generator()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.rate, generator=self.chance)
        return x * kept / (1 - self.rate)


@dataclass
class Twin:
    """What the twin measured: one value per epoch, and its tensors at the best epoch, parameters before buffers."""

    history: dict[str, list[float]] = field(default_factory=dict)
    best: list[Tensor] = field(default_factory=list)
    best_loss: float = float("inf")
    best_epoch: int = 0

    def record(self, **figures: float) -> None:
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)

    def keep_best(self, network: nn.Module, epoch: int, loss: float) -> None:
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, epoch
            self.best = [t.detach().clone() for t in (*network.parameters(), *network.buffers())]


def mlp(shape: tuple[int, ...], outputs: int, parameters: dict[str, Any]) -> nn.Sequential:
    """The fully connected network."""
    layers: list[nn.Module] = []
    (inputs,) = shape
    for _ in range(parameters.get("hidden_layers", 2)):
        activation = ACTIVATIONS[parameters.get("activation", "relu")]()
        layers += [nn.Linear(inputs, parameters["width"]), activation]
        inputs = parameters["width"]
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def convnet(shape: tuple[int, ...], outputs: int, parameters: dict[str, Any]) -> nn.Sequential:
    """The convolutional network: relu before pooling, as one writes it."""
    layers: list[nn.Module] = []
    inputs, side, _ = shape
    for maps in parameters["channels"][: parameters.get("depth", 2)]:
        kernel, batchnorm = parameters["kernel"], parameters.get("batchnorm", False)
        layers.append(nn.Conv2d(inputs, maps, kernel, padding=kernel // 2, bias=not batchnorm))
        if batchnorm:
            layers.append(nn.BatchNorm2d(maps))
        layers += [nn.ReLU(), POOLINGS[parameters.get("pooling", "max")](2)]
        inputs, side = maps, side // 2
    width = parameters["fc_width"]
    layers += [nn.Flatten(), nn.Linear(inputs * side * side, width), nn.ReLU()]
    return nn.Sequential(
        *layers, OwnDropout(parameters.get("dropout", 0.0)), nn.Linear(width, outputs)
    )


class Data:
    """One replicate's samples, standardised; batches are filled up with the first rows of their order."""

    def __init__(self, cell: Cell, replicate: int) -> None:
        self.seed, self.replicate, self.parameters = cell.spec["seed"], replicate, cell.spec["parameters"]  # fmt: skip
        part, r = cell.part, replicate
        self.images = part["inputs"].dtype == torch.uint8
        own = {n: part[f"{n}_index"][r, : part[f"{n}_n"][r]] for n in ("train", "validation")}
        self.mean, self.scale = part["mean"][r], part["scale"][r]
        self.raw = {name: part["inputs"][index] for name, index in own.items()}
        self.target = {name: part["target"][index] for name, index in own.items()}
        self.unit = 1.0
        if self.parameters.get("target") == "standardised":
            self.unit = float(part["target_scale"][r]) ** 2
            moments = part["target_mean"][r], part["target_scale"][r]
            self.target = {n: (t - moments[0]) / moments[1] for n, t in self.target.items()}
        if not self.images:
            self.target = {name: target.float() for name, target in self.target.items()}

    def inputs(self, name: str, rows: Tensor, moves: Tensor | None = None) -> Tensor:
        raw = self.raw[name][rows]
        if not self.images:
            return ((raw - self.mean) / self.scale).float()
        pixels = (raw if raw.dim() == 4 else raw.unsqueeze(1)).float() / 255
        if moves is not None:
            pixels = augmentation.apply(pixels, moves)
        mean, scale = (each.float().view(-1, 1, 1) for each in (self.mean, self.scale))
        return (pixels - mean) / scale

    def batches(self, epoch: int) -> list[tuple[Tensor, int, Tensor | None]]:
        """Rows, how many of them count, and how they are moved."""
        count, size = len(self.target["train"]), self.parameters["batch_size"]
        place = self.replicate, epoch
        order = generator(self.seed, Purpose.ORDER, *place).permutation(count)
        missing = -count % size
        filled, moves = torch.from_numpy(np.concatenate([order, order[:missing]])), None
        if self.parameters.get("augmentation") == "affine":
            stream = generator(self.seed, Purpose.AUGMENTATION, *place)
            ranges = [self.parameters[n] for n in ("rotation_degrees", "translation", "brightness")]
            moves = torch.from_numpy(augmentation.draw(stream, len(filled), *ranges))
        return [
            (
                filled[start : start + size],
                min(size, count - start),
                None if moves is None else moves[start : start + size],
            )
            for start in range(0, count, size)
        ]


def train(cell: Cell, replicate: int, network: nn.Sequential) -> Twin:
    """Train one replicate from the initial weights of the engine."""
    parameters, data, twin = cell.spec["parameters"], Data(cell, replicate), Twin()
    initial = cell.network(replicate)
    dtype = next(initial.parameters()).dtype
    network.to(dtype)
    with torch.no_grad():
        for own, given in zip(network.parameters(), initial.parameters(), strict=True):
            own.copy_(given)
    optimiser = OPTIMISERS[parameters["optimizer"]](
        network.parameters(),
        lr=parameters["learning_rate"],
        weight_decay=parameters["weight_decay"],
    )
    schedule = None
    if parameters["schedule"] == "plateau":
        chosen = {"factor": parameters["lr_factor"], "patience": parameters["lr_patience"]}
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, **chosen)
    for epoch in range(1, parameters["epochs"] + 1):
        for layer in network:
            if isinstance(layer, OwnDropout):
                seed = torch_seed(cell.spec["seed"], Purpose.DROPOUT, replicate, epoch)
                layer.chance.manual_seed(seed)
        train_loss = train_epoch(network, optimiser, data, epoch)
        network.eval()
        everything = torch.arange(len(data.target["validation"]))
        with torch.no_grad():
            output = network(data.inputs("validation", everything).to(dtype))
        target = data.target["validation"]
        val_loss = float(loss_of(output, target)) * data.unit
        if data.images:
            twin.record(val_accuracy=float((output.argmax(1) == target).float().mean()))
        twin.keep_best(network, epoch, val_loss)
        rate = optimiser.param_groups[0]["lr"]
        twin.record(train_loss=train_loss, val_loss=val_loss, learning_rate=rate)
        if schedule is not None:
            schedule.step(val_loss)
    return twin


def train_epoch(
    network: nn.Sequential, optimiser: torch.optim.Optimizer, data: Data, epoch: int
) -> float:
    """One pass over the train part; the mean loss."""
    network.train()
    dtype, total = next(network.parameters()).dtype, 0.0
    for rows, counted, moves in data.batches(epoch):
        output = network(data.inputs("train", rows, moves).to(dtype))
        loss = loss_of(output[:counted], data.target["train"][rows[:counted]])
        optimiser.zero_grad()
        loss.backward()
        if data.parameters["clip_norm"] > 0:
            nn.utils.clip_grad_norm_(network.parameters(), data.parameters["clip_norm"])
        optimiser.step()
        total += loss.item() * counted
    return total / len(data.target["train"]) * data.unit


def loss_of(output: Tensor, target: Tensor) -> Tensor:
    """The mean over a batch."""
    if target.is_floating_point():
        return functional.mse_loss(output.squeeze(1), target.to(output.dtype))
    return functional.cross_entropy(output, target)
