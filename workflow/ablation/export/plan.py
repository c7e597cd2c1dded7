"""Where the exports of a study lie, what they must carry, and whether what is on disk is that.

The same scheme as ``ablation.plan``: each part has a manifest with a fingerprint and the files that it stands for, and a mark.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablation.canonical import key_of, normalise
from ablation.grid import ModelStudy
from ablation.marks import settle
from ablation.plan import Plan
from ablation.registry import EMBEDDED
from ablation.sources import installed_digest
from ablation.store import read_json

ROOT = Path(__file__).resolve().parents[3]
# What it takes to run the study again, beside its configuration.
WORKFLOW = ("Snakefile", "requirements.txt", "profiles/default", "workflow")
TABLES, CRATE = "tables", "ro-crate"


def workflow_files(root: Path = ROOT) -> list[Path]:
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


def digest_of(paths: Iterable[Path], root: Path = ROOT) -> str:
    """The SHA-256 of names and bytes of files below a root."""
    found = hashlib.sha256()
    for path in paths:
        content = (root / path).read_bytes()
        found.update(f"{path.as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


@dataclass
class ExportPlan:
    """Paths and fingerprints of a study's exports.

    Attributes:
        plan: the study's own plan, settled; its ``fresh`` gets the exports' manifests as well.
    """

    plan: Plan

    @property
    def folder(self) -> Path:
        return self.plan.results / "export"

    def path(self, part: str) -> str:
        """The folder of one part: ``tables``, ``figures/<model>``, ``ro-crate``."""
        return str(self.folder / part)

    def manifest(self, part: str) -> str:
        """The file that says what a part was made from, and which files belong to it."""
        return str(self.folder / f"{part}.json")

    def mark(self, part: str) -> str:
        return self.plan.mark(f"export-{part.replace('/', '-')}")

    def figures(self, part: ModelStudy) -> str:
        """The name of the part with a model's figures."""
        return f"figures/{part.model.name}"

    @property
    def drawn(self) -> list[str]:
        return [self.figures(part) for part in self.plan.study.models]

    @property
    def manifests(self) -> list[str]:
        """All that ``make export`` makes."""
        return [self.manifest(part) for part in (TABLES, *self.drawn, CRATE)]

    def tables_inputs(self) -> list[str]:
        return [self.plan.table("study.json"), self.mark(TABLES)]

    def figures_inputs(self, part: ModelStudy) -> list[str]:
        tables = [self.plan.table(name) for name in ("study.json", "draws.json")]
        return [*tables, self.mark(self.figures(part))]

    def crate_inputs(self) -> list[str]:
        """The report, the other exports, embedded raw files, and the mark, which comes last."""
        raw = [each["path"] for each in self._raw() if each["embedded"]]
        made = [self.manifest(part) for part in (TABLES, *self.drawn)]
        return [self.plan.table("study.json"), self.plan.report, *made, *raw, self.mark(CRATE)]

    def tables_spec(self) -> dict[str, Any]:
        """What the tables depend on; their words are those of the report's catalogue."""
        words = self.plan.plot_spec(self.plan.study.models[0])
        return {
            "part": "tables",
            "collected": key_of(self.plan.collect_spec),
            **{name: words[name] for name in ("language", "messages")},
            "code": installed_digest("ablation.export_job"),
        }

    def figures_spec(self, part: ModelStudy) -> dict[str, Any]:
        """What a model's figures depend on."""
        drawn = self.plan.plot_spec(part)
        return {**drawn, "part": "figures", "code": installed_digest("ablation.export_job")}

    def crate_spec(self) -> dict[str, Any]:
        """What the crate depends on, and where its parts lie."""
        plan, study = self.plan, self.plan.study
        parts = [key_of(self.tables_spec()), *(key_of(self.figures_spec(p)) for p in study.models)]
        return {
            "part": "crate",
            "config": study.config,
            "report": {"path": plan.report, "key": key_of(plan.report_spec)},
            "exports": {"names": [TABLES, *self.drawn], "keys": parts},
            "cells": {cell.name: plan.view(cell) for cell in study.cells},
            "raw": self._raw(),
            "workflow": digest_of(workflow_files()),
            "code": installed_digest("ablation.export_job"),
        }

    def _raw(self) -> list[dict[str, Any]]:
        """The raw files of all cells, each once."""
        found = {}
        for cell in self.plan.study.cells:
            source = cell.data_spec["data"]
            for name, sha256 in source["files"].items():
                path = f"resources/{source['dataset']}/{name}"
                facts = {"dataset": source["dataset"], "name": name, "path": path}
                embedded = source["dataset"] in EMBEDDED
                found[path] = {**facts, "sha256": sha256, "embedded": embedded}
        return [found[path] for path in sorted(found)]

    def settle(self, *, write: bool) -> ExportPlan:
        """Compare the exports on disk with what they must be, and bring their marks up to date.

        Args:
            write: False in processes that only look on.
        """
        fresh, table = self.plan.fresh, self.plan.table
        self._settle(TABLES, self.tables_spec(), write, made=fresh[table("study.json")])
        for part in self.plan.study.models:
            drawn_from = fresh[table("study.json")] and fresh[table("draws.json")]
            self._settle(self.figures(part), self.figures_spec(part), write, made=drawn_from)
        made = [fresh[self.manifest(part)] for part in (TABLES, *self.drawn)]
        packed = fresh[self.plan.report] and all(made)
        self._settle(CRATE, self.crate_spec(), write, made=packed)
        return self

    def _settle(self, part: str, spec: dict[str, Any], write: bool, *, made: bool) -> None:
        target = Path(self.manifest(part))
        self.plan.fresh[str(target)] = settle(
            target,
            Path(self.mark(part)),
            key_of(spec),
            spec=normalise(spec),
            intact=made and is_there(target),
            write=write,
        )


def is_there(manifest: Path) -> bool:
    """Whether every file that a manifest names exists."""
    document = read_json(manifest)
    files = document.get("files") if isinstance(document, dict) else None
    return isinstance(files, dict) and all((manifest.parent / name).is_file() for name in files)
