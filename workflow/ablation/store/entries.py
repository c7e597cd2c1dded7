"""The store: every output lies under the digest of all that decides it, whole or not at all.

``results/store/specs/<key>.json`` says what ``results/store/<stage>/<key>/`` is made from. An entry is filled in a folder
beside and renamed; its manifest holds the SHA-256 of each file. Nothing in it is believed unread.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ablation.store.files import (
    draft_beside,
    is_file_of,
    read_json,
    sealed,
    set_aside,
    sha256,
    sync,
    unsealed,
    write_json,
    write_text,
)
from ablation.store.keys import canonical_json, digest, key_of

RESULTS = Path("results")
STORE = RESULTS / "store"
SPECS = STORE / "specs"
CHECKPOINTS = STORE / "checkpoints"
MANIFEST = "manifest.json"
_UMASK = os.umask(0o022)
os.umask(_UMASK)


class StoreError(RuntimeError):
    """A stored entry is not what it claims to be."""


@dataclass(frozen=True)
class Failure:
    """Why a job failed: one sentence, and the last lines of its log."""

    reason: str
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A published folder with its manifest.

    Attributes:
        files: name → SHA-256; names of files in folders have slashes.
        failures: stage/key → why, of the jobs that failed here or in what this was made from.
    """

    folder: Path
    files: Mapping[str, str]
    failures: Mapping[str, Failure]

    @property
    def stage(self) -> str:
        return self.folder.parent.name

    @property
    def key(self) -> str:
        return self.folder.name

    @property
    def failure(self) -> Failure | None:
        """Why the entry's own job failed; None if it did not."""
        return self.failures.get(f"{self.stage}/{self.key}")

    def damaged(self) -> list[str]:
        """The files that are not, byte for byte, the published ones."""
        return [
            name
            for name, expected in self.files.items()
            if not is_file_of(self.folder / name, expected)
        ]

    def holds(self, name: str) -> str:
        """A name, if it is that of a file or folder of the entry; else nothing, which stands for all of it."""
        listed = name == MANIFEST or any(n == name or n.startswith(f"{name}/") for n in self.files)
        return name if listed else ""

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def spec_path(key: str) -> Path:
    """Where the specification of a key lies."""
    return SPECS / f"{key}.json"


def read_spec(key: str) -> dict[str, Any]:
    """The specification of a key.

    Raises:
        StoreError: if there is none, or it is not the one that the key is the digest of.
    """
    spec = read_json(spec_path(key))
    if not isinstance(spec, dict) or key_of(spec) != key:
        raise StoreError(f"{spec_path(key)} is missing or damaged: start the run again")
    return spec


def write_spec(spec: dict[str, Any]) -> None:
    """Put a specification in its place, unless it lies there."""
    text = canonical_json(spec)
    path = spec_path(digest(text))
    try:
        if path.read_text(encoding="utf-8") == text:
            return
    except (OSError, ValueError):
        pass
    write_text(path, text, sync=False)


def folder_of(stage: str, key: str) -> Path:
    """Where the entry of a stage and a key lies."""
    return STORE / stage / key


def find(folder: Path) -> Entry | None:
    """The entry in a folder, or None if its manifest or one of its files is missing. Reads the manifest alone."""
    manifest = unsealed(read_json(folder / MANIFEST))
    if manifest is None or not _is_manifest(manifest):
        return None
    if not all((folder / name).is_file() for name in manifest["files"]):
        return None
    failures = {
        name: Failure(why["reason"], tuple(why["log"]))
        for name, why in manifest["failures"].items()
    }
    return Entry(folder, manifest["files"], failures)


def _is_manifest(manifest: Mapping[str, Any]) -> bool:
    """Whether it has the fields of a manifest, and names no file outside its folder."""
    files, failures = manifest.get("files"), manifest.get("failures")
    if not isinstance(files, dict) or not isinstance(failures, dict):
        return False
    names = map(PurePosixPath, files)
    return all(not name.is_absolute() and ".." not in name.parts for name in names) and all(
        isinstance(why, dict)
        and isinstance(why.get("reason"), str)
        and isinstance(why.get("log"), list)
        for why in failures.values()
    )


def require(folder: Path) -> Entry:
    """The entry in a folder, every file of it read and compared.

    Raises:
        StoreError: if it is missing or damaged.
    """
    entry = find(folder)
    damaged = [MANIFEST] if entry is None else entry.damaged()
    if entry is None or damaged:
        raise StoreError(
            f"{folder} is missing or damaged ({', '.join(damaged)}): start the run again, which makes it anew"
        )
    return entry


def require_or_set_aside(folder: Path, target: str | Path | None = None) -> Entry:
    """As :func:`require`, for who reads what a run has made: a damaged entry is moved out of the way of a run.

    Args:
        folder: the entry's.
        target: what makes it again; its manifest where left out.
    """
    try:
        return require(folder)
    except StoreError:
        if folder.is_dir():
            with suppress(OSError):  # somebody else's store
                set_aside(folder)
        makes = target or folder_of(folder.parent.name, folder.name) / MANIFEST
        raise StoreError(f"{folder} is missing or damaged: run snakemake {makes}") from None


@contextmanager
def publish(folder: Path, failures: Mapping[str, Failure] | None = None) -> Iterator[Path]:
    """Give an empty draft folder to fill; on success it becomes ``folder`` in one rename.

    If a whole entry is there already, it stays and the draft is dropped: of two writers the second keeps the first's.

    Args:
        folder: the entry's place.
        failures: of the inputs, or the entry's own.
    """
    draft = draft_beside(folder)
    draft.mkdir()
    try:
        yield draft
        files = sorted(path for path in draft.rglob("*") if path.is_file())
        for path in files:
            path.chmod(0o666 & ~_UMASK)
        write_manifest(
            draft, {path.relative_to(draft).as_posix(): sha256(path) for path in files}, failures
        )
        for path in [*files, draft / MANIFEST, draft]:
            sync(path)
        _place(draft, folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_manifest(
    folder: Path, files: Mapping[str, str], failures: Mapping[str, Failure] | None = None
) -> None:
    """Write the manifest of a folder. files: name → SHA-256."""
    why = {n: {"reason": f.reason, "log": list(f.log)} for n, f in (failures or {}).items()}
    write_json(folder / MANIFEST, sealed({"files": dict(files), "failures": why}))


def _place(draft: Path, folder: Path) -> None:
    """Rename over a missing or empty folder; what is neither empty nor whole moves out of the way first."""
    try:
        os.rename(draft, folder)
    except OSError:
        entry = find(folder)
        if entry is not None and not entry.damaged():  # another writer was quicker
            return
        set_aside(folder)
        os.rename(draft, folder)
