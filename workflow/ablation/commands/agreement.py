"""Whether a cell that was trained again gave the numbers that are stored. Pure: two entries in, a judgement out.

On one machine the same specification gives the same bytes. Another processor, another build of torch or a GPU adds in another
order; the last digit differs, and training makes that grow. What is compared then is what the numbers are for: predictions
and metrics, within their tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablation.networks.registry import METRICS

COMPARED = (
    "metrics.json",
    "predictions.csv",
    "model.safetensors",
    "history.csv",
    "gradients.csv",
)
"""The files whose bytes decide ``identical``."""

EQUAL_PREDICTIONS = 0.98
"""The share of test samples that must get the same class. With another instruction set it was 0.992."""


@dataclass(frozen=True)
class Trained:
    """What one training of a cell left.

    Attributes:
        digests: SHA-256 of each file of ``COMPARED``.
        weights: tensor name → array whose first axis is the replicate.
        history: the content of ``history.csv``.
        predictions: the content of ``predictions.csv``.
        metrics: the content of the evaluation's ``metrics.json``.
    """

    digests: Mapping[str, str]
    weights: Mapping[str, NDArray[Any]]
    history: pd.DataFrame
    predictions: pd.DataFrame
    metrics: Mapping[str, Any]


def judge(stored: Trained, again: Trained, damaged: Sequence[str] = ()) -> dict[str, Any]:
    """Compare a stored training with its repetition.

    Args:
        stored, again: the two trainings.
        damaged: stored files that are not what was published; any makes the outcome ``different``.

    Returns:
        ``outcome``: ``identical``, ``within tolerance`` or ``different``; ``deviations``: the largest ones; ``broken``: what
        went over its bound, each with ``what``, ``found`` and ``allowed``.
    """
    deviations = {
        "weights": weights_apart(stored.weights, again.weights),
        "history": history_apart(stored.history, again.history),
        "predictions": predictions_apart(stored.predictions, again.predictions),
        "metrics": metrics_apart(stored.metrics, again.metrics),
    }
    broken = [_broken(f"damaged: {name}", None, None) for name in damaged]
    broken += _over(stored, again, deviations)
    same = all(stored.digests[name] == again.digests[name] for name in COMPARED)
    outcome = "different" if broken else "identical" if same else "within tolerance"
    return {"outcome": outcome, "deviations": deviations, "broken": broken}


def weights_apart(stored: Mapping[str, Any], again: Mapping[str, Any]) -> float | None:
    """The largest difference of a weight, as a fraction of its tensor's largest; None if shapes differ.

    Weights that are not finite on both sides are left out: a diverged replicate has no numbers to compare.
    """
    if {n: a.shape for n, a in stored.items()} != {n: a.shape for n, a in again.items()}:
        return None
    largest = 0.0
    for name, array in stored.items():
        one, two = (np.asarray(a, dtype=np.float64) for a in (array, again[name]))
        usable = np.isfinite(one) & np.isfinite(two)
        scale = float(np.abs(one[usable]).max(initial=0.0))
        apart = float(np.abs(one[usable] - two[usable]).max(initial=0.0))
        largest = max(largest, apart / scale if scale else apart)
    return largest


def history_apart(stored: pd.DataFrame, again: pd.DataFrame) -> float | None:
    """The largest relative difference of a validation loss in any epoch; None if the epochs are not the same."""
    places = ["replicate", "epoch"]
    if not stored[places].equals(again[places]):
        return None
    one, two = (np.asarray(f["val_loss"], dtype=np.float64) for f in (stored, again))
    usable = np.isfinite(one) & np.isfinite(two) & (one != 0)
    apart = np.abs(one[usable] - two[usable]) / np.abs(one[usable])
    return float(apart.max(initial=0.0))


def predictions_apart(stored: pd.DataFrame, again: pd.DataFrame) -> dict[str, float | None]:
    """How far predictions are apart, over the replicates that have some in both.

    Returns:
        Of a classifier ``equal``, the share of samples with the same class. Of a regression ``largest``, the largest difference
        of a prediction in the target's unit. None where the samples are not the same, or none is left.
    """
    column = "predicted" if "predicted" in stored else "prediction"
    name = "equal" if column == "predicted" else "largest"
    places = [
        place for place in stored.columns if place in ("replicate", "index", "label", "target")
    ]
    if not stored[places].equals(again[places]):
        return {name: None}
    one, two = (np.asarray(f[column], dtype=np.float64) for f in (stored, again))
    usable = np.isfinite(one) & np.isfinite(two)
    if not usable.any():
        return {name: None}
    apart = np.abs(one[usable] - two[usable])
    return {name: float(np.mean(apart == 0)) if name == "equal" else float(apart.max())}


def metrics_apart(stored: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    """Metric → the largest difference of a ``replicate`` and that of the ``mean``, None for no number.

    Both are as the metric's bound is given: fractions of the stored number where ``relative`` is true.
    """
    found: dict[str, Any] = {}
    for name in stored["metrics"]:
        relative = METRICS[name].log
        one, two = (
            {row["replicate"]: row.get(name) for row in document["replicates"]}
            for document in (stored, again)
        )
        moved = [
            apart
            for r in one.keys() & two.keys()
            if (apart := _apart(one[r], two[r], relative)) is not None
        ]
        means = [(document["metrics"].get(name) or {}).get("mean") for document in (stored, again)]
        found[name] = {
            "replicate": max(moved, default=None),
            "mean": _apart(means[0], means[1], relative),
            "relative": relative,
        }
    return found


def changed_facts(stored: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Facts of the environment that are not the same: name → [then, now]."""
    names = [*stored, *(name for name in again if name not in stored)]
    return {
        name: [stored.get(name), again.get(name)]
        for name in names
        if stored.get(name) != again.get(name)
    }


def _apart(one: float | None, two: float | None, relative: bool) -> float | None:
    if one is None or two is None:
        return None
    return abs(one - two) / abs(one) if relative and one else abs(one - two)


def _over(stored: Trained, again: Trained, deviations: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    fates = [
        {row["replicate"]: row["status"] for row in trained.metrics["replicates"]}
        for trained in (stored, again)
    ]
    others = sum(fates[0].get(r) != fates[1].get(r) for r in fates[0].keys() | fates[1].keys())
    if others:
        found.append(_broken("replicates that diverged in one training alone", others, 0))
    if stored.metrics["status"] != again.metrics["status"]:
        found.append(_broken("the counts of replicates", None, None))
    if any(deviations[name] is None for name in ("weights", "history")):
        found.append(_broken("the shape of weights or history", None, None))
    predictions = deviations["predictions"]
    alive = any(row["status"] == "ok" for row in stored.metrics["replicates"])
    if alive and None in predictions.values():
        found.append(_broken("the test samples", None, None))
    equal = predictions.get("equal")
    if equal is not None and equal < EQUAL_PREDICTIONS:
        found.append(_broken("equal predictions", equal, EQUAL_PREDICTIONS))
    for name, apart in deviations["metrics"].items():
        for scope, allowed in zip(("replicate", "mean"), METRICS[name].tolerance, strict=True):
            if apart[scope] is not None and apart[scope] > allowed:
                found.append(_broken(f"{name} ({scope})", apart[scope], allowed))
    return found


def _broken(what: str, found: float | None, allowed: float | None) -> dict[str, Any]:
    return {"what": what, "found": found, "allowed": allowed}
