"""Train one cell: the only job that costs minutes, so it starts with as little as it can."""

from __future__ import annotations

import logging
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablation.machine import provenance
from ablation.machine.devices import resolves_to_cuda
from ablation.machine.lease import own_gpu
from ablation.machine.logs import LOG, Kept, attached, bounded
from ablation.stages import identical
from ablation.stages.job import Inputs, Spec, entry_of
from ablation.store.entries import CHECKPOINTS
from ablation.store.files import write_json, write_text
from ablation.store.keys import key_of
from ablation.store.places import PACKAGE
from ablation.store.tensors import save_tensors
from ablation.study.progress import Progress

if TYPE_CHECKING:
    import torch


log = logging.getLogger("ablation")


def train(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Train a cell: weights, history, replicates, run facts and log.

    Args:
        spec: the resolved specification.
        inputs: the prepared data.
        draft: the entry to fill.
        facts: ``device``, ``threads`` and ``checkpoint_seconds``, none of which changes a number.
    """
    part = entry_of(inputs, "prepare").folder / "train.safetensors"
    progress = Progress(key_of(spec), spec["parameters"]["epochs"])
    twin = identical.trained(key_of(spec))
    if twin is not None:  # the same network, recipe and data under another name
        for name in twin.files:
            shutil.copyfile(twin.folder / name, draft / name)
    else:
        with attached(Kept()) as kept, attached(progress):
            _train(spec, part, draft, facts, progress)
            # After a resume they begin with the epoch that was reached.
            write_text(draft / LOG, "".join(f"{line}\n" for line in bounded(kept.lines)))
    progress.end()


def _train(spec: Spec, part: Path, draft: Path, facts: dict[str, Any], progress: Progress) -> None:
    leased = own_gpu() if resolves_to_cuda(facts["device"]) else None  # before torch looks for GPUs
    if leased:  # cuBLAS reads it at its first call: products that give the same bytes each time
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch
    from safetensors.torch import load_file

    from ablation.training import records, run
    from ablation.training.allocator import keep_freed_memory
    from ablation.training.checkpoint import Checkpoints

    keep_freed_memory()
    torch.set_num_threads(1)
    device = torch.device("cuda" if leased else "cpu")
    cell = run.Cell(spec, load_file(part), device)
    plan, key = cell.plan(), key_of(spec)
    environment = _environment(device, leased, plan.precision)
    same = ("torch", "device", "gpu", "cpu", "precision")
    identity = {"key": key, **{name: str(environment[name]) for name in same}}
    meter = provenance.Meter()
    saved = Checkpoints(
        CHECKPOINTS / key, identity, facts["checkpoint_seconds"], spec["replicates"], meter
    )
    log.info("%s on %s in %s, key %s", spec["model"], device, plan.precision, key)
    threads = facts["threads"]
    trained, at_once = run.train(
        cell,
        plan,
        threads=threads,
        checkpoint_of=saved.of,
        begin=lambda groups: progress.begin(groups, min(groups, threads)),
    )
    epochs, spent = spec["parameters"]["epochs"], meter.read()
    rows = int(cell.part["train_n"].sum())
    cost = {
        **spent,
        "peak_memory_bytes": provenance.peak_memory(),
        "gpu_memory_bytes": torch.cuda.max_memory_reserved() if leased else None,
        "device": device.type,
        "replicates_at_once": at_once,
        "threads": threads,
        "finished_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "samples_per_second": rows * epochs / spent["seconds"] or None,
    }
    save_tensors(draft / "model.safetensors", trained.tensors)
    records.write_history(draft / "history.csv", trained)
    records.write_gradients(draft / "gradients.csv", trained, epochs)
    write_json(draft / "replicates.json", records.replicates(trained))
    write_json(draft / "run.json", {"cost": cost, "environment": environment})


def _environment(device: torch.device, leased: str | None, precision: str) -> dict[str, Any]:
    """Software, machine and what ``auto`` became. leased: the GPU's UUID, None on a processor."""
    import torch

    return {
        **provenance.environment(),
        "gpu": torch.cuda.get_device_name() if leased else None,
        "gpu_uuid": leased,
        "device": device.type,
        "precision": precision,
        **provenance.git_state(PACKAGE),
    }
