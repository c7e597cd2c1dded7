"""What each rule of the workflow does: read, call, write. The only place where stages meet the disk."""

from __future__ import annotations

import logging
import os
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from ablation.canonical import key_of
from ablation.download import copy_embedded, fetch_official, verify
from ablation.registry import MODELS
from ablation.schemas import validate_document
from ablation.sources import code_digest
from ablation.store import (
    StoreError,
    publish,
    read_json,
    require_whole,
    write_json,
)

log = logging.getLogger("ablation")


def download(spec: dict[str, Any], run: dict[str, Any], folder: Path) -> None:
    """Put the raw files of a data set into a folder, verified.

    Args:
        spec: ``files`` (name → SHA-256), and whether they are ``embedded`` in a package.
        run: ``mirrors``, tried after the one that the environment variable MNIST_MIRROR names.
        folder: where they go, all or none.
    """
    if spec["embedded"]:
        copy_embedded(spec["files"], folder)
    else:
        first = os.environ.get("MNIST_MIRROR")
        mirrors = [*([first] if first else []), *run["mirrors"]]
        log.info("served by %s", fetch_official(spec["files"], folder, mirrors))


def prepare(spec: dict[str, Any], raw: Path, output: Path) -> None:
    """Split and standardise, and publish the train and the test part as two files."""
    from safetensors.numpy import save_file

    model = MODELS[spec["model"]]
    _require_code(spec, model.module("prepare"))
    for name, expected in spec["data"]["files"].items():
        verify(raw / name, expected)
    module = import_module(model.module("prepare"))
    train, test = module.prepare(raw, spec["parameters"], spec["seed"], spec["replicates"])
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".prepare-") as draft:
        for name, part in (("train", train), ("test", test)):
            save_file(part, Path(draft) / f"{name}.safetensors")
        for name in ("train", "test"):
            (Path(draft) / f"{name}.safetensors").rename(output / f"{name}.safetensors")


def _require_code(spec: dict[str, Any], *entries: str) -> None:
    """Refuse to compute under a key that another version of the code made."""
    found = code_digest(*entries)
    if spec["code"] != found:
        raise StoreError(
            f"the specification was made for code {spec['code']}, but this is code {found}: "
            "the sources changed after the workflow was read; start it again"
        )


def tensors(path: Path) -> dict[str, Any]:
    """All tensors of a safetensors file."""
    from safetensors.torch import load_file

    return dict(load_file(path))


def evaluate(
    job: dict[str, str], entry: Path, train_part: Path, test_part: Path, output: Path
) -> None:
    """Test a trained cell and publish metrics and predictions.

    Args:
        job: ``key`` of the cell and ``eval``, the digest of the evaluation code.
        entry: the cell's store folder.
        train_part, test_part: the prepared data.
        output: ``metrics.json`` in the evaluation's folder.
    """
    key, digest, entry = job["key"], job["eval"], entry / "train"
    status = read_json(entry.parent / "status.json") or {}
    if "failed" in status:
        raise StoreError(f"training failed: {status['failed']}")
    import pandas as pd
    import torch

    from ablation.summary import replicate_rows, summarise

    torch.set_num_threads(1)
    require_whole(entry)
    spec = read_json(entry / "spec.json")
    if key_of(spec) != key:
        raise StoreError(f"{entry} holds another specification than {key}")
    model = MODELS[spec["model"]]
    module = import_module(model.module("evaluate"))
    train, test = tensors(train_part), tensors(test_part)
    parameters, stacked = spec["parameters"], tensors(entry / "model.safetensors")
    seen = {name: train[name] for name in ("mean", "scale")}
    metrics, columns = module.evaluate(parameters, stacked, {**test, **seen})
    sizes = module.sizes(train, test)
    rows = replicate_rows(metrics, read_json(entry / "replicates.json"), module.LOSS)
    ok = {row["replicate"] for row in rows if row["status"] == "ok"}
    document = {
        "fingerprint": digest,
        "key": key,
        "eval": digest,
        "status": {"ok": len(ok), "diverged": len(rows) - len(ok)},
        "metrics": summarise(rows, [m.name for m in model.metrics], sizes["test_train_ratio"]),
        "replicates": rows,
        "confusion_matrix": _confusion(module, columns, ok),
        "model_size": _model_size(module, parameters, stacked),
        "data": {"sha256": spec["data"]["files"], **sizes},
    }
    validate_document(document, "store_metrics")
    with publish(output.parent) as draft:
        pd.DataFrame(columns).to_csv(draft / "predictions.csv", index=False)
        write_json(draft / "metrics.json", document)


def _confusion(module: Any, columns: dict[str, Any], ok: set[int]) -> list[list[int]] | None:
    """Counts over the ok replicates, for a classifier."""
    import numpy as np

    if "predicted" not in columns:
        return None
    usable = np.isin(columns["replicate"], sorted(ok))
    counts = module.confusion_matrix(columns["label"][usable], columns["predicted"][usable])
    return [[int(count) for count in row] for row in counts]


def _model_size(module: Any, parameters: dict[str, Any], stacked: dict[str, Any]) -> dict[str, int]:
    """Trainable parameters and multiply-adds per sample of one replicate."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    network = module.plain(parameters, stacked, 0)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *module.SHAPE))
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "multiply_adds": counter.get_total_flops() // 2,
    }


def yardsticks(spec: dict[str, Any], train_part: Path, test_part: Path, output: Path) -> None:
    """Fit the simple models on the same splits."""
    from safetensors.numpy import load_file

    model = MODELS[spec["model"]]
    _require_code(spec, model.module("prepare"), model.module("yardsticks"))
    module = import_module(model.module("yardsticks"))
    results = module.yardsticks(load_file(train_part), load_file(test_part), spec["seed"])
    write_json(output, {"key": key_of(spec), "spec": spec, "yardsticks": results})


def fail(output: Path, fingerprint: str, status: int, log_file: Path) -> None:
    """Record that a cell's job failed, in place of its result.

    Args:
        output: the job's target.
        fingerprint: what the target would carry; marked as failed, so that the next run tries again.
        status: the exit status of the job as the shell gives it (128 + signal for a killed one).
        log_file: its last line is the reason.
    """
    reason = f"exit status {status}"
    if status > 128:
        reason = f"killed by signal {status - 128}"
        reason += " (by hand, or out of memory)" if status == 137 else ""
    elif log_file.is_file():
        lines = [line for line in log_file.read_text(errors="replace").splitlines() if line.strip()]
        reason = lines[-1].partition(" ")[2][:300] if lines else reason
    write_json(output, {"fingerprint": f"failed {fingerprint}", "failed": reason})
