"""Save an unfinished training as it goes, so that a kill costs little."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ablation.provenance import Meter
from ablation.tensors import save_tensors


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

    def _metadata(self) -> dict[str, str]:
        try:
            with safe_open(self.path, framework="pt") as stream:
                return dict(stream.metadata() or {})
        except (OSError, SafetensorError):
            return {}

    def earlier_cost(self) -> dict[str, float]:
        """The cost kept with a usable file, else nothing."""
        metadata = self._metadata()
        if json.loads(metadata.get("identity", "null")) != self.identity:
            return {}
        return {name: float(value) for name, value in json.loads(metadata["cost"]).items()}

    def load(self) -> dict[str, Tensor] | None:
        """The state on disk, if it is of this identity."""
        if json.loads(self._metadata().get("identity", "null")) != self.identity:
            return None
        with safe_open(self.path, framework="pt") as stream:
            return {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (no mapping)

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

    def remove(self) -> None:
        """Forget all of them, once the training is published."""
        for path in self.folder.glob("checkpoint*"):
            path.unlink()
