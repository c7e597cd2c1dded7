"""The fully connected network, stacked and plain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ablation.networks.stack.linear import StackedLinear, default_initialisation

INPUT_DIM = 13
ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


def _widths(parameters: dict[str, Any]) -> list[int]:
    return [INPUT_DIM] + [parameters["width"]] * parameters["hidden_layers"] + [1]


class StackedFNN(nn.Module):
    """R networks, one per replicate number: every hidden linear layer is followed by the activation, a last
    one maps to one output.
    """

    def __init__(self, parameters: dict[str, Any], seed: int, replicates: Sequence[int]) -> None:
        super().__init__()
        widths = _widths(parameters)
        self.linear = nn.ModuleList(
            StackedLinear(inputs, outputs, default_initialisation(seed, replicates, layer))
            for layer, (inputs, outputs) in enumerate(pairwise(widths))
        )
        self.activation = ACTIVATIONS[parameters["activation"]]()

    def forward(self, x: Tensor) -> Tensor:
        """``[R, B, 13]`` → ``[R, B]``, in 1000 USD."""
        for layer in self.linear[:-1]:
            x = self.activation(layer(x))
        return torch.as_tensor(self.linear[-1](x)).squeeze(-1)


def sequential(
    parameters: dict[str, Any], tensors: dict[str, Tensor], replicate: int
) -> nn.Sequential:
    """One replicate as a plain network that takes standardised features ``[B, 13]``."""
    layers: list[nn.Module] = []
    widths = _widths(parameters)
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        layer = nn.Linear(inputs, outputs)
        layer.load_state_dict(
            {name: tensors[f"linear.{i}.{name}"][replicate] for name in ("weight", "bias")}
        )
        layers += [layer, ACTIVATIONS[parameters["activation"]]()]
    return nn.Sequential(*layers[:-1]).eval()
