"""A plain-torch twin of the trainer: one replicate, no stacking, nothing but torch's own parts.

It shares with the trainer what goes in: the prepared data, the initial weights and the random streams. Everything that is
computed from them is written a second time, in the plainest way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from ablation.networks.cnn import augment
from ablation.networks.cnn.train import CNNTask
from ablation.networks.stack.optimisers import StackedAdam
from ablation.networks.stack.training import Trained, train
from ablation.networks.streams import Purpose, generator
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
POOLINGS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


class GivenDropout(nn.Module):
    """Dropout whose factors are given for each batch instead of drawn."""

    factors: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        return x if self.factors is None or not self.training else x * self.factors


@dataclass
class Twin:
    """What the twin measured: one value per epoch, and the best parameters under the names of the stack."""

    history: dict[str, list[float]] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_loss: float = float("inf")
    best_epoch: int = 0

    def record(self, **figures: float) -> None:
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)

    def keep_best(self, network: nn.Sequential, epoch: int, loss: float) -> None:
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, epoch
            self.best = tensors(network)


def fnn(parameters: dict[str, Any]) -> nn.Sequential:
    """The fully connected network."""
    layers: list[nn.Module] = []
    inputs = 13
    for _ in range(parameters["hidden_layers"]):
        layers += [nn.Linear(inputs, parameters["width"]), ACTIVATIONS[parameters["activation"]]()]
        inputs = parameters["width"]
    return nn.Sequential(*layers, nn.Linear(inputs, 1))


def cnn(parameters: dict[str, Any]) -> nn.Sequential:
    """The convolutional network: relu before pooling, as one writes it."""
    layers: list[nn.Module] = []
    inputs, side = 1, 28
    for outputs in parameters["channels"][: parameters["depth"]]:
        kernel, bias = parameters["kernel"], not parameters["batchnorm"]
        layers.append(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias))
        if parameters["batchnorm"]:
            layers.append(nn.BatchNorm2d(outputs))
        layers += [nn.ReLU(), POOLINGS[parameters["pooling"]](2)]
        inputs, side = outputs, side // 2
    width = parameters["fc_width"]
    layers += [nn.Flatten(), nn.Linear(inputs * side * side, width), nn.ReLU(), GivenDropout()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def named_layers(network: nn.Sequential) -> Iterator[tuple[str, nn.Module]]:
    """Each layer that has tensors, with its name in the stack."""
    convolutions = [m for m in network if isinstance(m, nn.Conv2d)]
    norms = [m for m in network if isinstance(m, nn.BatchNorm2d)]
    linear = [m for m in network if isinstance(m, nn.Linear)]
    names = ["hidden", "output"] if convolutions else [f"linear.{i}" for i in range(len(linear))]
    yield from ((f"convolution.{i}", module) for i, module in enumerate(convolutions))
    yield from ((f"normalisation.{i}", module) for i, module in enumerate(norms))
    yield from zip(names, linear, strict=True)


def tensors(network: nn.Sequential) -> dict[str, Tensor]:
    """A copy of all tensors under the names of the stack."""
    return {
        f"{name}.{part}": tensor.detach().clone()
        for name, layer in named_layers(network)
        for part, tensor in layer.state_dict().items()
        if part != "num_batches_tracked"
    }


@torch.no_grad()
def initialise(network: nn.Sequential, stacked: dict[str, Tensor], replicate: int) -> None:
    """Start from one replicate's tensors of a stack."""
    for name, layer in named_layers(network):
        for part, tensor in layer.state_dict().items():
            if part != "num_batches_tracked":
                tensor.copy_(stacked[f"{name}.{part}"][replicate])


