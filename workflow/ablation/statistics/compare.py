"""Builds the content of ``comparisons.json`` from ``study.json`` and the table of replicates."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ablation.statistics.axes import Setting, compare_axis, mean_and_interval
from ablation.statistics.best import best_setting
from ablation.statistics.crossed import Samples, crossed_interval
from ablation.statistics.details import with_details
from ablation.statistics.intervals import check_level, prediction_interval
from ablation.statistics.replicates import CellNumbers, numbers_by_cell, usable
from ablation.statistics.sensitivity import Trivial


def compare(
    study: dict[str, Any],
    replicates: pd.DataFrame,
    *,
    confidence: float,
    margins: dict[str, float],
    metrics: dict[str, tuple[str, str]],
    samples: Mapping[str, Samples] | None = None,
    power: float = 0.8,
    steps: Mapping[str, int] | None = None,
    chance: Mapping[str, float | None] | None = None,
) -> dict[str, Any]:
    """Every cell against the reference of its axis, the best setting, and the yardsticks.

    study: the content of ``study.json``. replicates: the table ``replicates.csv``, one row per
    cell, axis and replicate; read are model, cell, replicate, status, val_loss and the metric.
    margins: per model, the half-width in the metric's unit over which an interval says too little.
    metrics: per model, the metric and whether ``lower`` or ``higher`` is better. Differences are
    cell minus reference.
    samples: by cell name, the metric of every test sample and replicate: the share of the spread that
    is the test part's. With a fixed test set the interval of a mean crosses replicates and samples.
    steps: per model, replicates come in multiples of it (1).
    chance: per model, the metric of guessing, for models without the yardstick ``predict_mean``.

    Returns the structure of ``comparisons.json``: plain values only, None where there is no number.
    Raises ValueError when a model has no margin or metric, the reference is not on its axis, a
    column is missing, a replicate is listed twice in a cell, or a level lies outside (0, 1).
    """
    check_level("confidence", confidence)
    models: dict[str, Any] = {}
    for model in study["models"]:
        name = model["model"]
        if name not in margins or name not in metrics:
            raise ValueError(f"the model {name!r} has no margin or no metric to compare by")
        metric, better = metrics[name]
        if better not in ("lower", "higher"):
            raise ValueError(f"better is 'lower' or 'higher', got {better!r}")
        fixed = bool(model["data"]["fixed_test_set"])
        setting = Setting(
            metric=metric,
            better="lower" if better == "lower" else "higher",
            margin=float(margins[name]),
            ratio=0.0 if fixed else float(model["data"]["test_train_ratio"]),
            fixed_test_set=fixed,
            n_replicates=int(model["replicates"]),
            confidence=confidence,
            power=power,
            samples=(samples or {}) if fixed else {},
            seed=int(study["study"]["seed"]),
            step=(steps or {}).get(name, 1),
            trivial=_trivial(
                study.get("yardsticks", {}).get(name, {}),
                metric,
                (chance or {}).get(name),
                int(model["replicates"]),
            ),
        )
        numbers = numbers_by_cell(replicates, name, metric)
        yardsticks = study.get("yardsticks", {}).get(name, {})
        models[name] = {
            "metric": metric,
            "better": setting.better,
            "margin": setting.margin,
            "axes": {
                axis["axis"]: with_details(
                    compare_axis(axis, numbers, setting), axis, numbers, setting, samples or {}
                )
                for axis in model["axes"]
            },
            "best": _best(model["axes"], numbers, setting),
            "yardsticks": {
                label: _yardstick(yardstick, setting) for label, yardstick in yardsticks.items()
            },
        }
    plain: dict[str, Any] = _plain({"confidence": confidence, "power": power, "models": models})
    return plain


def _best(
    axes: list[dict[str, Any]], numbers: dict[str, CellNumbers], setting: Setting
) -> dict[str, Any] | None:
    best = best_setting(
        axes, numbers, test_train_ratio=setting.ratio, confidence=setting.confidence
    )
    if best is None or best["cell"] not in setting.samples:
        return best
    own = setting.samples[best["cell"]]
    crossed = crossed_interval(own, confidence=setting.confidence, seed=setting.seed)
    return {**best, "test_interval": crossed or best["test_interval"]}


def _trivial(
    yardsticks: dict[str, Any], metric: str, chance: float | None, n_replicates: int
) -> Trivial | None:
    """What a diverged replicate can be counted as: the mean predictor of its split, else guessing."""
    if "predict_mean" in yardsticks:
        rows = yardsticks["predict_mean"]["replicates"]
        values = {int(r["replicate"]): float(r[metric]) for r in rows if usable([r.get(metric)])}
        return Trivial("predict_mean", values)
    if chance is None:
        return None
    return Trivial("chance", dict.fromkeys(range(n_replicates), chance))


def agreement(
    reference_value: float,
    replicate_values: Sequence[float | None],
    test_train_ratio: float,
    confidence: float,
    *,
    same_data: bool = True,
) -> dict[str, Any] | None:
    """Whether a published single run lies inside the prediction interval of our replicates.

    reference_value and replicate_values (one per replicate, None for a diverged one) are in the
    metric's unit.
    same_data: the published run splits the same data as ours; see ``prediction_interval``.
    Returns {"agreement": "inside" | "outside", "interval": [low, high], "n": usable replicates}, or
    None when fewer than two replicates are usable. Raises ValueError for a reference value that is
    not finite.
    """
    if not np.isfinite(reference_value):
        raise ValueError("the reference's value is not finite")
    values = usable(replicate_values)
    if len(values) < 2:
        return None
    low, high = prediction_interval(
        values, test_train_ratio=test_train_ratio, confidence=confidence, same_data=same_data
    )
    word = "inside" if low <= reference_value <= high else "outside"
    return {"agreement": word, "interval": [low, high], "n": len(values)}


def _yardstick(yardstick: dict[str, Any], setting: Setting) -> dict[str, Any]:
    values = usable([row.get(setting.metric) for row in yardstick["replicates"]])
    return {**mean_and_interval(values, setting), "n": len(values)}


def _plain(value: Any) -> Any:
    """The same value for JSON: tuples become lists, a number that is not finite becomes None."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value
