"""From replicate numbers to the numbers of a cell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def replicate_rows(
    metrics: list[dict[str, Any]], training: list[dict[str, Any]], finite: str
) -> list[dict[str, Any]]:
    """Join each replicate's test metrics with what training says of it.

    A diverged replicate has null metrics, even where its earlier parameters were finite.

    Args:
        metrics: one dictionary per replicate.
        training: ``replicate``, ``diverged``, ``best_epoch`` and ``val_loss`` per replicate.
        finite: the metric that must be finite.
    """
    rows = []
    for row, facts in zip(metrics, training, strict=True):
        usable = not facts["diverged"] and math.isfinite(row[finite])
        rows.append(
            {
                "replicate": facts["replicate"],
                "status": "ok" if usable else "diverged",
                **{name: value if usable else None for name, value in row.items()},
                "best_epoch": facts["best_epoch"] if usable else None,
                "val_loss": facts["val_loss"] if usable else None,
            }
        )
    return rows


def summarise(rows: list[dict[str, Any]], names: list[str]) -> dict[str, dict[str, Any]]:
    """Mean, standard deviation and count of each metric over the ok replicates.

    Intervals are the study's: ``comparisons.json`` has them, at its confidence.
    """
    summary = {}
    for name in names:
        values = np.array([row[name] for row in rows if row["status"] == "ok"], dtype=np.float64)
        summary[name] = {
            "mean": float(values.mean()) if len(values) else None,
            "sd": float(values.std(ddof=1)) if len(values) > 1 else None,
            "n": len(values),
        }
    return summary
