"""What a finished study of many configurations costs: bytes of the store, processor seconds and memory of each stage.

One configuration of the study of ``growth.py`` is trained and tested, ``filled.py`` writes the entries of all others, and the
stages after them are the real ones. ``python benchmarks/finished.py 100 1000`` prints the table of ``docs/how-to/scale.md``;
``--tables`` leaves out figures, panels and page, which nobody can read at 10,000.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from growth import CELL, project, snakemake, used

FILL = Path(__file__).with_name("filled.py").resolve()
TABLES = "results/tables/study.json"
FIGURES = ("plot", "portraits", "report")
Cost = tuple[float, float]


def costs(path: Path, facts: dict[str, Any], tables: bool) -> Iterator[tuple[str, Cost]]:
    """Each stage after the cells, one by one; then a run that finds them made and copies them, and a run without work."""
    os.environ |= {**facts["environment"], "PYTHONPATH": facts["environment"]["ABLATION_PACKAGE"]}
    target = [TABLES] if tables else []
    yield "dry run", used(snakemake("-n", *target), path)
    for stage, key in facts["stages"]:
        if stage not in FIGURES or not tables:
            command = [sys.executable, "-P", "-m", "ablation", stage, key]
            yield stage, used(command, path, quiet=False)
    yield "copies", used(snakemake("--cores", "1", *target), path)
    yield "nothing to do", used(snakemake("--cores", "1", *target), path)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", type=int, nargs="*", default=[1_000])
    parser.add_argument("--folder", type=Path, help="for the studies, which are kept")
    parser.add_argument("--tables", action="store_true", help="leave out figures, panels and page")
    arguments = parser.parse_args()
    print("| configurations | what | processor seconds | MB |\n| -- | -- | -- | -- |")
    with tempfile.TemporaryDirectory(prefix="ablation-finished-") as scratch:
        for cells in arguments.cells:
            path = project(arguments.folder or Path(scratch), cells)
            used(snakemake(CELL, "--cores", "1"), path)
            facts = json.loads(subprocess.check_output([sys.executable, FILL], cwd=path))
            files, kilobytes = facts["files"] / cells, facts["bytes"] / cells / 1e3
            print(
                f"| {cells:,} | store: {files:.0f} files, {kilobytes:.0f} kB each | | |", flush=True
            )
            for what, (seconds, memory) in costs(path, facts, arguments.tables):
                print(f"| {cells:,} | {what} | {seconds:.1f} | {memory:.0f} |", flush=True)
            if not arguments.tables:
                report = (path / "report.html").stat().st_size
                print(f"| {cells:,} | report.html: {report / 1e6:.1f} MB | | |", flush=True)


if __name__ == "__main__":
    main()
