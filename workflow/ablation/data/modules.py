"""How a job imports a data file: a shipped one by its name, a user's by its path."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

SHIPPED = "ablation/"


def module_of(spec: dict[str, Any]) -> ModuleType:
    """The module of the data file that a specification names.

    A user's file may import a file beside it: its folder is searched while it is imported, and not longer.

    Args:
        spec: of a stage; ``spec["data"]["file"]`` is a path below the project's ``workflow`` folder for a shipped file, else
            one that the working directory counts from.

    Raises:
        ValueError: if there is no such file, or it has no ``load``.
    """
    file = str(spec["data"]["file"])
    if file.startswith(SHIPPED):
        module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    else:
        module = _imported(Path(file).resolve())
    if not callable(getattr(module, "load", None)):
        raise ValueError(f"{file} defines no load(folder)")
    return module


def _imported(path: Path) -> ModuleType:
    if not path.is_file():
        raise ValueError(f"{path} is not there")
    # A name of its own, so that a file called `torch.py` hides nothing.
    found = importlib.util.spec_from_file_location(f"ablation_data_{path.stem}", path)
    if found is None or found.loader is None:
        raise ValueError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module  # dataclasses of the file look themselves up there
    sys.path.append(str(path.parent))  # behind the installed libraries, which no neighbour hides
    try:
        found.loader.exec_module(module)
    finally:
        sys.path.pop()
    return module
