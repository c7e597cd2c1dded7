"""What it takes to trust a number: versions, machine, commit, cost."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

REVISION = "ABLATION_REVISION"


def package_version(name: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def cpu_name() -> str:
    """The processor's name as the kernel gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def git_state(folder: Path) -> dict[str, Any]:
    """The commit of a work tree and whether tracked files differ from it.

    Where git cannot tell, in a container image, the commit is the one that the image was built from: ``$ABLATION_REVISION``,
    with ``-dirty`` at its end if the tree was changed. Else nulls.
    """

    def git(*words: str) -> str | None:
        try:
            process = subprocess.run(
                ["git", "-C", str(folder), *words],
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return process.stdout.strip()

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return _built_from(os.environ.get(REVISION, ""))
    changes = git("status", "--porcelain", "--untracked-files=no")
    return {"git_commit": commit, "git_dirty": None if changes is None else bool(changes)}


def _built_from(revision: str) -> dict[str, Any]:
    """A revision as :func:`git_state`; that a tree was unchanged is more than its name says."""
    commit = revision.removesuffix("-dirty")
    return {"git_commit": commit or None, "git_dirty": True if commit != revision else None}


@dataclass
class Meter:
    """Wall and processor time from its making on, added to what earlier tries of the same work took."""

    earlier: dict[str, float] = field(default_factory=dict)
    _wall: float = field(default_factory=time.perf_counter)
    _cpu: float = field(default_factory=time.process_time)

    def read(self) -> dict[str, float]:
        """Seconds so far: ``seconds`` (wall) and ``cpu_seconds``."""
        return {
            "seconds": time.perf_counter() - self._wall + self.earlier.get("seconds", 0.0),
            "cpu_seconds": time.process_time() - self._cpu + self.earlier.get("cpu_seconds", 0.0),
        }


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def environment() -> dict[str, Any]:
    """Software and machine of this process, without importing torch."""
    return {
        "python": platform.python_version(),
        "torch": package_version("torch"),
        "snakemake": package_version("snakemake"),
        "numpy": package_version("numpy"),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
    }
