"""The replicates of a cell that are trained together: plain modules side by side, or one ``vmap`` over their stacked weights.

A tensor of one number per replicate is ``[R]``; inputs are ``[R, B, …]`` and outputs ``[R, B, outputs]``. No replicate ever
meets another: a value that is not finite in one leaves the others alone, bit for bit.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ablation.training.network import state_of
from ablation.training.randomness import Randomness

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
# Above so many multiplications by weights per step and replicate, one by one is as fast as all at once.
SMALL_STEP = 1 << 24


class Group(ABC):
    """Replicates that are trained together.

    Attributes:
        names: of all tensors of one replicate's network.
        trained: the tensors that an optimiser moves.
        generators: what its layers draw from.
    """

    names: list[str]
    trained: list[Tensor]
    generators: Sequence[torch.Generator] = ()

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """``[R, B, …]`` → ``[R, B, outputs]``."""

    @abstractmethod
    def set_training(self, training: bool) -> None:
        """Training or evaluation mode."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Every tensor, ``[R, …]``."""

    @abstractmethod
    def load(self, state: dict[str, Tensor]) -> None:
        """Take the tensors of :meth:`state`."""

    @abstractmethod
    def spread(self, values: Tensor) -> list[Tensor]:
        """Views of ``[R]`` that broadcast over each trained tensor."""

    @abstractmethod
    def by_replicate(self, tensors: Sequence[Tensor | None]) -> list[list[Tensor | None]]:
        """Tensors shaped as the trained ones, taken apart: each replicate's share."""

    @abstractmethod
    def gathered(self, tensors: Sequence[Tensor]) -> Tensor:
        """Sums over each replicate's share of tensors shaped as the trained ones, ``[R]``."""

    @abstractmethod
    def gradient_norms(self, loss: Tensor) -> Tensor:
        """The Euclidean norm of the gradient of each layer's weight, ``[layers, R]``; the ``grad`` fields stay as they are.

        Args:
            loss: ``[R]``; a replicate's loss depends on its own weights alone.
        """

    def begin_epoch(self, epoch: int) -> None:
        """Start the random streams of an epoch, if there are any."""
        return


def _gradients(loss: Tensor, weights: list[Tensor]) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss.sum(), weights, allow_unused=True, materialize_grads=True)


class Modules(Group):
    """Plain modules side by side; of one replicate, the module itself."""

    def __init__(self, networks: Sequence[nn.Module], randomness: Sequence[Randomness]) -> None:
        self.networks, self.randomness = list(networks), list(randomness)
        self.generators = [each.generator for each in randomness]
        self.channels_last = has_convolution(networks[0])
        if self.channels_last:
            for network in self.networks:
                _lay_channels_last(network)
        self.states = [state_of(network) for network in self.networks]
        self.names = list(self.states[0])
        self.own = [[p for p in n.parameters() if p.requires_grad] for n in self.networks]
        self.trained = [tensor for own in self.own for tensor in own]

    def __call__(self, x: Tensor) -> Tensor:
        found = [self._one(i, inputs) for i, inputs in enumerate(x)]
        return found[0].unsqueeze(0) if len(found) == 1 else torch.stack(found)

    def _one(self, place: int, x: Tensor) -> Tensor:
        if self.channels_last and x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        with self.randomness[place].forward():
            return torch.as_tensor(self.networks[place](x))

    def begin_epoch(self, epoch: int) -> None:
        for random in self.randomness:
            random.begin(epoch)

    def set_training(self, training: bool) -> None:
        for network in self.networks:
            network.train(training)

    def state(self) -> dict[str, Tensor]:
        if len(self.states) == 1:
            return {name: tensor.detach().unsqueeze(0) for name, tensor in self.states[0].items()}
        return {n: torch.stack([state[n].detach() for state in self.states]) for n in self.names}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        for place, own in enumerate(self.states):
            for name, tensor in own.items():
                tensor.copy_(state[name][place])

    def spread(self, values: Tensor) -> list[Tensor]:
        return [value for value, own in zip(values.unbind(), self.own, strict=True) for _ in own]

    def by_replicate(self, tensors: Sequence[Tensor | None]) -> list[list[Tensor | None]]:
        rest = iter(tensors)
        return [[next(rest) for _ in own] for own in self.own]

    def gathered(self, tensors: Sequence[Tensor]) -> Tensor:
        shares = self.by_replicate(tensors)
        return torch.stack(
            [torch.stack([t.sum() for t in own if t is not None]).sum() for own in shares]
        )

    def gradient_norms(self, loss: Tensor) -> Tensor:
        weights = [[p for p in own if p.dim() > 1] for own in self.own]
        norms = [each.norm() for each in _gradients(loss, [p for own in weights for p in own])]
        return torch.stack(norms).view(len(weights), -1).T


