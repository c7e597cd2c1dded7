"""What the exports of a study consist of beside its results: the workflow's files and the raw files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ablation.networks.registry import EMBEDDED
from ablation.store.places import PROJECT
from ablation.study.grid import Study

# What it takes to run the study again, beside its configuration.
WORKFLOW = ("Snakefile", "requirements.txt", "profiles/default", "workflow")


def workflow_files(root: Path = PROJECT) -> list[Path]:
    """The files of the workflow, sorted, below its root; neither hidden nor compiled ones."""
    found: list[Path] = []
    for name in WORKFLOW:
        top = root / name
        found += top.rglob("*") if top.is_dir() else [top]
    relative = (path.relative_to(root) for path in found if path.is_file())
    return sorted(
        path
        for path in relative
        if path.suffix != ".pyc" and not any(part.startswith(".") for part in path.parts)
    )


def digest_of(paths: Iterable[Path], root: Path = PROJECT) -> str:
    """The SHA-256 of names and bytes of files below a root."""
    found = hashlib.sha256()
    for path in paths:
        content = (root / path).read_bytes()
        found.update(f"{path.as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def raw_files(study: Study) -> list[dict[str, Any]]:
    """The raw files of all cells, each once."""
    found = {}
    for cell in study.cells:
        source = cell.data_spec["data"]
        for name, sha256 in source["files"].items():
            path = f"resources/{source['dataset']}/{name}"
            facts = {"dataset": source["dataset"], "name": name, "path": path}
            embedded = source["dataset"] in EMBEDDED
            found[path] = {**facts, "sha256": sha256, "embedded": embedded}
    return [found[path] for path in sorted(found)]
