"""Cells that differ in name alone: the same network, recipe and data. One is trained, the others take what it gave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock

from ablation.store.entries import CHECKPOINTS, STORE, Entry, find, folder_of

CHECK = "check.json"


@contextmanager
def turn(key: str) -> Iterator[None]:
    """Wait until no identical cell is in training, and keep the others waiting until this one is published or has failed.

    Args:
        key: of a cell that is to be trained.
    """
    group = _identical_to(key)
    if not group:
        yield
        return
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    with FileLock(CHECKPOINTS / f"{group[0]}.lock"):
        yield


def trained(key: str) -> Entry | None:
    """The entry of an identical cell that is trained, if there is any."""
    return next((entry for other in _identical_to(key) if (entry := _sound("train", other))), None)


def _identical_to(key: str) -> list[str]:
    """The keys of identical cells, this one among them; empty where no check found any."""
    for path in sorted((STORE / "check").glob(f"*/{CHECK}")):
        entry = _sound("check", path.parent.name)
        for group in entry.read(CHECK)["identical"] if entry else ():
            if key in group:
                return list(group)
    return []


def _sound(stage: str, key: str) -> Entry | None:
    entry = find(folder_of(stage, key))
    return entry if entry is not None and not entry.failures and not entry.damaged() else None
