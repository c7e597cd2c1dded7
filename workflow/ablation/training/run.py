"""Train a cell: its replicates in groups, the groups side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from ablation.training.device import precision_of
from ablation.training.group import (
    Group,
    Modules,
    Vmapped,
    can_be_vmapped,
    has_convolution,
    preferred_size,
)
from ablation.training.loop import Checkpoint, Trained, Training
from ablation.training.network import (
    drawing_from,
    initial_network,
    load_network,
    seeded,
    shape_of,
)
from ablation.training.randomness import Randomness
from ablation.training.samples import samples_of

log = logging.getLogger("ablation")
CPU = torch.device("cpu")
Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Plan:
    """How the replicates of a cell are trained.

    Attributes:
        at_once: how many in a group.
        vmapped: whether a group of many is one ``vmap``, or plain modules side by side.
        draws_elsewhere: whether the network draws from the global generators of torch, NumPy or Python.
        precision: what the requested one is for this network on this device.
        draws_outside: whether it draws from NumPy's or Python's, which no CUDA graph can record.
    """

    at_once: int
    vmapped: bool
    draws_elsewhere: bool
    precision: str
    draws_outside: bool = False


@dataclass(frozen=True)
class Cell:
    """What is trained: the specification, the prepared train part, and where."""

    spec: dict[str, Any]
    part: Tensors
    device: torch.device

    def network(self, replicate: int) -> nn.Module:
        """One replicate's network with its initial weights, on the processor."""
        shape, outputs = shape_of(self.part), int(self.part["outputs"])
        return initial_network(
            lambda: load_network(self.spec["network"], self.spec["parameters"], shape, outputs),
            torch.zeros(2, *shape),
            self.spec["seed"],
            replicate,
        )

    def plan(self) -> Plan:
        """Decide by the network and the kind of device; whether vmap takes it is found out by trying.

        Raises:
            Exception: whatever the network's own code raises at a first training step.
        """
        parameters, replicates = self.spec["parameters"], self.spec["replicates"]
        chosen = list(range(min(2, replicates)))
        networks = [self.network(replicate) for replicate in chosen]
        precision = _precision(self.spec["precision"], networks[0], self.device)
        samples = samples_of(self.part, chosen, parameters, CPU)
        x = samples.inputs("train", samples.spread_evenly(parameters["batch_size"]))
        elsewhere, outside = self._draws_elsewhere(x[0])
        size = self.spec["replicates_at_once"]
        if size == "auto":
            size = preferred_size(networks[0], parameters["batch_size"], replicates, self.device)
        if elsewhere or not self._even_steps():
            size = 1
        size = min(size, replicates)
        if self.device.type == "cpu":
            vmapped = size > 1 and can_be_vmapped(self._random(networks, chosen), x)
            return Plan(size if vmapped else 1, vmapped, elsewhere, precision, outside)
        # Dense convolutions side by side in one graph are faster there.
        many = size > 1 and not has_convolution(networks[0])
        vmapped = many and can_be_vmapped(self._random(networks, chosen), x)
        return Plan(size, vmapped, elsewhere, precision, outside)

    def _random(self, networks: list[nn.Module], chosen: Sequence[int]) -> list[nn.Module]:
        """The networks, with layers that draw from streams of their own."""
        for network, replicate in zip(networks, chosen, strict=True):
            Randomness(network, self.spec["seed"], replicate, CPU)
        return networks

    def _draws_elsewhere(self, x: Tensor) -> tuple[bool, bool]:
        """Whether a network draws from the global generators, and whether from others than torch's: found out by trying."""
        (network,) = self._random([self.network(0).train()], [0])
        start = seeded(0)
        with drawing_from(start) as reached, torch.no_grad():
            network(x)
        return start.moved(reached[0])

    def _even_steps(self) -> bool:
        """Whether all replicates have as many batches an epoch."""
        steps = -(-self.part["train_n"] // self.spec["parameters"]["batch_size"])
        return bool((steps == steps[0]).all())

    def group(self, plan: Plan, chosen: Sequence[int]) -> Group:
        """The networks of some replicates, on the device."""
        networks = [self.network(r).to(self.device) for r in chosen]
        random = [
            Randomness(n, self.spec["seed"], r, self.device)
            for n, r in zip(networks, chosen, strict=True)
        ]
        for each in random:
            each.draws_elsewhere = plan.draws_elsewhere
        return (
            Vmapped(networks) if plan.vmapped and len(networks) > 1 else Modules(networks, random)
        )

    def train(self, plan: Plan, chosen: Sequence[int], checkpoint: Checkpoint | None) -> Trained:
        """Train some replicates. A replicate's numbers do not depend on which others are trained beside it."""
        parameters = self.spec["parameters"]
        training = Training(
            self.group(plan, chosen),
            samples_of(self.part, chosen, parameters, self.device),
            import_module(f"ablation.tasks.{self.spec['task']}"),
            parameters,
            seed=self.spec["seed"],
            precision=plan.precision,
            recorded=not plan.draws_outside,
        )
        return training.run(checkpoint)


def _precision(requested: str, network: nn.Module, device: torch.device) -> str:
    """``auto`` is bf16 for convolutions alone: elsewhere it costs digits and gains nothing."""
    if requested == "auto" and not has_convolution(network):
        return "fp32"
    return precision_of(requested, device)


def train(
    cell: Cell,
    plan: Plan,
    *,
    threads: int = 1,
    checkpoint_of: Callable[[Sequence[int]], Checkpoint | None] = lambda chosen: None,
    begin: Callable[[int], None] = lambda groups: None,
) -> tuple[Trained, int]:
    """Train all replicates of a cell, group by group, so many groups at a time as there are threads.

    Where the memory of a GPU does not hold a group, it is halved.

    Args:
        cell: what is trained.
        plan: how.
        threads: the numbers do not depend on it.
        checkpoint_of: where a group's unfinished training is kept.
        begin: is told how many groups there are, also after a group was halved.

    Returns:
        The whole, and how many replicates were trained at once.

    Raises:
        torch.OutOfMemoryError: if a single replicate does not fit.
    """
    size = plan.at_once
    while True:
        groups = [
            range(a, min(a + size, cell.spec["replicates"]))
            for a in range(0, cell.spec["replicates"], size)
        ]
        begin(len(groups))
        try:
            return merge(_train_all(cell, plan, groups, threads, checkpoint_of)), size
        except torch.OutOfMemoryError:
            if size == 1:
                raise
        # Only here is the failed attempt's last tensor gone: its traceback held them.
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        log.warning("out of memory with %d replicates at once; trying %d", size, -(-size // 2))
        size = -(-size // 2)


def _train_all(
    cell: Cell,
    plan: Plan,
    groups: Sequence[Sequence[int]],
    threads: int,
    checkpoint_of: Callable[[Sequence[int]], Checkpoint | None],
) -> list[Trained]:
    def one(chosen: Sequence[int]) -> Trained:
        torch.set_num_threads(1)
        return cell.train(plan, chosen, checkpoint_of(chosen))

    if threads == 1 or len(groups) == 1 or cell.device.type != "cpu":
        return [one(chosen) for chosen in groups]
    with ThreadPoolExecutor(min(threads, len(groups))) as pool:
        waiting = [pool.submit(one, chosen) for chosen in groups]
        try:
            return [each.result() for each in waiting]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def merge(parts: Sequence[Trained]) -> Trained:
    """One result of several, whose replicates follow one another."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    return Trained(
        {name: torch.cat([part.tensors[name] for part in parts]) for name in first.tensors},
        {name: torch.cat([part.history[name] for part in parts], 1) for name in first.history},
        torch.cat([part.gradients for part in parts], 2),
        torch.cat([part.best_epoch for part in parts]),
        torch.cat([part.diverged for part in parts]),
    )
