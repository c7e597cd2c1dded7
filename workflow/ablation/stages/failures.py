"""What a run says of a job that failed, in one line and at once."""

from __future__ import annotations

import os
from pathlib import Path

from ablation.machine import logs
from ablation.machine.logs import printable
from ablation.store.entries import StoreError, find, folder_of, read_spec
from ablation.study.progress import FOLLOWED, cell_names


def failure_of(stage: str, key: str) -> str | None:
    """Why the job of an entry failed; None if it did not, or if what it was made from failed before."""
    entry = find(folder_of(stage, key))
    return entry.failure.reason if entry and entry.failure else None


def line(stage: str, key: str, reason: str) -> str:
    """``cnn/kernel_5 failed in evaluate: RuntimeError: … (my_net.py:12); log: logs/evaluate/<key>.log``."""
    log = Path("logs", stage, f"{key}.log")
    return printable(f"{_subject(stage, key)} failed in {stage}: {reason}; log: {log}")


def say(stage: str, key: str, reason: str) -> None:
    """Print that line, unless the logger plugin does."""
    if not os.environ.get(FOLLOWED):
        logs.say(line(stage, key, reason))


def _subject(stage: str, key: str) -> str:
    """The name of the cell that a job is about; of one that is about more, its model's, its data set's, or the study."""
    try:
        spec = read_spec(key)
    except StoreError:
        return key
    if stage not in ("train", "evaluate"):
        return str(spec.get("model", spec.get("data", {}).get("dataset", "the study")))
    trained = str(next(iter(spec["inputs"].get("train", [key]))))
    return cell_names().get(trained, trained)
