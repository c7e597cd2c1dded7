"""Save an unfinished training as it goes, so that a kill costs little."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ablation.machine.provenance import Meter
from ablation.store.tensors import save_tensors

log = logging.getLogger("ablation")


def _digest(tensors: dict[str, Tensor], *texts: str) -> str:
    """The SHA-256 of names, types, shapes and bytes of tensors, and of texts."""
    found = hashlib.sha256("\0".join(texts).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"\0{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        dense = tensor.detach().cpu().contiguous().reshape(-1)
        found.update(dense.view(torch.uint8).numpy().data)
    return found.hexdigest()


class CheckpointFile:
    """One file, replaced whole at each save.

    Args:
        path: where.
        identity: what must be the same for a resumed run to give the same numbers; a file of another identity is ignored.
        seconds: how often to save.
        cost: gives the seconds spent so far, which are kept with the state.
        keep_end: save after the last epoch too, because more is trained before anything is published.
    """

    def __init__(
        self,
        path: Path,
        identity: dict[str, str],
        seconds: float,
        cost: Callable[[], dict[str, float]],
        *,
        keep_end: bool = False,
    ) -> None:
        self.keep_end = keep_end
        self.path, self.identity, self.seconds, self.cost = path, identity, seconds, cost
        self._saved = time.monotonic()

    def _read(self) -> tuple[dict[str, Tensor], dict[str, float]] | None:
        """State and cost, or None if there is no file of this identity whose bytes are those that were saved."""
        try:
            with safe_open(self.path, framework="pt") as stream:
                metadata = stream.metadata() or {}
                tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
            identity, cost = metadata["identity"], metadata["cost"]
        except (OSError, SafetensorError, KeyError):
            return None
        if metadata.get("digest") != _digest(tensors, identity, cost):
            log.warning("%s is damaged and not used", self.path)
            return None
        return (tensors, json.loads(cost)) if json.loads(identity) == self.identity else None

    def earlier_cost(self) -> dict[str, float]:
        """The cost kept with a usable file, else nothing."""
        found = self._read()
        return found[1] if found else {}

    def load(self) -> dict[str, Tensor] | None:
        """The state on disk, if it is of this identity and whole."""
        found = self._read()
        return found[0] if found else None

    def due(self, *, ended: bool = False) -> bool:
        """Whether the last save (or the start) is long enough ago; after the last epoch, whether the end is kept."""
        if ended:
            return self.keep_end
        return time.monotonic() - self._saved >= self.seconds

    def save(self, tensors: dict[str, Tensor]) -> None:
        """Write the state beside, sync it and rename it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        metadata = {"identity": json.dumps(self.identity), "cost": json.dumps(self.cost())}
        metadata["digest"] = _digest(tensors, *metadata.values())
        save_tensors(draft, tensors, metadata)
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(draft, self.path)
        self._saved = time.monotonic()


class Checkpoints:
    """The checkpoint files of one cell: of all its replicates at once, or of some, where memory did not hold all.

    Args:
        folder: where; nothing else there begins with ``checkpoint``.
        identity: what must be the same for a resumed run to give the same numbers.
        seconds: how often to save.
        replicates: how many the cell has.
        meter: counts the cost; it is told what earlier tries took.
    """

    def __init__(
        self, folder: Path, identity: dict[str, str], seconds: float, replicates: int, meter: Meter
    ) -> None:
        self.folder, self.identity, self.seconds = folder, identity, seconds
        self.replicates, self.meter = replicates, meter

    def of(self, chosen: Sequence[int]) -> CheckpointFile:
        """The file of the replicates of these numbers, which follow one another."""
        part, name = len(chosen) < self.replicates, f"{chosen[0]}-{chosen[-1]}"
        file = CheckpointFile(
            self.folder / f"checkpoint{f'-{name}' if part else ''}.safetensors",
            {**self.identity, "replicates": name},
            self.seconds,
            self.meter.read,
            keep_end=part,
        )
        # Each file keeps what was spent until then, so the largest is the sum.
        earlier = file.earlier_cost()
        if earlier.get("seconds", 0.0) > self.meter.earlier.get("seconds", 0.0):
            self.meter.earlier = earlier
        return file
