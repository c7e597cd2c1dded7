"""Which cells a run is about, for those who follow it: names by key, in a file that no number depends on."""

from __future__ import annotations

import os
from pathlib import Path

from ablation.store.entries import find, folder_of, read_json, write_json
from ablation.study.plan import Plan

CELLS = "ABLATION_CELLS"  # the variable that names the file
FOLLOWED = "ABLATION_FOLLOWED"  # set by the logger plugin, which shows what a job would print


def write_names(plan: Plan) -> None:
    """Key → name of each distinct cell."""
    names, path = {key: cell.name for key, cell in plan.study.by_key.items()}, Path(plan.names_file)
    if read_json(path) != names:
        write_json(path, names)


def say_trained(key: str) -> None:
    """Print one line about a trained cell and how far the study is, unless the logger plugin does."""
    if os.environ.get(FOLLOWED):
        return
    names = read_json(Path(os.environ.get(CELLS, ""))) or {}
    entries = [find(folder_of("train", each)) for each in names]
    done = sum(entry is not None and entry.failure is None for entry in entries)
    entry = find(folder_of("train", key))
    seconds = entry.read("run.json")["cost"]["seconds"] if entry else 0
    name = names.get(key, key)
    print(f"{name} trained in {seconds:.1f} s; {done} of {len(names)} cells done", flush=True)
