"""Measures on data whose truth is known what decided how the studies are judged: the tables of docs/statistics.md.

    python benchmarks/simulate.py                      all tables, printed
    python benchmarks/simulate.py spread --studies 500 one of them, smaller
    python benchmarks/simulate.py --write              all, put into docs/statistics.md

Every study draws new data, splits them as the Boston or the MNIST study does and fits learners whose true difference is known.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

# A process per table; a product of such small matrices gains nothing by threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / name) for name in ("workflow", "benchmarks", "docs")]

from pages import with_block  # noqa: E402
from simulation.tables import TABLES, Table  # noqa: E402

PAGE = ROOT / "docs" / "statistics.md"
STUDIES = {"ratio": 2000, "spread": 1000, "scale": 2000, "optimism": 300, "verdicts": 1000}


def main() -> None:
    """Read the options, simulate, print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="all where left out")
    parser.add_argument("--studies", type=int, help="simulated studies per row")
    parser.add_argument("--seed", type=int, default=20030903, help="of the simulation")
    parser.add_argument(
        "--write", action="store_true", help="put the tables into docs/statistics.md"
    )
    arguments = parser.parse_args()
    names = arguments.tables or list(TABLES)
    sizes = {name: arguments.studies or STUDIES[name] for name in names}
    begin = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = {name: pool.submit(TABLES[name], sizes[name], arguments.seed) for name in names}
        for name, job in jobs.items():
            text = f"{markdown(job.result())}\n\n{sizes[name]:,} studies a row."
            print(f"\n## {name}\n\n{text}", flush=True)
            if arguments.write:
                write(name, text)
    print(f"\n{time.monotonic() - begin:.0f} s", file=sys.stderr)


def markdown(table: Table) -> str:
    """A table as Markdown."""
    heads, rows = table
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(name: str, text: str) -> None:
    """Replace the block of a table in the page."""
    page = with_block(PAGE.read_text(encoding="utf-8"), f"simulated: {name}", text)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
