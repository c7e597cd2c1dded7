"""The numbers of the course report that this study redoes, beside ours."""

from __future__ import annotations

from typing import Any

import pandas as pd
import yaml

from ablation.report.messages import FOLDER
from ablation.statistics.compare import agreement

NEAR = 0.05  # training sets that differ by more are not compared


def load() -> dict[str, Any]:
    """The content of ``reference.yaml``."""
    text = (FOLDER / "reference.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def same_kind(published: dict[str, Any], data: dict[str, Any]) -> bool:
    """Whether the published runs are about the same data set, or one drawn from the same source."""
    return data["dataset"] in published["same_data"]


def comparable(published: dict[str, Any], data: dict[str, Any]) -> bool:
    """Whether the published runs trained on the same kind of data, and on about as many samples as ours."""
    if not same_kind(published, data):
        return False
    theirs = float(published["n_train"])
    return abs(float(data.get("n_train", 0)) - theirs) <= NEAR * theirs


def runs(published: dict[str, Any], axis: str, label: str) -> list[dict[str, float] | None]:
    """Per published run, the metrics of one value, or None where it has none."""
    found: list[dict[str, float] | None] = []
    for run in published["runs"]:
        values = run["axes"].get(axis, {}).get(label)
        if values is None:
            found.append(None)
            continue
        found.append(
            dict(zip(published["metrics"], values, strict=True)) if values != "diverged" else {}
        )
    return found


def judged(
    value: float | None,
    replicates: pd.Series,
    *,
    ratio: float,
    confidence: float,
    same_data: bool,
) -> tuple[str | None, tuple[float, float] | None]:
    """``inside``, ``outside`` or None, and our prediction interval of one new run.

    replicates: our values of the metric, diverged ones missing. With no published value the
    interval alone is given.
    """
    ours = [None if pd.isna(number) else float(number) for number in replicates]
    usable = [number for number in ours if number is not None]
    if not usable:
        return None, None
    asked = value if value is not None else usable[0]
    found = agreement(asked, ours, ratio, confidence, same_data=same_data)
    if found is None:
        return None, None
    low, high = found["interval"]
    return (found["agreement"] if value is not None else None), (low, high)
