"""Plain networks of one replicate and their initial weights (docs/by-hand.md, section 6)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from oracle.raw import FEATURES, SIDE
from oracle.recipe import CLASSES, INITIAL, stream
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
    """The CNN: ``[B, 28, 28]`` → logits ``[B, 10]``; dropout's factors are given or drawn by torch."""

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
        self.dropout = nn.Dropout(parameters["dropout"])
        self.output = nn.Linear(parameters["fc_width"], CLASSES)
        # So lie the trainer's images; torch's batch normalisation rounds otherwise in another layout.
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, factors: Tensor | None = None) -> Tensor:
        x = x[:, None]
        for block, convolution in enumerate(self.convolution):
            x = convolution(x)
            if self.normalised:
                x = self.normalisation[block](x)
            x = self.pooling(x.relu())
        hidden = self.hidden(x.flatten(1)).relu()
        hidden = self.dropout(hidden) if factors is None else hidden * factors
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
    for number, layer in enumerate(network.layers):
        numbers = stream(seed, INITIAL, replicate, number)
        bound = layer.weight[0].numel() ** -0.5
        for tensor in (layer.weight, layer.bias):
            if tensor is not None:
                drawn = numbers.uniform(-bound, bound, tuple(tensor.shape))
                tensor.copy_(torch.from_numpy(drawn).float())
    return network


def stored(model: str, parameters: dict[str, Any], tensors: Arrays, replicate: int) -> Network:
    """The network of one replicate with its stored weights."""
    network = NETWORKS[model](parameters)
    own = {name: torch.from_numpy(tensor[replicate]) for name, tensor in tensors.items()}
    missing = set(network.load_state_dict(own, strict=False).missing_keys)
    assert {name.rsplit(".", 1)[1] for name in missing} <= {"num_batches_tracked"}, missing
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
