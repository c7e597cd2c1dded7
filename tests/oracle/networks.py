"""Plain networks of one replicate and their initial weights (docs/by-hand.md, section 6)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from oracle.raw import FEATURES, SIDE
from oracle.recipe import CLASSES, INITIAL, shape_number, torch_stream
from oracle.study import Arrays

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
POOLINGS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


class BostonNetwork(nn.Module):
    """The FNN: ``[B, 13]`` → ``[B]``."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__()
        widths = [FEATURES] + [parameters["width"]] * parameters["hidden_layers"]
        self.linear = nn.ModuleList(map(nn.Linear, widths, [*widths[1:], 1]))
        self.activation = ACTIVATIONS[parameters["activation"]]()

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.linear
        for layer in hidden:
            x = self.activation(layer(x))
        return torch.as_tensor(last(x)[:, 0])

    @property
    def layers(self) -> list[nn.Module]:
        """The layers with weights, from input to output."""
        return list(self.linear)


class DigitNetwork(nn.Module):
    """The CNN: ``[B, 28, 28]`` → logits ``[B, 10]``; dropout draws from a given generator, or from torch's own."""

    generator: torch.Generator | None = None

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__()
        self.convolution, self.normalisation = nn.ModuleList(), nn.ModuleList()
        self.normalised, inputs, side = parameters["batchnorm"], 1, SIDE
        for outputs in parameters["channels"][: parameters["depth"]]:
            self.convolution.append(
                nn.Conv2d(
                    inputs,
                    outputs,
                    parameters["kernel"],
                    padding="same",
                    bias=not self.normalised,
                )
            )
            if self.normalised:
                self.normalisation.append(nn.BatchNorm2d(outputs))
            inputs, side = outputs, side // 2
        self.pooling = POOLINGS[parameters["pooling"]](2)
        self.hidden = nn.Linear(inputs * side * side, parameters["fc_width"])
        self.rate = parameters["dropout"]
        self.output = nn.Linear(parameters["fc_width"], CLASSES)
        # So lie the trainer's images; torch's batch normalisation rounds otherwise in another layout.
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, None]
        for block, convolution in enumerate(self.convolution):
            x = convolution(x)
            if self.normalised:
                x = self.normalisation[block](x)
            x = self.pooling(x.relu())
        hidden = self.hidden(x.flatten(1)).relu()
        if self.training and self.rate:
            kept = torch.empty_like(hidden).bernoulli_(1 - self.rate, generator=self.generator)
            hidden = hidden * (kept / (1 - self.rate))
        return torch.as_tensor(self.output(hidden))

    @property
    def layers(self) -> list[nn.Module]:
        """The layers with weights, from input to output."""
        return [*self.convolution, self.hidden, self.output]


Network = BostonNetwork | DigitNetwork
NETWORKS: dict[str, type[BostonNetwork] | type[DigitNetwork]] = {
    "fnn": BostonNetwork,
    "cnn": DigitNetwork,
}


@torch.no_grad()
def initialised(network: Network, seed: int, replicate: int) -> Network:
    """Give a network the initial weights of one replicate."""
    seen = Counter[tuple[int, ...]]()
    for layer in network.layers:
        bound = layer.weight[0].numel() ** -0.5
        for tensor in (layer.weight, layer.bias):
            if tensor is not None:
                shape = tuple(tensor.shape)
                place = shape_number(shape), seen[shape]
                drawn = torch.empty(shape)  # of the usual layout, whatever the network's is
                drawn.uniform_(
                    -bound, bound, generator=torch_stream(seed, INITIAL, replicate, *place)
                )
                tensor.copy_(drawn)
                seen[shape] += 1
    return network


def stored_name(model: str, name: str) -> str:
    """What the stored weights call a tensor."""
    layer, *rest = name.split(".")
    if layer == "linear":
        return f"layers.{1 + 2 * int(rest[0])}.{rest[1]}"
    if layer in ("convolution", "normalisation"):
        return f"blocks.{rest[0]}.{int(layer == 'normalisation')}.{rest[1]}"
    return f"head.{ {'hidden': 1, 'output': 4}[layer] }.{rest[0]}"


def stored(model: str, parameters: dict[str, Any], tensors: Arrays, replicate: int) -> Network:
    """The network of one replicate with its stored weights."""
    network = NETWORKS[model](parameters)
    names = {name: stored_name(model, name) for name in network.state_dict()}
    assert set(names.values()) == set(tensors)
    network.load_state_dict(
        {name: torch.from_numpy(np.array(tensors[own][replicate])) for name, own in names.items()}
    )
    return network.eval()


def trained_numbers(network: Network) -> int:
    """How many numbers training changes."""
    return sum(tensor.numel() for tensor in network.parameters())


def multiply_adds(network: Network) -> int:
    """Multiplications of one sample in linear layers and convolutions, by their definition."""
    total, side = 0, SIDE
    for layer in network.layers:
        places = side * side if isinstance(layer, nn.Conv2d) else 1
        total += layer.weight.numel() * places
        side //= 2
    return total
