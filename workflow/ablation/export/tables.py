"""Comparisons as tidy tables, and tidy tables as Parquet. Pure: documents and frames in, frames and tables out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from ablation.networks.registry import METRICS
from ablation.statistics.verdicts import Verdict
from ablation.store.document import StudyDocument

# What a number is measured in, by column; the parts of a metric (``mse_mean``, ``accuracy_low``) have the metric's unit.
UNITS = {
    **{name: metric.unit for name, metric in METRICS.items()},
    **{"seconds": "s", "cpu_seconds": "s", "peak_memory_bytes": "byte"},
    **{"samples_per_second": "1/s", "parameters": "1", "multiply_adds": "1"},
    **{"confidence": "1", "difference_level": "1", "crossed_level": "1", "effect_size": "1"},
    **{"p": "1", "p_adjusted": "1", "learning_rate": "1", "val_accuracy": "1"},
    **{"ratio": "1", "ratio_low": "1", "ratio_high": "1"},
}
PARTS = ("mean", "sd", "centre", "low", "high")
TEXTS = {
    *("model", "axis", "label", "cell", "key", "status", "device", "precision", "torch"),
    *("metric", "better", "verdict", "reason", "judged_on"),
}
COUNTS = {
    *(
        "n_total",
        "n_ok",
        "n_diverged",
        "n_collapsed",
        "replicate",
        "best_epoch",
        "epoch",
        "parameters",
        "multiply_adds",
    ),
    *("peak_memory_bytes", "n", "n_pairs", "n_comparisons", "crossed_n_samples"),
    "crossed_n_rejected",
}
FLAGS = {
    *("is_reference", "broken", "non_diverged_only", "holm_alone"),
    *("within_margin", "below_margin", "log"),
}
AXIS_COLUMNS = [
    *("label", "is_reference", "n", "mean", "low", "high"),
    *("difference", "difference_low", "difference_high", "difference_level", "p_adjusted"),
    *("ratio", "ratio_low", "ratio_high", "n_diverged", "n_collapsed", "verdict"),
]


def comparisons_frame(study: StudyDocument, comparisons: dict[str, Any]) -> pd.DataFrame:
    """``comparisons.json`` as a tidy table: one row per axis and cell, in the order of the study.

    Accuracies are fractions of 1, MSE is in (1000 USD)².
    """
    rows = []
    for model in study.models:
        compared = comparisons["models"][model.name]
        shared = {name: compared[name] for name in ("metric", "better", "log", "margin")}
        for axis, cell in model.places():
            judged = compared["axes"][axis.name]
            place = {"model": model.name, "axis": axis.name}
            facts = {**place, "label": cell.label, "cell": cell.name, **shared}
            facts["confidence"] = comparisons["confidence"]
            facts["n_comparisons"] = judged["n_comparisons"]
            rows.append({**facts, **_flat(judged["rows"][cell.label])})
    return typed(pd.DataFrame(rows))


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    low, high = row["interval"] or (None, None)
    below, above = row["difference_interval"] or (None, None)
    less, more = row["ratio_interval"] or (None, None)
    crossed = row.get("crossed") or {}
    first, last = crossed.get("difference_interval") or (None, None)
    return {
        **{name: row[name] for name in ("is_reference", "n_total", "n", "n_pairs")},
        **{name: row[name] for name in ("n_diverged", "n_collapsed", "broken", "mean", "median")},
        **{"low": low, "high": high, "difference": row["difference"]},
        **{"difference_low": below, "difference_high": above},
        **{"ratio": row["ratio"], "ratio_low": less, "ratio_high": more},
        **{name: row[name] for name in ("difference_level", "p", "p_adjusted", "effect_size")},
        **{name: row[name] for name in ("detectable", "non_diverged_only", "holm_alone")},
        **{name: row[name] for name in ("within_margin", "below_margin")},
        **{name: row[name] for name in ("verdict", "reason", "judged_on")},
        **{"crossed_level": crossed.get("level"), "crossed_low": first, "crossed_high": last},
        **{f"crossed_{name}": crossed.get(name) for name in ("n_samples", "n_rejected")},
    }


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the types that its columns' names stand for: text, whole numbers, flags, and else real numbers.

    A field without a value is null, in a column of whole numbers too.
    """
    kinds = {
        name: "string"
        if name in TEXTS
        else "Int64"
        if name in COUNTS
        else "boolean"
        if name in FLAGS
        else "Float64"
        for name in frame.columns
    }
    return frame.astype(kinds)


def axis_frame(comparisons: pd.DataFrame, model: str, axis: str) -> pd.DataFrame:
    """One axis of :func:`comparisons_frame`, with the columns of a paper's table."""
    rows = comparisons[(comparisons["model"] == model) & (comparisons["axis"] == axis)]
    return rows[AXIS_COLUMNS].rename(columns={"label": "value"}).reset_index(drop=True)


def summary_frame(comparisons: pd.DataFrame) -> pd.DataFrame:
    """One row per axis: its reference, and which values got which verdict, joined by ``; ``."""
    found = []
    for (model, axis), rows in comparisons.groupby(["model", "axis"], sort=False):
        first = rows.iloc[0]
        reference = rows[rows["is_reference"]]
        judged = {
            verdict.replace(" ", "_"): "; ".join(rows.loc[rows["verdict"] == verdict, "label"])
            for verdict in Verdict
            if verdict is not Verdict.REFERENCE
        }
        found.append(
            {
                **{"model": model, "axis": axis, "metric": first["metric"]},
                "reference": "; ".join(reference["label"]),
                "n_comparisons": int(first["n_comparisons"]),
                **judged,
            }
        )
    return pd.DataFrame(found)


def unit_of(column: str, metric: str | None = None) -> str | None:
    """The unit of a column, or None where it has none.

    metric: the one that a table of comparisons is about.
    """
    if column in UNITS:
        return UNITS[column]
    stem, _, part = column.rpartition("_")
    if part in PARTS and stem in UNITS:
        return UNITS[stem]
    return UNITS["accuracy"] if column.startswith("class_") else UNITS.get(metric or "")


def parquet_table(name: str, frame: pd.DataFrame, facts: Mapping[str, str]) -> pa.Table:
    """A tidy table for Parquet, its units at its columns.

    Args:
        name: the table: ``cells``, ``replicates``, ``epochs``, ``comparisons``.
        frame: its rows; types are set by :func:`typed`.
        facts: kept as metadata beside the name, such as the fingerprint.
    """
    table = pa.Table.from_pandas(typed(frame), preserve_index=False)
    fields = []
    for field in table.schema:
        unit = unit_of(field.name) if pa.types.is_floating(field.type) else UNITS.get(field.name)
        if name == "comparisons" and unit is None and pa.types.is_floating(field.type):
            unit = "that of the metric"
        # Text of 64-bit offsets and pandas' own notes are of no use to other readers.
        kind = pa.string() if pa.types.is_large_string(field.type) else field.type
        fields.append(pa.field(field.name, kind, metadata={"unit": unit} if unit else None))
    return table.cast(pa.schema(fields, metadata={"table": name, **facts}))
