"""Where the numbers come from: versions, machine, keys, cost, configuration."""

from __future__ import annotations

from typing import Any

import pandas as pd
import yaml

from ablation.language import numbers as fmt
from ablation.language.words import Words
from ablation.report.axis import entry
from ablation.store.document import StudyDocument


def environment_rows(study: StudyDocument, words: Words) -> list[dict[str, str]]:
    """One row per fact of the environment; where cells differ, every value with its count."""
    rows = []
    for name, counts in study.counted_environments().items():
        text = words.join(
            [
                words("provenance.counted", value=words.plain(value), n=n)
                if len(counts) > 1
                else words.plain(value)
                for value, n in counts.items()
            ]
        )
        rows.append({"name": words.named("environment", name), "text": text})
    return rows


def cost_rows(study: StudyDocument, cells: pd.DataFrame, words: Words) -> list[dict[str, Any]]:
    """One row per stored cell: key, the settings that share it, and what it cost."""
    found = []
    for model in study.models:
        own = cells[cells["model"] == model.name]
        for key, rows in own.groupby("key", sort=False):
            first = rows.iloc[0]
            why = words("none.failed")
            found.append({
                "model": words.named("model_short", model.name),
                "settings": [words.setting(model.axis(row["axis"]), str(row["label"])) for _, row in rows.iterrows()],
                "key": key,
                "failed": first["status"] == "failed",
                "device": entry(_text(first["device"]), why),
                "precision": entry(_text(first["precision"]), why),
                "seconds": entry(_number(first["seconds"], 1), why),
                "cpu_seconds": entry(_number(first["cpu_seconds"], 1), why),
                "memory": entry(None if pd.isna(first["peak_memory_bytes"])
                                else fmt.megabytes(first["peak_memory_bytes"]), why),
                "speed": entry(_number(first["samples_per_second"], 0), why),
            })  # fmt: skip
    return found


def cost_sentence(cells: pd.DataFrame, words: Words) -> str:
    """How many stored cells, replicates and seconds the study took."""
    unique = cells.drop_duplicates(["model", "key"])
    return words("provenance.total", cells=len(unique), views=len(cells),
                 replicates=fmt.count(float((unique["n_ok"] + unique["n_diverged"]).sum())),
                 seconds=fmt.count(float(unique["seconds"].sum())))  # fmt: skip


def data_rows(study: StudyDocument, words: Words) -> list[dict[str, str]]:
    """The pinned digests of the raw files."""
    rows = []
    for model in study.models:
        digests = model.data["sha256"]
        files = digests if isinstance(digests, dict) else {model.data["dataset"]: digests}
        for name, value in files.items():
            rows.append({"data": words.named("dataset", model.data["dataset"]),
                         "file": str(name), "sha256": str(value)})  # fmt: skip
    return rows


def config_text(config: dict[str, Any]) -> str:
    """The resolved configuration as YAML."""
    return str(yaml.safe_dump(config, sort_keys=False, allow_unicode=True, default_flow_style=None))


def parameter_rows(parameters: dict[str, Any], words: Words) -> list[dict[str, str]]:
    """The baseline: name in words, name in the configuration, value."""
    return [
        {"name": words.named("parameter", name), "key": name, "value": words.plain(value)}
        for name, value in parameters.items()
    ]


def commits(study: StudyDocument) -> list[str]:
    """The distinct commits that the cells were trained at, shortened; a changed tree has a plus."""
    found: list[str] = []
    for environment in study.environments():
        commit = environment.get("git_commit")
        if commit:
            text = commit[:10] + ("+" if environment.get("git_dirty") else "")
            found += [] if text in found else [text]
    return found


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else str(value)


def _number(value: Any, decimals: int) -> str | None:
    return None if pd.isna(value) else fmt.fixed(float(value), decimals)
