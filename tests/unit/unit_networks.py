"""Networks of many kinds, as a user's file has them: what the engine must train as it trains its own."""

from __future__ import annotations

import random
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

PARAMETERS: dict[str, dict[str, object]] = {
    "width": {"type": "integer", "minimum": 1},  # of Idle alone
    "wasted": {"type": "integer", "minimum": 1},
}


class Residual(nn.Module):
    """Residual blocks with layer normalisation and GELU."""

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs[0], 16)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))
            for _ in range(2)
        )
        self.leave = nn.Linear(16, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        for block in self.blocks:
            x = x + block(x)
        return self.leave(x)


class BatchNorm(nn.Sequential):
    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__(
            nn.Linear(inputs[0], 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, outputs)
        )


class DropoutModule(nn.Sequential):
    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__(
            nn.Linear(inputs[0], 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, outputs)
        )


class DropoutTwice(nn.Sequential):
    """One dropout layer in two places."""

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        drop = nn.Dropout(0.3)
        super().__init__(
            nn.Linear(inputs[0], 16), drop, nn.Linear(16, 8), drop, nn.Linear(8, outputs)
        )


class DropoutFunction(nn.Module):
    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(inputs[0], 16), nn.Linear(16, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.leave(functional.dropout(self.enter(x).relu(), 0.3, self.training))


class Embedding(nn.Module):
    """Looks up the sign of each feature."""

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.words = nn.Embedding(2 * inputs[0], 4)
        self.leave = nn.Linear(4 * inputs[0], outputs)

    def forward(self, x: Tensor) -> Tensor:
        place = 2 * torch.arange(x.shape[1]) + (x > 0).long()
        return self.leave(self.words(place).flatten(1))


class Transformer(nn.Module):
    """A transformer layer over the features as tokens."""

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(1, 8)
        self.place = nn.Parameter(torch.randn(inputs[0], 8) / 10)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.leave = nn.Linear(8, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.leave(self.layer(self.enter(x[..., None]) + self.place).mean(1))


class GRU(nn.Module):
    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.layer, self.leave = nn.GRU(1, 8, batch_first=True), nn.Linear(8, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.leave(self.layer(x[..., None])[1][-1])


class Branch(nn.Module):
    """Branches on a value."""

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(inputs[0], 16), nn.Linear(16, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        return self.leave(x.tanh() if float(x.mean()) > 0 else x.relu())


class InPlace(nn.Module):
    """Operations in place, a lazy layer and a buffer that counts."""

    seen: Tensor

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.enter = nn.LazyLinear(16)
        self.leave = nn.Linear(16, outputs)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen += 1
        x = self.enter(x)
        x.mul_(2).add_(0.1)
        return self.leave(x.relu_())


class OwnWeights(nn.Module):
    """Tied layers, a frozen one, and weights that the constructor draws in its own way."""

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs[0], 16)
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 16)
        self.second.weight = self.first.weight
        self.frozen = nn.Linear(16, 16).requires_grad_(False)
        self.leave = nn.Linear(16, outputs)
        nn.init.normal_(self.leave.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(self.first(self.enter(x)).relu()).relu()
        return self.leave(self.frozen(x))


class Conv(nn.Module):
    """A convolutional network with a normalisation of its own."""

    def __init__(
        self, inputs: tuple[int, ...], outputs: int, norm: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs[0], 8, 3, padding=1),
            norm or nn.Identity(),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.LazyLinear(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class ConvBatchNorm(Conv):
    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__(inputs, outputs, nn.BatchNorm2d(8))


class ConvGroupNorm(Conv):
    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__(inputs, outputs, nn.GroupNorm(2, 8))


class ConvDropout(Conv):
    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__(inputs, outputs, nn.Dropout2d(0.3))


class GlobalDraws(nn.Module):
    """Draws from the generators of Python, NumPy and torch, when it is made and when it is trained."""

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs[0], outputs)
        nn.init.constant_(self.layer.weight, random.gauss(0, 0.1) + np.random.normal(0, 0.1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        if not self.training:
            return y
        if random.random() < 0.3:
            y = y * 0.9
        return y + np.random.normal(0, 0.1) + 0.1 * torch.randn(()) + random.gauss(0, 0.1)


class DrawsOutside(nn.Module):
    """Adds noise of a generator that nobody seeds, and draws from NumPy's global one, but not at its first step."""

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.leave, self.steps = nn.Linear(inputs[0], outputs), 0

    def forward(self, x: Tensor) -> Tensor:
        noise = float(np.random.default_rng().normal()) if self.training else 0.0
        self.steps += 1
        if self.steps > 1:
            np.random.random()
        return self.leave(x) + noise


class MixesBatch(nn.Module):
    """Takes what it sees from a table shared by all networks of the process."""

    shared: ClassVar[list[Tensor]] = []

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.leave = nn.Linear(inputs[0], outputs)

    def forward(self, x: Tensor) -> Tensor:
        self.shared.append(torch.zeros(()))
        return self.leave(x) * (1 + len(self.shared) / 1000)


class Idle(nn.Module):
    """A layer that no output depends on, and parameters of which one is not used."""

    def __init__(
        self, inputs: tuple[int, ...], outputs: int, *, width: int = 4, wasted: int = 3
    ) -> None:
        super().__init__()
        self.idle, self.leave = nn.Linear(2, 2), nn.Linear(inputs[0], outputs)
        self.hidden = nn.Linear(outputs, width)
        self.wasted = wasted

    def forward(self, x: Tensor) -> Tensor:
        found = self.leave(x)
        return found + self.hidden(found).mean(1, keepdim=True)


class WrongShape(nn.Linear):
    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__(inputs[0], outputs + 1)
