"""A network as its file has it: built, given its initial weights, and asked for outputs, one plain module per replicate."""

from __future__ import annotations

import random
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ablation.store.modules import module_of
from ablation.training.streams import Purpose, torch_seed

Tensors = Mapping[str, Tensor]
BATCH = 250
# Held by whoever seeds the global generators and draws from them.
RANDOMNESS = threading.Lock()
# Transformer layers have another kernel for evaluation, which neither rounds as the one for training does nor gives gradients.
torch.backends.mha.set_fastpath_enabled(False)


def load_network(
    network: Mapping[str, Any], parameters: Mapping[str, Any], inputs: tuple[int, ...], outputs: int
) -> nn.Module:
    """Build the user's own class, with whatever weights it draws.

    Args:
        network: ``file`` and ``entry``, the class or function in it.
        parameters: of the cell; those that the file declares are handed over.
        inputs: the shape of one sample.
        outputs: how many numbers it is to give.
    """
    module = module_of(network["file"])
    declared = getattr(module, "PARAMETERS", {})
    own = {name: parameters[name] for name in declared if name in parameters}
    build: Callable[..., nn.Module] = getattr(module, network["entry"])
    return build(inputs, outputs, **own)


@dataclass
class Generators:
    """The states of the global generators of the host: Python's, NumPy's and torch's."""

    python: Any
    numpy: Any
    torch: Tensor

    def moved(self, end: Generators) -> tuple[bool, bool]:
        """Whether any was drawn from until an end, and whether it was Python's or NumPy's."""
        pairs = zip(self.numpy, end.numpy, strict=True)
        outside = self.python != end.python or not all(np.array_equal(a, b) for a, b in pairs)
        return outside or not torch.equal(self.torch, end.torch), outside


def seeded(seed: int) -> Generators:
    """The states of one stream."""
    python, numpy = random.Random(seed).getstate(), np.random.RandomState(seed % 2**32).get_state()
    return Generators(python, numpy, torch.Generator().manual_seed(seed).get_state())


def _now() -> Generators:
    return Generators(random.getstate(), np.random.get_state(), torch.get_rng_state())


def _set(states: Generators) -> None:
    random.setstate(states.python)
    np.random.set_state(states.numpy)
    torch.set_rng_state(states.torch)


@contextmanager
def drawing_from(start: Generators) -> Iterator[list[Generators]]:
    """Draw from states, with all others waiting; the global generators stay as they were.

    Yields:
        A list, which holds the states after the last draw once it is over.
    """
    reached: list[Generators] = []
    with RANDOMNESS:
        before = _now()
        _set(start)
        try:
            yield reached
            reached.append(_now())
        finally:
            _set(before)


class _Initialisation(TorchDispatchMode):
    """Draws each random tensor from a stream of its own: of the replicate, the shape, and its number among those of this shape.

    So cells whose networks differ in one layer share the initial weights of all others, and weights that a constructor draws
    in its own way are kept as it draws them.
    """

    def __init__(self, seed: int, replicate: int) -> None:
        super().__init__()
        self.seed, self.replicate, self.drawn = seed, replicate, Counter[str]()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # what would be skipped is never compiled here, and skipping it imports the compiler

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if torch.Tag.nondeterministic_seeded in func.tags:
            first = args[0] if args else ()
            shape = str(list(first.shape) if isinstance(first, Tensor) else first)
            place = zlib.crc32(shape.encode()), self.drawn[shape]
            self.drawn[shape] += 1
            seed = torch_seed(self.seed, Purpose.INITIALISATION, self.replicate, *place)
            torch.default_generator.manual_seed(seed)
        return func(*args, **(kwargs or {}))


def initial_network(
    build: Callable[[], nn.Module], sample: Tensor, seed: int, replicate: int
) -> nn.Module:
    """Build one replicate's network with its initial weights.

    Args:
        build: makes the network.
        sample: two inputs, ``[2, …]``: layers that take their shape from the first input get it.
        seed: of the study.
        replicate: its number.
    """
    start = seeded(torch_seed(seed, Purpose.INITIALISATION, replicate))
    with drawing_from(start), _Initialisation(seed, replicate):
        network = build()
        if any(nn.parameter.is_lazy(each) for each in network.parameters()):
            with torch.no_grad():
                network.eval()(sample)
    return network


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """The tensors that make up a network, each once: parameters and buffers, persistent or not."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def shape_of(part: Tensors) -> tuple[int, ...]:
    """The shape of one input: ``(F,)`` of a table, ``(C, H, W)`` of images."""
    shape = tuple(part["inputs"].shape[1:])
    return (1, *shape) if is_grey(part) else shape


def is_images(part: Tensors) -> bool:
    """Whether inputs are images, which are kept as bytes."""
    return part["inputs"].dtype == torch.uint8


def is_grey(part: Tensors) -> bool:
    """Whether inputs are images without an axis of channels."""
    return is_images(part) and part["inputs"].dim() == 3


def network_of(
    spec: Mapping[str, Any], tensors: Tensors, train: Tensors, replicate: int
) -> nn.Module:
    """One trained replicate as a plain network in evaluation mode.

    Args:
        spec: of the training.
        tensors: the stored weights, ``[R, …]``.
        train: the prepared train part.
        replicate: its number.
    """
    shape = shape_of(train)

    def build() -> nn.Module:
        return load_network(spec["network"], spec["parameters"], shape, int(train["outputs"]))

    network = initial_network(build, torch.zeros(2, *shape), spec["seed"], replicate).eval()
    with torch.no_grad():
        for name, tensor in state_of(network).items():
            tensor.copy_(tensors[name][replicate])
    return network


def standardised(part: Tensors, seen: Tensors, replicate: int, index: Tensor) -> Tensor:
    """Inputs of one replicate as its network takes them, ``[n, …]`` in fp32.

    Args:
        part: a prepared part.
        seen: the train part, whose mean and scale they are standardised by.
        replicate: its number.
        index: which samples of the part, ``[n]``.
    """
    mean, scale = seen["mean"][replicate], seen["scale"][replicate]
    inputs = part["inputs"][index]
    if not is_images(part):
        return ((inputs.double() - mean) / scale).float()
    pixels = inputs.unsqueeze(1) if is_grey(part) else inputs
    mean, scale = (each.float().view(-1, 1, 1) for each in (mean, scale))
    return pixels.float().div_(255.0).sub_(mean).div_(scale)


@torch.no_grad()
def outputs(
    spec: Mapping[str, Any],
    tensors: Tensors,
    train: Tensors,
    test: Tensors,
    *,
    replicate: int,
    index: Tensor,
) -> Tensor:
    """What a trained replicate says of samples of the test part, ``[n, outputs]`` in fp64; a regression's in the target's unit.

    Args:
        spec: of the training.
        tensors: the stored weights, ``[R, …]``.
        train, test: the prepared parts.
        replicate: its number.
        index: which samples of the test part, ``[n]``.
    """
    network = network_of(spec, tensors, train, replicate)
    found = torch.cat(
        [
            network(standardised(test, train, replicate, each)).double()
            for each in index.split(BATCH)
        ]
    )
    if spec["parameters"].get("target") == "standardised":
        found = found * train["target_scale"][replicate] + train["target_mean"][replicate]
    return found
