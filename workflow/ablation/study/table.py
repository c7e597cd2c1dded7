"""The table of stages of a study: what each is made from and its key.

The key of a stage is the digest of its specification, which holds the keys of what it is made from. So a path tells all that
decides a file's content, and a file that exists is the right one. Nothing here reads a result or imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ablation.results import published, verification
from ablation.store.code import code_of
from ablation.store.entries import RESULTS
from ablation.store.files import sha256
from ablation.store.keys import canonical_json, digest
from ablation.store.places import TEMPLATES
from ablation.study.described import describe, told_apart
from ablation.study.grid import Cell, ModelStudy, Study
from ablation.study.models import Model
from ablation.study.parts import digest_of, own_code, raw_files, workflow_files
from ablation.study.stage import Spec, Stage, stage

AT_NEED = ("prepare", "check")  # stages that are made only where something else is


def _files_digest(*paths: Path) -> str:
    return digest("\0".join(path.read_text(encoding="utf-8") for path in paths))


def _baseline_key(part: ModelStudy) -> str | None:
    """The key of the cell whose parameters are all the model's baseline, if an axis has one."""
    baseline = canonical_json(part.model.relevant(part.parameters))
    keys = (c.key for c in part.cells if canonical_json(c.spec["parameters"]) == baseline)
    return next(keys, None)


@dataclass(frozen=True)
class Given:
    """What the command line said about the configuration: files over it, and ``KEY=VALUE`` over these."""

    files: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


@dataclass
class Table:
    """All stages of a study.

    Attributes:
        study: the grid.
        given: for the commands that a report shows.
    """

    study: Study
    given: Given = field(default_factory=Given)

    @cached_property
    def _models(self) -> dict[str, Model]:
        return {part.model.name: part.model for part in self.study.models}

    @property
    def results(self) -> Path:
        name = self.study.name
        return RESULTS if name == "default" else RESULTS / name

    @property
    def device(self) -> str:
        return str(self.study.config["compute"]["device"])

    @property
    def report_file(self) -> str:
        name = self.study.name
        return "report.html" if name == "default" else f"report-{name}.html"

    def view(self, cell: Cell) -> str:
        """The readable target of a cell."""
        return f"{self.results}/{cell.name}/metrics.json"

    @cached_property
    def prepared(self) -> dict[str, Stage]:
        """The prepared data, by key."""
        return {key: Stage(spec, key) for key, spec in self.study.by_data_key.items()}

    @cached_property
    def trained(self) -> dict[str, Stage]:
        """The distinct cells, by key."""
        return {
            key: Stage(cell.spec, key, after=(self.checked[cell.model].key,))
            for key, cell in self.study.by_key.items()
        }

    @cached_property
    def checked(self) -> dict[str, Stage]:
        """What is found out of each model's networks before one of them is trained."""
        return {
            part.model.name: stage(
                "check",
                [self.prepared[cell.data_key] for cell in part.cells],
                model=part.model.name,
                cells={cell.key: cell.name for cell in reversed(list(part.cells))},
                code=code_of("ablation.stages.check", *part.model.code("evaluate")[-1:]),
            )
            for part in self.study.models
        }

    @cached_property
    def evaluated(self) -> dict[str, Stage]:
        """The evaluation of each distinct cell, by the cell's key."""
        return {
            key: stage(
                "evaluate",
                [self.trained[key], self.prepared[cell.data_key]],
                model=cell.model,
                code=code_of(*self._models[cell.model].code("evaluate")),
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
                task=part.model.task.name,
                seed=self.study.seed,
                code=code_of(*part.model.code("yardsticks")),
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
            models=told_apart(
                describe(part, self.yardsticks[part.model.name].key, self._place)
                for part in self.study.models
            ),
            code=code_of("ablation.stages.collect"),
        )

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
        evaluation = {
            name: None for part in self.study.models for name in part.model.code("evaluate")
        }
        return stage(
            "draws",
            [
                self.collected,
                *self.trained.values(),
                *self.evaluated.values(),
                *(self.prepared[cell.data_key] for cell in self.study.cells),
            ],
            confidence=self.study.config["statistics"]["confidence"],
            code=code_of("ablation.stages.draws", *evaluation),
        )

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
                [self.collected, self.drawn, *(self.evaluated[c.key] for c in part.cells)],
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
                    *(self.trained[cell.key] for cell in part.cells),
                    *(self.evaluated[cell.key] for cell in part.cells),
                    *(self.prepared[cell.data_key] for cell in part.cells),
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
            own={file: sha256(Path(file)) for file in own_code(self.study)},
            workflow=digest_of(workflow_files()),
            code=code_of(code),
        )
        return {"tables": tables, **figures, "ro-crate": crate}

    @cached_property
    def main_stages(self) -> dict[str, Stage]:
        """All stages but the exports by key, each after what it is made from."""
        stages = [
            *self.prepared.values(),
            *self.checked.values(),
            *self.trained.values(),
            *self.evaluated.values(),
            *self.yardsticks.values(),
            self.collected,
            self.drawn,
            *self.figures.values(),
            *self.portraits.values(),
            self.reported,
        ]
        return {entry.key: entry for entry in stages}

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """All stages by key, each after what it is made from."""
        return {**self.main_stages, **{entry.key: entry for entry in self.exported.values()}}

    @property
    def default_stages(self) -> list[Stage]:
        """What a run without a target makes: all but the exports; data and checks only where something needs them."""
        return [entry for entry in self.main_stages.values() if entry.name not in AT_NEED]