def train_fnn(
    parameters: dict[str, Any],
    part: dict[str, Tensor],
    initial: dict[str, Tensor],
    *,
    seed: int,
    replicate: int,
) -> Twin:
    """Train one replicate with SGD and ReduceLROnPlateau."""
    network = fnn(parameters)
    initialise(network, initial, replicate)
    optimiser = torch.optim.SGD(network.parameters(), lr=parameters["learning_rate"])
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=parameters["lr_factor"], patience=parameters["lr_patience"]
    )
    n_train, n_validation = (int(part[f"{name}_n"][replicate]) for name in ("train", "validation"))
    x, y = part["train_x"][replicate, :n_train], part["train_y"][replicate, :n_train]
    validation_x = part["validation_x"][replicate, :n_validation]
    validation_y = part["validation_y"][replicate, :n_validation]
    twin, size = Twin(), parameters["batch_size"]
    for epoch in range(1, parameters["epochs"] + 1):
        order = generator(seed, Purpose.ORDER, replicate, epoch).permutation(n_train)
        total = 0.0
        for start in range(0, n_train, size):
            rows = torch.from_numpy(order[start : start + size])
            loss = functional.mse_loss(network(x[rows]).squeeze(1), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            predicted = network(validation_x).squeeze(1)
            val_loss = functional.mse_loss(predicted, validation_y).item()
        twin.keep_best(network, epoch, val_loss)
        rate = optimiser.param_groups[0]["lr"]
        twin.record(train_loss=total / n_train, val_loss=val_loss, learning_rate=rate)
        schedule.step(val_loss)
    return twin


def train_cnn(
    parameters: dict[str, Any],
    part: dict[str, Tensor],
    initial: dict[str, Tensor],
    *,
    seed: int,
    replicate: int,
) -> Twin:
    """Train one replicate with Adam, dropout and augmentation."""
    dtype = initial["output.weight"].dtype
    network = cnn(parameters).to(dtype)
    initialise(network, initial, replicate)
    dropout = next(module for module in network if isinstance(module, GivenDropout))
    optimiser = torch.optim.Adam(network.parameters(), lr=parameters["learning_rate"])
    mean, scale = (float(part[name][replicate]) for name in ("mean", "scale"))
    pixels, labels = part["images"].unsqueeze(1).float() / 255, part["labels"]
    members, held_out = part["train_index"][replicate], part["validation_index"][replicate]
    twin, size, count = Twin(), parameters["batch_size"], len(members)
    ranges = [parameters[n] for n in ("rotation_degrees", "translation", "brightness")]
    for epoch in range(1, parameters["epochs"] + 1):
        order = generator(seed, Purpose.ORDER, replicate, epoch).permutation(count)
        draws = generator(seed, Purpose.DROPOUT, replicate, epoch)
        kept = draws.random((count, parameters["fc_width"]), "float32") >= parameters["dropout"]
        stream = generator(seed, Purpose.AUGMENTATION, replicate, epoch)
        moves = torch.from_numpy(augment.draw(stream, count, *ranges))
        network.train()
        total = 0.0
        for start in range(0, count, size):
            batch = members[order[start : start + size]]
            images = pixels[batch]
            if parameters["augmentation"] == "affine":
                images = augment.apply(images, moves[start : start + size])
            if parameters["dropout"] > 0:
                mask = torch.from_numpy(kept[start : start + size]).float()
                dropout.factors = mask / (1 - parameters["dropout"])
            logits = network(((images - mean) / scale).to(dtype))
            loss = functional.cross_entropy(logits, labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(batch)
        network.eval()
        with torch.no_grad():
            logits = network(((pixels[held_out] - mean) / scale).to(dtype))
        val_loss = functional.cross_entropy(logits, labels[held_out]).item()
        accuracy = (logits.argmax(1) == labels[held_out]).float().mean().item()
        twin.keep_best(network, epoch, val_loss)
        twin.record(train_loss=total / count, val_loss=val_loss, val_accuracy=accuracy)
    return twin


def train_stack_in_double(
    parameters: dict[str, Any], part: dict[str, Tensor], *, seed: int, replicates: Sequence[int]
) -> Trained:
    """The stacked trainer itself with its network in double precision.

    Batch normalisation starts from shifts of zero, so that in single precision their first digits are rounding, and no
    relative bound on each tensor holds. In double precision a wrong formula has nowhere to hide.
    """
    cpu = torch.device("cpu")
    task = CNNTask(parameters, part, seed=seed, device=cpu, precision="fp32", replicates=replicates)
    task.network.double().register_forward_pre_hook(
        lambda _, given: tuple(each.double() for each in given if each is not None)
    )
    task.optimiser = StackedAdam(task.network.parameters(), parameters["learning_rate"])
    return train(task, parameters["epochs"])
