"""Fit the simple models of a network's task on the same splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from ablation.stages.job import Inputs, Spec, entry_of
from ablation.store.files import write_json
from ablation.tasks.yardsticks import yardsticks as fit


def yardsticks(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Write ``yardsticks.json``: name → metrics per replicate."""
    folder = entry_of(inputs, "prepare").folder
    train, test = (load_file(folder / f"{part}.safetensors") for part in ("train", "test"))
    write_json(draft / "yardsticks.json", fit(spec["task"], train, test, spec["seed"]))
