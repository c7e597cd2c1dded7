"""Two locks of a store, which the kernel frees however their holders end; Snakemake's own survives a SIGKILL.

``.run.lock`` is held by the one run that may change anything. ``.jobs.lock`` is shared by the shells of its jobs and all that
they start, so that a run begins only after the last job of a killed one has ended.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from ablation.store.entries import STORE

RUN, JOBS = STORE / ".run.lock", STORE / ".jobs.lock"
MEMORY = Path(".snakemake")
HANDLE = 8  # the file descriptor of JOBS in the shell of a job, and in what it starts
PATIENCE = 3.0  # seconds; a dry run holds the lock for less than one
# Without the command flock, or where the store cannot be written, a job runs unmarked.
SHARE_JOBS = f"test -w {STORE} && exec {HANDLE}<>{JOBS} && flock --shared {HANDLE} || :; "


class BusyError(RuntimeError):
    """Another run holds the lock."""


def is_writable(folder: Path) -> bool:
    """Whether this user may put files into a folder, or make it."""
    return os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK)


def _open(path: Path) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_CREAT | (os.O_RDONLY if _is_others(path) else os.O_RDWR)
    return os.fdopen(os.open(path, flags, 0o666), encoding="utf-8")


def _is_others(path: Path) -> bool:
    return path.exists() and not os.access(path, os.W_OK)


def _lock(stream: TextIO) -> bool:
    """Whether the lock was free; it is held then until the file is closed."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def claim(patience: float = PATIENCE) -> TextIO:
    """Take the lock of a run, and remove Snakemake's locks and marks of incomplete files, which nobody living holds then.

    Args:
        patience: seconds to wait for another holder.

    Returns:
        The open file; the lock is held until it is closed or the process ends.

    Raises:
        BusyError: if another run holds it.
        OSError: if the store cannot be written, or its file system has no locks.
    """
    stream, end = _open(RUN), time.monotonic() + patience
    while not _lock(stream):
        if time.monotonic() >= end:
            stream.close()
            raise BusyError
        time.sleep(0.05)
    locks = MEMORY / "locks"
    for lock in locks.glob("*.lock"):
        lock.unlink(missing_ok=True)
    # A run that ends removes the folder, which Snakemake made for this one at its start.
    if is_writable(MEMORY):
        locks.mkdir(parents=True, exist_ok=True)
    # What a killed job left under its final name is whole: every file of ours gets it by a rename.
    for mark in (MEMORY / "incomplete").rglob("*"):
        if mark.is_file():
            mark.unlink(missing_ok=True)
    return stream


def clear_stale_locks() -> None:
    """Claim and let go at once; do nothing where a run goes on or the store is another user's."""
    if is_writable(STORE) and is_writable(MEMORY):
        with suppress(BusyError, OSError):
            claim(patience=0).close()


def jobs_are_left() -> bool:
    """Whether a job of an earlier run is still at work; for who holds the lock of a run."""
    with _open(JOBS) as stream:
        return not _lock(stream)


def _processes(path: Path) -> list[int]:
    """The processes that have a file open as a job has, as far as this user and machine may see them."""
    found, name = [], str(path.resolve())
    for link in Path("/proc").glob(f"[0-9]*/fd/{HANDLE}"):
        with suppress(OSError):  # another user's, or gone
            if os.readlink(link) == name:
                found.append(int(link.parts[2]))
    return sorted(found)


def wait_for_jobs(say: Callable[[str], None]) -> None:
    """Wait until the last job of an earlier run has ended: what it makes is kept, and nobody else writes its files.

    Args:
        say: is told if there is one to wait for.
    """
    if not jobs_are_left():
        return
    found = ", ".join(map(str, _processes(JOBS)))
    names = f" (processes {found})" if found else ""
    say(f"Waiting until the jobs that an earlier run left{names} have ended.")
    with _open(JOBS) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
