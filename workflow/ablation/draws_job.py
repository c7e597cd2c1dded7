"""Show a network of each model's best cell on further test draws, of images in none of its train and validation parts."""

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
    """Test one network of the best cell on its further test draws.

    The cell is chosen by validation loss. Its replicate is the first that did not diverge, whatever it reached: validation
    losses of different replicates are of different images and choose the easiest ones, not the best network.

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
            _first_network(module, _cell(model, best["cell"]), spec["confidence"])
            if drawn
            else None
        )
    failed = study["fingerprint"].startswith("failed")
    document = {"fingerprint": study_fingerprint(spec, failed), "models": found}
    validate_document(document, "draws")
    write_json(output, document)


def _cell(model: dict[str, Any], name: str) -> dict[str, Any]:
    cells = [cell for axis in model["axes"] for cell in axis["cells"]]
    found: dict[str, Any] = next(cell for cell in cells if cell["cell"] == name)
    return found


def _first_network(module: Any, cell: dict[str, Any], confidence: float) -> dict[str, Any] | None:
    view = read_json(Path(cell["view"]))
    chosen = next(row for row in view["replicates"] if row["status"] == "ok")
    store = Path(cell["store"])
    entry, data = store / "train", store.parents[1] / "data" / view["data"]["prepared"]
    put_aside_if_damaged(entry)
    train, test = (load_file(data / f"{part}.safetensors") for part in ("train", "test"))
    part = {**test, **{name: train[name] for name in ("mean", "scale")}}
    parameters, tensors = view["spec"]["parameters"], load_file(entry / "model.safetensors")
    rows = module.evaluate_draws(parameters, tensors, part, chosen["replicate"])
    for row in rows:
        hits = sum(row["confusion_matrix"][i][i] for i in range(len(row["confusion_matrix"])))
        interval = binomtest(hits, row["n"]).proportion_ci(confidence, method="wilson")
        row["interval"] = [float(interval.low), float(interval.high)]
    return {
        "cell": cell["cell"],
        "replicate": chosen["replicate"],
        "val_loss": chosen["val_loss"],
        "test_accuracy": chosen["accuracy"],
        "draws": rows,
    }
