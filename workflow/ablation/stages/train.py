"""Train one cell: the only job that costs minutes, so it starts with as little as it can."""

from __future__ import annotations

import csv
import logging
import math
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablation.machine import provenance
from ablation.machine.devices import resolves_to_cuda
from ablation.machine.lease import own_gpu
from ablation.machine.logs import LOG, Line, bounded, kept
from ablation.networks.registry import MODELS
from ablation.stages.job import Inputs, Spec, one
from ablation.store.entries import CHECKPOINTS, write_json, write_text
from ablation.store.keys import key_of
from ablation.store.places import PACKAGE
from ablation.store.tensors import save_tensors

if TYPE_CHECKING:
    from ablation.networks.stack.training import Trained

log = logging.getLogger("ablation")


def train(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Train a cell: weights, history, replicates, run facts and log.

    Args:
        spec: the resolved specification.
        inputs: the prepared data.
        draft: the entry to fill.
        facts: ``device`` and ``checkpoint_seconds``, neither of which changes a number.
    """
    with kept() as lines:
        _train(spec, one(inputs, "prepare").folder / "train.safetensors", draft, facts, lines=lines)


def _train(
    spec: Spec, part: Path, draft: Path, facts: dict[str, Any], *, lines: list[Line]
) -> None:
    """Train and write. lines: what is logged meanwhile; after a resume it begins with the epoch that was reached."""
    leased = own_gpu() if resolves_to_cuda(facts["device"]) else None  # before torch looks for GPUs
    if leased:  # cuBLAS reads it at its first call: products that give the same bytes each time
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch
    from safetensors.torch import load_file

    from ablation.networks.stack.allocator import keep_freed_memory
    from ablation.networks.stack.checkpoint import Checkpoints
    from ablation.networks.stack.chunks import train_in_chunks

    keep_freed_memory()
    torch.set_num_threads(spec["threads"])
    device = torch.device("cuda" if leased else "cpu")
    environment = _environment(spec, leased)
    precision, key = environment["precision"], key_of(spec)
    same = ("torch", "device", "gpu", "cpu", "precision")
    identity = {"key": key, **{name: str(environment[name]) for name in same}}
    meter = provenance.Meter()
    saved = Checkpoints(
        CHECKPOINTS / key, identity, facts["checkpoint_seconds"], spec["replicates"], meter
    )
    log.info("%s on %s in %s, key %s", spec["model"], device, precision, key)
    network, data = MODELS[spec["model"]].load("train"), load_file(part)

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
    run = {"cost": cost, "environment": environment}
    _write(draft, spec, trained, data, run, lines=bounded(lines))


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
        **provenance.git_state(PACKAGE),
    }


def _write(
    draft: Path,
    spec: Spec,
    trained: Trained,
    data: dict[str, Any],
    run: dict[str, Any],
    *,
    lines: list[str],
) -> None:
    save_tensors(draft / "model.safetensors", trained.tensors)
    samples = _write_history(draft / "history.csv", trained.history, data)
    _write_gradients(draft / "gradients.csv", trained.gradients, spec["parameters"]["epochs"])
    write_json(draft / "replicates.json", _replicates(trained))
    rate = samples / run["cost"]["seconds"] if samples else None
    write_json(draft / "run.json", {**run, "cost": {**run["cost"], "samples_per_second": rate}})
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
    from ablation.networks.stack.gradients import recorded_epochs

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
