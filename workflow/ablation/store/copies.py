"""What people read: copies of what entries hold, each in its usual place."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ablation.store.entries import MANIFEST, Entry, StoreError
from ablation.store.files import is_file_of, replacing, set_aside, sha256


@dataclass(frozen=True)
class Copy:
    """A readable file or folder that shows what an entry holds.

    Attributes:
        target: its path.
        folder: of the entry.
        source: a file or a folder of the entry; empty for all of it.
    """

    target: str
    folder: Path
    source: str = ""

    @property
    def key(self) -> str:
        return self.folder.name

    def files(self, entry: Entry) -> dict[str, str]:
        """Path below the target → SHA-256; the empty path is the target itself."""
        if self.source == MANIFEST:
            return {"": sha256(entry.folder / MANIFEST)}
        if self.source in entry.files:
            return {"": entry.files[self.source]}
        start = f"{self.source}/" if self.source else ""
        return {
            name.removeprefix(start): expected
            for name, expected in entry.files.items()
            if name.startswith(start)
        }

    def is_current(self, entry: Entry) -> bool:
        """Whether the target is, byte for byte, what the entry published, and nothing more."""
        files, target = self.files(entry), Path(self.target)
        if "" in files:
            return is_file_of(target, files[""])
        return shown(target) == set(files) and all(
            is_file_of(target / name, expected) for name, expected in files.items()
        )

    def refresh(self, entry: Entry) -> None:
        """Make the target what the entry holds.

        Raises:
            StoreError: if the entry is damaged.
        """
        files, target = self.files(entry), Path(self.target)
        # A folder where a file belongs, or the reverse.
        if target.exists() and target.is_dir() == ("" in files):
            set_aside(target)
        for name in set(shown(target)) - set(files):
            (target / name).unlink()
        for name, expected in files.items():
            self._copy(self.folder / self.source / name, target / name, expected)

    def _copy(self, source: Path, target: Path, expected: str) -> None:
        if is_file_of(target, expected):
            return
        with replacing(target) as draft:
            shutil.copyfile(source, draft)
            if not is_file_of(draft, expected):
                raise StoreError(f"{source} is damaged: start the run again, which makes it anew")


def shown(folder: Path) -> set[str]:
    """The files below a folder, but hidden ones, as paths from it."""
    if not folder.is_dir():
        return set()
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {p.as_posix() for p in paths if not any(part.startswith(".") for part in p.parts)}
