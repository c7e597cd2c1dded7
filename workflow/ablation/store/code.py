"""A digest of the source code that an entry module reaches inside this package.

Only what the interpreter would run counts: comments, formatting and docstrings do not. The text that is hashed is made here,
node by node, and leaves out empty fields, so that it is the same under every Python version.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from ablation.store.keys import digest
from ablation.store.places import PACKAGE as PACKAGE_FOLDER

PACKAGE = "ablation"


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
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError("relative imports are not followed; write the full name")
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _with_parents(name: str) -> Iterable[str]:
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


@cache
def _parsed(path: Path, stamp: tuple[int, int]) -> tuple[str, tuple[str, ...]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = tuple(sorted(set(_imported(tree))))
    return _code_text(tree), imports


def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    status = path.stat()
    return _parsed(path, (status.st_mtime_ns, status.st_size))


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
    """The modules of this package that the entries import, directly or not, entries included.

    Raises:
        ValueError: if an entry is not a module of this package, or a module imports relatively.
    """
    found: dict[str, Path] = {}
    waiting = list(entries)
    for entry in waiting:
        if module_path(entry, root) is None:
            raise ValueError(f"{entry} is not a module of {PACKAGE}")
    while waiting:
        for name in _with_parents(waiting.pop()):
            path = module_path(name, root)
            if path is not None and name not in found:
                found[name] = path
                waiting.extend(_read(path)[1])
    return found


def code_digest(*entries: str, root: Path = PACKAGE_FOLDER) -> str:
    """The digest of all source that the entry modules reach, as 16 hex digits."""
    modules = reached(entries, root)
    return digest("\n".join(f"{name}:{_read(modules[name])[0]}" for name in sorted(modules)))


@cache
def installed_digest(*entries: str) -> str:
    """:func:`code_digest` of this installation, taken once per process: the plan asks for it of every cell."""
    return code_digest(*entries)


def code_of(*modules: str) -> dict[str, Any]:
    """What a specification says of the code that makes its numbers: the modules, and the digest of all that they reach."""
    return {"modules": list(modules), "digest": installed_digest(*modules)}


class OtherCodeError(RuntimeError):
    """The code on disk is not the code of a specification."""


def require(code: dict[str, Any]) -> None:
    """Refuse to compute under a key that another version of the code made.

    Raises:
        OtherCodeError: if the sources changed since the specification was made.
    """
    found = code_digest(*code["modules"])
    if code["digest"] != found:
        raise OtherCodeError(
            f"the specification was made for code {code['digest']}, but this is code {found}: "
            "the sources changed after the workflow was read; start it again"
        )
