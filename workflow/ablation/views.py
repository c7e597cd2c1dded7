"""The readable target of a cell: its place, its numbers and what it took to make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ablation.schemas import validate_document
from ablation.store import read_json, write_json

FACTS = ("cell", "model", "axis", "label", "value", "key", "eval", "fingerprint", "spec")


def view(cell: dict[str, Any], entry: Path, metrics: Path, output: Path) -> None:
    """Join a cell's place, numbers and run facts into the readable target.

    Args:
        cell: the cell's facts: names, value, key, fingerprint and specification.
        entry: its store folder.
        metrics: what evaluation made; a failed one gives a view that says so.
        output: the readable target.
    """
    numbers = read_json(metrics) or {"failed": "the evaluation left no file that can be read"}
    shared = {name: cell[name] for name in FACTS}
    if "failed" in numbers:
        # Where training failed, evaluation could only say so.
        trained = read_json(entry / "status.json") or {}
        log = trained.get("log", []) if "failed" in trained else numbers.get("log", [])
        document = {
            **shared,
            "fingerprint": f"failed {cell['fingerprint']}",
            "status": {"failed": numbers["failed"], "ok": 0, "diverged": 0, "log": log},
            **dict.fromkeys(("metrics", "confusion_matrix", "model_size", "cost"), None),
            "replicates": [],
            "environment": None,
            "data": None,
        }
    else:
        run = read_json(entry / "train" / "run.json")
        own = ("status", "metrics", "replicates", "confusion_matrix", "model_size", "data")
        document = {
            **shared,
            **{name: numbers[name] for name in own},
            "cost": run["cost"],
            "environment": run["environment"],
        }
    validate_document(document, "view")
    write_json(output, document)
