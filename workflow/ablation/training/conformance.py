"""Whether a network keeps what the engine promises of every network: a few steps of real data, one sentence per finding."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ablation.training.loop import Trained
from ablation.training.network import drawing_from, seeded
from ablation.training.run import Cell, Plan, merge
from ablation.training.samples import samples_of

STEPS = 20
REPLICATES = 3
TOLERANCE = 1e-5
BAD = (float("nan"), float("inf"), 1e25)


@dataclass(frozen=True)
class Finding:
    """What was found. wrong: it breaks a promise."""

    text: str
    wrong: bool = False


def short(cell: Cell) -> Cell:
    """The cell with few replicates and as many rows in each, trained for about ``STEPS`` steps."""
    parameters, count = cell.spec["parameters"], len(cell.part["train_n"])
    fewest, replicates = int(cell.part["train_n"].min()), min(REPLICATES, count)
    batch = min(parameters["batch_size"], fewest)
    steps = min(STEPS, fewest // batch)
    shared = ("inputs", "target", "row", "outputs")
    part = {n: t if n in shared else t[:replicates] for n, t in cell.part.items()}
    part["train_index"] = part["train_index"][:, : steps * batch]
    part["train_n"] = torch.full_like(part["train_n"], steps * batch)
    short_parameters = {**parameters, "batch_size": batch, "epochs": -(-STEPS // steps)}
    spec = {
        **cell.spec,
        "replicates": replicates,
        "precision": "fp32",
        "parameters": short_parameters,
    }
    return Cell(spec, part, cell.device)


def check(cell: Cell) -> Iterator[Finding]:
    """Try a network: one step, alone and beside others, beside broken ones, and what it draws.

    Raises:
        Exception: whatever the network's own code raises.
    """
    cell = short(cell)
    network = cell.network(0)
    count = sum(each.numel() for each in network.parameters())
    yield Finding(f"it has {count:,} parameters in {len(list(network.parameters()))} tensors")
    yield from _outputs(cell, network)
    plan = cell.plan()
    yield Finding(_how(plan))
    begin = time.perf_counter()
    whole = _train(cell, plan)
    steps = cell.spec["parameters"]["epochs"] * -(
        -int(cell.part["train_n"][0]) // cell.spec["parameters"]["batch_size"]
    )
    each = (time.perf_counter() - begin) / steps / cell.spec["replicates"]
    yield Finding(f"a step takes {1e3 * each:.2g} ms per replicate, validation included")
    alone = merge(
        [
            cell.train(replace(plan, at_once=1, vmapped=False), [r], None)
            for r in range(cell.spec["replicates"])
        ]
    )
    apart = _apart(whole, alone)
    yield Finding(
        f"a replicate alone differs by {apart:.1g} from the same among others: allowed is {TOLERANCE:g}"
        if apart > TOLERANCE
        else "a replicate alone is the same as among others",
        apart > TOLERANCE,
    )
    yield from _isolation(cell, plan, whole)
    yield from _draws(cell, plan, whole)


def _train(cell: Cell, plan: Plan) -> Trained:
    chosen = list(range(cell.spec["replicates"]))
    if plan.at_once > 1:
        return cell.train(plan, chosen, None)
    return merge([cell.train(plan, [r], None) for r in chosen])


def _how(plan: Plan) -> str:
    if plan.vmapped:
        return "its replicates are trained at once, by vmap"
    reason = ", as it draws from global generators" if plan.draws_elsewhere else ""
    return f"its replicates are trained one by one{reason}"


def _outputs(cell: Cell, network: nn.Module) -> Iterator[Finding]:
    """One batch: the shape of the outputs, and what gets no gradient."""
    samples = samples_of(cell.part, [0], cell.spec["parameters"], cell.device)
    x = samples.inputs("train", samples.spread_evenly(cell.spec["parameters"]["batch_size"]))[0]
    found = network.train()(x)
    wanted = (len(x), int(cell.part["outputs"]))
    if not isinstance(found, Tensor) or tuple(found.shape) != wanted:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ValueError(f"the network gives {shape} for a batch: allowed is {wanted}")
    if not bool(torch.isfinite(found).all()):
        yield Finding("its outputs are not finite with its initial weights", True)
    found.square().mean().backward()
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            yield Finding(f"{name} gets no gradient: no output depends on it", True)


def _isolation(cell: Cell, plan: Plan, whole: Trained) -> Iterator[Finding]:
    """A replicate whose weights are not finite leaves the others alone, bit for bit."""
    if not plan.vmapped:
        yield Finding("a replicate that is not finite cannot reach the others")
        return
    others = [r for r in range(cell.spec["replicates"]) if r != 1]
    for value in BAD:
        beside = _train(_Broken(cell.spec, cell.part, cell.device, value), plan)
        if any(
            not torch.equal(t[others], beside.tensors[n][others]) for n, t in whole.tensors.items()
        ):
            yield Finding(f"a replicate whose weights are {value} changes the others", True)
            return
    yield Finding("a replicate that is not finite leaves the others alone, bit for bit")


@dataclass(frozen=True)
class _Broken(Cell):
    value: float = 0.0

    def network(self, replicate: int) -> nn.Module:
        network = super().network(replicate)
        if replicate == 1:
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.fill_(self.value)
        return network


def _draws(cell: Cell, plan: Plan, whole: Trained) -> Iterator[Finding]:
    """Training again gives the same bytes, whatever the network draws."""
    same = _apart(whole, _train(cell, plan)) == 0.0
    yield Finding(
        f"trained again it gives {'the same bytes' if same else 'other numbers'}", not same
    )


def _apart(one: Trained, other: Trained) -> float:
    """The largest difference of the weights, relative to the largest of each tensor; infinite where one is not finite alone."""
    largest = 0.0
    for name, tensor in one.tensors.items():
        a, b = tensor.double(), other.tensors[name].double()
        if not torch.equal(torch.isfinite(a), torch.isfinite(b)):
            return float("inf")
        finite = torch.isfinite(a)
        if bool(finite.any()):
            scale = float(a[finite].abs().max()) or 1.0
            largest = max(largest, float((a - b)[finite].abs().max()) / scale)
    return largest


def fingerprint(cell: Cell) -> str:
    """What a cell's network computes: a digest of its initial weights, and of its outputs and gradients in one training step.

    Two cells of the same fingerprint, recipe and data are trained to the same numbers.
    """
    samples = samples_of(cell.part, [0], cell.spec["parameters"], cell.device)
    x = samples.inputs("train", samples.spread_evenly(8))[0]
    network = cell.group(
        Plan(1, vmapped=False, draws_elsewhere=False, draws_outside=False, precision="fp32"), [0]
    )
    network.begin_epoch(1)
    network.set_training(True)
    with drawing_from(seeded(0)):
        found = network(x[None])
    loss = found.square().mean()
    gradients = torch.autograd.grad(
        loss, network.trained, allow_unused=True, materialize_grads=True
    )
    digest = hashlib.sha256()
    for tensor in (*network.state().values(), found, *gradients):
        dense = tensor.detach().contiguous()
        digest.update(f"{tuple(dense.shape)}".encode() + dense.numpy().tobytes())
    return digest.hexdigest()


def other_values(rule: Mapping[str, Any], value: Any) -> Iterator[Any]:
    """Other values that a parameter's schema allows, the nearest first."""
    if "enum" in rule:
        yield from (each for each in rule["enum"] if each != value)
    elif rule.get("type") == "boolean":
        yield not value
    elif rule.get("type") in ("integer", "number"):
        step = 1 if rule["type"] == "integer" else (abs(value) / 2 or 0.25)
        low, high = (
            rule.get("minimum", rule.get("exclusiveMinimum")),
            rule.get("maximum", rule.get("exclusiveMaximum")),
        )
        for other in (value + step, value - step, value + 2 * step, value * 2):
            if (low is None or other >= low) and (high is None or other <= high) and other != value:
                yield other
    elif rule.get("type") == "array" and value:
        yield [each + 1 for each in value] if all(isinstance(e, int) for e in value) else value[:-1]


def unread(
    cell: Cell,
    rules: Mapping[str, Mapping[str, Any]],
    valid: Callable[[dict[str, Any]], bool] = lambda p: True,
) -> Iterator[str]:
    """The names of the network's parameters that change nothing when they take another value.

    Args:
        cell: whose parameters are varied, one at a time.
        rules: the schema of each parameter of the network.
        valid: whether parameters may be tried.
    """
    own = fingerprint(cell)
    parameters = cell.spec["parameters"]
    for name, rule in rules.items():
        tried = False
        for value in other_values(rule, parameters[name]):
            changed = {**parameters, name: value}
            if not valid(changed):
                continue
            try:
                other = fingerprint(
                    Cell({**cell.spec, "parameters": changed}, cell.part, cell.device)
                )
            except ValueError:  # the network does not allow it
                continue
            tried = True
            if other != own:
                break
        else:
            if tried:
                yield name
