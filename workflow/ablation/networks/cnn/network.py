"""The convolutional network, stacked and plain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ablation.networks.cnn.layers import StackedBatchNorm2d, StackedConv2d
from ablation.networks.cnn.raw import CLASSES, SIDE
from ablation.networks.stack.linear import StackedLinear, default_initialisation

POOLS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


def _channels(parameters: dict[str, Any]) -> list[int]:
    return [1, *parameters["channels"][: parameters["depth"]]]


def _flat(parameters: dict[str, Any]) -> int:
    side = SIDE >> parameters["depth"]
    return int(_channels(parameters)[-1] * side * side)


class StackedCNN(nn.Module):
    """R networks, one per replicate number: blocks of convolution, [BatchNorm,] relu and pooling, then
    two fully connected layers.

    Max-pooling comes before relu: the same function, with a quarter of relu's work. Averaging does not commute with relu
    and comes after it.
    """

    def __init__(self, parameters: dict[str, Any], seed: int, replicates: Sequence[int]) -> None:
        super().__init__()
        self.replicates, self.pooling = len(replicates), parameters["pooling"]
        channels, depth = _channels(parameters), parameters["depth"]
        self.convolution, self.normalisation = nn.ModuleList(), nn.ModuleList()
        normalised = parameters["batchnorm"]
        for layer, (inputs, outputs) in enumerate(pairwise(channels)):
            draw = default_initialisation(seed, replicates, layer)
            self.convolution.append(
                StackedConv2d(inputs, outputs, parameters["kernel"], draw, bias=not normalised)
            )
            if normalised:
                self.normalisation.append(StackedBatchNorm2d(len(replicates), outputs))
        draws = [default_initialisation(seed, replicates, depth + i) for i in (0, 1)]
        self.hidden = StackedLinear(_flat(parameters), parameters["fc_width"], draws[0])
        self.output = StackedLinear(parameters["fc_width"], CLASSES, draws[1])

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """``[B, R, 28, 28]`` standardised images → logits ``[R, B, 10]``.

        Args:
            x: one image per replicate and place in the batch.
            mask: dropout's factors ``[R, B, fc_width]`` (0 or 1/(1 − rate)), or None.
        """
        for i, convolution in enumerate(self.convolution):
            x = convolution(x)
            if len(self.normalisation):
                x = self.normalisation[i](x)
            if self.pooling == "max":
                x = functional.relu(functional.max_pool2d(x, 2))
            else:
                x = functional.avg_pool2d(functional.relu(x), 2)
        flat = x.unflatten(1, (self.replicates, -1)).transpose(0, 1).flatten(2)
        hidden = functional.relu(self.hidden(flat))
        if mask is not None:
            hidden = hidden * mask
        return torch.as_tensor(self.output(hidden))


def sequential(
    parameters: dict[str, Any], tensors: dict[str, Tensor], replicate: int
) -> nn.Sequential:
    """One replicate as a plain network that takes standardised images ``[B, 1, 28, 28]``."""
    channels, kernel, layers = _channels(parameters), parameters["kernel"], list[nn.Module]()

    def loaded(module: nn.Module, name: str) -> nn.Module:
        own = {
            tensor_name.removeprefix(name + "."): tensor[replicate]
            for tensor_name, tensor in tensors.items()
            if tensor_name.startswith(name + ".")
        }
        module.load_state_dict(own, strict=not isinstance(module, nn.BatchNorm2d))
        return module

    for i, (inputs, outputs) in enumerate(pairwise(channels)):
        bias = not parameters["batchnorm"]
        convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)
        layers.append(loaded(convolution, f"convolution.{i}"))
        if parameters["batchnorm"]:
            layers.append(loaded(nn.BatchNorm2d(outputs), f"normalisation.{i}"))
        layers += [nn.ReLU(), POOLS[parameters["pooling"]](2)]
    width = parameters["fc_width"]
    layers += [nn.Flatten(), loaded(nn.Linear(_flat(parameters), width), "hidden"), nn.ReLU()]
    layers += [nn.Dropout(parameters["dropout"]), loaded(nn.Linear(width, CLASSES), "output")]
    return nn.Sequential(*layers).eval()
