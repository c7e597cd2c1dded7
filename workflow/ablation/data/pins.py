"""What is pinned of a data set, and the line that pins it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from ablation.store.download import digest_of

Source = dict[str, Any]
LONGEST_NAME = 255


def raw_files(source: Source) -> dict[Path, str]:
    """Path of each raw file, or folder of files → its pinned SHA-256.

    Args:
        source: what a specification says of its data: ``folder`` and ``files``.
    """
    return {Path(source["folder"], name): digest for name, digest in source["files"].items()}


def pinned(source: Source) -> dict[str, str]:
    """What is pinned of the data: the digest of each raw file, or of the arrays that a package makes."""
    files: dict[str, str] = source["files"]
    return files or ({"arrays": source["arrays"]} if source.get("arrays") else {})


def files_to_pin(path: Path) -> str | None:
    """The line ``FILES = {…}`` that pins what lies beside a data file and its code names; None if that is nothing.

    The data file is read and not imported.
    """
    names = {
        node.value
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    short = (name for name in sorted(names) if 0 < len(name) <= LONGEST_NAME and "\0" not in name)
    there = [
        name
        for name in short
        if name.strip("./") and _is_below(name) and (path.parent / name).exists()
    ]
    entries = ", ".join(f'"{name}": "{digest_of(path.parent / name)}"' for name in there)
    return f"FILES = {{{entries}}}" if there else None


def _is_below(name: str) -> bool:
    return not name.startswith("/") and ".." not in Path(name).parts
