"""Two locks of a working directory, which the kernel frees however their holders end; Snakemake's own survives a SIGKILL.

``ablation.lock`` is held by the one run that may change anything. ``ablation.jobs`` is shared by the shells of its jobs and all
that they start, so that a run begins only after the last job of a killed one has ended.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

RUN, JOBS = "ablation.lock", "ablation.jobs"
HANDLE = 8  # the file descriptor of JOBS in the shell of a job, and in what it starts
PATIENCE = 3.0  # seconds; a dry run holds the lock for less than one
# Without the command flock, or where the folder cannot be written, a job runs unmarked.
SHARE_JOBS = (
    f"test -w .snakemake && exec {HANDLE}<>.snakemake/{JOBS} && flock --shared {HANDLE} || :; "
)


class BusyError(RuntimeError):
    """Another run holds the lock."""


def is_writable(folder: Path) -> bool:
    """Whether this user may put files into a folder, or make it."""
    return os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK)


def _open(path: Path) -> TextIO:
    path.parent.mkdir(exist_ok=True)
    flags = os.O_CREAT | (os.O_RDWR if os.access(path, os.W_OK) else os.O_RDONLY)
    return os.fdopen(os.open(path, flags, 0o666), encoding="utf-8")


def _lock(stream: TextIO) -> bool:
    """Whether the lock was free; it is held then until the file is closed."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def claim(folder: Path, patience: float = PATIENCE) -> TextIO:
    """Take the lock of a run, and remove Snakemake's locks and marks of incomplete files, which nobody living holds then.

    Args:
        folder: ``.snakemake`` of the working directory.
        patience: seconds to wait for another holder.

    Returns:
        The open file; the lock is held until it is closed or the process ends.

    Raises:
        BusyError: if another run holds it.
        OSError: if the folder cannot be written, or its file system has no locks.
    """
    stream, end = _open(folder / RUN), time.monotonic() + patience
    while not _lock(stream):
        if time.monotonic() >= end:
            stream.close()
            raise BusyError
        time.sleep(0.05)
    for lock in (folder / "locks").glob("*.lock"):
        lock.unlink(missing_ok=True)
    # What a killed job left under its final name is whole: every file of ours gets it by a rename.
    for mark in (folder / "incomplete").rglob("*"):
        if mark.is_file():
            mark.unlink(missing_ok=True)
    return stream


def clear_stale_locks(folder: Path) -> None:
    """Claim and let go at once; do nothing where a run goes on or the folder is another user's."""
    if is_writable(folder):
        with suppress(BusyError, OSError):
            claim(folder, patience=0).close()


def jobs_are_left(folder: Path) -> bool:
    """Whether a job of an earlier run is still at work; for who holds the lock of a run."""
    with _open(folder / JOBS) as stream:
        return not _lock(stream)


def _processes(path: Path) -> list[int]:
    """The processes of jobs, as far as this user and machine may see them."""
    found, name = [], str(path.resolve())
    for link in Path("/proc").glob(f"[0-9]*/fd/{HANDLE}"):
        with suppress(OSError):  # another user's, or gone
            if os.readlink(link) == name:
                found.append(int(link.parts[2]))
    return sorted(found)


def wait_for_jobs(folder: Path, say: Callable[[str], None]) -> None:
    """Wait until the last job of an earlier run has ended: what it makes is kept, and nobody else writes its files.

    Args:
        folder: ``.snakemake`` of the working directory.
        say: is told if there is one to wait for.
    """
    if not jobs_are_left(folder):
        return
    names = ", ".join(map(str, _processes(folder / JOBS))) or "on another machine"
    say(f"Waiting until the jobs that an earlier run left in this folder have ended ({names}).")
    with _open(folder / JOBS) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
