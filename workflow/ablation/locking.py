"""Snakemake's directory lock survives a SIGKILL; this one does not, and tells whether the other is stale."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO


def clear_stale_locks(folder: Path) -> TextIO | None:
    """Remove Snakemake's locks in a folder if no living process of this workflow holds it.

    Args:
        folder: ``.snakemake`` of the working directory.

    Returns:
        The open file whose ``flock`` marks this process as the living one; the kernel frees it however the process ends. None
        if another process holds it: then nothing is removed, and Snakemake says what it has to say.
    """
    folder.mkdir(exist_ok=True)
    stream = (folder / "ablation.lock").open("w", encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    for lock in (folder / "locks").glob("*.lock"):
        lock.unlink(missing_ok=True)
    return stream
