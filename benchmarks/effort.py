"""What a user writes for a new axis and for a new network: lines and files of the patches in ``peers/changes``."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHANGES = ROOT / "benchmarks" / "peers" / "changes"
WHO = {
    "this-project": "this project",
    "plain": "plain PyTorch",
    "by-hand": "PyTorch with care",
    "lightning-hydra": "Lightning and Hydra",
    "dvc": "DVC",
    "jax": "JAX",
}
Count = tuple[int, int]


def counted(patch: Path) -> Count:
    """Lines added or removed, and files touched."""
    command = ["git", "apply", "--numstat", str(patch)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    numbers = [line.split("\t")[:2] for line in done.stdout.splitlines()]
    return sum(int(number) for pair in numbers for number in pair), len(numbers)


def counts() -> dict[str, dict[str, Count]]:
    """Kind of change → who → lines and files."""
    return {
        kind: {name: counted(CHANGES / f"{kind}-{short}.patch") for short, name in WHO.items()}
        for kind in ("axis", "network")
    }


def table() -> str:
    """Markdown."""
    found = counts()
    lines = ["| who | a new axis: lines, files | a new network: lines, files |", "| -- | -- | -- |"]
    for name in WHO.values():
        told = (f"{lines}, {files}" for lines, files in (found[kind][name] for kind in found))
        lines.append(f"| {name} | {' | '.join(told)} |")
    return "\n".join(lines)
