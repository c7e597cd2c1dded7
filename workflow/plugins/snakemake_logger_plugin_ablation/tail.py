"""Follow a growing file."""

from __future__ import annotations

from pathlib import Path

from ablation.study.progress import Report, latest


class Tail:
    """The end of a job's progress file, which may come late, be emptied, or never come.

    What is in the file at the start may be of an earlier run: it counts only once the file has changed, or at the end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._stamp()

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def read(self, *, ended: bool = False) -> Report | None:
        """What its last line says, if there is news. ended: nothing more will be written."""
        stamp = self._stamp()
        if stamp == self._seen and not ended:
            return None
        self._seen = stamp
        return latest(self.path)
