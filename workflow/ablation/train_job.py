"""Train one cell and publish its entry: the only job that costs minutes, so it starts with as little as it can."""

from __future__ import annotations

import csv
import logging
import math
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablation import provenance
from ablation.canonical import key_of
from ablation.devices import resolves_to_cuda
from ablation.lease import own_gpu
from ablation.loglines import LOG, Line, bounded, kept
from ablation.registry import MODELS
from ablation.sources import code_digest
from ablation.store import StoreError, is_whole, publish, read_json, write_json, write_text
from ablation.tensors import save_tensors

if TYPE_CHECKING:
    from ablation.stack.training import Trained

log = logging.getLogger("ablation")


def train(spec: dict[str, Any], part: Path, output: Path, run: dict[str, Any]) -> str:
    """Train a cell unless its entry is there, and write ``status.json``.

    Args:
        spec: the resolved specification.
        part: the prepared train part.
        output: ``results/store/<model>/<key>/status.json``; the entry is the folder ``train`` beside it.
        run: ``device``, ``checkpoint_seconds`` and ``cells`` (the study's), none of which changes a number.

    Returns:
        One line for the console.

    Raises:
        StoreError: if the code on disk is not the code of the specification.
    """
    model, key = MODELS[spec["model"]], key_of(spec)
    found = code_digest(*model.code("prepare", "train"))
    if spec["code"] != found:
        raise StoreError(
            f"the specification was made for code {spec['code']}, but this is code {found}: "
            "the sources changed after the workflow was read; start it again"
        )
    entry = output.parent / "train"
    if is_whole(entry):
        log.info("%s is there already and stays", entry)
    else:
        with kept() as lines:
            _train(spec, model.module("train"), part, entry, run, lines=lines)
    write_json(output, {"fingerprint": key, "key": key, "status": "ok"})
    facts = read_json(entry / "run.json")["cost"]
    name = run["cells"].get(f"{spec['model']}/{key}", f"{spec['model']}/{key}")
    return f"{name} trained in {facts['seconds']:.1f} s; {_progress(output.parents[2], run)}"


def _progress(store: Path, run: dict[str, Any]) -> str:
    """How many of the study's cells are trained."""
    states = [read_json(store / cell / "status.json") or {} for cell in run["cells"]]
    done = sum(state.get("status") == "ok" for state in states)
    return f"{done} of {len(states)} cells done"


