"""Which device a cell is trained on, decided without importing torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def gpu_count(environ: Mapping[str, str] = os.environ, dev: Path = Path("/dev")) -> int:
    """How many NVIDIA GPUs this process may use: its device files, less what CUDA_VISIBLE_DEVICES hides."""
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    return len([path for path in dev.glob("nvidia[0-9]*") if path.name[6:].isdigit()])


def resolves_to_cuda(device: str) -> bool:
    """Whether ``compute.device`` means a GPU on this machine."""
    return device == "cuda" or (device == "auto" and gpu_count() > 0)
