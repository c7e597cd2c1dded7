"""Run every command of the README, as written, in the project's folder.

The two set-up commands and the checks that CI runs as steps of their own are not run twice.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DONE_BEFORE = {"make report", "make test", "make lint", "make types"}


def blocks(text: str, language: str) -> list[str]:
    """The fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def main() -> int:
    """Run all shell lines in one shell, then the Python blocks."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for block in blocks(readme, "sh") for line in block.splitlines() if line]
    missing = DONE_BEFORE - set(lines)
    if missing:
        sys.exit(f"README no longer names {sorted(missing)}")
    script = "\n".join(line for line in lines if line not in DONE_BEFORE)
    subprocess.run(["bash", "-euxo", "pipefail", "-c", script], cwd=ROOT, check=True)
    for block in blocks(readme, "python"):
        paths = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
        subprocess.run([sys.executable, "-c", block], cwd=ROOT, env=paths, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
