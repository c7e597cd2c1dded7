"""Why a cell would train: its specification against one on disk. Pure: plain values in, phrases out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ablation.store.keys import canonical_json, label

Spec = dict[str, Any]
Relevant = Callable[[dict[str, Any]], dict[str, Any]]
SHOWN = 4  # changes that a row names before it only counts
FACTS = frozenset(
    ("model", "parameters", "data", "seed", "replicates", "precision", "threads", "code")
)


@dataclass(frozen=True)
class Change:
    """One fact that differs.

    Attributes:
        name, text: which, and how it reads.
        implied: whether it follows from another one, as the ranges of an augmentation follow from it.
        one_sided: whether only one of the two has the parameter.
        distance: by how much it differs; the logarithm of the ratio of two positive numbers, 1 for anything else.
    """

    name: str
    text: str
    implied: bool = False
    one_sided: bool = False
    distance: float = 1.0


@dataclass(frozen=True)
class Target:
    """A cell as the study asks for it.

    Attributes:
        spec: its specification.
        parameters: all its parameters, those that it never reads included.
        relevant: drops the parameters that a cell never reads.
    """

    spec: Spec
    parameters: dict[str, Any]
    relevant: Relevant


@dataclass(frozen=True)
class Found:
    """What is on disk of a cell that is not settled.

    Attributes:
        failed: why the last training failed, None if it did not.
        is_damaged: whether its entry lacks a file.
        viewed: the specification that its view was made from, None without a view.
        place: ``value``, ``axis`` or ``study``: what of its place the last collected study did not have; None if it had all.
    """

    failed: str | None
    is_damaged: bool
    viewed: Spec | None
    place: str | None


def is_spec(document: Any) -> bool:
    """Whether a document read from disk has the facts of a specification."""
    return isinstance(document, dict) and document.keys() >= FACTS


def _same(one: Any, other: Any) -> bool:
    return canonical_json(one) == canonical_json(other)


def _arrow(name: str, old: Any, new: Any) -> Change:
    numbers = [v for v in (old, new) if isinstance(v, int | float) and not isinstance(v, bool)]
    near = len(numbers) == 2 and min(numbers) > 0
    distance = abs(math.log(numbers[1] / numbers[0])) if near else 1.0
    return Change(name, f"{name}: {label(old)} → {label(new)}", distance=distance)


def parameter_changes(old: dict[str, Any], target: Target) -> list[Change]:
    """The parameters that differ between a specification's and a cell's, in the cell's order.

    A parameter that one side never reads is not a change of its own: it is implied, and named as read or no longer read.
    """
    new, full = target.spec["parameters"], target.parameters
    names = [*new, *(name for name in old if name not in new)]
    differing = [n for n in names if not _same([old.get(n)], [new.get(n)])]
    found = []
    for name in differing:
        before = {other: old[other] for other in differing if other != name and other in old}
        as_before = target.relevant({**full, **before})
        if name not in old:
            implied = name not in as_before
            found.append(Change(name, f"reads {name} {label(new[name])}", implied, True))
        elif name not in new:
            implied = name in full
            found.append(Change(name, f"no longer reads {name}", implied, True))
        elif not _same(as_before.get(name), old[name]):
            found.append(_arrow(name, old[name], new[name]))
    return found


def changes(old: Spec, target: Target) -> list[Change]:
    """All facts in which a specification on disk differs from a cell's; those that are implied last."""
    new, found = target.spec, parameter_changes(old["parameters"], target)
    named = {change.name for change in found}
    was, now = old["data"], new["data"]
    if was["dataset"] != now["dataset"]:
        if "dataset" not in named:
            found.append(_arrow("dataset", was["dataset"], now["dataset"]))
    elif was["files"] != now["files"]:
        found.append(Change("files", f"raw files of {now['dataset']} changed"))
    for name in ("replicates", "seed", "precision", "threads"):
        if old[name] != new[name]:
            found.append(_arrow(name, old[name], new[name]))
    if old["code"] != new["code"]:
        found.append(Change("code", f"code of {new['model']} changed"))
    return sorted(found, key=lambda change: (change.implied, change.one_sided))


def closeness(found: Iterable[Change]) -> tuple[int, float]:
    """How far a specification is: facts that differ, then by how much its numbers do."""
    own = [change for change in found if not change.implied]
    return len(own), sum(change.distance for change in own)


def nearest(target: Target, stored: dict[str, Spec]) -> str | None:
    """The key of the stored specification of the same model with the fewest differing facts, or None."""
    same = {key: spec for key, spec in stored.items() if spec["model"] == target.spec["model"]}
    far = {key: closeness(changes(spec, target)) for key, spec in same.items()}
    return min(far, key=lambda key: (far[key], key), default=None)


def listed(found: Sequence[Change]) -> str:
    """Changes in one phrase: ``epochs: 15 → 20; code of cnn changed``."""
    texts = [change.text for change in found]
    more = len(texts) - SHOWN
    return "; ".join(texts if more <= 0 else [*texts[:SHOWN], f"and {more} more"])


def reason(target: Target, found: Found, stored: dict[str, Spec]) -> str:
    """Why a cell would train, in one phrase.

    Args:
        target: the cell.
        found: what is on disk of it.
        stored: key → specification of every whole entry in the store.
    """
    if found.failed is not None:
        return f"failed before: {found.failed}"
    if found.is_damaged:
        return "damaged entry"
    if found.viewed is not None:
        return listed(changes(found.viewed, target)) or "its entry is gone from the store"
    known = nearest(target, stored)
    if known is None:
        return "never trained"
    new = {"value": "new axis value", "axis": "new axis"}.get(found.place or "", "not trained yet")
    return f"{new} ({listed(changes(stored[known], target))})"
