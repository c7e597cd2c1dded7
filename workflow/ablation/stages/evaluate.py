"""Test one trained cell and write its metrics and predictions."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from ablation.data.pins import pinned
from ablation.results import evaluation
from ablation.stages.job import Inputs, Spec, entry_of, facts_of
from ablation.store.files import write_json
from ablation.store.formats import validate_columns, validate_document


def evaluate(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Write ``metrics.json`` and ``predictions.csv`` of a trained cell."""
    torch.set_num_threads(1)
    trained, prepared = entry_of(inputs, "train"), entry_of(inputs, "prepare")
    shared = facts_of(spec, trained.key)
    train, test = (load_file(prepared.folder / f"{part}.safetensors") for part in ("train", "test"))
    numbers, predictions = evaluation.evaluate(
        shared["spec"],
        load_file(trained.folder / "model.safetensors"),
        (train, test),
        replicates=trained.read("replicates.json"),
    )
    source = {"sha256": pinned(shared["spec"]["data"]), "prepared": prepared.key}
    document = {
        **shared,
        **numbers,
        "data": {**source, **numbers["data"]},
        **trained.read("run.json"),
    }
    validate_document(document, "metrics_file")
    validate_columns(predictions[0], f"predictions_{shared['spec']['task']}")
    with (draft / "predictions.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(predictions)
    write_json(draft / "metrics.json", document)
