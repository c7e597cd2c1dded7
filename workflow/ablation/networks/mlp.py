"""A multilayer perceptron: hidden layers of a linear map and the activation, then a last linear map."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from torch import Tensor, nn

TITLE = {"en": "Fully connected network", "zh": "全连接网络"}
SHORT = {"en": "FNN", "zh": "全连接网络"}
ABOUT = {
    "en": "Each hidden layer is a linear map followed by the activation; a last linear map gives the outputs.",
    "zh": "每个隐藏层是一个线性变换加激活函数，最后一个线性变换给出输出。",
}
PARAMETERS = {
    "hidden_layers": {
        "type": "integer",
        "minimum": 1,
        "maximum": 64,
        "default": 2,
        "title": {"en": "Hidden layers", "zh": "隐藏层数"},
    },
    "width": {
        "type": "integer",
        "minimum": 1,
        "maximum": 4096,
        "default": 64,
        "title": {"en": "Units per hidden layer", "zh": "每层单元数"},
    },
    "activation": {
        "enum": ["relu", "tanh", "sigmoid"],
        "default": "relu",
        "title": {"en": "Activation", "zh": "激活函数"},
    },
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
