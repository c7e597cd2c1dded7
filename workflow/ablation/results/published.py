"""The numbers and the claims of the course report that this study redoes."""

from __future__ import annotations

from typing import Any

import yaml

from ablation.store.document import ModelDocument
from ablation.store.places import TEMPLATES

NUMBERS, CLAIMS = TEMPLATES / "reference.yaml", TEMPLATES / "claims.yaml"
NEAR = 0.05  # training sets that differ by more are not compared


def load() -> dict[str, Any]:
    """The content of ``reference.yaml``: its numbers."""
    content: dict[str, Any] = yaml.safe_load(NUMBERS.read_text(encoding="utf-8"))
    return content


def load_claims() -> dict[str, Any]:
    """The content of ``claims.yaml``: its claims, and what decides each."""
    content: dict[str, Any] = yaml.safe_load(CLAIMS.read_text(encoding="utf-8"))
    return content


def of_model(model: ModelDocument) -> dict[str, Any] | None:
    """The published runs that a model redoes: those of its name, its task and its data set. None for any other model.

    A name alone says nothing: another study may call its network as it likes.
    """
    published = load()["models"].get(model.name)
    return published if published is not None and same_kind(published, model) else None


def same_kind(published: dict[str, Any], model: ModelDocument) -> bool:
    """Whether the published runs have the model's task, on the same data set or one drawn from the same source."""
    return model.task == published["task"] and model.data["dataset"] in published["same_data"]


def comparable(published: dict[str, Any], model: ModelDocument) -> bool:
    """Whether the published runs trained on the same kind of data, and on about as many samples as ours."""
    return same_kind(published, model) and _near(model.data, published["n_train"])


def is_whole(published: dict[str, Any], model: ModelDocument) -> bool:
    """Whether our runs trained on all that the course report calls its whole data."""
    return (
        "n_train_whole" in published
        and same_kind(published, model)
        and _near(model.data, published["n_train_whole"])
    )


def _near(data: dict[str, Any], theirs: float) -> bool:
    ours = data.get("n_train")
    return ours is not None and abs(sum(ours) / 2 - theirs) <= NEAR * theirs


def runs(published: dict[str, Any], axis: str, label: str) -> list[dict[str, float] | None]:
    """Per published run, the metrics of one value: empty where it diverged, None where it has none."""
    rows: list[dict[str, float] | None] = []
    for run in published["runs"]:
        values = run["axes"].get(axis, {}).get(label)
        if values == "diverged":
            rows.append({})
        else:
            rows.append(values and dict(zip(published["metrics"], values, strict=True)))
    return rows
