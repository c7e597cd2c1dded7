"""The table of stages of a study: what each is made from, its key, where it lies, and what people read of it.

The key of a stage is the digest of its specification, which holds the keys of what it is made from. So a path tells all that
decides a file's content, and a file that exists is the right one. Nothing here reads a result or imports torch.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ablation.networks.registry import EMBEDDED
from ablation.results import published, verification
from ablation.store.code import code_of
from ablation.store.entries import MANIFEST, RESULTS, STORE, Copy, folder_of, spec_path
from ablation.store.keys import canonical_json, digest, key_of
from ablation.store.places import PROJECT, TEMPLATES, WORKFLOW
from ablation.study.grid import Cell, ModelStudy, Study, build
from ablation.study.parts import digest_of, raw_files, workflow_files
from ablation.study.progress import CELLS, RUN_FACTS
from ablation.study.reading import load, overrides_of, own_file, require_plain

TABLES = (
    *(f"{name}.csv" for name in ("cells", "replicates", "epochs", "courses", "gradients")),
    *(f"{name}.json" for name in ("study", "comparisons", "claims")),
)
EXPORTS = ("export_tables", "export_figures", "export_crate")
# Paths reach jobs by variables: in a shell line they would be read as a part of the command. What the user's shell says of
# Python and matplotlib changes no number and no figure.
SHELL_PREFIX = 'export PYTHONPATH="$ABLATION_PACKAGE" MPLBACKEND=agg MATPLOTLIBRC=/dev/null; '
Spec = dict[str, Any]


def _files_digest(*paths: Path) -> str:
    return digest("\0".join(path.read_text(encoding="utf-8") for path in paths))


def _baseline_key(part: ModelStudy) -> str | None:
    """The key of the cell whose parameters are all the model's baseline, if an axis has one."""
    wanted = canonical_json(part.model.relevant(part.parameters))
    keys = (c.key for c in part.cells if canonical_json(c.spec["parameters"]) == wanted)
    return next(keys, None)


@dataclass(frozen=True)
class Stage:
    """One thing that the workflow makes.

    Attributes:
        spec: all that decides it: ``stage``, ``inputs`` (stage → keys of what it is made from), and facts of its own.
        key: the digest of the specification.
    """

    spec: Spec
    key: str

    @property
    def name(self) -> str:
        return str(self.spec["stage"])

    @cached_property
    def folder(self) -> Path:
        return folder_of(self.name, self.key)

    @cached_property
    def manifest(self) -> str:
        """The file that is written last."""
        return f"{STORE}/{self.name}/{self.key}/{MANIFEST}"

    @property
    def spec_file(self) -> str:
        return str(spec_path(self.key))

    @property
    def inputs(self) -> Iterator[str]:
        """The keys of what it is made from."""
        return (key for keys in self.spec["inputs"].values() for key in keys)

    @property
    def raw(self) -> dict[str, str]:
        """Path of each raw file that it reads → SHA-256."""
        if self.name == "export_crate":
            return {raw["path"]: raw["sha256"] for raw in self.spec["raw"] if raw["embedded"]}
        if self.name != "prepare":
            return {}
        source = self.spec["data"]
        return {f"resources/{source['dataset']}/{n}": d for n, d in source["files"].items()}


def stage(name: str, inputs: Iterable[Stage] = (), **facts: Any) -> Stage:
    """A stage that is made from others."""
    keys: dict[str, list[str]] = {}
    for source in inputs:
        keys.setdefault(source.name, []).append(source.key)
    spec = {"stage": name, **facts, "inputs": keys}
    return Stage(spec, key_of(spec))


@dataclass(frozen=True)
class Given:
    """What the command line said about the configuration: files over it, and ``KEY=VALUE`` over these."""

    files: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


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
    given = Given(tuple(os.path.relpath(file) for file in files), tuple(entries))
    base = [] if alone else [own_file()]
    found = overrides_of(given.overrides) if overrides is None else overrides
    return Plan(build(load(*base, *map(Path, given.files), overrides=found)), given)


