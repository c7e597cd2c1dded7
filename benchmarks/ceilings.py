"""What the machine can do at most: products of large matrices, and bytes moved between memory, caches and processor."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

Sample = Callable[[], float]  # measures once, in seconds
Shape = tuple[int, int, int, int]  # of count products [m, k] @ [k, n]: count, m, k, n
Limit = tuple[str, str | int, int]  # kind; precision, or bytes of a triad; threads
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Sizes:
    """What is measured with.

    Attributes:
        side: of the large matrices.
        images: of the large convolution.
        triads: bytes of the three arrays of a triad, from what a second cache holds to what none does.
        seconds: a single measurement takes at least so long.
        share: of the training data.
    """

    side: int = 2048
    images: int = 32
    triads: tuple[int, ...] = (3 << 18, 3 << 20, 3 << 22, 3 << 27)
    seconds: float = 0.02
    share: float = 1.0


QUICK = Sizes(64, 1, (3 << 12, 3 << 14), 0.001, 0.06)


def counted(function: Callable[[], Any]) -> tuple[int, Any]:
    """Floating-point operations of products and convolutions, two for a multiplication and an addition; and the result."""
    with FlopCounterMode(display=False) as counter:
        found = function()
    return counter.get_total_flops(), found


def repeated(function: Callable[[], Any], seconds: float, threads: int = 1) -> Sample:
    """Time a function by calling it for so many seconds: processor time on one thread, wall time on several."""
    clock = time.process_time if threads == 1 else time.perf_counter

    def sample() -> float:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)  # as in training
        function()
        calls, begin = 0, clock()
        while calls == 0 or clock() - begin < seconds:
            function()
            calls += 1
        taken = clock() - begin
        torch.set_flush_denormal(False)
        return taken / calls

    return sample


def product(shape: Shape, dtype: torch.dtype) -> Callable[[], Tensor]:
    """As many products as the shape says."""
    count, m, k, n = shape
    a, b = torch.randn(count, m, k).to(dtype), torch.randn(count, k, n).to(dtype)
    return (lambda: torch.mm(a[0], b[0])) if count == 1 else (lambda: torch.bmm(a, b))


def convolution(count: int, dtype: torch.dtype) -> Callable[[], Tensor]:
    """A large one with channels last: on some processors convolutions are faster than the products of the other library."""
    layer = nn.Conv2d(256, 256, 3, padding=1).to(dtype).to(memory_format=torch.channels_last)
    x = torch.randn(count, 256, 28, 28).to(dtype).contiguous(memory_format=torch.channels_last)
    return torch.no_grad()(lambda: layer(x))


def triad(size: int) -> Callable[[], Tensor]:
    """``a = b + 2c`` of three arrays that have so many bytes together, as in McCalpin's STREAM."""
    a, b, c = torch.ones(3, size // 12).unbind()
    return lambda: torch.add(b, c, alpha=2.0, out=a)


def ceilings(sizes: Sizes, threads: int) -> dict[Limit, tuple[int, Sample]]:
    """Operations or bytes of each, on one thread and on so many, and how it is timed."""
    square = (1, sizes.side, sizes.side, sizes.side)
    calls: dict[tuple[str, str | int], Callable[[], Tensor]] = {}
    for name, dtype in TYPES.items():
        calls["matrix product", name] = product(square, dtype)
        calls["convolution", name] = convolution(sizes.images, dtype)
    amounts = {key: counted(call)[0] for key, call in calls.items()}
    for size in sizes.triads:
        calls["triad", size], amounts["triad", size] = triad(size), size
    return {
        (*key, count): (amounts[key], repeated(call, sizes.seconds, count))
        for key, call in calls.items()
        for count in sorted({1, threads})
    }


def peak(rates: Mapping[Limit, float], precision: str, threads: int = 1) -> float:
    """Operations per second of the fastest large product."""
    return max(rates[kind, precision, threads] for kind in ("matrix product", "convolution"))


def bandwidth(rates: Mapping[Limit, float], size: int) -> float:
    """Bytes per second of the smallest triad that is as large as what is moved, on one thread."""
    triads = {int(of): rate for (kind, of, n), rate in rates.items() if kind == "triad" and n == 1}
    return triads[min((of for of in triads if of >= size), default=max(triads))]


def least(flop: int, size: int, rates: Mapping[Limit, float], precision: str) -> tuple[float, str]:
    """The seconds that one thread needs at least, and what bounds them."""
    arithmetic = flop / peak(rates, precision)
    return max((arithmetic, "arithmetic"), (size / bandwidth(rates, size), "memory"))
