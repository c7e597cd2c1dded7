"""Why a cell would train: its specification against one on disk. Pure: plain values in, phrases out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablation.store.keys import canonical_json, label
from ablation.study.grid import Cell
from ablation.study.models import Model

Spec = dict[str, Any]
SHOWN = 4  # changes that a row names before it only counts
FACTS = frozenset(
    (
        "model",
        "network",
        "parameters",
        "data",
        "seed",
        "replicates",
        "precision",
        "replicates_at_once",
        "code",
    )
)


@dataclass(frozen=True)
class Change:
    """One fact that differs.

    Attributes:
        name, text: which, and how it reads.
        distance: by how much it differs; the logarithm of the ratio of two positive numbers, 1 for anything else.
        one_sided: whether only one of the two has the parameter.
        implied: whether it follows from another one, as the ranges of an augmentation follow from it.
    """

    name: str
    text: str
    distance: float = 1.0
    one_sided: bool = False
    implied: bool = False


def is_spec(document: Any) -> bool:
    """Whether a document read from disk has the facts of a specification."""
    return isinstance(document, dict) and document.keys() >= FACTS


def _same(first: Any, second: Any) -> bool:
    return canonical_json(first) == canonical_json(second)


def _arrow(name: str, old: Any, new: Any) -> Change:
    numbers = [v for v in (old, new) if isinstance(v, int | float) and not isinstance(v, bool)]
    near = len(numbers) == 2 and min(numbers) > 0
    distance = abs(math.log(numbers[1] / numbers[0])) if near else 1.0
    return Change(name, f"{name}: {label(old)} → {label(new)}", distance)


def _parameter_changes(old: dict[str, Any], cell: Cell, model: Model) -> list[Change]:
    """The parameters that differ between a specification's and a cell's, in the cell's order.

    A parameter that one side never reads is not a change of its own: it is implied, and named as read or no longer read.
    """
    new, full = cell.spec["parameters"], cell.parameters
    names = [*new, *(name for name in old if name not in new)]
    differing = [n for n in names if not _same([old.get(n)], [new.get(n)])]
    changed = []
    for name in differing:
        before = {other: old[other] for other in differing if other != name and other in old}
        as_before = model.relevant({**full, **before})
        if name not in old:
            text = f"reads {name} {label(new[name])}"
            changed.append(Change(name, text, one_sided=True, implied=name not in as_before))
        elif name not in new:
            text = f"no longer reads {name}"
            changed.append(Change(name, text, one_sided=True, implied=name in full))
        elif not _same(as_before.get(name), old[name]):
            changed.append(_arrow(name, old[name], new[name]))
    return changed


def changes(old: Spec, cell: Cell, model: Model) -> list[Change]:
    """All facts in which a specification on disk differs from a cell's; those that are implied last."""
    new, differences = cell.spec, _parameter_changes(old["parameters"], cell, model)
    was, now = old["data"], new["data"]
    if old["network"] != new["network"]:
        differences.append(_arrow("network", *(_named(spec["network"]) for spec in (old, new))))
    if was["dataset"] != now["dataset"]:
        if all(change.name != "dataset" for change in differences):
            differences.append(_arrow("dataset", was["dataset"], now["dataset"]))
    elif was["files"] != now["files"]:
        differences.append(Change("files", f"raw files of {now['dataset']} changed"))
    for name in ("replicates", "seed", "precision", "replicates_at_once"):
        if old[name] != new[name]:
            differences.append(_arrow(name, old[name], new[name]))
    # Other modules follow from another parameter, as those of an optimiser do.
    same_modules = old["code"]["modules"] == new["code"]["modules"]
    if old["code"] != new["code"] and (same_modules or not differences):
        differences.append(Change("code", f"code of {new['model']} changed"))
    return sorted(differences, key=lambda change: (change.implied, change.one_sided))


def nearest(cell: Cell, model: Model, stored: Mapping[str, Spec]) -> str | None:
    """The key of the stored specification of the same model with the fewest differing facts, or None.

    Of several, the one whose numbers differ least.
    """

    def far(key: str) -> tuple[int, float, str]:
        unimplied = [change for change in changes(stored[key], cell, model) if not change.implied]
        return len(unimplied), sum(change.distance for change in unimplied), key

    return min((key for key in stored if stored[key]["model"] == cell.model), key=far, default=None)


def _named(network: Mapping[str, str]) -> str:
    return f"{network['file']}:{network['entry']}"


def listed(changed: Sequence[Change]) -> str:
    """Changes in one phrase: ``epochs: 15 → 20; code of cnn changed``."""
    texts = [change.text for change in changed]
    more = len(texts) - SHOWN
    return "; ".join(texts if more <= 0 else [*texts[:SHOWN], f"and {more} more"])


def reason(
    cell: Cell,
    model: Model,
    stored: Mapping[str, Spec],
    *,
    failed: str | None = None,
    is_damaged: bool = False,
    viewed: Spec | None = None,
    new: str = "not trained yet",
) -> str:
    """Why a cell would train, in one phrase.

    Args:
        cell: as the study asks for it.
        model: its model.
        stored: key → specification of every whole entry in the store.
        failed: why the last training failed, None if it did not.
        is_damaged: whether its entry lacks a file.
        viewed: the specification that its view was made from, None without a view.
        new: what it is called if nothing of it is on disk.
    """
    if failed is not None:
        return f"failed before: {failed}"
    if is_damaged:
        return "damaged entry"
    if viewed is not None:
        return listed(changes(viewed, cell, model)) or "its entry is gone from the store"
    closest = nearest(cell, model, stored)
    return (
        f"{new} ({listed(changes(stored[closest], cell, model))})" if closest else "never trained"
    )
