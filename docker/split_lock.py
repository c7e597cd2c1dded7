"""Split the locked requirements for an image without CUDA: torch from an index of CPU-only wheels, the rest as locked.

Runs while the image is built, on Python's own library alone.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

# Built for CUDA on the package index; an index of CPU-only wheels has the same versions.
TORCH = ("torch", "torchvision")
# What only the CUDA builds of these need.
CUDA = re.compile(r"triton|nvidia-.*|cuda-.*")
PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")


def split(lock: str) -> tuple[str, str]:
    """Divide a lock file.

    Args:
        lock: requirements with hashes, as ``uv pip compile --generate-hashes`` writes them.

    Returns:
        ``name==version`` of torch and torchvision, without hashes, and the requirements that are
        not for CUDA, untouched.

    Raises:
        ValueError: torch or torchvision is not pinned.
    """
    torch: dict[str, str] = {}
    rest: list[str] = []
    kept = True
    for line in lock.splitlines(keepends=True):
        pinned = PINNED.match(line)
        if pinned:
            name = re.sub(r"[._-]+", "-", pinned[1]).lower()
            if name in TORCH:
                torch[name] = pinned[2]
            kept = name not in TORCH and not CUDA.fullmatch(name)
        # Hashes and comments of a requirement are indented lines below it.
        if kept:
            rest.append(line)
    missing = [name for name in TORCH if name not in torch]
    if missing:
        raise ValueError(f"the lock does not pin {' and '.join(missing)}")
    return "".join(f"{name}=={torch[name]}\n" for name in TORCH), "".join(rest)


def main() -> int:
    """Write both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path)
    parser.add_argument("--torch", type=Path, required=True, help="torch and torchvision")
    parser.add_argument("--rest", type=Path, required=True, help="all that is not for CUDA")
    options = parser.parse_args()
    try:
        torch, rest = split(options.lock.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{options.lock}: {error}")
    options.torch.write_text(torch, encoding="utf-8")
    options.rest.write_text(rest, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
