"""Convolution and batch normalisation of R replicates, on maps ``[B, R·C, H, W]``.

Grouped kernels keep the replicates apart: a value that is not finite in one never reaches another, bit for bit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ablation.stack.linear import Draw


class StackedConv2d(nn.Module):
    """A convolution with same padding and a weight ``[R, out, in, k, k]`` of its own for every replicate.

    Without a bias before batch normalisation, which would take it away again: its gradient is rounding noise alone, and
    Adam makes full steps of that.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, draw: Draw, *, bias: bool = True
    ) -> None:
        super().__init__()
        fan_in = inputs * kernel * kernel
        self.weight = nn.Parameter(draw(fan_in, (outputs, inputs, kernel, kernel)))
        self.bias = nn.Parameter(draw(fan_in, (outputs,))) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        replicates, kernel = self.weight.shape[0], self.weight.shape[-1]
        weight = self.weight.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        bias = None if self.bias is None else self.bias.flatten()
        return functional.conv2d(x, weight, bias, padding=kernel // 2, groups=replicates)


class StackedBatchNorm2d(nn.Module):
    """Batch normalisation with scale, shift and running statistics ``[R, C]`` for every replicate."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, replicates: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(replicates, channels))
        self.bias = nn.Parameter(torch.zeros(replicates, channels))
        self.register_buffer("running_mean", torch.zeros(replicates, channels))
        self.register_buffer("running_var", torch.ones(replicates, channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.batch_norm(
            x,
            self.running_mean.view(-1),
            self.running_var.view(-1),
            self.weight.view(-1),
            self.bias.view(-1),
            self.training,
        )
