"""One thing that the workflow makes, under the digest of all that decides it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ablation.store.entries import MANIFEST, folder_of
from ablation.store.keys import key_of

Spec = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """One thing that the workflow makes.

    Attributes:
        spec: all that decides it: ``stage``, ``inputs`` (stage → keys of what it is made from), and facts of its own.
        key: the digest of the specification.
        after: the keys of what must be there before it is made, and decides nothing of it.
    """

    spec: Spec
    key: str
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self.spec["stage"])

    @cached_property
    def folder(self) -> Path:
        return folder_of(self.name, self.key)

    @cached_property
    def manifest(self) -> str:
        """The file that is written last."""
        return str(self.folder / MANIFEST)

    @property
    def inputs(self) -> Iterator[str]:
        """The keys of what it is made from, and of what must be there before."""
        yield from (key for keys in self.spec["inputs"].values() for key in keys)
        yield from self.after

    @property
    def cells(self) -> Iterable[str]:
        """The keys of the cells whose specifications its job reads, whether they are to be trained or not."""
        return self.spec["cells"] if self.name == "check" else ()

    @property
    def raw(self) -> dict[str, str]:
        """Path of each raw file that it reads → SHA-256."""
        if self.name == "export_crate":
            return {raw["path"]: raw["sha256"] for raw in self.spec["raw"] if raw["embedded"]}
        if self.name != "prepare":
            return {}
        source = self.spec["data"]
        return {f"{source['folder']}/{n}": d for n, d in source["files"].items()}


def stage(name: str, inputs: Iterable[Stage] = (), **facts: Any) -> Stage:
    """A stage that is made from others, each named once."""
    keys: dict[str, dict[str, None]] = {}
    for source in inputs:
        keys.setdefault(source.name, {})[source.key] = None
    spec = {
        "stage": name,
        **facts,
        "inputs": {input_name: list(group) for input_name, group in keys.items()},
    }
    return Stage(spec, key_of(spec))
