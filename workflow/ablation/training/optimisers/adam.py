"""Adam and AdamW."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ablation.training.optimisers import Optimiser

BETAS, EPS = (0.9, 0.999), 1e-8


class Adam(Optimiser):
    """Adam (Kingma & Ba 2015), as one fused operation over all tensors of the same learning rate.

    Weight decay is added to the gradient. The kernel is the one behind ``torch.optim.Adam(fused=True)``; the class around it is
    not used, since its first step imports the compiler, which doubles the start-up of a cell.
    """

    kernel = staticmethod(torch._fused_adam_)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.means = [torch.zeros_like(tensor) for tensor in self.group.trained]
        self.squares = [torch.zeros_like(tensor) for tensor in self.group.trained]
        # A tensor's own, as in torch: one that gets no gradient in a step stays where it was.
        self.counts = [each.clone() for each in self.group.spread(torch.zeros_like(self.rate))]
        self.shared_counts = [count.view(-1)[0] for count in self.counts]

    def move(self) -> None:
        """Move all tensors at once, or replicate by replicate where their rates may differ."""
        trained = self.group.trained
        tensors, grads = [t.detach() for t in trained], [t.grad for t in trained]
        given = zip(self.counts, grads, strict=True)
        torch._foreach_add_([count for count, grad in given if grad is not None], 1)
        counts = self.shared_counts if self.one_rate else self.counts
        rows = list(zip(tensors, grads, self.means, self.squares, counts, strict=True))
        if self.one_rate:
            self._move(rows, self.rate[0])
            return
        columns = [self.group.by_replicate(list(column)) for column in zip(*rows, strict=True)]
        for rate, *own in zip(self.rate.unbind(), *columns, strict=True):
            self._move(list(zip(*own, strict=True)), rate)

    def _move(self, rows: list[tuple[Any, ...]], rate: Tensor) -> None:
        rows = [row for row in rows if row[1] is not None]
        tensors, grads, means, squares, counts = map(list, zip(*rows, strict=True))
        self.kernel(
            tensors,
            grads,
            means,
            squares,
            [],
            counts,
            lr=rate,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=self.weight_decay,
            eps=EPS,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        named = {"mean": self.means, "square": self.squares, "count": self.counts}
        return {f"{name}.{i}": t for name, group in named.items() for i, t in enumerate(group)}


class AdamW(Adam):
    """Adam with weight decay beside the gradient (Loshchilov & Hutter 2019)."""

    kernel = staticmethod(torch._fused_adamw_)


METHODS = {"adam": Adam, "adamw": AdamW}
