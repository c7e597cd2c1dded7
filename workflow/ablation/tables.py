"""The collected tables of a study, as later stages read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ablation.canonical import key_of
from ablation.store import read_json

TABLES = ("cells", "replicates", "epochs", "courses")


def study_fingerprint(spec: dict[str, Any], failed: bool) -> str:
    """What was made while a cell was failed is never taken for settled."""
    return f"failed {key_of(spec)}" if failed else key_of(spec)


def read_tables(
    tables: Path,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, pd.DataFrame], bool]:
    """study.json, comparisons.json, the tables, and whether a cell failed."""
    study = read_json(tables / "study.json")
    words = {"label": str, "key": str, "cell": str}
    frames = {name: pd.read_csv(tables / f"{name}.csv", dtype=words) for name in TABLES}
    failed = study["fingerprint"].startswith("failed")
    return study, read_json(tables / "comparisons.json"), frames, failed
