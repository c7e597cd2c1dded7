"""Show a network of each model's best cell on further test draws, of images in none of its train and validation parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from scipy.stats import binomtest

from ablation.results.evaluation import evaluate_draws
from ablation.stages.job import Inputs, Spec, entry_of
from ablation.store.document import CellDocument, StudyDocument
from ablation.store.files import write_json
from ablation.store.formats import validate_document


def draws(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Test one network of the best cell on its further test draws.

    The cell is chosen by validation loss. Its replicate is the first that did not diverge, whatever it reached: validation
    losses of different replicates are of different images and choose the easiest ones, not the best network.

    Args:
        spec: ``confidence`` of the intervals.
        inputs: the tables, the trained cells and the prepared data.
        draft: gets ``draws.json``: per model, null where there is no best cell, where its data have no further draws, and of a
            regression, which counts no hits.
        facts: not used.
    """
    torch.set_num_threads(1)
    tables = entry_of(inputs, "collect")
    study = StudyDocument.from_plain(tables.read("study.json"))
    compared = tables.read("comparisons.json")["models"]
    by_model: dict[str, dict[str, Any] | None] = {}
    for model in study.models:
        best = compared[model.name]["best"]
        by_model[model.name] = None
        if best is not None:
            cell = next(cell for cell in model.cells() if cell.name == best["cell"])
            by_model[model.name] = _first_network(cell, inputs, spec["confidence"])
    document = {"models": by_model}
    validate_document(document, "draws")
    write_json(draft / "draws.json", document)


def _first_network(cell: CellDocument, inputs: Inputs, confidence: float) -> dict[str, Any] | None:
    tested = inputs["evaluate"][cell.evaluation].read("metrics.json")
    trained, data = inputs["train"][cell.key], inputs["prepare"][cell.prepared]
    train, test = (load_file(data.folder / f"{part}.safetensors") for part in ("train", "test"))
    if "draw_index" not in test or tested["confusion_matrix"] is None:
        return None
    chosen = next(row for row in tested["replicates"] if row["status"] == "ok")
    weights = load_file(trained.folder / "model.safetensors")
    rows = evaluate_draws(tested["spec"], weights, (train, test), chosen["replicate"])
    if not rows:
        return None
    for row in rows:
        hits = sum(row["confusion_matrix"][i][i] for i in range(len(row["confusion_matrix"])))
        interval = binomtest(hits, row["n"]).proportion_ci(confidence, method="wilson")
        row["interval"] = [float(interval.low), float(interval.high)]
    return {
        "cell": cell.name,
        "replicate": chosen["replicate"],
        "val_loss": chosen["val_loss"],
        "test_accuracy": chosen["accuracy"],
        "draws": rows,
    }
