"""Which device a cell is trained on, and how many GPUs there are, decided without importing torch."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

DEV = Path("/dev")


def _as_cuda_reads(text: str) -> list[str]:
    """The entries of a device list: the first that is none ends it, and a repeated one empties it."""
    names: list[str] = []
    for entry in text.split(","):
        name = entry.strip()
        if not re.fullmatch(r"\d+|(GPU|MIG)-.+", name):
            break
        if name in names:
            return []
        names.append(name)
    return names


def visible_gpus(environ: Mapping[str, str] = os.environ) -> list[str] | None:
    """The GPUs that this process is given: indices, UUIDs or their beginnings, in order.

    Returns:
        What CUDA_VISIBLE_DEVICES lists, else what Slurm has assigned to its job, else None: no restriction.
    """
    names = ["CUDA_VISIBLE_DEVICES"]
    if "SLURM_JOB_ID" in environ:
        names += ["SLURM_STEP_GPUS", "SLURM_JOB_GPUS"]
    listed = next((environ[name] for name in names if name in environ), None)
    return None if listed is None else _as_cuda_reads(listed)


def gpu_minors(dev: Path = DEV) -> list[int]:
    """The numbers of NVIDIA's device files."""
    numbers = [path.name.removeprefix("nvidia") for path in dev.glob("nvidia[0-9]*")]
    return sorted(int(number) for number in numbers if number.isdigit())


def gpu_count(environ: Mapping[str, str] = os.environ, dev: Path = DEV) -> int:
    """How many GPUs this process may use: those that it is given, else one for each device file."""
    visible = visible_gpus(environ)
    return len(gpu_minors(dev) if visible is None else visible)


@cache
def torch_has_cuda(version: Path | None = None) -> bool:
    """Whether the installed torch is built for CUDA.

    Args:
        version: ``torch/version.py``; the installed one where left out.
    """
    if version is None:
        spec = find_spec("torch")
        if spec is None or spec.origin is None:
            return False
        version = Path(spec.origin).with_name("version.py")
    version_line = re.search(r"^cuda\b[^=\n]*=\s*(\S+)", version.read_text("utf-8"), re.MULTILINE)
    return version_line is not None and version_line.group(1) != "None"


def resolves_to_cuda(device: str) -> bool:
    """Whether ``compute.device`` means a GPU; ``auto`` asks this machine."""
    return device == "cuda" or (device == "auto" and torch_has_cuda() and gpu_count() > 0)


def refusal(device: str, *, local: bool) -> str | None:
    """One sentence on why ``compute.device`` cannot be what it is, or None.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``.
        local: whether jobs run on this machine. Where they do not, it cannot tell what the others have.
    """
    why = None
    if not local:
        if device == "auto":
            return (
                "compute.device is 'auto', but jobs run on other machines and this one cannot tell "
                "whether they have a GPU: allowed is cpu or cuda."
            )
    elif device == "cuda" and not torch_has_cuda():
        why = "the installed torch is built without CUDA"
    elif device == "cuda" and gpu_count() == 0:
        why = "no GPU is visible here"
    return why and f"compute.device is 'cuda', but {why}: allowed is cpu or auto."


def gpus_to_share(device: str, *, local: bool, refuse: Callable[[str], None]) -> int | None:
    """How many GPU jobs may run at once on this machine; None where nothing limits them.

    Args:
        device: as configured.
        local: whether jobs run on this machine.
        refuse: ends the run with one sentence, for a device that cannot be.
    """
    sentence = refusal(device, local=local)
    if sentence:
        refuse(sentence)
    return gpu_count() if local and resolves_to_cuda(device) else None
