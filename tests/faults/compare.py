"""What a finished study says, read from its files alone: nothing of the package is imported here."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any

DATA = re.compile(r'<script type="application/json" id="study-data">(.*?)</script>', re.DOTALL)
# What a training cost, when and where it was: columns of tables and keys of documents.
MEASURED = {
    *("cost", "environment", "finished_at", "threads", "device", "precision", "torch", "log"),
    *("seconds", "cpu_seconds", "peak_memory_bytes", "samples_per_second", "cost_ratio"),
}


def results(folder: Path, study: str = "") -> dict[str, Any]:
    """Name → content of the report's data, every metric, prediction and table, without cost and environment."""
    top = folder / "results" / study
    found: dict[str, Any] = {}
    found["report"] = _report(folder / (f"report-{study}.html" if study else "report.html"))
    for path in sorted(top.glob("*/*/metrics.json")):
        cell = "/".join(path.parts[-3:-1])
        document = _json(path)
        found[f"{cell}: metrics"] = without_measured(document)
        found[f"{cell}: predictions"] = _predictions(folder, document)
    for path in sorted((top / "tables").glob("*.json")):
        if path.name != "manifest.json":  # the digests of tables with their cost
            found[path.name] = without_measured(_json(path))
    for path in sorted((top / "tables").glob("*.csv")):
        found[path.name] = _table(path)
    for path in sorted((top / "figures").rglob("*.svg")):
        found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """The names whose contents are not the same."""
    return [n for n in sorted({*expected, *found}) if expected.get(n) != found.get(n)]


def identities(folder: Path, *stages: str) -> dict[str, tuple[int, int]]:
    """Stage/key → inode and time stamp of the manifest of each entry that did not fail: another one was made again."""
    found = {}
    for stage in stages or ("prepare", "train", "evaluate"):
        for path in folder.glob(f"results/store/{stage}/[!.]*/manifest.json"):
            document = _json(path)
            if isinstance(document, dict) and not document.get("failures"):
                facts = path.stat()
                found[f"{stage}/{path.parent.name}"] = (facts.st_ino, facts.st_mtime_ns)
    return found


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def without_measured(value: Any) -> Any:
    """A document without what it cost to make it and where."""
    if isinstance(value, dict):
        return {k: without_measured(v) for k, v in value.items() if k not in MEASURED}
    return [without_measured(item) for item in value] if isinstance(value, list) else value


def _report(path: Path) -> str:
    found = DATA.search(path.read_text("utf-8")) if path.is_file() else None
    return found[1] if found else ""


def _predictions(folder: Path, document: Any) -> str:
    key = document.get("evaluation", "") if isinstance(document, dict) else ""
    path = folder / "results" / "store" / "evaluate" / key / "predictions.csv"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    kept = [i for i, name in enumerate(rows[0]) if name not in MEASURED] if rows else []
    return [[row[i] for i in kept] for row in rows]


def is_whole(path: Path) -> bool:
    """Whether a file is there and, where it belongs to an entry, has the SHA-256 of the entry's manifest."""
    if not path.is_file():
        return False
    manifest = _json(path.parent / "manifest.json")
    if path.name == "manifest.json" or not isinstance(manifest, dict):
        return path.name != "manifest.json" or isinstance(manifest, dict)
    expected = manifest.get("files", {}).get(path.name)
    return bool(expected is None or hashlib.sha256(path.read_bytes()).hexdigest() == expected)
