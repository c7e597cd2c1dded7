"""From replicate numbers to the figures of a cell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ablation.statistics.crossed import Samples, crossed_interval
from ablation.statistics.intervals import mean_interval

CONFIDENCE = 0.95


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


def summarise(
    rows: list[dict[str, Any]],
    names: list[str],
    test_train_ratio: float,
    samples: dict[str, Samples] | None = None,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Mean, standard deviation, 95 % interval of the mean and count of each metric over the ok replicates.

    The interval is corrected for overlapping splits; it is null below two replicates. Where ``samples`` gives a metric's value
    of every test sample, all replicates sharing them, it crosses replicates and test samples.
    """
    summary = {}
    for name in names:
        values = np.array([row[name] for row in rows if row["status"] == "ok"], dtype=np.float64)
        several, interval = len(values) > 1, None
        if several and samples and name in samples:
            interval = crossed_interval(samples[name], confidence=CONFIDENCE, seed=seed)
        elif several:
            interval = mean_interval(
                values, test_train_ratio=test_train_ratio, confidence=CONFIDENCE
            )
        summary[name] = {
            "mean": float(values.mean()) if len(values) else None,
            "sd": float(values.std(ddof=1)) if several else None,
            "ci95": [float(bound) for bound in interval] if interval else None,
            "n": len(values),
        }
    return summary
