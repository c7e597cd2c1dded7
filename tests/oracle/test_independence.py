"""The oracles share no code with the package, or with tests that use it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACKAGE = "ablation"
ALLOWED = {
    "numpy",
    "scipy",
    "sklearn",
    "pandas",
    "torch",
    "safetensors",
    "pytest",
    "yaml",
    "oracle",
}
ORACLES = sorted(HERE.glob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Each module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "." * node.level


@pytest.mark.promise(20)
@pytest.mark.parametrize("path", ORACLES, ids=lambda path: path.stem)
def test_an_oracle_imports_nothing_of_the_project(path: Path) -> None:
    names = {name.partition(".")[0] for name in imported(path)}
    assert names <= ALLOWED | set(sys.stdlib_module_names)
    assert not names & {
        "importlib",
        "runpy",
    }  # by which a module is imported under a name made from text


def test_the_oracles_load_without_the_package() -> None:
    """In a process that could import the package, none of them does, not even through something else."""
    names = [f"oracle.{path.stem}" for path in ORACLES if path.stem != "__init__"]
    code = (
        "import sys\n"
        f"import {', '.join(names)}\n"
        f"sys.exit(any(name.partition('.')[0] == {PACKAGE!r} for name in sys.modules))"
    )
    paths = os.pathsep.join([str(HERE.parent), str(HERE.parents[1] / "workflow")])
    environment = {**os.environ, "PYTHONPATH": paths}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )
