"""An exception in one line: its type, its message, and the line of code that is to blame."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb

from ablation.store.places import PACKAGE

INSTALLED = ("site-packages", "dist-packages")
LONGEST = 400  # characters of a message; some libraries put a whole document into one


def sentence(error: BaseException) -> str:
    """``RuntimeError: my own bug (my_net.py:12)``; without a place where only libraries were at work."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    text = " ".join(f"{type(error).__name__}: {message}".split()).removesuffix(":")
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    place = blamed(error)
    return f"{text} ({place})" if place else text


def blamed(error: BaseException) -> str:
    """``file:line`` of the last frame in a user's own file, else in this package; empty if the error came through neither."""
    own_places = [place for place in _places(error) if _is_own(place[0])]
    users = [place for place in own_places if not place[0].is_relative_to(PACKAGE)]
    chosen = next(reversed(users or own_places), None)
    if chosen is None:
        return ""
    path, line = chosen
    folder = Path.cwd()
    return f"{path.relative_to(folder) if path.is_relative_to(folder) else path}:{line}"


def _places(error: BaseException) -> Iterator[tuple[Path, int]]:
    """File and line of each frame, the outermost first; a file that cannot be parsed has no frame and comes last."""
    for frame, line in walk_tb(error.__traceback__):
        yield Path(frame.f_code.co_filename), line
    if isinstance(error, SyntaxError) and error.filename:
        yield Path(error.filename), error.lineno or 1


def _is_own(path: Path) -> bool:
    """Whether a file is neither installed nor part of Python; code without a file is not."""
    if path.is_relative_to(PACKAGE):
        return True
    library = path.is_relative_to(sysconfig.get_path("stdlib"))
    return path.is_file() and not library and not set(INSTALLED) & set(path.parts)
