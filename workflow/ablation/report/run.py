"""All that may differ between two pages of the same key: machine, versions, commits, cost, times and logs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from ablation.language import numbers as fmt
from ablation.language.words import Words, slug
from ablation.report.axis import entry, number_entry
from ablation.report.claims import cost_lines
from ablation.report.inputs import Inputs
from ablation.store.document import CellDocument, ModelDocument, StudyDocument

MUST_AGREE = ("torch", "device", "gpu", "cpu", "precision", "python")


def run_view(inputs: Inputs) -> dict[str, Any]:
    """What the marked block of the page shows; nothing else on the page may depend on it."""
    study, words, cells = inputs.study, inputs.words, inputs.tables["cells"]
    unlike = [text for model in study.models for text in _unlike(model, words)]
    return {
        "total": cost_sentence(cells, words),
        "threats": unlike + _commits(study, words),
        "claims": cost_lines(inputs.claims, study, words),
        "environment": environment_rows(study, words),
        "cells": cell_rows(study, cells, words),
    }


def run_id(model: str, key: str) -> str:
    """The id of the part that says how a stored cell was made."""
    return slug(f"run-{model}-{key}")


def environment_rows(study: StudyDocument, words: Words) -> list[dict[str, str]]:
    """One row per fact of the environment; where cells differ, every value with its count."""
    return [
        {"name": words.named("environment", name), "text": _counted(counts, words)}
        for name, counts in study.counted_environments().items()
    ]


def _counted(counts: Counter[Any], words: Words) -> str:
    texts = {words.plain(value): n for value, n in counts.items()}
    if len(texts) == 1:
        return next(iter(texts))
    return words.join([words("provenance.counted", value=v, n=n) for v, n in texts.items()])


def _unlike(model: ModelDocument, words: Words) -> list[str]:
    """Facts of the environment that should be one within a model and are not."""
    environments, notes = model.environments(), []
    short = words.about(model).short
    for name in MUST_AGREE:
        values = sorted({str(e[name]) for e in environments if e.get(name) is not None})
        if len(values) > 1:
            title, listed = words(f"environment.{name}"), words.join(values)
            notes.append(words("threat.unlike", what=title, model=short, values=listed))
    return notes


def _commits(study: StudyDocument, words: Words) -> list[str]:
    """Cells whose sources no commit holds."""
    environments, notes = study.environments(), []
    dirty = sum(bool(environment.get("git_dirty")) for environment in environments)
    unknown = sum(environment.get("git_commit") is None for environment in environments)
    commits = {
        environment["git_commit"] for environment in environments if environment.get("git_commit")
    }
    if dirty:
        notes.append(words("threat.dirty", k=dirty, n=len(environments)))
    if unknown:
        notes.append(words("threat.no_commit", k=unknown, n=len(environments)))
    if len(commits) > 1:
        notes.append(words("threat.commits", n=len(commits)))
    return notes


def cost_sentence(cells: pd.DataFrame, words: Words) -> str:
    """How many stored cells, replicates and seconds the study took."""
    unique = cells.drop_duplicates(["model", "key"])
    return words(
        "provenance.total",
        cells=len(unique),
        views=len(cells),
        replicates=fmt.count(float((unique["n_ok"] + unique["n_diverged"]).sum())),
        seconds=fmt.count(float(unique["seconds"].sum())),
    )


def cell_rows(study: StudyDocument, cells: pd.DataFrame, words: Words) -> list[dict[str, Any]]:
    """One row per stored cell: key, the settings that share it, what it cost, where it was made, and its log."""
    rows = []
    for model in study.models:
        model_words = words.about(model)
        axes = {axis.name: axis for axis in model.axes}
        stored = {cell.key: cell for axis in model.axes for cell in axis.cells}
        costs = cells[cells["model"] == model.name].astype({"label": str})
        for key, views in costs.groupby("key", sort=False):
            cell = stored[key]
            settings = [
                model_words.setting(axes[axis], label)
                for axis, label in zip(views["axis"], views["label"], strict=True)
            ]
            rows.append(
                {
                    "id": run_id(model.name, cell.key),
                    "model": model_words.short,
                    "settings": settings,
                    "title": words.join(settings),
                    "key": key,
                    "failed": cell.failed is not None,
                    **_cost(views.iloc[0], words),
                    "facts": _facts(cell, words),
                    "log": "\n".join(cell.log),
                }
            )
    return rows


def _cost(row: pd.Series, words: Words) -> dict[str, fmt.Entry]:
    why, memory = words("none.failed"), row["peak_memory_bytes"]
    names = {name: None if pd.isna(row[name]) else row[name] for name in ("device", "precision")}
    return {
        **{name: entry(text, why) for name, text in names.items()},
        "seconds": number_entry(row["seconds"], 1, why),
        "cpu_seconds": number_entry(row["cpu_seconds"], 1, why),
        "memory": entry(None if pd.isna(memory) else fmt.megabytes(memory), why),
        "speed": number_entry(row["samples_per_second"], 0, why),
    }


def _facts(cell: CellDocument, words: Words) -> list[dict[str, str]]:
    """Commit, versions, machine and time of a cell; empty for one that failed."""
    environment = cell.environment or {}
    libraries = ("python", "torch", "numpy", "snakemake")
    versions = [
        f"{words(f'environment.{name}')} {environment[name]}"
        for name in libraries
        if environment.get(name)
    ]
    machine = [str(environment[n]) for n in ("cpu", "gpu", "precision") if environment.get(n)]
    commit, changed = environment.get("git_commit"), environment.get("git_dirty")
    finished = cell.finished_at
    texts = {
        "cell.commit": commit and commit + ("+" if changed else ""),
        "cell.versions": versions and words.join(versions),
        "cell.machine": machine and words.join(machine),
        "cell.finished": finished and fmt.moment(finished),
    }
    return [{"name": words(name), "text": text} for name, text in texts.items() if text]
