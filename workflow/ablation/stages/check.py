"""Build the networks of a model's cells before the first is trained: what cannot be built, and what is the same twice."""

from __future__ import annotations

import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from ablation.stages.job import Inputs, Spec
from ablation.store.entries import read_spec
from ablation.store.files import write_json
from ablation.store.keys import canonical_json
from ablation.store.modules import module_of
from ablation.training.conformance import fingerprint
from ablation.training.run import Cell

log = logging.getLogger("ablation")


def check(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Write ``check.json``: the keys of cells that are trained to the same numbers, in groups.

    Args:
        spec: ``cells``, the name of each distinct cell by its key.
        inputs: the prepared data of all cells.
        draft: the entry to fill.
        facts: not used.

    Raises:
        ValueError: one sentence that names the cell, if its network cannot be built of its parameters.
    """
    torch.set_num_threads(1)
    parts = {
        key: load_file(entry.folder / "train.safetensors")
        for key, entry in inputs["prepare"].items()
        if not entry.failures
    }
    groups: dict[str, list[str]] = defaultdict(list)
    for key, name in sorted(spec["cells"].items()):
        cell_spec = read_spec(key)
        (prepared,) = cell_spec["inputs"]["prepare"]
        if prepared not in parts:  # its training will fail like its data
            continue
        cell = Cell(cell_spec, parts[prepared], torch.device("cpu"))
        try:
            cell.network(0)
        except ValueError as error:
            # With its frames, so that the line of the network's own file is named.
            raise ValueError(f"{name}: {error}").with_traceback(error.__traceback__) from error
        try:
            cell_fingerprint = fingerprint(cell)
        except (
            Exception
        ) as error:  # its training will fail in the same way, and say so in the report
            log.warning("%s: %s", name, error)
            continue
        groups[canonical_json([cell_fingerprint, prepared, _rest(cell_spec)])].append(key)
    write_json(draft / "check.json", {"identical": [g for g in groups.values() if len(g) > 1]})


def _rest(spec: Spec) -> dict[str, Any]:
    """What decides a cell's numbers beside its network and its data."""
    declared = getattr(module_of(spec["network"]["file"]), "PARAMETERS", {})
    recipe = {name: value for name, value in spec["parameters"].items() if name not in declared}
    names = ("seed", "replicates", "precision", "replicates_at_once")
    return {"recipe": recipe, **{name: spec[name] for name in names}}
