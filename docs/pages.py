"""How the generated parts of pages are written: as `make lint` wants every page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def formatted(text: str) -> str:
    """Markdown as the project's formatter leaves it."""
    command = [sys.executable, "-m", "mdformat", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout


def cell(text: str) -> str:
    """A text in a cell of a table: it ends neither the cell nor the row, is no element of HTML, and obeys no terminal."""
    shown = "".join(
        char if char.isprintable() or char == "\N{NO-BREAK SPACE}" else " " for char in text
    )
    return re.sub(r"([|<`\\])", r"\\\1", shown)


def with_block(page: str, name: str, content: str) -> str:
    """A page with other content between ``<!-- name -->`` and ``<!-- end -->``.

    Raises:
        ValueError: if the page has not exactly one such block.
    """
    block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    text, count = block.subn(lambda m: f"{m[1]}\n{content}\n\n{m[2]}", page)
    if count != 1:
        raise ValueError(f"the page has {count} blocks of the name {name}: allowed is one")
    return formatted(text)
