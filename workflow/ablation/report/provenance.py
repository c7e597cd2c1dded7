"""Where the numbers come from: the raw data, the configuration, the commits."""

from __future__ import annotations

from typing import Any

import yaml

from ablation.language.words import Words
from ablation.store.document import StudyDocument


def data_rows(study: StudyDocument, words: Words) -> list[dict[str, str]]:
    """The pinned digests of the raw files."""
    return [
        {"data": words.about(model).dataset, "file": name, "sha256": digest}
        for model in study.models
        for name, digest in model.data["sha256"].items()
    ]


def config_text(config: dict[str, Any]) -> str:
    """The resolved configuration as YAML."""
    return str(yaml.safe_dump(config, sort_keys=False, allow_unicode=True, default_flow_style=None))


def commits(study: StudyDocument) -> list[str]:
    """The distinct commits that the cells were trained at, shortened; a changed tree has a plus."""
    environments = [
        cell.environment or {}
        for model in study.models
        for axis in model.axes
        for cell in axis.cells
        if cell.failed is None
    ]
    texts = [
        environment["git_commit"][:10] + ("+" if environment.get("git_dirty") else "")
        for environment in environments
        if environment.get("git_commit")
    ]
    return list(dict.fromkeys(texts))
