"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ablation.download import sha256

MANIFEST = "manifest.json"


class StoreError(RuntimeError):
    """A stored entry is not what it claims to be."""


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a file beside, sync it and rename it to its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def json_text(document: Any) -> str:
    """A document as JSON text. Raises ValueError for NaN, which JSON does not have."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document, whole or not at all."""
    write_text(path, json_text(document))


def read_json(path: Path) -> Any:
    """Read a JSON document, or None if there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def is_whole(folder: Path) -> bool:
    """Whether a published folder has every file of its manifest, byte for byte."""
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict):
        return False
    return all(
        (folder / name).is_file() and sha256(folder / name) == expected
        for name, expected in manifest.items()
    )


def require_whole(folder: Path) -> None:
    """Raise StoreError if a published folder was damaged."""
    if not is_whole(folder):
        raise StoreError(f"{folder} is incomplete or damaged; remove it to have it made again")


def put_aside_if_damaged(folder: Path) -> None:
    """Raise StoreError if a published folder was damaged, and move it out of the way of the next run."""
    if not is_whole(folder):
        if folder.exists():
            os.rename(
                folder, tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-damaged-")
            )
        raise StoreError(f"{folder} was damaged and is put aside; the next run makes it again")


@contextmanager
def publish(folder: Path) -> Iterator[Path]:
    """Give an empty draft folder to fill; on success it becomes ``folder`` in one rename.

    A manifest with the SHA-256 of each file is added. If a whole folder is there already, it stays and the draft is dropped:
    of two writers the second keeps the first's.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        yield draft
        os.chmod(draft, 0o755)
        files = sorted(path for path in draft.iterdir())
        write_json(draft / MANIFEST, {path.name: sha256(path) for path in files})
        for path in [*files, draft / MANIFEST, draft]:
            _sync(path)
        if not is_whole(folder):
            _replace(draft, folder)
            _sync(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(draft: Path, folder: Path) -> None:
    """Rename over a missing or empty folder; move a damaged one out of the way first."""
    try:
        os.rename(draft, folder)
    except OSError:
        if is_whole(folder):  # another writer was quicker; its entry stays
            return
        damaged = tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-damaged-")
        os.rename(folder, damaged)
        os.rename(draft, folder)
        shutil.rmtree(damaged, ignore_errors=True)
