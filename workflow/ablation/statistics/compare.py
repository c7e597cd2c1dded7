"""Builds the content of ``comparisons.json`` from ``study.json`` and the table of replicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ablation.statistics.axes import axis_entry
from ablation.statistics.best import best_cell
from ablation.statistics.checks import with_checks
from ablation.statistics.crossed import Samples
from ablation.statistics.families import comparisons_of
from ablation.statistics.judge import Setting
from ablation.statistics.metric import Metric
from ablation.statistics.model import Measured, ModelNumbers
from ablation.statistics.replicates import Values, fates_by_key, usable, values_by_key
from ablation.statistics.scale import Scale
from ablation.statistics.verdicts import Verdict
from ablation.statistics.yardsticks import TRIVIAL, yardstick_entries
from ablation.store.document import AxisDocument, ModelDocument, StudyDocument


@dataclass(frozen=True)
class Question:
    """How one model is judged."""

    metrics: tuple[
        Metric, ...
    ]  # in the model's order; the first also tells which replicates collapsed
    tested: str  # the name of the one that verdicts are made on
    margin: float  # of it, in its unit, or a ratio above 1 where it is compared on the logarithm
    step: int = (
        1  # replicates come in multiples of it, and that many in a row have disjoint test parts
    )


def compare(study: StudyDocument, numbers: Mapping[str, ModelNumbers]) -> dict[str, Any]:
    """``comparisons.json``: every cell against the reference of its axis, the best cell, and the yardsticks.

    Args:
        study: what was compared.
        numbers: of every model, as of ``study_numbers``.

    Returns:
        Plain values only, None where there is no number. Differences are cell minus reference.
    """
    setting = next(iter(numbers.values())).tested.setting
    document: dict[str, Any] = _plain(
        {
            "confidence": setting.confidence,
            "power": setting.power,
            "models": {model.name: _entry(model, numbers[model.name]) for model in study.models},
        }
    )
    return document


def study_numbers(
    study: StudyDocument,
    replicates: pd.DataFrame,
    questions: Mapping[str, Question],
    *,
    confidence: float,
    samples: Mapping[str, Mapping[str, Samples]] | None = None,
) -> dict[str, ModelNumbers]:
    """Every metric of every model, ready to be judged.

    Args:
        study: what was compared.
        replicates: the table ``replicates.csv``, one row per cell, axis and replicate; read are model, key, replicate, status,
            val_loss and the metrics.
        questions: by model.
        confidence: of all intervals.
        samples: metric → key → its value of every test sample and replicate: what the test samples alone do to a difference,
            and with a fixed test set the second source of spread.

    Raises:
        ValueError: when the reference is not on its axis, a column is missing, a replicate is listed twice in a cell, or the
            confidence lies outside (0, 1).
    """
    return {
        model.name: model_numbers(
            model,
            replicates,
            questions[model.name],
            samples or {},
            confidence=confidence,
            seed=study.seed,
        )
        for model in study.models
    }


def model_numbers(
    model: ModelDocument,
    replicates: pd.DataFrame,
    question: Question,
    samples: Mapping[str, Mapping[str, Samples]],
    *,
    confidence: float,
    seed: int,
) -> ModelNumbers:
    """Every metric of one model; arguments as of ``study_numbers``."""
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
            seed=seed,
            step=question.step,
            trivial=trivial_values(model, metric),
        )
        values = values_by_key(replicates, name, metric.name)
        return Measured(setting, values, fates, samples.get(metric.name, {}), comparisons)

    by_metric = {metric.name: measured(metric) for metric in question.metrics}
    tested = by_metric.pop(question.tested)
    val_loss = values_by_key(replicates, name, "val_loss")
    return ModelNumbers(tested, by_metric, question.margin, val_loss)


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


def _entry(model: ModelDocument, numbers: ModelNumbers) -> dict[str, Any]:
    tested, setting = numbers.tested, numbers.tested.setting
    axes = {axis.name: with_checks(axis_entry(axis, numbers), axis, tested) for axis in model.axes}
    best = best_cell(model.distinct(), numbers.val_loss, tested)
    values = {
        name: by_replicate(yardstick["replicates"], setting.metric)
        for name, yardstick in model.yardsticks.items()
    }
    return {
        "metric": setting.metric,
        "better": setting.better,
        "log": setting.scale.log,
        "margin": numbers.margin,
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
    ranking = []
    for axis in axes:
        rows = entries[axis.name]["rows"]
        sizes = {label: abs(row["difference"] or 0.0) for label, row in rows.items()}
        largest = max(sizes, key=lambda label: sizes[label]) if any(sizes.values()) else None
        ranking.append(
            {
                "axis": axis.name,
                "factorial": bool(axis.factors),
                "broken": [label for label, row in rows.items() if row["broken"]],
                "largest": largest,
                "size": sizes.get(largest, 0.0) if largest is not None else 0.0,
            }
        )
    return sorted(
        ranking, key=lambda entry: (entry["factorial"], not entry["broken"], -entry["size"])
    )


def _plain(value: Any) -> Any:
    """The same value for JSON: tuples become lists, a number that is not finite becomes None."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value
