"""A linear layer of R replicates: one batched matrix product, no replicate ever meets another."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ablation.networks.streams import Purpose, generator

Draw = Callable[[int, tuple[int, ...]], Tensor]


def default_initialisation(seed: int, replicates: Sequence[int], layer: int) -> Draw:
    """Draw values as torch's own layers do: uniform on ±1/√fan_in, a stream per replicate number and layer.

    The returned function takes fan_in and one replicate's shape and gives ``[R, *shape]``. It is called for the weight first,
    then for the bias. Source: ``torch.nn.Linear.reset_parameters`` (Kaiming uniform with a = √5 is this bound).
    """
    streams = [generator(seed, Purpose.INITIALISATION, r, layer) for r in replicates]

    def draw(fan_in: int, shape: tuple[int, ...]) -> Tensor:
        bound = 1 / math.sqrt(fan_in)
        values = [torch.from_numpy(stream.uniform(-bound, bound, shape)) for stream in streams]
        return torch.stack(values).float()

    return draw


class StackedLinear(nn.Module):
    """``[R, B, inputs]`` → ``[R, B, outputs]``, with a weight and bias of its own for every replicate."""

    def __init__(self, inputs: int, outputs: int, draw: Draw) -> None:
        super().__init__()
        self.weight = nn.Parameter(draw(inputs, (outputs, inputs)))
        self.bias = nn.Parameter(draw(inputs, (outputs,)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight.transpose(1, 2))
