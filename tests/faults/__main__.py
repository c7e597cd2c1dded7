"""Disturb the study again and again, print how each try ends, then the table. Status 1 if anything is lost.

Environment: ``ONLY=kind`` (one family, or a part of a row's name), ``SHORT=1`` (each fault once), ``SEED=number``,
``WORKERS=number`` (tries side by side), ``WRITE=1`` (the table goes into docs/reliability.md).
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pages

from faults import concurrency, damage, disk, downloads, kills, memory, times
from faults.bench import Bench, Fault, Outcome

FAMILIES = (kills, damage, disk, times, concurrency, memory, downloads)
FAULTS: list[Fault] = [fault for family in FAMILIES for fault in family.FAULTS]


def chosen(only: str, *, short: bool) -> list[Fault]:
    """The faults of a family or of a name; all where none is named."""
    found = [f for f in FAULTS if only in ("", f.kind) or only in f.name]
    return [f for f in found if f.short or not short]


def attempt(bench: Bench, fault: Fault, number: int, seed: int) -> Outcome:
    """One try; an error of the harness or of the study is a loss."""
    begin = time.monotonic()
    try:
        outcome = fault.run(bench, random.Random(f"{seed} {fault.name} {number}"))
    except Exception as error:
        traceback.print_exc()
        outcome = Outcome(False, False, f"{type(error).__name__}: {error}"[:200])
    lost = not (outcome.recovered and outcome.identical)
    took = time.monotonic() - begin
    note = f": {outcome.remark}" if outcome.remark else ""
    print(
        f"{'LOST' if lost else 'kept'} {fault.name} ({number + 1}), {took:.0f} s{note}", flush=True
    )
    return outcome


def table(found: dict[str, list[Outcome]]) -> str:
    """The table in Markdown."""
    rows = ["| fault | tried | recovered | identical | remark |", "| -- | --: | --: | --: | -- |"]
    for name, outcomes in found.items():
        recovered, identical = (
            sum(o.recovered for o in outcomes),
            sum(o.recovered and o.identical for o in outcomes),
        )
        remarks: dict[str, int] = {}
        for outcome in filter(lambda o: o.remark, outcomes):
            remarks[outcome.remark] = remarks.get(outcome.remark, 0) + 1
        text = "; ".join(f"{r} (× {n})" if n > 1 else r for r, n in remarks.items())
        rows.append(
            f"| {name} | {len(outcomes)} | {recovered} | {identical} | {pages.cell(text)} |"
        )
    return "\n".join(rows)


def main() -> int:
    """Run what the environment asks for."""
    only, short = os.environ.get("ONLY", ""), os.environ.get("SHORT", "") not in ("", "0")
    seed = int(os.environ.get("SEED", "1"))
    faults = chosen(only, short=short)
    if not faults:
        kinds = ", ".join(dict.fromkeys(fault.kind for fault in FAULTS))
        print(f"ONLY is {only!r}: allowed is one of {kinds}, or a part of a fault's name.")
        return 2
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        bench = Bench(Path(folder).resolve(), short)
        print(f"the undisturbed study has {len(bench.expected)} results", flush=True)
        print(f"made in {time.monotonic() - begin:.0f} s", flush=True)
        workers = int(os.environ.get("WORKERS", "2"))
        with ThreadPoolExecutor(workers) as pool:
            waiting = [
                (fault, pool.submit(attempt, bench, fault, number, seed))
                for fault in faults
                for number in range(1 if short else fault.tries)
            ]
            found: dict[str, list[Outcome]] = {}
            for fault, future in waiting:
                found.setdefault(fault.name, []).append(future.result())
    outcomes = [outcome for each in found.values() for outcome in each]
    lost = sum(not (o.recovered and o.identical) for o in outcomes)
    print(f"\n{table(found)}\n")
    if os.environ.get("WRITE", "") not in ("", "0"):
        page = pages.ROOT / "docs" / "reliability.md"
        text = pages.with_block(page.read_text("utf-8"), "measured: faults", table(found))
        page.write_text(text, "utf-8")
    spent = os.times()
    minutes = (time.monotonic() - begin) / 60, (spent.children_user + spent.children_system) / 60
    took = "{:.1f} minutes, {:.1f} of processor time".format(*minutes)
    print(f"{len(outcomes)} tried, {lost} lost, {took}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
