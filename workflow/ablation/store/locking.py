"""Snakemake's directory lock survives a SIGKILL; this one does not, and tells whether the other is stale."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO


def is_writable(folder: Path) -> bool:
    """Whether this user may put files into a folder, or make it."""
    return os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK)


def clear_stale_locks(folder: Path) -> TextIO | None:
    """Remove Snakemake's locks and marks of incomplete files in a folder if no living process of this workflow holds it.

    Args:
        folder: ``.snakemake`` of the working directory.

    Returns:
        The open file whose ``flock`` marks this process as the living one; the kernel frees it however the process ends. None
        if another process holds it or the folder cannot be written: then nothing is removed, and Snakemake says what there is
        to say.
    """
    if not is_writable(folder):  # another user's: what only reads needs no lock
        return None
    try:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder / "ablation.lock", os.O_RDONLY | os.O_CREAT, 0o666)
    except OSError:
        return None
    stream = os.fdopen(handle, encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    for lock in (folder / "locks").glob("*.lock"):
        lock.unlink(missing_ok=True)
    # What a killed job left under its final name is whole: every file of ours gets it by a rename.
    for mark in (folder / "incomplete").rglob("*"):
        if mark.is_file():
            mark.unlink(missing_ok=True)
    return stream
