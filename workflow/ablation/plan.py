"""Where every target of a study lies, what it must carry, and whether what is on disk is that.

Paths are relative to the working directory, as Snakemake wants them. Nothing here reads a table or imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ablation import published, verification
from ablation.canonical import canonical_json, digest, key_of, normalise
from ablation.grid import Cell, ModelStudy, Study
from ablation.marks import settle
from ablation.registry import EMBEDDED
from ablation.sources import installed_digest
from ablation.store import MANIFEST, read_json, write_json

RESULTS = Path("results")
STORE = RESULTS / "store"
TEMPLATES = Path(__file__).resolve().parent.parent / "report"


def _files_digest(*paths: Path) -> str:
    return digest("\0".join(path.read_text(encoding="utf-8") for path in paths))


def _baseline_key(part: ModelStudy) -> str | None:
    """The key of the cell whose parameters are all the model's baseline, if an axis has one."""
    wanted = canonical_json(part.model.relevant(part.parameters))
    keys = (c.key for c in part.cells if canonical_json(c.spec["parameters"]) == wanted)
    return next(keys, None)


@dataclass
class Plan:
    """All paths and fingerprints of a study.

    Attributes:
        study: the grid.
        fresh: target → whether the file on disk is the expected one; filled by :meth:`settle`.
        config_files: the files that were given on the command line, for the commands that a report shows.
    """

    study: Study
    fresh: dict[str, bool] = field(default_factory=dict)
    config_files: tuple[str, ...] = ()

    @property
    def results(self) -> Path:
        """The folder of this study's own results."""
        name = self.study.name
        return RESULTS if name == "default" else RESULTS / name

    @property
    def report(self) -> str:
        name = self.study.name
        return "report.html" if name == "default" else f"report-{name}.html"

    @property
    def run_facts(self) -> str:
        """A file with what a training job needs to know and no number depends on."""
        return str(self.results / ".marks" / "run.json")

    def mark(self, name: str) -> str:
        """The mark of one of this study's targets."""
        return str(self.results / ".marks" / f"{name}.json")

    def cell_mark(self, model: str, key: str, stage: str) -> str:
        """The mark of a store entry, shared by all studies."""
        return str(STORE / ".marks" / f"{model}-{key}-{stage}.json")

    def status(self, cell: Cell) -> str:
        """What the train rule makes; the entry is the folder ``train`` beside it."""
        return str(STORE / cell.model / cell.key / "status.json")

    def evaluation(self, model: str) -> str:
        """The digest of a model's evaluation code."""
        return installed_digest(f"ablation.{model}.evaluate", "ablation.evaluate_job")

    def metrics(self, cell: Cell) -> str:
        """What the evaluate rule makes."""
        folder = f"eval-{self.evaluation(cell.model)}"
        return str(STORE / cell.model / cell.key / folder / "metrics.json")

    def view(self, cell: Cell) -> str:
        """The readable target of a cell."""
        return str(self.results / cell.name / "metrics.json")

    def data(self, spec: dict[str, Any], part: str) -> str:
        """The prepared ``train`` or ``test`` part of a data specification."""
        return str(STORE / "data" / f"{spec['model']}-{key_of(spec)}" / f"{part}.safetensors")

    def raw(self, spec: dict[str, Any]) -> list[str]:
        """The raw files of a data specification."""
        source = spec["data"]
        return [f"resources/{source['dataset']}/{name}" for name in source["files"]]

    def table(self, name: str) -> str:
        """One of the collected files: ``cells.csv``, ``study.json``, …"""
        return str(self.results / "tables" / name)

    def figures_manifest(self, part: ModelStudy) -> str:
        """The file that says what a model's figures were drawn from; they lie in the folder beside it."""
        return str(self.results / "figures" / f"{part.model.name}.json")

    def portraits(self, part: ModelStudy) -> str:
        """The document with what each cell of a model shows when looked at closer."""
        return str(self.results / "portraits" / f"{part.model.name}.json")

    def _drawn(self, part: ModelStudy) -> bool:
        """Whether every figure that the manifest names exists."""
        manifest = Path(self.figures_manifest(part))
        names = (read_json(manifest) or {}).get("figures", [])
        return all((manifest.with_suffix("") / f"{name}.svg").is_file() for name in names)

    def cell_facts(self, cell: Cell) -> dict[str, Any]:
        """A cell's place, for its view."""
        facts = {
            **{"cell": cell.name, "model": cell.model, "axis": cell.axis, "label": cell.label},
            **{"value": cell.value, "key": cell.key, "eval": self.evaluation(cell.model)},
            "spec": cell.spec,
        }
        return {**facts, "fingerprint": key_of([facts, installed_digest("ablation.views")])}

    def yardstick_spec(self, part: ModelStudy) -> dict[str, Any]:
        """The specification of a model's yardsticks, on the data of its baseline."""
        code = installed_digest(*part.model.code("prepare", "yardsticks"))
        return {**part.data_spec, "code": code}

    def yardsticks(self, part: ModelStudy) -> str:
        """What the yardsticks rule makes."""
        key = key_of(self.yardstick_spec(part))
        return str(STORE / "yardsticks" / f"{part.model.name}-{key}.json")

    @cached_property
    def collect_spec(self) -> dict[str, Any]:
        """What the tables depend on."""
        code = installed_digest("ablation.collect_job")
        return {
            "study": {"name": self.study.name, "seed": self.study.seed},
            "statistics": {"confidence": self.study.config["statistics"]["confidence"]},
            "published": _files_digest(published.NUMBERS, published.CLAIMS),
            "models": [self._described(part) for part in self.study.models],
            "code": code,
        }

    def _described(self, part: ModelStudy) -> dict[str, Any]:
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
                "prepared": Path(self.data(part.data_spec, "train")).parent.name,
            },
            "yardsticks_file": self.yardsticks(part),
            "axes": [
                {
                    **{"axis": axis.name, "parameter": axis.parameter, "with": axis.fixed},
                    "factors": axis.factors,
                    "reference": axis.reference,
                    "cells": [
                        {
                            **self.cell_facts(cell),
                            "levels": cell.levels,
                            "store": str(STORE / cell.model / cell.key),
                            "view": self.view(cell),
                        }
                        for cell in axis.cells
                    ],
                }
                for axis in part.axes
            ],
        }

    @cached_property
    def draws_spec(self) -> dict[str, Any]:
        """What the further test draws depend on."""
        return {
            "collected": key_of(self.collect_spec),
            "confidence": self.study.config["statistics"]["confidence"],
            "code": installed_digest(
                "ablation.draws_job",
                *(part.model.module("evaluate") for part in self.study.models),
            ),
        }

    def plot_spec(self, part: ModelStudy) -> dict[str, Any]:
        """What a model's figures depend on."""
        report = self.study.config["report"]
        messages = sorted((TEMPLATES / "locale" / report["language"]).glob("*.po"))
        return {
            "model": part.model.name,
            "collected": key_of(self.collect_spec),
            "draws": key_of(self.draws_spec),
            "palette": report["palette"],
            "language": report["language"],
            "messages": _files_digest(*messages),
            "code": installed_digest("ablation.plot_job"),
        }

    def portraits_spec(self, part: ModelStudy) -> dict[str, Any]:
        """What a model's portraits depend on; the words are those on the axes of their figures."""
        report = self.plot_spec(part)
        return {
            "model": part.model.name,
            "collected": key_of(self.collect_spec),
            "baseline": _baseline_key(part),
            "reference": _files_digest(TEMPLATES / "reference.yaml"),
            **{name: report[name] for name in ("language", "messages")},
            "code": installed_digest("ablation.portraits_job"),
        }

    @cached_property
    def report_spec(self) -> dict[str, Any]:
        """What the report depends on, the last verification included."""
        captions = TEMPLATES / "captions"  # of Snakemake's own report
        files = sorted(p for p in TEMPLATES.rglob("*") if p.is_file() and p.parent != captions)
        verified = verification.digest_of(self.results)
        return {
            **({} if verified is None else {"verification": verified}),
            "config": self.study.config,
            "figures": [key_of(self.plot_spec(part)) for part in self.study.models],
            "portraits": [key_of(self.portraits_spec(part)) for part in self.study.models],
            "templates": _files_digest(*files),
            "code": installed_digest("ablation.report_job"),
        }

    def settle(self, *, write: bool) -> Plan:
        """Compare every target on disk with what it must be, and bring the marks up to date.

        Args:
            write: False in processes that only look on.
        """
        for cell in self.study.by_key.values():
            self._settle_cell(cell, write)
        for cell in self.study.cells:
            expected = self.cell_facts(cell)["fingerprint"]
            made = self._all_fresh(self.status(cell), self.metrics(cell))
            self._settle(self.view(cell), self.mark(cell.name), expected, write, intact=made)
        yardsticks = [self.yardsticks(part) for part in self.study.models]
        self.fresh.update({path: Path(path).is_file() for path in yardsticks})
        shown = self._all_fresh(*yardsticks, *(self.view(cell) for cell in self.study.cells))
        tables = self.table("study.json")
        self._settle_spec(tables, "collect", self.collect_spec, write, intact=shown)
        drawn = self.table("draws.json")
        self._settle_spec(drawn, "draws", self.draws_spec, write, intact=self.fresh[tables])
        for part in self.study.models:
            manifest, name = self.figures_manifest(part), f"plot-{part.model.name}"
            whole = self._all_fresh(tables, self.table("draws.json")) and self._drawn(part)
            self._settle_spec(manifest, name, self.plot_spec(part), write, intact=whole)
            portraits, name = self.portraits(part), f"portraits-{part.model.name}"
            spec, collected = self.portraits_spec(part), self.fresh[tables]
            self._settle_spec(portraits, name, spec, write, intact=collected)
        figures = [self.figures_manifest(part) for part in self.study.models]
        closer = [self.portraits(part) for part in self.study.models]
        made = self._all_fresh(tables, *figures, *closer)
        self._settle_spec(self.report, "report", self.report_spec, write, intact=made)
        if write:
            self._write_run_facts()
        return self

    def _settle_cell(self, cell: Cell, write: bool) -> None:
        target = Path(self.status(cell))
        intact = (target.parent / "train" / MANIFEST).is_file()
        mark = self.cell_mark(cell.model, cell.key, "train")
        self._settle(str(target), mark, cell.key, write, intact=intact)
        mark = self.cell_mark(cell.model, cell.key, "evaluate")
        expected, trained = self.evaluation(cell.model), self.fresh[str(target)]
        self._settle(self.metrics(cell), mark, expected, write, intact=trained)

    def _all_fresh(self, *targets: str) -> bool:
        """A target is fresh only if all that it is made from is.

        Snakemake depends on it: where a job has to run, it does not look at the reasons of the jobs after it, and an
        ``ancient()`` input between them would leave those out of the run.
        """
        return all(self.fresh[target] for target in targets)

    def _settle(
        self,
        target: str,
        mark: str,
        expected: str,
        write: bool,
        *,
        spec: Any = None,
        intact: bool = True,
    ) -> None:
        self.fresh[target] = settle(
            Path(target), Path(mark), expected, spec=spec, intact=intact, write=write
        )

    def _settle_spec(
        self, target: str, name: str, spec: dict[str, Any], write: bool, *, intact: bool
    ) -> None:
        mark, expected = self.mark(name), key_of(spec)
        self._settle(target, mark, expected, write, spec=normalise(spec), intact=intact)

    def _write_run_facts(self) -> None:
        compute = self.study.config["compute"]
        facts = {
            "device": compute["device"],
            "checkpoint_seconds": compute["checkpoint_seconds"],
            "mirrors": self.study.config["data"]["mirrors"],
            "config_files": list(self.config_files),
            "cells": {f"{c.model}/{c.key}": c.name for c in self.study.by_key.values()},
        }
        path = Path(self.run_facts)
        if read_json(path) != facts:
            write_json(path, facts)

    @property
    def view_names(self) -> list[str]:
        """The views of this study, as paths below ``results/`` without ``/metrics.json``."""
        return [str(Path(self.view(cell)).parent.relative_to(RESULTS)) for cell in self.study.cells]

    def undeclared(self, name: str) -> str:
        """The sentence for a cell that the configuration does not declare."""
        valid = ", ".join(cell.name for cell in self.study.cells)
        return f"results/{name} is no cell of study {self.study.name}; its cells are: {valid}."
