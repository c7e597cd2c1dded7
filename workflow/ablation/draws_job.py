"""Show each model's best network on further test draws, of images that are in none of its train and validation parts."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from scipy.stats import binomtest

from ablation.registry import MODELS
from ablation.schemas import validate_document
from ablation.store import put_aside_if_damaged, read_json, write_json
from ablation.tables import study_fingerprint


def draws(spec: dict[str, Any], tables: Path, output: Path) -> None:
    """Test the best replicate of the best cell, both chosen by validation loss, on its further test draws.

    Args:
        spec: ``confidence`` of the intervals.
        tables: the folder of ``study.json`` and ``comparisons.json``.
        output: ``draws.json``: per model, null where there is no best cell or where its data have no further draws.
    """
    torch.set_num_threads(1)
    study, comparisons = (read_json(tables / f"{name}.json") for name in ("study", "comparisons"))
    found = {}
    for model in study["models"]:
        name = model["model"]
        best = comparisons["models"][name]["best"]
        module = import_module(MODELS[name].module("evaluate"))
        drawn = best is not None and hasattr(module, "evaluate_draws")
        found[name] = (
            _best_network(module, _cell(model, best["cell"]), spec["confidence"]) if drawn else None
        )
    failed = study["fingerprint"].startswith("failed")
    document = {"fingerprint": study_fingerprint(spec, failed), "models": found}
    validate_document(document, "draws")
    write_json(output, document)


def _cell(model: dict[str, Any], name: str) -> dict[str, Any]:
    cells = [cell for axis in model["axes"] for cell in axis["cells"]]
    found: dict[str, Any] = next(cell for cell in cells if cell["cell"] == name)
    return found


def _best_network(module: Any, cell: dict[str, Any], confidence: float) -> dict[str, Any] | None:
    view = read_json(Path(cell["view"]))
    usable = [row for row in view["replicates"] if row["val_loss"] is not None]
    best = min(usable, key=lambda row: row["val_loss"])
    store = Path(cell["store"])
    entry, data = store / "train", store.parents[1] / "data" / view["data"]["prepared"]
    put_aside_if_damaged(entry)
    train, test = (load_file(data / f"{part}.safetensors") for part in ("train", "test"))
    part = {**test, **{name: train[name] for name in ("mean", "scale")}}
    parameters, tensors = view["spec"]["parameters"], load_file(entry / "model.safetensors")
    rows = module.evaluate_draws(parameters, tensors, part, best["replicate"])
    for row in rows:
        hits = sum(row["confusion_matrix"][i][i] for i in range(len(row["confusion_matrix"])))
        interval = binomtest(hits, row["n"]).proportion_ci(confidence, method="wilson")
        row["interval"] = [float(interval.low), float(interval.high)]
    return {
        "cell": cell["cell"],
        "replicate": best["replicate"],
        "val_loss": best["val_loss"],
        "test_accuracy": best["accuracy"],
        "draws": rows,
    }
