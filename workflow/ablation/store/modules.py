"""How a job imports the file of a network or of a data set: a shipped one by its name, a user's by its path."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import zlib
from functools import cache
from pathlib import Path
from types import ModuleType

SHIPPED = "ablation/"


def module_of(file: str) -> ModuleType:
    """Import a file, once as long as it stays what it is.

    A user's file may import a file beside it: its folder is searched while it is imported, and not longer.

    Args:
        file: a path below the project's ``workflow`` folder for a shipped one, else one that the working directory counts from.

    Raises:
        ValueError: if there is no such file.
    """
    if file.startswith(SHIPPED):
        return importlib.import_module(file.removesuffix(".py").replace("/", "."))
    path = Path(file).resolve()
    if not path.is_file():
        raise ValueError(f"{path} is not there")
    status = path.stat()
    return _imported(path, status.st_mtime_ns, status.st_size)


@cache
def _imported(path: Path, *stamp: int) -> ModuleType:
    # A name of its own, so that a file called `torch.py` hides nothing.
    name = f"own_{path.stem}_{zlib.crc32(str(path).encode()):08x}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # dataclasses of the file look themselves up there
    sys.path.append(str(path.parent))  # behind the installed libraries, which no neighbour hides
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.pop()
    return module
