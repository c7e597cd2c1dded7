"""How near a training step comes to what the machine can do: ``python benchmarks/roofline.py [--precision bf16] [--json]``.

The baselines of the default study, on random data, as they are trained: the CNN as a plain module with channels last, a
replicate to a thread, and the FNN as one ``vmap`` over its replicates. A part of a step takes at least its operations divided
by the rate of the fastest product, and at least the bytes that it must move divided by the bandwidth. The longer of the two is
its ceiling; its share is that time divided by the measured one.

Each part is timed alone, on the tensors that it meets in a step. A layer of the FNN then pays for a ``vmap`` of its own, of
which a step has one. Ceilings, parts and whole steps are measured in turn, several times; medians count. What runs on one
thread is given in processor seconds, which other processes disturb little, and what runs on several in seconds.

Sources: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model for multicore architectures",
Communications of the ACM 52(4). Each level of memory has a bandwidth of its own, as in Ilic, Pratas and Sousa 2014,
"Cache-aware roofline model: upgrading the loft", IEEE Computer Architecture Letters 13(1).
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from ceilings import (
    QUICK,
    TYPES,
    Limit,
    Sample,
    Sizes,
    ceilings,
    least,
    peak,
    product,
    repeated,
)
from cells import ADAM, CONVNET, EPOCHS, MLP, SGD, Cell, Stamps, cell_of, images, table, timed
from step_parts import Step, Work

# isort: split
import torch
from ablation.machine.provenance import cpu_name
from ablation.training.allocator import keep_freed_memory

THREADS = "measured beside one: ceilings, and as many replicates of the CNN; by default all cores"
HELD_OUT = 8  # validation is no part of a step, so that it is kept small


def baselines(precision: str, threads: int, share: float) -> dict[str, dict[int, Cell]]:
    """Network → threads → a cell that uses them. The FNN is one group, which has one thread, and is always fp32."""
    cnn = {
        count: cell_of(
            CONVNET, images(count, round(2400 * share), HELD_OUT), ADAM, precision=precision
        )
        for count in sorted({1, threads})
    }
    rows = table(24, round(337 * share), HELD_OUT)
    return {"CNN": cnn, "FNN": {1: cell_of(MLP, rows, {**SGD, "epochs": 5 * EPOCHS})}}


def step_seconds(cell: Cell, step: Step, threads: int) -> Sample:
    """A step as the training loop makes it; of groups side by side, of each."""
    groups = cell.spec["replicates"] // step.count

    def sample() -> float:
        stamps = timed(cell, step.plan, threads=threads)
        own = stamps.processor if threads == 1 else stamps.wall
        return Stamps.per_epoch(own) / groups / step.steps

    return sample


def medians(samples: Mapping[Any, Sample], rounds: int) -> dict[Any, float]:
    """Measure everything in turn, so many times."""
    taken: dict[Any, list[float]] = {name: [] for name in samples}
    for _ in range(rounds):
        for name, sample in samples.items():
            taken[name].append(sample())
    return {name: statistics.median(own) for name, own in taken.items()}


def measure(precision: str, threads: int, sizes: Sizes, rounds: int) -> dict[str, Any]:
    """All that the page shows, in seconds, bytes and operations."""
    keep_freed_memory()
    limits, cells = ceilings(sizes, threads), baselines(precision, threads, sizes.share)
    steps = {name: Step(own[1], sizes.seconds) for name, own in cells.items()}
    parts = {name: step.parts() for name, step in steps.items()}
    samples: dict[Any, Sample] = {key: sample for key, (_, sample) in limits.items()}
    for name, step in steps.items():
        dtype = TYPES[step.plan.precision]
        for part in parts[name]:
            samples[name, part.what] = part.sample
            for kind, shape in part.products.items():
                samples[part.what, kind, shape] = repeated(product(shape, dtype), sizes.seconds)
        samples |= {(name, n): step_seconds(cell, step, n) for n, cell in cells[name].items()}
    seconds = medians(samples, rounds)
    rates = {key: amount / seconds[key] for key, (amount, _) in limits.items()}
    networks = {}
    for name, step in steps.items():
        low, flop = step.plan.precision, sum(part.flop for part in parts[name])
        networks[name] = {
            "precision": low,
            "replicates": step.count,
            "parts": [_part(part, seconds[name, part.what], rates, low) for part in parts[name]],
            "products": list(_products(parts[name], seconds, peak(rates, low))),
            "steps": [
                {
                    "threads": n,
                    "flop": n * flop,
                    "seconds": seconds[name, n],
                    "share_of_peak": n * flop / seconds[name, n] / peak(rates, low, n),
                }
                for n in cells[name]
            ],
        }
    names = ("kind", "of", "threads", "per_second")
    found = [dict(zip(names, (*key, rate), strict=True)) for key, rate in rates.items()]
    return {
        "machine": cpu_name(),
        "torch": torch.__version__,
        "ceilings": found,
        "networks": networks,
    }


def _part(
    part: Work, seconds: float, rates: Mapping[Limit, float], precision: str
) -> dict[str, Any]:
    shortest, bound = least(part.flop, part.bytes, rates, precision)
    own = {"what": part.what, "flop": part.flop, "bytes": part.bytes, "seconds": seconds}
    return {**own, "least_seconds": shortest, "bound": bound}


def _products(
    parts: list[Work], seconds: Mapping[Any, float], fastest: float
) -> Iterator[dict[str, Any]]:
    for part in parts:
        for kind, shape in part.products.items():
            count, m, k, n = shape
            rate = 2 * count * m * k * n / seconds[part.what, kind, shape]
            layer = part.what.rpartition(",")[0]
            own = {"layer": layer, "product": kind, "shape": list(shape)}
            yield {**own, "per_second": rate, "share_of_peak": rate / fastest}


def _table(head: str, rows: list[list[str]]) -> str:
    columns = head.split(" | ")
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, ["--"] * len(columns), *rows])


def _size(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB" if size >= 1 << 20 else f"{size / (1 << 10):.0f} KiB"


def _row(part: Mapping[str, Any]) -> list[str]:
    flop, size, seconds = part["flop"], part["bytes"], part["seconds"]
    return [
        *(part["what"], f"{flop / 1e6:.2f}", f"{size / 1e6:.2f}", f"{flop / size:.1f}"),
        *(f"{seconds * 1e6:.0f}", f"{flop / seconds / 1e9:.1f}"),
        *(part["bound"], f"{100 * part['least_seconds'] / seconds:.0f} %"),
    ]


def page(found: dict[str, Any]) -> str:
    """The tables, in Markdown."""
    limits = [
        [
            f"{row['kind']}, {_size(row['of']) if row['kind'] == 'triad' else row['of']}",
            str(row["threads"]),
            f"{row['per_second'] / 1e9:.1f} {'GB' if row['kind'] == 'triad' else 'GFLOP'}/s",
        ]
        for row in found["ceilings"]
    ]
    texts = [f"{found['machine']}, torch {found['torch']}"]
    texts.append(_table("ceiling | threads | reached", limits))
    for name, network in found["networks"].items():
        texts += _network(name, network)
    return "\n\n".join(texts)


def _network(name: str, network: dict[str, Any]) -> Iterator[str]:
    parts, steps, count = network["parts"], network["steps"], network["replicates"]
    together = {
        key: sum(part[key] for part in parts)
        for key in ("flop", "bytes", "seconds", "least_seconds")
    }
    whole = {**together, "seconds": steps[0]["seconds"], "what": "the step as trained"}
    sums = [{**together, "what": "all parts", "bound": ""}, {**whole, "bound": ""}]
    replicates = f", {count} replicates at once" if count > 1 else ""
    yield f"{name}, {network['precision']}{replicates}: a step on one thread"
    yield _table(
        "part | MFLOP | MB at least | FLOP per byte | µs | GFLOP/s | bound by | share of its ceiling",
        [_row(part) for part in [*parts, *sums]],
    )
    yield _table(
        "matrix product as large as | count × m × k × n | GFLOP/s | share of the fastest",
        [
            [
                f"{row['layer']}, {row['product']}",
                " × ".join(map(str, row["shape"])),
                f"{row['per_second'] / 1e9:.1f}",
                f"{100 * row['share_of_peak']:.0f} %",
            ]
            for row in network["products"]
        ],
    )
    for step in steps:
        threads = "one thread" if step["threads"] == 1 else f"{step['threads']} threads"
        rate = f"{step['flop'] / step['seconds'] / 1e9:.1f} GFLOP/s"
        share = f"{100 * step['share_of_peak']:.0f} %"
        yield f"On {threads} training reaches {rate}, {share} of the fastest product there."


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--precision", default="fp32", choices=list(TYPES), help="of the CNN")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help=THREADS)
    parser.add_argument("--rounds", type=int, default=5, help="each measures everything once")
    parser.add_argument("--quick", action="store_true", help="at sizes too small to tell anything")
    options = parser.parse_args(arguments)
    if min(options.threads, options.rounds) < 1:
        parser.error("--threads and --rounds must be at least 1")
    sizes = QUICK if options.quick else Sizes()
    found = measure(options.precision, options.threads, sizes, options.rounds)
    print(json.dumps(found, indent=1) if options.json else page(found))


if __name__ == "__main__":
    main()
