"""Gather a study: read all metrics, histories and yardsticks, write its tables and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from ablation.claims.judge import judge_claims
from ablation.claims.rules import evidence_of
from ablation.machine.logs import LOG, tail
from ablation.results import published
from ablation.results import tables as tidy
from ablation.results.courses import courses_table
from ablation.results.frames import read_csv
from ablation.stages.job import Inputs, Spec
from ablation.statistics.compare import Question, compare, study_numbers
from ablation.store.document import ModelDocument, StudyDocument
from ablation.store.entries import Entry
from ablation.store.files import write_json, write_text
from ablation.store.formats import validate_columns, validate_document


def collect(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Read all metrics, histories and yardsticks of a study; write its tables, and study, comparisons and claims as JSON."""
    cells = [cell for model in spec["models"] for axis in model["axes"] for cell in axis["cells"]]
    metrics = {key: entry.read("metrics.json") for key, entry in inputs["evaluate"].items()}
    views = {cell["cell"]: {**metrics[cell["evaluation"]], **cell} for cell in cells}
    yardsticks = {
        model["model"]: inputs["yardsticks"][model["yardsticks"]].read("yardsticks.json")
        for model in spec["models"]
    }
    trained = inputs["train"]
    logs = {name: _log(trained[view["key"]], view) for name, view in views.items()}
    study = StudyDocument.from_plain(
        tidy.study_document(spec["study"], spec["models"], views, yardsticks, logs)
    )
    tables = {
        "replicates": tidy.replicates_table(list(views.values())),
        "epochs": tidy.joined_table("epochs", _read_each(study, trained, _history)),
        "gradients": tidy.joined_table("gradients", _read_each(study, trained, _gradients)),
    }
    tables["courses"] = courses_table(tables["epochs"], tables["gradients"])
    tested = {model["model"]: model["tested"] for model in spec["models"]}
    questions = {
        model.name: Question(
            tidy.metrics_on(model),
            tested[model.name]["metric"],
            tested[model.name]["margin"],
            tested[model.name]["step"],
        )
        for model in study.models
    }
    confidence = spec["statistics"]["confidence"]
    numbers = study_numbers(
        study,
        tables["replicates"],
        questions,
        confidence=confidence,
        samples=_samples(study, inputs),
    )
    comparisons = compare(study, numbers)
    tables["cells"] = tidy.cells_table(list(views.values()), comparisons["models"])
    evidence = {
        model.name: evidence_of(model, numbers[model.name], tables) for model in study.models
    }
    answers = judge_claims(
        published.load_claims(), published.load(), evidence, confidence=confidence
    )
    claims = {"confidence": confidence, "claims": answers}
    for name, table in tables.items():
        validate_columns(list(table.columns), name)
        write_text(draft / f"{name}.csv", table.to_csv(index=False))
    for name, content in (("comparisons", comparisons), ("claims", claims), ("study", study.plain)):
        validate_document(content, name)
        write_json(draft / f"{name}.json", content)


def _read_each(
    study: StudyDocument,
    trained: Mapping[str, Entry],
    read: Callable[[Path, ModelDocument], pd.DataFrame],
) -> dict[tuple[str, str], pd.DataFrame]:
    """(model, key) → what a file of its entry holds; one key is read once."""
    return {
        (model.name, cell.key): read(trained[cell.key].folder, model)
        for model in study.models
        for cell in model.sound()
    }


def _samples(study: StudyDocument, inputs: Inputs) -> dict[str, dict[str, dict[int, NDArray[Any]]]]:
    """Metric → key → its value of every test sample, by replicate."""
    samples: dict[str, dict[str, dict[int, NDArray[Any]]]] = {}
    for model, cell in ((m, cell) for m in study.models for cell in m.sound()):
        predictions = read_csv(inputs["evaluate"][cell.evaluation].folder / "predictions.csv")
        for metric in tidy.metrics_on(model):
            values = tidy.per_sample_metric(predictions, metric.name)
            if values:
                samples.setdefault(metric.name, {})[cell.key] = values
    return samples


def _log(trained: Entry, view: dict[str, Any]) -> list[str] | None:
    """The end of a cell's log: of its training, or of what failed. None for an entry that has no log."""
    if "failed" in view["status"]:
        lines: list[str] | None = view["status"].get("log")
        return lines
    return tail(trained.folder / LOG)


def _history(entry: Path, model: ModelDocument) -> pd.DataFrame:
    """A cell's history, of the columns it must have; of no epochs it has none."""
    frame = read_csv(entry / "history.csv")
    if len(frame):
        validate_columns(list(frame.columns), f"history_{model.task}")
    return frame


def _gradients(entry: Path, model: ModelDocument) -> pd.DataFrame:
    """The gradient norms of a cell's layers."""
    return read_csv(entry / "gradients.csv")
