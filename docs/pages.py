"""How generated pages are written: as `make lint` wants every page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def formatted(text: str) -> str:
    """Markdown as the project's formatter leaves it."""
    command = [sys.executable, "-m", "mdformat", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout
