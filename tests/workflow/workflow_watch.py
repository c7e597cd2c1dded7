"""What a process did: the modules that it imported, the files that it opened, the digests that it took."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from workflow_project import Project

# Code that every process runs first; WATCHED names the folder of what it tells in the end.
WATCH = """
import atexit, hashlib, json, os, sys
from pathlib import Path

opened, hashed, texts = [], [], []

def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
        opened.append(os.path.abspath(arguments[0]))

def of_file(stream, *rest, take=hashlib.file_digest):
    hashed.append(os.path.abspath(stream.name))
    return take(stream, *rest)

def of_text(*rest, take=hashlib.sha256, **more):
    texts.append(sys._getframe(1).f_globals.get("__name__", ""))
    return take(*rest, **more)

def tell():
    done = {"words": sys.argv, "modules": sorted(sys.modules), "opened": opened, "hashed": hashed, "texts": texts}
    Path(os.environ["WATCHED"], f"{os.getpid()}.json").write_text(json.dumps(done))

if "WATCHED" in os.environ:
    hashlib.file_digest, hashlib.sha256 = of_file, of_text
    sys.addaudithook(note)
    atexit.register(tell)
"""


@dataclass(frozen=True)
class Seen:
    """One process.

    Attributes:
        words: its command line, as ``sys.argv``.
        modules: all that it imported.
        opened: each file that it opened, as often as it did.
        hashed: each file whose digest it took, likewise.
        texts: the module that took the digest of a text, for each.
    """

    words: list[str]
    modules: list[str]
    opened: list[str]
    hashed: list[str]
    texts: list[str]


def watched(project: Project) -> dict[str, str]:
    """The environment of a run that is watched, its own process included."""
    project.sabotage(WATCH)
    folder = records(project)
    folder.mkdir()
    return {"WATCHED": str(folder), "PYTHONPATH": str(project.path / "workflow")}


def records(project: Project) -> Path:
    return project.path.with_name(project.path.name + "-watched")


def seen(folder: Path) -> list[Seen]:
    """What the processes told."""
    return [Seen(**json.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("*.json"))]
