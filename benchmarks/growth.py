"""How the main process of Snakemake grows with a study: processor seconds and memory of dry runs of generated studies.

Each study has one axis of so many learning rates, and nothing of it is trained. ``python benchmarks/growth.py 100 1000 10000``
prints the table of ``benchmarks/README.md``; ``--profile`` shows where the time of the last one goes.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
CELL = "results/fnn/learning_rate_0.01/metrics.json"
SHIPPED = ("Snakefile", "config.yaml", "profiles", "workflow")


def generated(cells: int) -> dict[str, object]:
    """The shipped configuration with one axis of so many values, for an FNN alone."""
    config: dict[str, object] = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    models = config["models"]
    assert isinstance(models, dict)
    models.pop("cnn")
    fnn = models["fnn"]
    base = fnn["recipe"]["learning_rate"]
    values = [base, *(round(1e-4 + i * 1e-7, 8) for i in range(cells - 1))]
    fnn["axes"] = {"learning_rate": {"parameter": "learning_rate", "values": values}}
    return config


def project(folder: Path, cells: int) -> Path:
    """A project with such a study."""
    path = folder / str(cells)
    path.mkdir(parents=True)
    for name in SHIPPED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, path / name)
    text = yaml.safe_dump(generated(cells), sort_keys=False)
    (path / "config.yaml").write_text(text, "utf-8")
    return path


def used(command: Sequence[str], folder: Path, *, quiet: bool = True) -> tuple[float, float]:
    """Processor seconds of a command, and megabytes of the largest of its processes.

    This process must be small, because a new one is counted as at least as large as the one that started it.

    Raises:
        SystemExit: if it fails.
    """
    out = subprocess.DEVNULL if quiet else None
    process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        ended = os.waitstatus_to_exitcode(status)
        raise SystemExit(f"{shlex.join(command)} ended in {folder} with status {ended}")
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * kilobyte / 1e6


def snakemake(*words: str, profile: bool = False) -> list[str]:
    """The command that runs Snakemake."""
    how = ["-m", "cProfile", "-s", "cumtime"] if profile else ["-P"]
    return [sys.executable, *how, "-m", "snakemake", *words, "--quiet", "all"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", type=int, nargs="*", default=[100, 1_000, 10_000])
    parser.add_argument("--profile", action="store_true", help="of the largest")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(
        "| configurations | first dry run, s | the same again, s | one configuration, s | MB |\n| --- | --- | --- | --- | --- |"
    )
    with tempfile.TemporaryDirectory(prefix="ablation-growth-") as scratch:
        for cells in arguments.cells:
            path = project(Path(scratch), cells)
            one, _ = used(snakemake("-n", CELL), path)
            first, memory = used(snakemake("-n"), path)
            again, _ = used(snakemake("-n"), path)
            print(
                f"| {cells:,} | {first:.1f} | {again:.1f} | {one:.1f} | {memory:.0f} |", flush=True
            )
        if arguments.profile:
            used(snakemake("-n", profile=True), path, quiet=False)


if __name__ == "__main__":
    main()
