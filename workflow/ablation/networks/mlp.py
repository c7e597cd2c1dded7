"""A multilayer perceptron: hidden layers of a linear map and the activation, then a last linear map."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from torch import Tensor, nn

TITLE = {"en": "Fully connected network", "zh": "全连接网络"}
PARAMETERS = {
    "hidden_layers": {
        "type": "integer",
        "minimum": 1,
        "maximum": 64,
        "default": 2,
    },
    "width": {"type": "integer", "minimum": 1, "maximum": 4096, "default": 64},
    "activation": {"enum": ["relu", "tanh", "sigmoid"], "default": "relu"},
}
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


class MLP(nn.Module):
    """``[B, *inputs]`` → ``[B, outputs]``."""

    def __init__(
        self,
        inputs: tuple[int, ...],
        outputs: int,
        *,
        hidden_layers: int = 2,
        width: int = 64,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        widths = [prod(inputs)] + [width] * hidden_layers
        layers: list[nn.Module] = [nn.Flatten()]
        for fan_in, fan_out in pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation]()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], outputs))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y
