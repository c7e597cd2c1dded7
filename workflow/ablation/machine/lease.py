"""A GPU of one's own: a lease by lock file, which the kernel frees however its holder ends."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ablation.machine.devices import DEV, gpu_minors, visible_gpus

log = logging.getLogger("ablation")
FOLDER = "ABLATION_GPU_LEASES"
DEFAULT_FOLDER = "/tmp/ablation-gpu-leases"
PROC = Path("/proc/driver/nvidia/gpus")
GPU_LINE = re.compile(r"GPU (\d+): .*\(UUID: (GPU-[^)]+)\)")
MIG_LINE = re.compile(r"\s+MIG .*\(UUID: (MIG-[^)]+)\)")

_held: set[int] = set()


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


@dataclass(frozen=True)
class Lease:
    """A GPU held by this process until it ends or calls :meth:`close`.

    Attributes:
        uuid: what CUDA_VISIBLE_DEVICES must be.
    """

    uuid: str
    _descriptor: int

    def close(self) -> None:
        """Give the GPU back."""
        if self._descriptor in _held:
            _held.discard(self._descriptor)
            os.close(self._descriptor)


def _forget() -> None:
    """Close the locks of the parent in a forked child, so that it does not keep them alive."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_forget)


def _from_nvidia_smi() -> list[Gpu]:
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    gpus: list[Gpu] = []
    for line in done.stdout.splitlines():
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
    found = [re.search(r"^GPU UUID:\s*(GPU-[0-9a-f-]+)$", text, re.MULTILINE) for text in texts]
    return [Gpu(i, uuid[1] if uuid else str(i)) for i, uuid in enumerate(found)]


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
    given = visible_gpus(environ)
    if given is None:
        return gpus
    if not gpus:
        return [Gpu(int(name) if name.isdigit() else -1, name) for name in given]
    chosen: list[Gpu] = []
    for name in given:
        meant = [gpu for gpu in gpus if gpu.answers_to(name)]
        if not meant and "CUDA_VISIBLE_DEVICES" not in environ:
            return gpus  # Slurm numbers the node's GPUs, but shows a job no others than its own
        if not meant:
            break
        chosen += [gpu for gpu in meant if gpu not in chosen]
    return chosen


def acquire(
    folder: Path | None = None, *, environ: Mapping[str, str] = os.environ, poll: float = 1.0
) -> Lease:
    """Lease the first free GPU of those that this process may use; wait while all are taken.

    Args:
        folder: where the lock files are; that of ABLATION_GPU_LEASES where left out. Processes that share GPUs must share it.
        environ: what may restrict the choice.
        poll: seconds between two looks at the locks.

    Raises:
        LeaseError: if there is no GPU, or no lock file can be made.
    """
    folder = folder or Path(environ.get(FOLDER) or DEFAULT_FOLDER)
    gpus = choose(list_gpus(), environ)
    if not gpus:
        given = environ.get("CUDA_VISIBLE_DEVICES")
        known = "" if given is None else f" that CUDA_VISIBLE_DEVICES={given} allows"
        raise LeaseError(f"there is no GPU here{known}: set compute.device to cpu.")
    _make(folder)
    waiting = False
    while True:
        for gpu in gpus:
            descriptor = _lock(folder / f"{gpu.uuid.replace('/', '_')}.lock")
            if descriptor is not None:
                _held.add(descriptor)
                log.info("leased GPU %s", gpu.uuid)
                return Lease(gpu.uuid, descriptor)
        if not waiting:
            log.info("waiting for a GPU: all %d are leased in %s", len(gpus), folder)
            waiting = True
        time.sleep(poll)


@cache
def own_gpu() -> str:
    """Lease a GPU for the rest of this process and hide all others from CUDA; its UUID.

    To be called before torch is imported. Further calls find the same lease.

    Raises:
        LeaseError: if there is no GPU, or no lock file can be made.
    """
    lease = acquire()
    os.environ["CUDA_VISIBLE_DEVICES"] = lease.uuid
    return lease.uuid


def _refused(folder: Path, what: str, error: OSError) -> str:
    return (
        f"{FOLDER} is {str(folder)!r}, where no locks can be {what} ({error.strerror}): "
        "allowed is a folder that all jobs can write to."
    )


def _make(folder: Path) -> None:
    """Make the folder, open to every user like /tmp itself."""
    umask = os.umask(0)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        folder.mkdir(mode=0o1777, exist_ok=True)
    except OSError as error:
        raise LeaseError(_refused(folder, "made", error)) from None
    finally:
        os.umask(umask)


def _open(path: Path) -> int:
    """Open a lock file that may be another user's: ``flock`` asks for no right to write."""
    flags = os.O_RDWR | os.O_NOFOLLOW
    while True:
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            # Apart from the opening: in a sticky folder O_CREAT may not touch another user's file.
            umask = os.umask(0)
            try:
                return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                continue
            finally:
                os.umask(umask)
        except PermissionError:
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)


def _lock(path: Path) -> int | None:
    """The descriptor of a lock file that is now ours, or None while another process holds it."""
    try:
        descriptor = _open(path)
    except OSError as error:
        raise LeaseError(_refused(path.parent, "opened", error)) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if os.access(path, os.W_OK):
        _sign(descriptor)
    return descriptor


def _sign(descriptor: int) -> None:
    """Say for humans who holds the lock."""
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode())
    except OSError:
        log.debug("the lock file is another user's")