def _train(
    spec: dict[str, Any],
    module: str,
    part: Path,
    entry: Path,
    run: dict[str, Any],
    *,
    lines: list[Line],
) -> None:
    """Train and publish. lines: what is logged meanwhile; after a resume it begins with the epoch that was reached."""
    leased = own_gpu() if resolves_to_cuda(run["device"]) else None  # before torch looks for GPUs
    if leased:  # cuBLAS reads it at its first call: products that give the same bytes each time
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch
    from safetensors.torch import load_file

    from ablation.stack.allocator import keep_freed_memory
    from ablation.stack.checkpoint import Checkpoints
    from ablation.stack.chunks import train_in_chunks

    keep_freed_memory()
    torch.set_num_threads(spec["threads"])
    device = torch.device("cuda" if leased else "cpu")
    environment = _environment(spec, leased)
    precision = environment["precision"]
    same = ("torch", "device", "gpu", "cpu", "precision")
    identity = {"key": key_of(spec), **{name: str(environment[name]) for name in same}}
    meter = provenance.Meter()
    saved = Checkpoints(
        entry.parent, identity, run["checkpoint_seconds"], spec["replicates"], meter
    )
    log.info("%s on %s in %s, key %s", spec["model"], device, precision, key_of(spec))
    network, data = import_module(module), load_file(part)

    def train_some(chosen: Sequence[int]) -> Trained:
        trained: Trained = network.run(
            spec["parameters"],
            data,
            seed=spec["seed"],
            device=device,
            precision=precision,
            replicates=chosen,
            checkpoint=saved.of(chosen),
            report=log.info,
        )
        return trained

    trained, at_once = train_in_chunks(train_some, spec["replicates"], log.warning)
    cost = {
        **meter.read(),
        "peak_memory_bytes": provenance.peak_memory(),
        "gpu_memory_bytes": torch.cuda.max_memory_reserved() if leased else None,
        "device": device.type,
        "replicates_at_once": at_once,
        "finished_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    facts = {"cost": cost, "environment": environment}
    _publish(entry, spec, trained, data, facts, lines=bounded(lines))
    saved.remove()


def _environment(spec: dict[str, Any], leased: str | None) -> dict[str, Any]:
    """Software, machine and what ``auto`` became. leased: the GPU's UUID, None on a processor."""
    import torch

    device = "cuda" if leased else "cpu"
    has_bf16 = (
        torch.cuda.is_bf16_supported(including_emulation=False)
        if leased
        else provenance.cpu_has_bf16()
    )
    return {
        **provenance.environment(),
        "gpu": torch.cuda.get_device_name() if leased else None,
        "gpu_uuid": leased,
        "device": device,
        "precision": _precision(spec["precision"], device, has_bf16=has_bf16),
        "threads": spec["threads"],
        **provenance.git_state(Path(__file__).parent),
    }


def _publish(
    entry: Path,
    spec: dict[str, Any],
    trained: Trained,
    data: dict[str, Any],
    run: dict[str, Any],
    *,
    lines: list[str],
) -> None:
    with publish(entry) as draft:
        save_tensors(draft / "model.safetensors", trained.tensors)
        samples = _write_history(draft / "history.csv", trained.history, data)
        _write_gradients(draft / "gradients.csv", trained.gradients, spec["parameters"]["epochs"])
        write_json(draft / "replicates.json", _replicates(trained))
        write_json(draft / "spec.json", spec)
        rate = samples / run["cost"]["seconds"] if samples else None
        cost = {**run["cost"], "samples_per_second": rate}
        write_json(draft / "run.json", {**run, "cost": cost})
        write_text(draft / LOG, "".join(f"{line}\n" for line in lines))


def _precision(requested: str, device: str, *, has_bf16: bool) -> str:
    """What ``auto`` means here; tf32 exists on CUDA alone."""
    if requested == "auto":
        return "bf16" if has_bf16 else "fp32"
    return "fp32" if requested == "tf32" and device == "cpu" else requested


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _replicates(trained: Any) -> list[dict[str, Any]]:
    """Replicate, divergence, best epoch and the validation loss there."""
    rows = []
    for r, (best, diverged) in enumerate(
        zip(trained.best_epoch.tolist(), trained.diverged.tolist(), strict=True)
    ):
        loss = _finite(float(trained.history["val_loss"][best - 1, r])) if best else None
        facts = {"replicate": r, "diverged": diverged, "best_epoch": best, "val_loss": loss}
        rows.append(facts)
    return rows


def _write_gradients(path: Path, gradients: Any, epochs: int) -> None:
    """Write one line per replicate, moment and layer, layers counted from the input."""
    from ablation.stack.gradients import recorded_epochs

    norms = gradients.tolist()
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["replicate", "epoch", "layer", "norm"])
        for r in range(gradients.shape[2]):
            for epoch, layers in zip(recorded_epochs(epochs), norms, strict=True):
                for layer, each in enumerate(layers, 1):
                    value = _finite(each[r])
                    writer.writerow([r, epoch, layer, "" if value is None else repr(value)])


def _write_history(path: Path, history: dict[str, Any], part: dict[str, Any]) -> int:
    """Write one line per replicate and epoch; the number of samples trained on, over all replicates."""
    names = sorted(history, key=["train_loss", "val_loss", "val_accuracy", "learning_rate"].index)
    columns = {name: history[name].tolist() for name in names}
    epochs = len(columns[names[0]]) if names else 0
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["replicate", "epoch", *names])
        replicates = len(columns[names[0]][0]) if epochs else 0
        for r in range(replicates):
            for e in range(epochs):
                values = [_finite(columns[name][e][r]) for name in names]
                writer.writerow([r, e + 1, *("" if v is None else repr(v) for v in values)])
    rows = part["train_n"].sum() if "train_n" in part else part["train_index"].numel()
    return int(rows) * epochs
