"""Builds the content of ``comparisons.json`` from ``study.json`` and the table of replicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ablation.statistics.axes import axis_entry
from ablation.statistics.best import best_cell
from ablation.statistics.crossed import Samples
from ablation.statistics.details import with_details
from ablation.statistics.families import comparisons_of
from ablation.statistics.intervals import check_level
from ablation.statistics.judge import Setting
from ablation.statistics.metric import Metric
from ablation.statistics.model import Measured, ModelNumbers
from ablation.statistics.replicates import Values, fates_by_key, usable, values_by_key
from ablation.statistics.scale import Scale
from ablation.statistics.verdicts import Verdict
from ablation.statistics.yardsticks import TRIVIAL, yardstick_entries
from ablation.store.document import AxisDocument, ModelDocument, StudyDocument

POWER = 0.8


@dataclass(frozen=True)
class Question:
    """How one model is judged.

    metrics: the model's, in its order; the first also tells which replicates collapsed. tested: the name of the one that
    verdicts are made on. margin: of the tested metric, in its unit, or a ratio above 1 where it is compared on the logarithm.
    step: replicates come in multiples of it, and that many in a row have disjoint test parts.
    """

    metrics: tuple[Metric, ...]
    tested: str
    margin: float
    step: int = 1


def compare(
    study: StudyDocument,
    replicates: pd.DataFrame,
    questions: Mapping[str, Question],
    *,
    confidence: float,
    samples: Mapping[str, Mapping[str, Samples]] | None = None,
    power: float = POWER,
) -> dict[str, Any]:
    """Every cell against the reference of its axis, the best cell, and the yardsticks.

    replicates: the table ``replicates.csv``, one row per cell, axis and replicate; read are model, key, replicate,
    status, val_loss and the metrics.
    Differences are cell minus reference. samples: metric → key → its value of every test sample and replicate: what the test
    samples alone do to a difference, and with a fixed test set the second source of spread.

    Returns the structure of ``comparisons.json``: plain values only, None where there is no number.
    Raises ValueError when a model has no question, the reference is not on its axis, a
    column is missing, a replicate is listed twice in a cell, or a level lies outside (0, 1).
    """
    check_level("confidence", confidence)
    models: dict[str, Any] = {}
    for model in study.models:
        if model.name not in questions:
            raise ValueError(f"the model {model.name!r} has no metric to compare by")
        question = questions[model.name]
        numbers = model_numbers(
            model,
            replicates,
            question,
            samples or {},
            confidence=confidence,
            power=power,
            seed=study.seed,
        )
        models[model.name] = _entry(model, numbers, question, replicates)
    plain: dict[str, Any] = _plain({"confidence": confidence, "power": power, "models": models})
    return plain


def model_numbers(
    model: ModelDocument,
    replicates: pd.DataFrame,
    question: Question,
    samples: Mapping[str, Mapping[str, Samples]],
    *,
    confidence: float,
    seed: int,
    power: float = POWER,
) -> ModelNumbers:
    """Every metric of one model, ready to be judged; arguments as of ``compare``."""
    name, first = model.name, question.metrics[0]
    base = values_by_key(replicates, name, first.name)
    fates = fates_by_key(replicates, name, base, trivial_values(model, first), first.better)
    comparisons = comparisons_of(model.axes)

    def measured(metric: Metric) -> Measured:
        scale = Scale(metric.log)
        setting = Setting(
            metric=metric.name,
            better=metric.better,
            scale=scale,
            margin=scale.margin(question.margin) if metric.name == question.tested else None,
            overlap_ratio=model.overlap_ratio,
            fixed_test_set=model.fixed_test_set,
            confidence=confidence,
            power=power,
            seed=seed,
            step=question.step,
            trivial=trivial_values(model, metric),
        )
        values = values_by_key(replicates, name, metric.name)
        return Measured(setting, values, fates, samples.get(metric.name, {}), comparisons)

    every = {metric.name: measured(metric) for metric in question.metrics}
    tested = every.pop(question.tested)
    return ModelNumbers(tested, every)


def trivial_values(model: ModelDocument, metric: Metric) -> Values:
    """What a prediction that has learnt nothing reaches: the mean of the train part, by replicate, else guessing."""
    if TRIVIAL in model.yardsticks:
        return by_replicate(model.yardsticks[TRIVIAL]["replicates"], metric.name)
    if metric.chance is None:
        return {}
    return dict.fromkeys(range(model.replicates), metric.chance)


def by_replicate(rows: Sequence[Mapping[str, Any]], metric: str) -> dict[int, float]:
    """A yardstick's finite numbers."""
    return {int(row["replicate"]): float(row[metric]) for row in rows if usable([row.get(metric)])}


def _entry(
    model: ModelDocument,
    numbers: ModelNumbers,
    question: Question,
    replicates: pd.DataFrame,
) -> dict[str, Any]:
    tested = numbers.tested
    setting = tested.setting
    axes = {axis.name: with_details(axis_entry(axis, numbers), axis, tested) for axis in model.axes}
    val_loss = values_by_key(replicates, model.name, "val_loss")
    best = best_cell(model.distinct(), val_loss, tested)
    values = {
        name: by_replicate(yardstick["replicates"], setting.metric)
        for name, yardstick in model.yardsticks.items()
    }
    return {
        "metric": setting.metric,
        "better": setting.better,
        "log": setting.scale.log,
        "margin": question.margin,
        "overlap_ratio": setting.overlap_ratio,
        "counts": _counts(tested),
        "axes": axes,
        "ranking": _ranking(model.axes, axes),
        "best": best,
        "yardsticks": yardstick_entries(values, best["key"] if best else None, tested),
        "cells": {
            cell.key: {name: metric.cells.get(cell.key) for name, metric in numbers.all.items()}
            for cell in model.distinct()
            if cell.key in tested.values
        },
    }


def _counts(tested: Measured) -> dict[str, int]:
    """Comparisons by verdict, each counted once on whatever axes it stands."""
    verdicts = [outcome.judged.verdict for outcome in tested.outcomes.values()]
    return {verdict.value: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}


def _ranking(axes: Sequence[AxisDocument], entries: dict[str, Any]) -> list[dict[str, Any]]:
    """The axes by what matters: those with broken cells first, then by their largest effect in the metric's unit.

    Axes that cross several parameters follow: their largest effect adds up those of the simple axes.
    """
    found = []
    for axis in axes:
        rows = entries[axis.name]["rows"]
        sizes = {label: abs(row["difference"] or 0.0) for label, row in rows.items()}
        largest = max(sizes, key=lambda label: sizes[label]) if any(sizes.values()) else None
        found.append(
            {
                "axis": axis.name,
                "factorial": bool(axis.factors),
                "broken": [label for label, row in rows.items() if row["broken"]],
                "largest": largest,
                "size": sizes.get(largest, 0.0) if largest is not None else 0.0,
            }
        )
    return sorted(found, key=lambda one: (one["factorial"], not one["broken"], -one["size"]))


def _plain(value: Any) -> Any:
    """The same value for JSON: tuples become lists, a number that is not finite becomes None."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value
