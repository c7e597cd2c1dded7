"""A convolutional network: blocks of a convolution with same padding, relu and pooling, then two fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

TITLE = {"en": "Convolutional network", "zh": "卷积网络"}
SHORT = {"en": "CNN", "zh": "卷积网络"}
ABOUT = {
    "en": "Each block is a convolution with same padding, relu and pooling; two fully connected layers follow.",
    "zh": "每个模块由等尺寸填充的卷积、relu 与池化组成，其后是两个全连接层。",
}
PARAMETERS = {
    "depth": {
        "type": "integer",
        "minimum": 1,
        "maximum": 4,
        "default": 2,
        "title": {"en": "Blocks", "zh": "模块数"},
    },
    "kernel": {
        "enum": [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27],
        "default": 5,
        "title": {"en": "Kernel size", "zh": "卷积核大小"},
    },
    "channels": {
        "type": "array",
        "minItems": 1,
        "maxItems": 4,
        "items": {"type": "integer", "minimum": 1, "maximum": 1024},
        "default": [16, 32, 32, 32],
        "first": "depth",
        "title": {"en": "Channels of the blocks", "zh": "各模块的通道数"},
    },
    "fc_width": {
        "type": "integer",
        "minimum": 1,
        "maximum": 8192,
        "default": 128,
        "title": {"en": "Units of the fully connected layer", "zh": "全连接层的单元数"},
    },
    "dropout": {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
        "default": 0,
        "title": {"en": "Dropout rate", "zh": "Dropout 比率"},
    },
    "batchnorm": {
        "type": "boolean",
        "default": False,
        "title": {"en": "Batch normalisation", "zh": "批归一化"},
    },
    "pooling": {
        "enum": ["max", "average"],
        "default": "max",
        "title": {"en": "Pooling", "zh": "池化方式"},
        "values": {
            "max": {"en": "max", "zh": "最大"},
            "average": {"en": "average", "zh": "平均"},
        },
    },
}


class ConvNet(nn.Module):
    """``[B, C, H, W]`` → logits ``[B, outputs]``."""

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
        self.shape = (inputs, outputs, depth, kernel, channels, fc_width, pooling)
        self.more = (batchnorm, dropout)
