"""The store: every output lies under the digest of all that decides it, whole or not at all.

``results/store/specs/<key>.json`` says what ``results/store/<stage>/<key>/`` is made from. An entry is filled in a folder
beside and renamed; its manifest holds the SHA-256 of each file. Nothing in it is believed unread.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
            name for name, expected in self.files.items() if not _is(self.folder / name, expected)
        ]

    def holds(self, name: str) -> str:
        """A name, if it is that of a file or folder of the entry; else nothing, which stands for all of it."""
        known = name == MANIFEST or any(n == name or n.startswith(f"{name}/") for n in self.files)
        return name if known else ""

    def read(self, name: str) -> Any:
        """A JSON document of it."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is(path: Path, expected: str) -> bool:
    try:
        return sha256(path) == expected
    except OSError:
        return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def draft_beside(path: Path) -> Path:
    """A hidden name beside a path that nothing else has; modes of what is made there are as the umask says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}-{secrets.token_hex(6)}")


def write_text(path: Path, text: str, *, sync: bool = True) -> None:
    """Write a file beside, sync it and rename it to its place."""
    draft = draft_beside(path)
    try:
        with draft.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            if sync:
                os.fsync(stream.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def json_text(document: Any) -> str:
    """A document as JSON text. Raises ValueError for NaN, which JSON does not have."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, document: Any, *, sync: bool = True) -> None:
    """Write a JSON document, whole or not at all."""
    write_text(path, json_text(document), sync=sync)


def read_json(path: Path) -> Any:
    """Read a JSON document, or None if there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def spec_path(key: str, root: Path = Path()) -> Path:
    """Where the specification of a key lies."""
    return root / SPECS / f"{key}.json"


def read_spec(key: str, root: Path = Path()) -> dict[str, Any]:
    """The specification of a key.

    Raises:
        StoreError: if there is none, or it is not the one that the key is the digest of.
    """
    found = read_json(spec_path(key, root))
    if not isinstance(found, dict) or key_of(found) != key:
        raise StoreError(f"{spec_path(key, root)} is missing or damaged: start the run again")
    return found


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


def folder_of(stage: str, key: str, root: Path = Path()) -> Path:
    """Where the entry of a stage and a key lies."""
    return root / STORE / stage / key


def find(folder: Path) -> Entry | None:
    """The entry in a folder, or None if its manifest or one of its files is missing. Reads the manifest alone."""
    found = read_json(folder / MANIFEST)
    if not isinstance(found, dict) or found.pop("check", None) != digest(canonical_json(found)):
        return None
    if not all((folder / name).is_file() for name in found["files"]):
        return None
    failures = {
        name: Failure(why["reason"], tuple(why["log"])) for name, why in found["failures"].items()
    }
    return Entry(folder, found["files"], failures)


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


def set_aside(path: Path) -> None:
    """Move a damaged file or folder out of the way; it is kept under a hidden name."""
    os.rename(path, path.with_name(f".{path.name}-damaged-{secrets.token_hex(6)}"))


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
            _sync(path)
        _place(draft, folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_manifest(
    folder: Path, files: Mapping[str, str], failures: Mapping[str, Failure] | None = None
) -> None:
    """Write the manifest of a folder. files: name → SHA-256."""
    why = {n: {"reason": f.reason, "log": list(f.log)} for n, f in (failures or {}).items()}
    document = {"files": dict(files), "failures": why}
    write_json(folder / MANIFEST, {**document, "check": digest(canonical_json(document))})


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


@dataclass(frozen=True)
class Copy:
    """A readable file or folder that shows what an entry holds.

    Attributes:
        target: its path.
        stage, key: of the entry.
        source: a file or a folder of the entry; empty for all of it.
    """

    target: str
    stage: str
    key: str
    source: str = ""

    @property
    def folder(self) -> Path:
        """The entry's folder."""
        return folder_of(self.stage, self.key)

    def files(self, entry: Entry) -> dict[str, str]:
        """Path below the target → SHA-256; the empty path is the target itself."""
        if self.source == MANIFEST:
            return {"": sha256(entry.folder / MANIFEST)}
        if self.source in entry.files:
            return {"": entry.files[self.source]}
        start = f"{self.source}/" if self.source else ""
        return {
            name.removeprefix(start): expected
            for name, expected in entry.files.items()
            if name.startswith(start)
        }

    def is_current(self, entry: Entry) -> bool:
        """Whether the target is, byte for byte, what the entry published, and nothing more."""
        files, target = self.files(entry), Path(self.target)
        if "" in files:
            return _is(target, files[""])
        return shown(target) == set(files) and all(
            _is(target / name, expected) for name, expected in files.items()
        )

    def refresh(self, entry: Entry) -> None:
        """Make the target what the entry holds.

        Raises:
            StoreError: if the entry is damaged.
        """
        files, target = self.files(entry), Path(self.target)
        if target.exists() and target.is_dir() == (
            "" in files
        ):  # a folder where a file belongs, or the reverse
            set_aside(target)
        for name in set(shown(target)) - set(files):
            (target / name).unlink()
        for name, expected in files.items():
            self._copy(self.folder / self.source / name, target / name, expected)

    def _copy(self, source: Path, target: Path, expected: str) -> None:
        if _is(target, expected):
            return
        draft = draft_beside(target)
        try:
            shutil.copyfile(source, draft)
            if not _is(draft, expected):
                raise StoreError(f"{source} is damaged: start the run again, which makes it anew")
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)


def shown(folder: Path) -> set[str]:
    """The files below a folder, but hidden ones, as paths from it."""
    if not folder.is_dir():
        return set()
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {p.as_posix() for p in paths if not any(part.startswith(".") for part in p.parts)}


def entries(root: Path = Path()) -> Sequence[Path]:
    """The folders of all entries of all stages."""
    return sorted(
        path
        for stage in (root / STORE).glob("[!.]*")
        if stage.name not in (SPECS.name, CHECKPOINTS.name, "cells")
        for path in stage.glob("[!.]*")
        if path.is_dir()
    )
