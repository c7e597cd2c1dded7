"""Follow a growing file."""

from __future__ import annotations

from pathlib import Path


class Tail:
    """The lines that a job adds to its log.

    What is in the file at the start may be of an earlier run: it counts only once the file has changed, or at the end. The file
    may come late, be emptied, or never come.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before = self._stamp()
        self._offset = 0
        self._rest = b""

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def read(self, *, ended: bool = False) -> tuple[list[str], bool]:
        """New whole lines, and whether the file was begun anew. ended: nothing more will be written."""
        stamp = self._stamp()
        if stamp is None or (stamp == self._before and not ended):
            return [], False
        self._before = None
        anew = stamp[1] < self._offset
        if anew:
            self._offset, self._rest = 0, b""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self._offset)
                content = stream.read()
        except OSError:
            return [], anew
        self._offset += len(content)
        *whole, self._rest = (self._rest + content).split(b"\n")
        return [line.decode("utf-8", "replace") for line in whole], anew
