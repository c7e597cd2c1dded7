"""What a network draws while it is trained, as a stream per replicate and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ablation.training.network import drawing_from, seeded
from ablation.training.streams import Purpose, torch_seed

DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


class Dropout(nn.Module):
    """Dropout that draws from a generator of its own.

    Args:
        rate: the probability of a zero.
        whole_maps: drop whole feature maps ``[B, C, …]``.
        generator: where the masks come from.
    """

    def __init__(self, rate: float, whole_maps: bool, generator: torch.Generator) -> None:
        super().__init__()
        self.rate, self.whole_maps, self.generator = rate, whole_maps, generator

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        shape = [*x.shape[:2], *[1] * (x.dim() - 2)] if self.whole_maps else list(x.shape)
        kept = torch.empty(shape, dtype=x.dtype, device=x.device)
        kept.bernoulli_(1 - self.rate, generator=self.generator)
        return x * kept.div_(1 - self.rate) if self.rate < 1 else torch.zeros_like(x)


class Randomness:
    """The draws of one replicate's network.

    Its dropout layers are replaced by layers that draw from a generator of the replicate's own. Whatever else it draws, as
    functional dropout does, comes from the global generators of torch, NumPy or Python, which are set for the time of a forward
    pass; then no other network may draw, so that such networks take turns.

    Args:
        network: it is changed.
        seed: of the study.
        replicate: its number.
        device: where it is trained.
    """

    def __init__(self, network: nn.Module, seed: int, replicate: int, device: torch.device) -> None:
        self.seed, self.replicate, self.device = seed, replicate, device
        self.generator = torch.Generator(device)
        self.draws_elsewhere = False
        for parent in list(network.modules()):
            for name, layer in list(parent._modules.items()):  # children that stand twice, too
                if isinstance(layer, DROPOUT) and type(layer) in DROPOUT:
                    whole = type(layer) is not nn.Dropout
                    setattr(parent, name, Dropout(layer.p, whole, self.generator))
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Start the streams of an epoch."""
        seed = torch_seed(self.seed, Purpose.DROPOUT, self.replicate, epoch)
        self.generator.manual_seed(seed)
        if self.draws_elsewhere and self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        self.states = seeded(seed)

    @contextmanager
    def forward(self) -> Iterator[None]:
        """A forward pass, whose draws come from the replicate's stream."""
        if not self.draws_elsewhere:
            yield
            return
        with drawing_from(self.states) as reached:
            yield
        (self.states,) = reached