class Vmapped(Group):
    """One network called on stacked weights by ``torch.func.vmap``: many small steps for little more than the price of one."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.base = copy.deepcopy(networks[0])
        states = [state_of(network) for network in networks]
        self.tensors = {n: torch.stack([s[n].detach() for s in states]) for n in states[0]}
        needed = {name for name, p in networks[0].named_parameters() if p.requires_grad}
        for name in needed:
            self.tensors[name].requires_grad_()
        self.names = list(self.tensors)
        self.trained = [self.tensors[name] for name in self.names if name in needed]

    def __call__(self, x: Tensor) -> Tensor:
        found: Tensor = vmap(lambda state, one: functional_call(self.base, state, (one,)))(
            self.tensors, x
        )
        return found

    def set_training(self, training: bool) -> None:
        self.base.train(training)

    def state(self) -> dict[str, Tensor]:
        return {name: tensor.detach() for name, tensor in self.tensors.items()}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.tensors.items():
            tensor.copy_(state[name])

    def spread(self, values: Tensor) -> list[Tensor]:
        return [values.view(-1, *[1] * (tensor.dim() - 1)) for tensor in self.trained]

    def by_replicate(self, tensors: Sequence[Tensor | None]) -> list[list[Tensor | None]]:
        count = len(self.trained[0])
        shares = [[None] * count if t is None else list(t.unbind()) for t in tensors]
        return [[share[r] for share in shares] for r in range(count)]

    def gathered(self, tensors: Sequence[Tensor]) -> Tensor:
        return torch.stack([tensor.flatten(1).sum(1) for tensor in tensors]).sum(0)

    def gradient_norms(self, loss: Tensor) -> Tensor:
        weights = [tensor for tensor in self.trained if tensor.dim() > 2]
        return torch.stack([each.flatten(1).norm(dim=1) for each in _gradients(loss, weights)])


def has_convolution(network: nn.Module) -> bool:
    """Whether a network has a convolution: then channels come last, and a group of many buys nothing on a processor."""
    return any(isinstance(layer, CONVOLUTIONS) for layer in network.modules())


def preferred_size(network: nn.Module, batch: int, replicates: int, device: torch.device) -> int:
    """How many replicates are best trained at once, by the network and the kind of device alone.

    On a GPU all: a single small network leaves it idle. On a processor all where steps are tiny, so that the interpreter's
    share counts, else one.
    """
    if device.type != "cpu":
        return replicates
    weights = sum(each.numel() for each in network.parameters())
    tiny = not has_convolution(network) and weights * batch <= SMALL_STEP
    return replicates if tiny else 1


def can_be_vmapped(networks: Sequence[nn.Module], x: Tensor) -> bool:
    """Whether ``vmap`` takes a network and gives what the plain modules give, found out by a step on copies of them.

    Args:
        networks: of two replicates or more; they stay as they are.
        x: their inputs ``[R, B, …]``.
    """
    plain = [copy.deepcopy(network).train() for network in networks]
    try:
        group = Vmapped(plain)
        group.set_training(True)
        found = group(x)
        torch.autograd.grad(found.sum(), group.trained, allow_unused=True)
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        return False
    expected = torch.stack([network(one) for network, one in zip(plain, x, strict=True)])
    same: bool = torch.allclose(found, expected, rtol=1e-3, atol=1e-4, equal_nan=True)
    return same


@torch.no_grad()
def _lay_channels_last(network: nn.Module) -> None:
    """Lay the weights of two-dimensional convolutions with the channel last.

    ``Module.to(memory_format=…)`` leaves the strides of a weight with one input channel as they are, and convolutions then
    copy it at every step.
    """
    for parameter in network.parameters():
        if parameter.dim() != 4:
            continue
        _, inputs, height, width = parameter.shape
        strides = (inputs * height * width, 1, width * inputs, inputs)
        laid = torch.empty_strided(
            parameter.shape, strides, dtype=parameter.dtype, device=parameter.device
        )
        parameter.data = laid.copy_(parameter)
