"""Convolution and batch normalisation of R replicates, on maps ``[B, R·C, H, W]``.

Each replicate has kernels of its own: a value that is not finite in one never reaches another, bit for bit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ablation.networks.stack.linear import Draw


def grouped(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """All replicates in one grouped convolution with same padding: the fastest on a processor.

    Args:
        x: ``[B, R·in, H, W]``.
        weight: ``[R, out, in, k, k]``.
        bias: ``[R, out]`` or None.
    """
    replicates, kernel = weight.shape[0], weight.shape[-1]
    flat = weight.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    own = None if bias is None else bias.flatten()
    return functional.conv2d(x, flat, own, padding=kernel // 2, groups=replicates)


def separate(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """One dense convolution per replicate, arguments as of :func:`grouped`.

    For a GPU: cuDNN's grouped kernels are slow in half precision (pytorch issues 53094, 73764), its dense ones use the
    tensor cores, and a CUDA graph makes the launches cheap.
    """
    biases = [None] * len(weight) if bias is None else bias.unbind()
    parts = [
        functional.conv2d(
            own.contiguous(memory_format=torch.channels_last),
            kernel.contiguous(memory_format=torch.channels_last),
            shift,
            padding=weight.shape[-1] // 2,
        )
        for own, kernel, shift in zip(x.chunk(len(weight), 1), weight.unbind(), biases, strict=True)
    ]
    return torch.cat(parts, 1)


def on_processor(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Grouped, unless a half-precision kernel would fill a block of channels up with a neighbour's, times zero.

    Measured with torch 2.14 on a processor with AVX512-BF16: of 3 channels a NaN leaks, of 8 and its multiples it does not.
    """
    _, outputs, inputs, *_ = weight.shape
    in_blocks = outputs % BLOCK == 0 and (inputs == 1 or inputs % BLOCK == 0)
    half = x.dtype != torch.float32 or torch.is_autocast_enabled("cpu")
    return separate(x, weight, bias) if half and not in_blocks else grouped(x, weight, bias)


BLOCK = 8  # channels
CONVOLUTIONS = {"cpu": on_processor, "cuda": separate}


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
        return CONVOLUTIONS[x.device.type](x, self.weight, self.bias)


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
