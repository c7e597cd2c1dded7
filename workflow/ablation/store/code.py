"""A digest of the source code that entries reach: modules of this package, and files of a user's own.

Only what the interpreter would run counts: comments, formatting and docstrings do not, and neither do the words and bounds that
an entry declares and its code never reads. The text that is hashed is made here, node by node, and leaves out empty fields, so
that it is the same under every Python version. A user's file is followed into what it imports from the folder beside it; its
modules are named from there, so that a folder that moves keeps its digests.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ablation.store.keys import digest
from ablation.store.places import PACKAGE as PACKAGE_FOLDER

PACKAGE = "ablation"
# What the file of a network or of a data set declares for readers, and for the check of a configuration.
DECLARED = (
    "TITLE",
    "SHORT",
    "ABOUT",
    "SOURCE",
    "NOTES",
    "TARGET",
    "UNIT",
    "PARAMETERS",
    "ROWS",
    "CLASS_NAMES",
)


def module_path(name: str, root: Path = PACKAGE_FOLDER) -> Path | None:
    """The file of a module of this package, or None if the name is not one."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return None
    base = root.joinpath(*parts[1:])
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _imported(tree: ast.AST) -> Iterable[str]:
    """The names that code imports; a relative one keeps its dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            joint = "" if start.endswith(".") else "."
            yield start
            yield from (f"{start}{joint}{alias.name}" for alias in node.names)


def _with_parents(name: str) -> Iterable[str]:
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


@dataclass(frozen=True)
class Code:
    """One source file: its text without what does not count, and what it imports."""

    text: str
    imports: tuple[str, ...]


@cache
def _parsed(path: Path, stamp: tuple[int, int]) -> Code:
    tree = ast.parse(path.read_bytes())
    return Code(_code_text(tree), tuple(sorted(set(_imported(tree)))))


@cache
def _undeclared_text(path: Path, stamp: tuple[int, int]) -> str:
    """The text of a file without what it declares."""
    return _code_text(_undeclared(ast.parse(path.read_bytes())))


def _undeclared(tree: ast.Module) -> ast.Module:
    """A file without the words and bounds that it declares, as far as its code reads none of them."""
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and _is_load(node)}
    kept = []
    for node in tree.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if not names or not all(name in DECLARED and name not in read for name in names):
            kept.append(node)
    return ast.Module(body=kept, type_ignores=[])


def _is_load(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _read(path: Path) -> Code:
    return _parsed(path, _stamp(path))


def _text(path: Path, *, alone: bool) -> str:
    """The text of a file; of one that no other file reads, without what it declares."""
    return _undeclared_text(path, _stamp(path)) if alone else _read(path).text


def _code_text(node: object) -> str:
    """A node as text, without positions, docstrings and empty fields."""
    if isinstance(node, list):
        return "[" + ",".join(_code_text(item) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    has_docstring = (
        isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and ast.get_docstring(node, clean=False) is not None
    )
    fields = []
    for name, value in ast.iter_fields(node):
        kept = value[1:] if has_docstring and name == "body" else value
        if kept is not None and kept != [] and name != "kind":
            fields.append(f"{name}={_code_text(kept)}")
    return f"{type(node).__name__}({','.join(fields)})"


def reached(entries: Iterable[str], root: Path = PACKAGE_FOLDER) -> dict[str, Path]:
    """The modules of this package that entries import, directly or not, modules among the entries included.

    Raises:
        ValueError: if an entry is no module of this package, or a module of it imports relatively.
    """
    modules = [entry for entry in entries if not _is_file(entry)]
    waiting = list(modules)
    for entry in entries:
        if _is_file(entry):
            for path in beside(Path(entry)).values():
                waiting += _read(path).imports
    for entry in modules:
        if module_path(entry, root) is None:
            raise ValueError(f"{entry} is not a module of {PACKAGE}")
    modules_reached: dict[str, Path] = {}
    while waiting:
        for name in _with_parents(waiting.pop()):
            file = module_path(name, root)
            if file is not None and name not in modules_reached:
                modules_reached[name] = file
                waiting.extend(_own_imports(file))
    return modules_reached


def _own_imports(path: Path) -> tuple[str, ...]:
    imports = _read(path).imports
    if any(name.startswith(".") for name in imports):
        raise ValueError("relative imports are not followed; write the full name")
    return imports


def _is_file(entry: str) -> bool:
    return entry.endswith(".py")


def beside(file: Path) -> dict[str, Path]:
    """A user's file and what it imports from the folder beside it, directly or not, each by its name from there."""
    folder = file.parent
    files = {file.stem: file}
    waiting = [(file.stem, file)]
    while waiting:
        name, path = waiting.pop()
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        for imported in _read(path).imports:
            full = _absolute(imported, package)
            for module in _with_parents(full) if full else ():
                target = _beside(folder, module)
                if target is not None and module not in files:
                    files[module] = target
                    waiting.append((module, target))
    return files


