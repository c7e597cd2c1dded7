"""Comparisons as tidy tables, and tidy tables as Parquet. Pure: documents and frames in, frames and tables out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from ablation.results.tables import metrics_on
from ablation.statistics.verdicts import Verdict
from ablation.store.document import StudyDocument
from ablation.tasks.task import METRICS

# What a number is measured in, by column.
UNITS = {
    "seconds": "s", "cpu_seconds": "s", "peak_memory_bytes": "byte", "samples_per_second": "1/s",
    "parameters": "1", "multiply_adds": "1", "confidence": "1", "difference_level": "1",
    "crossed_level": "1", "effect_size": "1", "p": "1", "p_adjusted": "1", "learning_rate": "1",
    "val_accuracy": "1", "ratio": "1", "ratio_low": "1", "ratio_high": "1",
}  # fmt: skip
PARTS = ("mean", "sd", "centre", "low", "high")
TEXTS = {
    "model", "axis", "label", "cell", "key", "status", "device", "precision", "torch", "metric",
    "better", "verdict", "reason", "judged_on",
}  # fmt: skip
COUNTS = {
    "n_total", "n_ok", "n_diverged", "n_collapsed", "replicate", "best_epoch", "epoch",
    "parameters", "multiply_adds", "peak_memory_bytes", "n", "n_pairs", "n_comparisons",
    "crossed_n_samples", "crossed_n_rejected",
}  # fmt: skip
FLAGS = {
    "is_reference", "broken", "non_diverged_only", "holm_alone", "within_margin", "below_margin",
    "log",
}  # fmt: skip
COLUMNS = [
    "model", "axis", "label", "cell", "metric", "better", "log", "margin", "confidence",
    "n_comparisons", "is_reference", "n_total", "n", "n_pairs", "n_diverged", "n_collapsed",
    "broken", "mean", "median", "low", "high", "difference", "difference_low", "difference_high",
    "ratio", "ratio_low", "ratio_high", "difference_level", "p", "p_adjusted", "effect_size",
    "detectable", "non_diverged_only", "holm_alone", "within_margin", "below_margin", "verdict",
    "reason", "judged_on", "crossed_level", "crossed_low", "crossed_high", "crossed_n_samples",
    "crossed_n_rejected",
]  # fmt: skip
AXIS_COLUMNS = [
    "label", "is_reference", "n", "mean", "low", "high", "difference", "difference_low",
    "difference_high", "difference_level", "p_adjusted", "ratio", "ratio_low", "ratio_high",
    "n_diverged", "n_collapsed", "verdict",
]  # fmt: skip


def comparisons_frame(study: StudyDocument, comparisons: dict[str, Any]) -> pd.DataFrame:
    """``comparisons.json`` as a tidy table: one row per axis and cell, in the order of the study.

    Numbers are as stored: accuracies are fractions of 1, errors of a regression in the unit of its target.
    """
    rows = []
    for model in study.models:
        compared = comparisons["models"][model.name]
        shared = {name: compared[name] for name in ("metric", "better", "log", "margin")}
        shared |= {"model": model.name, "confidence": comparisons["confidence"]}
        for axis, cell in model.places():
            judged = compared["axes"][axis.name]
            place = {"axis": axis.name, "n_comparisons": judged["n_comparisons"]}
            place |= {"label": cell.label, "cell": cell.name}
            rows.append(_flat(judged["rows"][cell.label]) | shared | place)
    return typed(pd.DataFrame(rows, columns=COLUMNS))


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row with both bounds of an interval in columns of their own, and what the crossed analysis found in theirs."""
    crossed = row.get("crossed") or {}
    intervals = {
        "": row["interval"],
        "difference_": row["difference_interval"],
        "ratio_": row["ratio_interval"],
        "crossed_": crossed.get("difference_interval"),
    }
    flat = row | {f"crossed_{name}": value for name, value in crossed.items()}
    for name, pair in intervals.items():
        flat[f"{name}low"], flat[f"{name}high"] = pair or (None, None)
    return flat


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the types that its columns' names stand for: text, whole numbers, flags, and else real numbers.

    A field without a value is null, in a column of whole numbers too.
    """
    kinds = [(TEXTS, "string"), (COUNTS, "Int64"), (FLAGS, "boolean")]
    return frame.astype(
        {
            column: next((kind for names, kind in kinds if column in names), "Float64")
            for column in frame.columns
        }
    )


def axis_frame(comparisons: pd.DataFrame, model: str, axis: str) -> pd.DataFrame:
    """One axis of :func:`comparisons_frame`, with the columns of a paper's table."""
    rows = comparisons[(comparisons["model"] == model) & (comparisons["axis"] == axis)]
    return rows[AXIS_COLUMNS].rename(columns={"label": "value"}).reset_index(drop=True)


