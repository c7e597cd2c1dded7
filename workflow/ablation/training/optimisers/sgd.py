"""Plain gradient descent."""

from __future__ import annotations

from torch import Tensor

from ablation.training.optimisers import Optimiser


class SGD(Optimiser):
    """Gradient descent without momentum; weight decay is added to the gradient, as in ``torch.optim.SGD``."""

    def move(self) -> None:
        rates = self.group.spread(self.rate)
        for tensor, rate in zip(self.group.trained, rates, strict=True):
            if tensor.grad is None:
                continue
            if self.weight_decay:
                tensor.grad.add_(tensor, alpha=self.weight_decay)
            tensor.addcmul_(tensor.grad, rate, value=-1)

    def state(self) -> dict[str, Tensor]:
        return {}


METHODS = {"sgd": SGD}