@dataclass
class Plan:
    """All stages of a study, and the readable copies of what they make.

    Attributes:
        study: the grid.
        given: for the commands that a report shows.
    """

    study: Study
    given: Given = field(default_factory=Given)

    @property
    def results(self) -> Path:
        """The folder of this study's own results."""
        name = self.study.name
        return RESULTS if name == "default" else RESULTS / name

    @property
    def device(self) -> str:
        """The device that is asked for."""
        return str(self.study.config["compute"]["device"])

    @property
    def report_file(self) -> str:
        name = self.study.name
        return "report.html" if name == "default" else f"report-{name}.html"

    def view(self, cell: Cell) -> str:
        """The readable target of a cell."""
        return f"{self.results}/{cell.name}/metrics.json"

    @property
    def parts(self) -> dict[str, ModelStudy]:
        """The study's models by name."""
        return {part.model.name: part for part in self.study.models}

    # The stages

    @cached_property
    def prepared(self) -> dict[str, Stage]:
        """The prepared data, by key."""
        return {key: Stage(spec, key) for key, spec in self.study.by_data_key.items()}

    @cached_property
    def trained(self) -> dict[str, Stage]:
        """The distinct cells, by key."""
        return {key: Stage(cell.spec, key) for key, cell in self.study.by_key.items()}

    @cached_property
    def evaluated(self) -> dict[str, Stage]:
        """The evaluation of each distinct cell, by the cell's key."""
        codes = {
            part.model.name: code_of(part.model.module("evaluate"), "ablation.results.evaluation")
            for part in self.study.models
        }
        return {
            key: stage(
                "evaluate",
                [self.trained[key], self.prepared[cell.data_key]],
                model=cell.model,
                code=codes[cell.model],
            )
            for key, cell in self.study.by_key.items()
        }

    @cached_property
    def yardsticks(self) -> dict[str, Stage]:
        """The yardsticks of each model, on the data of its baseline."""
        return {
            part.model.name: stage(
                "yardsticks",
                [self.prepared[part.data_key]],
                model=part.model.name,
                seed=self.study.seed,
                code=code_of(*part.model.code("prepare", "yardsticks")),
            )
            for part in self.study.models
        }

    @cached_property
    def collected(self) -> Stage:
        """The tables."""
        confidence = self.study.config["statistics"]["confidence"]
        return stage(
            "collect",
            [*self.trained.values(), *self.evaluated.values(), *self.yardsticks.values()],
            study={"name": self.study.name, "seed": self.study.seed},
            statistics={"confidence": confidence},
            published=_files_digest(published.NUMBERS, published.CLAIMS),
            models=[self._described(part) for part in self.study.models],
            code=code_of("ablation.stages.collect"),
        )

    def _described(self, part: ModelStudy) -> Spec:
        dataset = part.data_spec["data"]["dataset"]
        return {
            "model": part.model.name,
            "replicates": part.replicates,
            "tested": {"metric": part.tested.metric, "margin": part.tested.margin},
            "parameters": part.parameters,
            "data": {
                "dataset": dataset,
                "source": "embedded" if dataset in EMBEDDED else "official",
                "sha256": part.data_spec["data"]["files"],
                "prepared": part.data_key,
            },
            "yardsticks": self.yardsticks[part.model.name].key,
            "axes": [
                {
                    "axis": axis.name,
                    "parameter": axis.parameter,
                    "with": axis.fixed,
                    "factors": axis.factors,
                    "reference": axis.reference,
                    "cells": [self._place(cell) for cell in axis.cells],
                }
                for axis in part.axes
            ],
        }

    def _place(self, cell: Cell) -> Spec:
        return {
            "cell": cell.name,
            "model": cell.model,
            "axis": cell.axis,
            "label": cell.label,
            "value": cell.value,
            "levels": cell.levels,
            "key": cell.key,
            "evaluation": self.evaluated[cell.key].key,
            "prepared": cell.data_key,
            "code": cell.spec["code"]["digest"],
            "target": self.view(cell),
        }

    @cached_property
    def drawn(self) -> Stage:
        """The best network on further test draws."""
        evaluation = (part.model.module("evaluate") for part in self.study.models)
        return stage(
            "draws",
            [
                self.collected,
                *self.trained.values(),
                *self.evaluated.values(),
                *self._tested_data(self.study.cells),
            ],
            confidence=self.study.config["statistics"]["confidence"],
            code=code_of("ablation.stages.draws", *evaluation),
        )

    def _tested_data(self, cells: Iterable[Cell]) -> list[Stage]:
        return [self.prepared[key] for key in dict.fromkeys(cell.data_key for cell in cells)]

    def _of(self, stages: dict[str, Stage], part: ModelStudy) -> list[Stage]:
        return [stages[key] for key in dict.fromkeys(cell.key for cell in part.cells)]

    def _words(self, part: str) -> Spec:
        """The language, and a digest of a part of its messages; PDFs are English in either."""
        language = self.study.config["report"]["language"]
        folders = [TEMPLATES / "locale" / name for name in sorted({"en", language})]
        messages = [path for folder in folders for path in sorted(folder.glob(f"{part}.po"))]
        return {"language": language, "messages": _files_digest(*messages)}

    def _plotted(self, name: str, code: str) -> dict[str, Stage]:
        palette = self.study.config["report"]["palette"]
        return {
            part.model.name: stage(
                name,
                [self.collected, self.drawn, *self._of(self.evaluated, part)],
                model=part.model.name,
                palette=palette,
                **self._words("figure"),
                code=code_of(code),
            )
            for part in self.study.models
        }

    @cached_property
    def figures(self) -> dict[str, Stage]:
        """The figures of each model."""
        return self._plotted("plot", "ablation.stages.plot")

    @cached_property
    def portraits(self) -> dict[str, Stage]:
        """What each cell of a model shows when looked at closer; the words are those on the axes of their figures."""
        return {
            part.model.name: stage(
                "portraits",
                [
                    self.collected,
                    *self._of(self.trained, part),
                    *self._of(self.evaluated, part),
                    *self._tested_data(part.cells),
                ],
                model=part.model.name,
                baseline=_baseline_key(part),
                reference=_files_digest(TEMPLATES / "reference.yaml"),
                **self._words("figure"),
                code=code_of("ablation.stages.portraits"),
            )
            for part in self.study.models
        }

    @cached_property
    def reported(self) -> Stage:
        """The page, the last verification included."""
        captions = TEMPLATES / "captions"  # of Snakemake's own report
        files = sorted(p for p in TEMPLATES.rglob("*") if p.is_file() and p.parent != captions)
        return stage(
            "report",
            [self.collected, self.drawn, *self.figures.values(), *self.portraits.values()],
            config=self.study.config,
            given={"files": self.given.files, "overrides": self.given.overrides},
            verification=verification.read(self.results),
            templates=_files_digest(*files),
            code=code_of("ablation.stages.report"),
        )

    @cached_property
    def exported(self) -> dict[str, Stage]:
        """The exports by the name of their folder: ``tables``, ``figures/<model>``, ``ro-crate``."""
        code = "ablation.stages.export"
        tables = stage("export_tables", [self.collected], **self._words("*"), code=code_of(code))
        figures = {f"figures/{m}": s for m, s in self._plotted("export_figures", code).items()}
        crate = stage(
            "export_crate",
            [self.reported, self.collected, tables, *figures.values(), *self.evaluated.values()],
            config=self.study.config,
            report=self.report_file,
            cells={cell.name: self.evaluated[cell.key].key for cell in self.study.cells},
            raw=raw_files(self.study),
            workflow=digest_of(workflow_files()),
            code=code_of(code),
        )
        return {"tables": tables, **figures, "ro-crate": crate}

    @cached_property
    def main_stages(self) -> dict[str, Stage]:
        """All stages but the exports by key, each after what it is made from."""
        found = [
            *self.prepared.values(),
            *self.trained.values(),
            *self.evaluated.values(),
            *self.yardsticks.values(),
            self.collected,
            self.drawn,
            *self.figures.values(),
            *self.portraits.values(),
            self.reported,
        ]
        return {each.key: each for each in found}

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """All stages by key, each after what it is made from."""
        return {**self.main_stages, **{each.key: each for each in self.exported.values()}}

    @property
    def wanted(self) -> list[Stage]:
        """What a run without a target makes: all but the exports, and the data only where something reads them."""
        return [stage for stage in self.main_stages.values() if stage.name != "prepare"]

    # What people read

    @cached_property
    def copies(self) -> dict[str, Copy]:
        """Readable path → what it shows, of all but the exports."""
        found = [Copy(self.report_file, "report", self.reported.key, "report.html")]
        found += [
            Copy(self.view(cell), "evaluate", self.evaluated[cell.key].key, "metrics.json")
            for cell in self.study.cells
        ]
        found += [
            Copy(self.table(name), "collect", self.collected.key, name)
            for name in (*TABLES, MANIFEST)
        ]
        found.append(Copy(self.table("draws.json"), "draws", self.drawn.key, "draws.json"))
        found += [
            Copy(str(self.results / "figures" / model), "plot", figures.key)
            for model, figures in self.figures.items()
        ]
        return {copy.target: copy for copy in found}

    @cached_property
    def export_copies(self) -> dict[str, Copy]:
        """Readable path of each export → what it shows."""
        folder = self.results / "export"
        found = [
            Copy(str(folder / name), made.name, made.key, name if name == "ro-crate" else "")
            for name, made in self.exported.items()
        ]
        crate = self.exported["ro-crate"]
        archive = "ro-crate.zip"
        found.append(Copy(str(folder / archive), crate.name, crate.key, archive))
        return {copy.target: copy for copy in found}

    def table(self, name: str) -> str:
        """One of the collected files: ``cells.csv``, ``study.json``, …"""
        return str(self.results / "tables" / name)

    def place(self, path: str) -> Cell:
        """The cell of a path below ``results/``: ``cnn/kernel_5``, or with the study's name before it."""
        return self.study.by_name["/".join(path.split("/")[-2:])]

    def name_of(self, wildcards: Any) -> str:
        """What the stage of a key is about: a cell's name, or a model's; nothing for one of the whole study."""
        key = str(wildcards.key)
        spec = (self.main_stages.get(key) or self.stages[key]).spec
        cell = self.study.by_key.get(next(iter(spec["inputs"].get("train", [key])), key))
        return (
            cell.name
            if cell and spec["stage"] in ("train", "evaluate")
            else str(spec.get("model", ""))
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables through which jobs find this Python and this package and get what no number depends on, and the logger
        plugin the names of the cells."""
        compute = self.study.config["compute"]
        facts = {
            "device": compute["device"],
            "checkpoint_seconds": compute["checkpoint_seconds"],
            "mirrors": self.study.config["data"]["mirrors"],
        }
        return {
            "ABLATION_PYTHON": sys.executable,
            "ABLATION_PACKAGE": str(WORKFLOW),
            RUN_FACTS: json.dumps(facts),
            CELLS: self.names_file,
        }

    @property
    def names_file(self) -> str:
        """The file with the name of each distinct cell by key, for those who follow a run."""
        return str(STORE / "cells" / f"{self.study.name}.json")

    def undeclared(self, target: str) -> str:
        """The sentence for a cell that the configuration does not declare."""
        valid = ", ".join(cell.name for cell in self.study.cells)
        name = target.removesuffix("/metrics.json")
        return f"{name} is no cell of study {self.study.name}; its cells are: {valid}."
