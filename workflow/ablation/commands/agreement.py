"""Whether a cell that was trained again gave the numbers that are stored. Pure: two entries in, a judgement out.

On one machine the same specification gives the same bytes. Another processor, another build of torch or a GPU adds in another
order; the last digit differs, and training makes that grow. What is compared then is what the numbers are for: predictions
and metrics, within their tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablation.tasks.task import METRICS

COMPARED = ("metrics.json", "predictions.csv", "model.safetensors", "history.csv", "gradients.csv")
"""The files whose bytes decide ``identical``."""

EQUAL_PREDICTIONS = 0.98
"""The share of test samples that must get the same class. With another instruction set it was 0.992."""


@dataclass(frozen=True)
class Trained:
    """What one training of a cell left.

    Attributes:
        digests: SHA-256 of each file of ``COMPARED``, and of others.
        weights: tensor name → array whose first axis is the replicate.
        history, predictions, metrics: the contents of the files of these names.
    """

    digests: Mapping[str, str]
    weights: Mapping[str, NDArray[Any]]
    history: pd.DataFrame
    predictions: pd.DataFrame
    metrics: Mapping[str, Any]


def judge(stored: Trained, again: Trained) -> dict[str, Any]:
    """Compare a stored training with its repetition.

    Returns:
        ``outcome``: ``identical``, ``within tolerance`` or ``different``; ``deviations``: the largest ones; ``broken``: what
        went over its bound, each with ``what``, ``found`` and ``allowed``.
    """
    deviations = {
        "weights": _weights_apart(stored.weights, again.weights),
        "history": _history_apart(stored.history, again.history),
        "predictions": _predictions_apart(stored.predictions, again.predictions),
        "metrics": _metrics_apart(stored.metrics, again.metrics),
    }
    broken = _broken(stored, again, deviations)
    same = all(stored.digests[name] == again.digests[name] for name in COMPARED)
    outcome = "different" if broken else "identical" if same else "within tolerance"
    return {"outcome": outcome, "deviations": deviations, "broken": broken}


def _finite(stored: Any, again: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """The numbers that are finite on both sides: a diverged replicate has none to compare."""
    first, second = (np.asarray(numbers, dtype=np.float64) for numbers in (stored, again))
    usable = np.isfinite(first) & np.isfinite(second)
    return first[usable], second[usable]


def _weights_apart(stored: Mapping[str, Any], again: Mapping[str, Any]) -> float | None:
    """The largest difference of a weight, as a fraction of its tensor's largest; None if shapes differ."""
    if {n: a.shape for n, a in stored.items()} != {n: a.shape for n, a in again.items()}:
        return None
    largest = 0.0
    for name, array in stored.items():
        first, second = _finite(array, again[name])
        apart = float(np.abs(first - second).max(initial=0.0))
        largest = max(largest, apart / (float(np.abs(first).max(initial=0.0)) or 1.0))
    return largest


def _history_apart(stored: pd.DataFrame, again: pd.DataFrame) -> float | None:
    """The largest relative difference of a validation loss in any epoch; None if the epochs are not the same."""
    places = ["replicate", "epoch"]
    if not stored[places].equals(again[places]):
        return None
    first, second = _finite(stored["val_loss"], again["val_loss"])
    apart = np.abs(first - second)[first != 0] / np.abs(first[first != 0])
    return float(apart.max(initial=0.0))


def _predictions_apart(stored: pd.DataFrame, again: pd.DataFrame) -> dict[str, float | None]:
    """How far predictions are apart, over the replicates that have some in both.

    Returns:
        Of a classifier ``equal``, the share of samples with the same class. Of a regression ``largest``, the largest difference
        of a prediction in the target's unit. None where the samples are not the same, or none is left.
    """
    column, name = ("predicted", "equal") if "predicted" in stored else ("prediction", "largest")
    places = [p for p in stored.columns if p in ("replicate", "index", "label", "target")]
    if not stored[places].equals(again[places]):
        return {name: None}
    first, second = _finite(stored[column], again[column])
    if not first.size:
        return {name: None}
    return {
        name: float(np.mean(first == second) if name == "equal" else np.abs(first - second).max())
    }


def _metrics_apart(stored: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    """Metric → the largest difference of a ``replicate`` and that of the ``mean``, None for no number.

    Both are as the metric's bound is given: fractions of the stored number where ``relative`` is true.
    """
    distances: dict[str, Any] = {}
    for name in stored["metrics"]:
        relative = METRICS[name].log
        first, second = (
            {row["replicate"]: row.get(name) for row in document["replicates"]}
            for document in (stored, again)
        )
        moved = [_apart(first[r], second[r], relative) for r in first.keys() & second.keys()]
        means = [(document["metrics"].get(name) or {}).get("mean") for document in (stored, again)]
        distances[name] = {
            "replicate": max((apart for apart in moved if apart is not None), default=None),
            "mean": _apart(means[0], means[1], relative),
            "relative": relative,
        }
    return distances


def _apart(first: float | None, second: float | None, relative: bool) -> float | None:
    if first is None or second is None:
        return None
    return abs(first - second) / abs(first) if relative and first else abs(first - second)


def changed_facts(stored: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Facts of the environment that are not the same: name → [then, now]."""
    pairs = {name: [stored.get(name), again.get(name)] for name in {**stored, **again}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _broken(stored: Trained, again: Trained, deviations: dict[str, Any]) -> list[dict[str, Any]]:
    broken: list[dict[str, Any]] = []

    def require(
        holds: bool, requirement: str, distance: float | None = None, allowed: float | None = None
    ) -> None:
        if not holds:
            broken.append({"what": requirement, "found": distance, "allowed": allowed})

    first, second = (
        {row["replicate"]: row["status"] for row in trained.metrics["replicates"]}
        for trained in (stored, again)
    )
    others = sum(first.get(r) != second.get(r) for r in first.keys() | second.keys())
    require(not others, "replicates that diverged in one training alone", others, 0)
    require(stored.metrics["status"] == again.metrics["status"], "the counts of replicates")
    shapes = (deviations["weights"], deviations["history"])
    require(None not in shapes, "the shape of weights or history")
    predictions = deviations["predictions"]
    require("ok" not in first.values() or None not in predictions.values(), "the test samples")
    equal = predictions.get("equal")
    enough = equal is None or equal >= EQUAL_PREDICTIONS
    require(enough, "equal predictions", equal, EQUAL_PREDICTIONS)
    for name, apart in deviations["metrics"].items():
        for scope, allowed in zip(("replicate", "mean"), METRICS[name].tolerance, strict=True):
            within = apart[scope] is None or apart[scope] <= allowed
            require(within, f"{name} ({scope})", apart[scope], allowed)
    return broken
