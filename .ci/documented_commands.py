"""Run every command of the README and of the how-to pages, as written, in the project's folder.

Blocks of ``sh`` and ``python`` run page by page, in the order in which a reader meets them. No command is run twice: neither
one that ``.ci/run`` has as a step of its own nor one of an earlier block. Blocks of another language are no commands, or need
what is not here: a Docker engine, a cluster, files of one's own. Tests show what stands in for those.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STEPS = ROOT / ".ci" / "run"
FENCED = re.compile(r"^```(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"(^|\s+)#.*$")
Block = tuple[str, str]


def pages(root: Path = ROOT) -> list[Path]:
    """The README, then the how-to pages by name."""
    return [root / "README.md", *sorted((root / "docs" / "how-to").glob("*.md"))]


def blocks(text: str) -> list[Block]:
    """Language and content of each fenced block, in order."""
    return FENCED.findall(text)


def command_of(line: str) -> str:
    """A line without its comment."""
    return COMMENT.sub("", line).strip()


def is_step(command: str, steps: str) -> bool:
    """Whether a script runs a command as it is: after variables or ``time``, before a redirection, a pipe or the end."""
    before, after = r" *(?:(?:time|[A-Z_]+=\S+) )*", r"(?: *(?:\||>|2>|&).*)?"
    return bool(re.search(rf"(?m)^{before}{re.escape(command)}{after}$", steps))


def to_run(block: Block, steps: str) -> list[str] | None:
    """The call that runs a block, or None where nothing is left to run."""
    language, text = block
    if language == "python":
        return [sys.executable, "-c", text]
    lines = [line for line in text.splitlines() if command_of(line)]
    left = [line for line in lines if not is_step(command_of(line), steps)]
    if language != "sh" or not left:
        return None
    return ["bash", "-euxo", "pipefail", "-c", "\n".join(left)]


def main() -> int:
    """Run all blocks of all pages."""
    steps = STEPS.read_text(encoding="utf-8")
    for page in pages():
        print(f"\n-- {page.relative_to(ROOT)}", flush=True)
        for block in blocks(page.read_text(encoding="utf-8")):
            call = to_run(block, steps)
            if call:
                subprocess.run(call, cwd=ROOT, check=True)
            steps = "\n".join([steps, *map(command_of, block[1].splitlines())])
    return 0


if __name__ == "__main__":
    sys.exit(main())
