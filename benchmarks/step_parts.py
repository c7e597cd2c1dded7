"""What a training step consists of: each layer forward and backward, the batch, the loss and the update, ready to be timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ceilings import Sample, Shape, counted, repeated
from cells import Cell  # it puts the package on the path

# isort: split
import torch
from ablation.training.group import Modules, Vmapped
from ablation.training.optimisers import optimiser_of
from ablation.training.samples import samples_of
from torch import Tensor, nn


@dataclass
class Call:
    """A layer as a step calls it.

    Attributes:
        name: its place in the network and its class.
        layer: itself.
        x: its input, in the layout and type in which it comes.
        needed: whether the input gets a gradient.
        gradient: what comes back for its output, likewise.
    """

    name: str
    layer: nn.Module
    x: Tensor
    needed: bool
    gradient: Tensor = field(default_factory=lambda: torch.empty(0))


@dataclass
class Work:
    """A part of a step: its operations, the bytes it must move, and the matrix products that would do the same."""

    what: str
    flop: int
    bytes: int
    sample: Sample
    products: dict[str, Shape] = field(default_factory=dict)


def moved(*tensors: Tensor) -> int:
    """Bytes of all tensors; none where the last is only another view of the first."""
    if tensors[0].untyped_storage().data_ptr() == tensors[-1].untyped_storage().data_ptr():
        return 0
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def products(call: Call, y: Tensor, weights: Sequence[Tensor], count: int) -> dict[str, Shape]:
    """The products that a convolution (of its unfolded input) or a linear layer is: forward, and for each gradient."""
    n = y.shape[1] if isinstance(call.layer, nn.Conv2d) else y.shape[-1]
    m, k = y.numel() // n // count, weights[0].numel() // n // count
    shapes = {"forward": (count, m, k, n), "weight gradient": (count, k, m, n)}
    return {**shapes, "input gradient": (count, m, n, k)} if call.needed else shapes


class Step:
    """A step of the first group of a cell, as its plan has it.

    Args:
        cell: what is trained.
        seconds: a single measurement takes at least so long.
    """

    def __init__(self, cell: Cell, seconds: float) -> None:
        self.cell, self.seconds, self.plan = cell, seconds, cell.plan()
        self.count, self.parameters = self.plan.at_once, cell.spec["parameters"]
        chosen = range(self.count)
        self.samples = samples_of(cell.part, chosen, self.parameters, cell.device)
        drawn = self.samples.draw(cell.spec["seed"], 1)
        self.steps = drawn["places"].shape[1] // self.parameters["batch_size"]
        self.batch = next(self.samples.batches(drawn))
        self.target = self.samples.target("train", self.batch["places"])
        self.weight = self.batch.get("weight", torch.ones(self.target.shape))
        self.task = import_module(f"ablation.tasks.{cell.spec['task']}")
        self.group = cell.group(self.plan, chosen)
        self.group.set_training(True)

    def parts(self) -> list[Work]:
        """All that moves a byte, the batch first."""
        batch, *others = self._others()
        return [work for work in [batch, *self._layers(), *others] if work.bytes]

    def _autocast(self) -> AbstractContextManager[Any]:
        low = self.plan.precision == "bf16"
        return torch.autocast("cpu", torch.bfloat16) if low else nullcontext()

    def _inputs(self) -> Tensor:
        """One batch ``[R, B, …]``, gathered and laid out as the group does it."""
        x = self.samples.inputs("train", self.batch["places"])
        if isinstance(self.group, Modules) and self.group.channels_last:
            return x[0].contiguous(memory_format=torch.channels_last)[None]
        return x

    def _loss(self, output: Tensor) -> Tensor:
        total = (self.task.loss(output, self.target) * self.weight).sum(1)
        mean: Tensor = total / self.weight.sum(1).clamp(min=1)
        return mean.sum()

    def _others(self) -> Iterator[Work]:
        places, x = self.batch["places"], self._inputs()
        read = x.numel() * (1 if self.cell.part["inputs"].dtype == torch.uint8 else 4)
        gather = repeated(self._inputs, self.seconds)
        yield Work("gathering of the batch", 0, moved(places, x) + read, gather)
        with self._autocast():
            output = self.group(x).detach().requires_grad_()
        loss = repeated(lambda: torch.autograd.grad(self._loss(output), output), self.seconds)
        yield Work("loss and its gradient", 0, moved(self.target, output, output.clone()), loss)
        trained, rate = self.group.trained, torch.full((self.count,), 1e-6)
        optimiser = optimiser_of(self.parameters, self.group, rate)
        gradients = [torch.full_like(tensor, 1e-3) for tensor in trained]

        def update() -> None:
            for tensor, gradient in zip(trained, gradients, strict=True):
                tensor.grad = gradient
            optimiser.step()

        # Weights are read and written, gradients read; two moments, too, are read and written.
        passes = 3 if self.parameters["optimizer"] == "sgd" else 7
        size = passes * sum(tensor.numel() * tensor.element_size() for tensor in trained)
        yield Work("update of the weights", 0, size, repeated(update, self.seconds))

    def _layers(self) -> Iterator[Work]:
        if isinstance(self.group, Modules):
            for call in self._calls(self.group.networks)[0]:
                yield from self._both(call, call.layer, list(call.layer.parameters()))
            return
        networks = [self.cell.network(r).train() for r in range(self.count)]
        for own in zip(*self._calls(networks), strict=True):
            stacked = Vmapped([call.layer for call in own])
            x, gradient = (torch.stack([getattr(c, n) for c in own]) for n in ("x", "gradient"))
            call = Call(own[0].name, own[0].layer, x, own[0].needed, gradient)
            yield from self._both(call, stacked, stacked.trained)

    def _calls(self, networks: Sequence[nn.Module]) -> list[list[Call]]:
        """The layers of each replicate, in the order in which a step calls them."""
        calls: list[list[Call]] = [[] for _ in networks]

        def note(place: int, name: str, layer: nn.Module, x: Tensor, y: Tensor) -> None:
            call = Call(name, layer, x.detach(), x.requires_grad)
            calls[place].append(call)
            if y.requires_grad:
                y.register_hook(lambda gradient: setattr(call, "gradient", gradient))

        hooks = [
            layer.register_forward_hook(
                lambda own, given, y, r=r, name=name: note(r, name, own, given[0], y)
            )
            for r, network in enumerate(networks)
            for name, layer in network.named_modules()
            if not list(layer.children())
        ]
        with self._autocast():
            pairs = zip(networks, self._inputs(), strict=True)
            output = torch.stack([network(x) for network, x in pairs])
        for hook in hooks:
            hook.remove()
        self._loss(output).backward()
        return calls

    def _both(
        self, call: Call, layer: Callable[[Tensor], Tensor], weights: list[Tensor]
    ) -> Iterator[Work]:
        """A layer forward, and backward if anything gets a gradient."""
        x, name = call.x.requires_grad_(call.needed), f"{call.name} {type(call.layer).__name__}"
        wanted = [*([x] if call.needed else []), *weights]

        def forward() -> Tensor:
            with self._autocast():
                return layer(x)

        flop, y = counted(forward)
        shapes = products(call, y, weights, self.count) if flop else {}
        first = {kind: shape for kind, shape in shapes.items() if kind == "forward"}
        sample = repeated(forward, self.seconds)
        yield Work(f"{name}, forward", flop, moved(x, *weights, y), sample, first)
        if not wanted:
            return

        def backward() -> tuple[Tensor, ...]:
            return torch.autograd.grad(y, wanted, call.gradient, retain_graph=True)

        flop, found = counted(backward)
        size = moved(call.gradient, x, *(weights if call.needed else []), *found)
        rest = {kind: shape for kind, shape in shapes.items() if kind not in first}
        yield Work(f"{name}, backward", flop, size, repeated(backward, self.seconds), rest)
