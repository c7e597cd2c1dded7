"""An address-space limit in one cell: its status says in one sentence that memory was short."""

from __future__ import annotations

import random
from functools import partial

from faults.bench import CELLS, Bench, Fault, Outcome
from faults.compare import identities

LIMITED = """
import resource, sys

def limit(size):
    resource.setrlimit(resource.RLIMIT_AS, (size, size))

if sys.orig_argv[-7:-4] == ["ablation", "train", {key!r}]:
    if {when!r} == "from the start":
        limit({start})
    else:
        import safetensors.torch
        kept = []

        def load_file(path, load=safetensors.torch.load_file):
            # Nothing beyond what is there now, of which all but some bytes are taken.
            with open("/proc/self/statm") as stream:
                limit(int(stream.read().split()[0]) * resource.getpagesize())
            spare, size = bytearray({spare}), 1 << 24
            while size > 1 << 12:
                try:
                    kept.append(bytearray(size))
                except MemoryError:
                    size //= 2
            del spare
            return load(path)

        safetensors.torch.load_file = load_file
"""
SIGNS = ("memory is short", "out of memory")


def _limited(bench: Bench, rng: random.Random, *, when: str) -> Outcome:
    """Train one cell in too little memory, then with what there is."""
    cell = rng.choice(CELLS)
    project = bench.without(cell)
    key = project.store(cell).name
    start, spare = rng.randrange(200, 700) << 20, rng.randrange(64, 512) << 10
    project.sabotage(LIMITED.format(key=key, start=start, spare=spare, when=when))
    first = bench.again(project)
    status = project.view(cell)["status"].get("failed") or ""
    said = any(sign in status for sign in SIGNS) and "\n" not in status
    project.repair()
    kept = identities(project.path)
    outcome = bench.judge(project, bench.again(project), kept)
    bench.drop(project)
    if first.status or not said:
        return Outcome(
            outcome.recovered, False, f"status {first.status}, the cell says: {status!r}"
        )
    return outcome


FAULTS = [
    Fault(
        "memory",
        f"address space limited {when}",
        partial(_limited, when=when),
        short=when == "from the start",
    )
    for when in ("from the start", "once torch is loaded")
]
