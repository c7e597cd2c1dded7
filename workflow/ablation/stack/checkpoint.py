"""Save an unfinished training as it goes, so that a kill costs little."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


class CheckpointFile:
    """One file, replaced whole at each save.

    Args:
        path: where.
        identity: what must be the same for a resumed run to give the same numbers; a file of another identity is ignored.
        seconds: how often to save.
        cost: gives the seconds spent so far, which are kept with the state.
    """

    def __init__(
        self,
        path: Path,
        identity: dict[str, str],
        seconds: float,
        cost: Callable[[], dict[str, float]],
    ) -> None:
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

    def due(self) -> bool:
        """Whether the last save (or the start) is long enough ago."""
        return time.monotonic() - self._saved >= self.seconds

    def save(self, tensors: dict[str, Tensor]) -> None:
        """Write the state beside, sync it and rename it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        metadata = {"identity": json.dumps(self.identity), "cost": json.dumps(self.cost())}
        plain = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
        save_file(plain, draft, metadata)
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(draft, self.path)
        self._saved = time.monotonic()

    def remove(self) -> None:
        """Forget the state, once the training is published."""
        self.path.unlink(missing_ok=True)