def _absolute(imported: str, package: list[str]) -> str:
    """A name with its leading dots resolved; empty where they lead out of the folder."""
    dots = len(imported) - len(imported.lstrip("."))
    if not dots:
        return imported
    if dots - 1 > len(package):
        return ""
    base = package[: len(package) - (dots - 1)]
    return ".".join([*base, *filter(None, [imported[dots:]])])


def _beside(folder: Path, name: str) -> Path | None:
    base = folder.joinpath(*name.split("."))
    candidates = (base / "__init__.py", base.parent / f"{base.name}.py")
    return next((path for path in candidates if path.is_file()), None)


def _texts(entries: tuple[str, ...], root: Path) -> set[str]:
    """The source that entries reach, each file after its name."""
    modules = reached(entries, root)
    # A module that another one imports counts as a whole: its words may be read there.
    imported = {name for path in modules.values() for name in _own_imports(path)}
    texts = set()
    for entry in filter(_is_file, entries):
        files = beside(Path(entry))
        imported.update(name for path in files.values() for name in _read(path).imports)
        stem = Path(entry).stem
        again = any(
            full == stem or full.startswith(f"{stem}.")
            for name, path in files.items()
            for full in (_absolute(i, name.split(".")[:-1]) for i in _read(path).imports)
        )
        for name, path in files.items():
            texts.add(f"./{name}:{_text(path, alone=name == stem and not again)}")
    for name, path in modules.items():
        alone = name in entries and name not in imported
        texts.add(f"{name}:{_text(path, alone=alone)}")
    return texts


def code_digest(*entries: str, root: Path = PACKAGE_FOLDER) -> str:
    """The digest of all source that entries reach, as 16 hex digits.

    Args:
        entries: full names of modules of this package, and paths of a user's files.
        root: the package's folder.
    """
    return digest("\n".join(sorted(_texts(entries, root))))


@cache
def _installed_digest(entries: tuple[str, ...], stamps: tuple[tuple[int, int], ...]) -> str:
    return code_digest(*entries)


def installed_digest(*entries: str) -> str:
    """:func:`code_digest` of this installation, taken once per process and state of a user's files: the plan asks for it of
    every cell."""
    files = (path for entry in entries if _is_file(entry) for path in beside(Path(entry)).values())
    return _installed_digest(entries, tuple(map(_stamp, files)))


def code_of(*modules: str) -> dict[str, Any]:
    """What a specification says of the code that makes its numbers: modules and files, and the digest of what they reach."""
    return {"modules": list(modules), "digest": installed_digest(*modules)}


class OtherCodeError(RuntimeError):
    """The code on disk is not the code of a specification."""


def require(code: dict[str, Any]) -> None:
    """Refuse to compute under a key that another version of the code made.

    Raises:
        OtherCodeError: if the sources changed since the specification was made.
    """
    current = code_digest(*code["modules"])
    if code["digest"] != current:
        raise OtherCodeError(
            f"the specification was made for code {code['digest']}, but this is code {current}: "
            "the sources changed after the workflow was read; start it again"
        )
