"""A GPU of one's own: a lease by lock file, which the kernel frees however its holder ends."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from ablation.machine.devices import DEV, gpu_minors, visible_gpus

log = logging.getLogger("ablation")
FOLDER = "ABLATION_GPU_LEASES"
DEFAULT_FOLDER = "/tmp/ablation-gpu-leases"  # nosec B108 # all users of the machine share it
PROC = Path("/proc/driver/nvidia/gpus")
GPU_LINE = re.compile(r"GPU (\d+): .*\(UUID: (GPU-[^)]+)\)")
MIG_LINE = re.compile(r"\s+MIG .*\(UUID: (MIG-[^)]+)\)")

_held: list[FileLock] = []  # a lock that nothing refers to is given back


class LeaseError(RuntimeError):
    """No GPU can be leased; the message is one sentence."""


@dataclass(frozen=True)
class Gpu:
    """A GPU, or one MIG instance of it.

    Attributes:
        index: its place in PCI order, which is CUDA's where all GPUs are of one kind.
        uuid: its UUID, or its index where no UUID can be had.
        parent: the UUID of the GPU that a MIG instance is part of.
    """

    index: int
    uuid: str
    parent: str | None = None

    def answers_to(self, name: str) -> bool:
        """Whether a name in CUDA_VISIBLE_DEVICES means this one: index, UUID or its beginning."""
        if name.isdigit():
            return self.index == int(name)
        return self.uuid.startswith(name) or (self.parent or "").startswith(name)


def _from_nvidia_smi() -> list[Gpu]:
    try:
        process = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    gpus: list[Gpu] = []
    for line in process.stdout.splitlines():
        if gpu := GPU_LINE.match(line):
            gpus.append(Gpu(int(gpu[1]), gpu[2]))
        elif gpus and (mig := MIG_LINE.match(line)):
            whole = gpus[-1].parent or gpus[-1].uuid
            gpus.append(Gpu(gpus[-1].index, mig[1], whole))
    divided = {gpu.parent for gpu in gpus}
    return [gpu for gpu in gpus if gpu.uuid not in divided]


def _from_proc(proc: Path) -> list[Gpu]:
    """The driver's own list, in PCI order; a UUID of question marks is not known yet."""
    texts = [path.read_text("utf-8") for path in sorted(proc.glob("*/information"))]
    matches = [re.search(r"^GPU UUID:\s*(GPU-[0-9a-f-]+)$", text, re.MULTILINE) for text in texts]
    return [Gpu(i, uuid[1] if uuid else str(i)) for i, uuid in enumerate(matches)]


def list_gpus(proc: Path = PROC, dev: Path = DEV) -> list[Gpu]:
    """All GPUs of this machine or container; where MIG is on, its instances instead."""
    by_file = [Gpu(number, str(number)) for number in gpu_minors(dev)]
    return _from_nvidia_smi() or _from_proc(proc) or by_file


def choose(gpus: list[Gpu], environ: Mapping[str, str] = os.environ) -> list[Gpu]:
    """Those of the listed GPUs that this process is given, in the order in which it is given them.

    Args:
        gpus: what :func:`list_gpus` found; if nothing, the names that are given stand for themselves.
        environ: CUDA_VISIBLE_DEVICES goes before Slurm's assignment.
    """
    visible = visible_gpus(environ)
    if visible is None:
        return gpus
    if not gpus:
        return [Gpu(int(name) if name.isdigit() else -1, name) for name in visible]
    chosen: list[Gpu] = []
    for name in visible:
        meant = [gpu for gpu in gpus if gpu.answers_to(name)]
        if not meant and "CUDA_VISIBLE_DEVICES" not in environ:
            return gpus  # Slurm numbers the node's GPUs, but shows a job no others than its own
        if not meant:
            break
        chosen += [gpu for gpu in meant if gpu not in chosen]
    return chosen


def acquire(
    folder: Path | None = None, *, environ: Mapping[str, str] = os.environ, poll: float = 1.0
) -> str:
    """Lease the first free GPU of those that this process may use, until it ends; wait while all are taken.

    Args:
        folder: where the lock files are; that of ABLATION_GPU_LEASES where left out. Processes that share GPUs must share it.
        environ: what may restrict the choice.
        poll: seconds between two looks at the locks.

    Returns:
        What CUDA_VISIBLE_DEVICES must be.

    Raises:
        LeaseError: if there is no GPU, or no lock file can be made.
    """
    folder = folder or Path(environ.get(FOLDER) or DEFAULT_FOLDER)
    uuids = [gpu.uuid for gpu in choose(list_gpus(), environ)]
    if not uuids:
        visible = environ.get("CUDA_VISIBLE_DEVICES")
        allowed = "" if visible is None else f" that CUDA_VISIBLE_DEVICES={visible} allows"
        raise LeaseError(f"there is no GPU here{allowed}: set compute.device to cpu.")
    try:
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            folder.chmod(0o1777)  # open to every user like /tmp itself, whatever the umask
        if (uuid := _first_free(folder, uuids)) is None:
            log.info("waiting for a GPU: all %d are leased in %s", len(uuids), folder)
        while uuid is None:
            time.sleep(poll)
            uuid = _first_free(folder, uuids)
    except OSError as error:
        raise LeaseError(
            f"{FOLDER} is {str(folder)!r}, where no locks can be made ({error.strerror or error}): "
            "allowed is a folder that all jobs can write to."
        ) from None
    log.info("leased GPU %s", uuid)
    return uuid


def _first_free(folder: Path, uuids: list[str]) -> str | None:
    """The first GPU that no other process holds, now held by this one."""
    for uuid in uuids:
        path = folder / f"{uuid.replace('/', '_')}.lock"
        # Not the soft kind, which outlives a holder that is killed.
        lock = FileLock(path, mode=0o666, fallback_to_soft=False, on_acquired=_sign)
        with suppress(Timeout):
            lock.acquire(blocking=False)
            _held.append(lock)
            return uuid
    return None


def _sign(descriptor: int) -> None:
    """Say for humans who holds the lock."""
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode())


@cache
def own_gpu() -> str:
    """Lease a GPU for the rest of this process and hide all others from CUDA; its UUID.

    To be called before torch is imported. Further calls find the same lease.

    Raises:
        LeaseError: if there is no GPU, or no lock file can be made.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = acquire()
    return os.environ["CUDA_VISIBLE_DEVICES"]
