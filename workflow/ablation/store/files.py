"""Files that are written whole or not at all, and known by the digest of their bytes."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ablation.store.keys import key_of


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_file_of(path: Path, expected: str) -> bool:
    """Whether there is a file whose SHA-256 is the expected one."""
    try:
        return sha256(path) == expected
    except OSError:
        return False


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def draft_beside(path: Path) -> Path:
    """A hidden name beside a path that nothing else has; modes of what is made there are as the umask says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}-{secrets.token_hex(6)}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a draft beside to write; on success it takes the place of the file."""
    draft = draft_beside(path)
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def set_aside(path: Path) -> None:
    """Move a damaged file or folder out of the way; it is kept under a hidden name."""
    os.rename(path, path.with_name(f".{path.name}-damaged-{secrets.token_hex(6)}"))


def write_text(path: Path, text: str, *, sync: bool = True) -> None:
    """Write a file beside, sync it and rename it to its place."""
    with replacing(path) as draft, draft.open("x", encoding="utf-8", newline="") as stream:
        stream.write(text)
        stream.flush()
        if sync:
            os.fsync(stream.fileno())


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document, whole or not at all. Raises ValueError for NaN, which JSON does not have."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON document, or None if there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    """A document with a digest of itself."""
    return {**document, "digest": key_of(document)}


def unsealed(document: Any) -> dict[str, Any] | None:
    """A document without its digest, or None if it has none or another one."""
    if not isinstance(document, dict):
        return None
    content = {name: value for name, value in document.items() if name != "digest"}
    try:
        return content if document.get("digest") == key_of(content) else None
    except (
        ValueError,
        RecursionError,
    ):  # what no document of ours holds: no finite number, or too deep
        return None
