"""What the tables, and through them a report, are told of a model: its task, its words, its baseline and its axes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ablation.store.keys import canonical_json
from ablation.study.grid import Cell, ModelStudy
from ablation.study.models import Model
from ablation.study.stage import Spec


def of_model(model: Model, parameters: Mapping[str, Any], titles: Mapping[str, Any]) -> Spec:
    """What a page must know of a model beside its numbers.

    Args:
        model: with the files of its network and its data.
        parameters: of the baseline.
        titles: of its axes, of those that have one.
    """
    return {
        "task": model.task.name,
        "unit": model.data.unit,
        "classes": model.data.class_names(model.data.dataset(parameters)),
        "images": model.data.images,
        "words": {**model.words(parameters), "axes": dict(titles)},
    }


def describe(part: ModelStudy, yardsticks: str, place: Callable[[Cell], Spec]) -> Spec:
    """One model of the study document.

    Args:
        part: the model with its axes.
        yardsticks: the key of its simple models.
        place: says where a cell stands.
    """
    model, data = part.model, part.data_spec["data"]
    titles = {axis.name: axis.title for axis in part.axes if axis.title is not None}
    return {
        "model": model.name,
        **of_model(model, part.parameters, titles),
        "replicates": part.replicates,
        "tested": {
            "metric": part.tested.metric,
            "margin": part.tested.margin,
            "step": model.replicate_step,
        },
        "parameters": part.parameters,
        "data": {
            "dataset": data["dataset"],
            "source": _source(part),
            "sha256": data["files"] or {"arrays": data.get("arrays", "")},
            "prepared": part.data_key,
            "parameters": list(model.data_parameters),
        },
        "yardsticks": yardsticks,
        "axes": [
            {
                "axis": axis.name,
                "parameter": axis.parameter,
                "with": axis.fixed,
                "factors": axis.factors,
                "reference": axis.reference,
                "cells": [place(cell) for cell in axis.cells],
            }
            for axis in part.axes
        ],
    }


def told_apart(models: Iterable[Spec]) -> list[Spec]:
    """The models of a study; by the names of the configuration where their short names do not tell all of them apart."""
    specs = list(models)
    shorts = [canonical_json(spec["words"].get("short")) for spec in specs]
    if len(set(shorts)) == len(specs) and canonical_json(None) not in shorts:
        return specs
    words = [{n: t for n, t in spec["words"].items() if n != "short"} for spec in specs]
    return [{**spec, "words": texts} for spec, texts in zip(specs, words, strict=True)]


def _source(part: ModelStudy) -> str:
    """Where the data come from: ``embedded`` in a package, ``official`` (downloaded), or the user's ``own``."""
    data = part.data_spec["data"]
    origin = part.model.data.of("FROM", data["dataset"])
    if origin == "torchvision":
        return "official"
    return "embedded" if origin or "arrays" in data else "own"
