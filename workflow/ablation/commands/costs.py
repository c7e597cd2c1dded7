"""How long training would take, from what earlier cells cost. Pure: plain values in, seconds out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ablation.commands.reasons import Spec, Target, closeness, parameter_changes

SCALED = ("epochs", "dataset", "share", "test")  # what the amount of work takes account of
FREE = ("learning_rate", "lr_factor", "lr_patience")  # numbers that a step costs nothing more for
Size = Callable[[dict[str, Any]], int]


@dataclass(frozen=True)
class Cost:
    """What one stored cell took. seconds: of one core where it ran on a processor, else of the clock."""

    spec: Spec
    seconds: float
    device: str


@dataclass(frozen=True)
class Estimate:
    """Seconds that a cell would take, and the keys of the stored cells that they rest on."""

    seconds: float
    basis: tuple[str, ...]


def read_cost(spec: Spec, cost: dict[str, Any]) -> Cost | None:
    """The cost in a ``run.json``, or None where it says nothing.

    On a processor it is the processor's seconds by thread, which other work on the machine does not stretch.
    """
    device = cost.get("device")
    seconds = cost.get("seconds") if device == "cuda" else cost.get("cpu_seconds")
    if device not in ("cpu", "cuda") or not seconds:
        return None
    return Cost(spec, seconds / (1 if device == "cuda" else spec["threads"]), device)


def work(spec: Spec, size: Size) -> int:
    """Samples that training goes through: epochs · replicates · training samples; 0 for a specification of other times."""
    parameters = spec["parameters"]
    try:
        return int(parameters["epochs"]) * int(spec["replicates"]) * size(parameters)
    except KeyError:
        return 0


def _network(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters that decide what a sample costs."""
    return {name: value for name, value in parameters.items() if name not in (*SCALED, *FREE)}


def estimate(target: Target, costs: dict[str, Cost], size: Size, device: str) -> Estimate | None:
    """Seconds for one cell: the cost per sample of the stored cells with the most similar network, times its samples.

    A cell of the same network with other epochs, replicates, seed or data knows the cost of a network of this size; among
    others the one whose numbers are nearest. Of several as near, the median.

    Args:
        target: the cell.
        costs: key → cost of every stored cell.
        size: a cell's parameters → training samples of one replicate.
        device: only what ran on such a device counts.
    """
    model = target.spec["model"]
    network = Target(
        {**target.spec, "parameters": _network(target.spec["parameters"])},
        target.parameters,
        target.relevant,
    )
    rates: dict[str, tuple[tuple[int, int, float], float]] = {}
    for key, cost in costs.items():
        done = work(cost.spec, size) if cost.spec["model"] == model else 0
        if done and cost.device == device:
            own = parameter_changes(_network(cost.spec["parameters"]), network)
            other = sum(cost.spec[n] != target.spec[n] for n in ("precision", "threads"))
            facts, distance = closeness(own)
            rates[key] = ((other, facts, distance), cost.seconds / done)
    if not rates:
        return None
    least = min(far for far, _ in rates.values())
    basis = tuple(sorted(key for key, (far, _) in rates.items() if far == least))
    rate = median(rates[key][1] for key in basis)
    return Estimate(rate * work(target.spec, size), basis)


def bounds(seconds: Sequence[float], slots: int) -> tuple[float, float]:
    """The shortest and the longest time of jobs on equal slots, whatever order they start in.

    No schedule is shorter than the longest job or an even share; none that leaves no slot idle is longer than the even share
    plus (1 − 1/slots) of the longest job (Graham 1966).
    """
    if not seconds:
        return 0.0, 0.0
    share, longest = sum(seconds) / slots, max(seconds)
    return max(share, longest), share + (1 - 1 / slots) * longest


def duration(seconds: float) -> str:
    """``40 s``, ``3 min`` or ``2.5 h``."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def between(low: float, high: float) -> str:
    """A range of durations; one where both read the same."""
    (least, unit), (most, other) = (duration(end).split() for end in (low, high))
    if (least, unit) == (most, other):
        return f"{least} {unit}"
    return f"{least} to {most} {unit}" if unit == other else f"{least} {unit} to {most} {other}"
