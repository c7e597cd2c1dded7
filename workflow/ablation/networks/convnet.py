"""A convolutional network: blocks of a convolution with same padding, relu and pooling, then two fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

TITLE = {"en": "Convolutional network", "zh": "卷积网络"}
PARAMETERS = {
    "depth": {"type": "integer", "minimum": 1, "maximum": 4, "default": 2},
    "kernel": {"type": "integer", "minimum": 1, "maximum": 27, "default": 5},
    "channels": {
        "type": "array",
        "minItems": 1,
        "maxItems": 4,
        "items": {"type": "integer", "minimum": 1, "maximum": 1024},
        "default": [16, 32, 32, 32],
        "first": "depth",
    },
    "fc_width": {"type": "integer", "minimum": 1, "maximum": 8192, "default": 128},
    "pooling": {"enum": ["max", "average"], "default": "max"},
    "batchnorm": {"type": "boolean", "default": False},
    "dropout": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.0},
}


class ConvNet(nn.Module):
    """``[B, C, H, W]`` → logits ``[B, outputs]``. Each block halves the side of the image."""

    def __init__(
        self,
        inputs: tuple[int, ...],
        outputs: int,
        *,
        depth: int = 2,
        kernel: int = 5,
        channels: Sequence[int] = (16, 32, 32, 32),
        fc_width: int = 128,
        pooling: str = "max",
        batchnorm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        _check(inputs, depth, kernel, len(channels))
        images, height, width = inputs
        maps = [images, *channels[:depth]]
        blocks = [
            block(fan_in, fan_out, kernel, pooling, batchnorm) for fan_in, fan_out in pairwise(maps)
        ]
        flat = maps[-1] * (height >> depth) * (width >> depth)
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(flat, fc_width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(fc_width, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.blocks(x))
        return logits


def block(inputs: int, outputs: int, kernel: int, pooling: str, batchnorm: bool) -> nn.Sequential:
    """Convolution, [batch normalisation,] relu and pooling.

    Max-pooling comes before relu: the same function, with a quarter of relu's work. Averaging does not commute with relu.
    Before batch normalisation there is no bias: it would be taken away again, and Adam would make full steps of rounding noise.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=not batchnorm)
    ]
    if batchnorm:
        layers.append(nn.BatchNorm2d(outputs))
    layers += [nn.MaxPool2d(2), nn.ReLU()] if pooling == "max" else [nn.ReLU(), nn.AvgPool2d(2)]
    return nn.Sequential(*layers)


def _check(inputs: tuple[int, ...], depth: int, kernel: int, entries: int) -> None:
    if len(inputs) != 3:
        raise ValueError(
            f"a convolutional network takes images, and the inputs are a table of {inputs[0]} features"
        )
    side = min(inputs[1:])
    deepest = side.bit_length() - 1
    if deepest < 1:
        raise ValueError(
            f"a convolutional network halves images, and these have a side of {side} pixel"
        )
    if depth > deepest:
        raise ValueError(
            f"depth is {depth}, but each block halves the side of {side} pixels: allowed are 1 to {deepest}"
        )
    if kernel > side or kernel % 2 == 0:
        raise ValueError(
            f"kernel is {kernel}, but same padding of {side} pixels allows the odd sizes 1 to {side - 1 + side % 2}"
        )
    if entries < depth:
        raise ValueError(
            f"channels has {entries} entries, but depth {depth} needs at least {depth}"
        )