def summary_frame(comparisons: pd.DataFrame) -> pd.DataFrame:
    """One row per axis: its reference, and which values got which verdict, joined by ``; ``."""
    entries = []
    for (model, axis), rows in comparisons.groupby(["model", "axis"], sort=False):
        shared = rows.iloc[0]
        entries.append(
            {
                "model": model,
                "axis": axis,
                "metric": shared["metric"],
                "reference": "; ".join(rows.loc[rows["is_reference"], "label"]),
                "n_comparisons": int(shared["n_comparisons"]),
            }
            | {
                verdict.replace(" ", "_"): "; ".join(rows.loc[rows["verdict"] == verdict, "label"])
                for verdict in Verdict
                if verdict is not Verdict.REFERENCE
            }
        )
    return pd.DataFrame(entries)


def metric_units(study: StudyDocument) -> dict[str, str]:
    """The unit of every metric in a table of all models; of one that they measure in several units, that it is the model's."""
    by_metric: dict[str, set[str]] = {name: set() for name in METRICS}
    for metric in (metric for model in study.models for metric in metrics_on(model)):
        by_metric[metric.name].add(metric.unit)
    by_metric = {name: units or {METRICS[name].unit} for name, units in by_metric.items()}
    return {
        name: units.pop() if len(units) == 1 else "that of the model"
        for name, units in by_metric.items()
    }


def unit_of(column: str, units: Mapping[str, str]) -> str | None:
    """The unit of a column, or None where it has none.

    Args:
        column: its name; the parts of a metric (``mse_mean``, ``accuracy_low``) have the metric's unit.
        units: of the metrics.
    """
    units_of_all = UNITS | dict(units)
    if column in units_of_all:
        return units_of_all[column]
    stem, _, part = column.rpartition("_")
    if part in PARTS and stem in units_of_all:
        return units_of_all[stem]
    return units_of_all["accuracy"] if column.startswith("class_") else None


def parquet_table(
    name: str, frame: pd.DataFrame, units: Mapping[str, str], facts: Mapping[str, str]
) -> pa.Table:
    """A tidy table for Parquet, its units at its columns.

    Args:
        name: the table: ``cells``, ``replicates``, ``epochs``, ``comparisons``.
        frame: its rows; types are set by :func:`typed`.
        units: of the metrics, see :func:`metric_units`.
        facts: kept as metadata beside the name, such as the fingerprint.
    """
    table = pa.Table.from_pandas(typed(frame), preserve_index=False)
    fields = []
    for field in table.schema:
        unit = (
            unit_of(field.name, units)
            if pa.types.is_floating(field.type)
            else UNITS.get(field.name)
        )
        if name == "comparisons" and unit is None and pa.types.is_floating(field.type):
            unit = "that of the metric"
        # Text of 64-bit offsets and pandas' own notes are of no use to other readers.
        kind = pa.string() if pa.types.is_large_string(field.type) else field.type
        fields.append(pa.field(field.name, kind, metadata={"unit": unit} if unit else None))
    return table.cast(pa.schema(fields, metadata={"table": name, **facts}))
