"""Arithmetic: which precision, and on a GPU the same bytes each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import torch

Drawn = TypeVar("Drawn")


def precision_of(requested: str, device: torch.device) -> str:
    """What a requested precision is here: ``auto`` is bf16 where hardware has it, and tf32 exists on CUDA alone."""
    if requested == "auto":
        return "bf16" if _has_bf16(device) else "fp32"
    return "fp32" if requested == "tf32" and device.type == "cpu" else requested


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return cpu_has_bf16()


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bf16 in hardware (AMX or AVX512-BF16)."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    flags = next((line.split() for line in text.splitlines() if line.startswith("flags")), [])
    return "amx_bf16" in flags or "avx512_bf16" in flags


@contextmanager
def arithmetic(device: torch.device, *, tf32: bool) -> Iterator[None]:
    """On a GPU: algorithms that give the same bytes each time, and tf32 in products and convolutions or not.

    cuBLAS also needs CUBLAS_WORKSPACE_CONFIG in the environment before its first call; the train job sets it.
    """
    if device.type != "cuda":
        yield
        return
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark
    matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = (
        *(tf32, tf32),
        *(True, False),
    )
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = before


class Ahead(Generic[Drawn]):
    """Random numbers of the next epoch, drawn on the host while a GPU trains this one.

    They come from NumPy's streams on every device, so that a replicate has the same order and augmentation on all.
    On a processor nothing is drawn ahead: the thread would compete with training.

    Args:
        draw: epoch → its numbers; it must not depend on anything that training changes.
        epochs: how many there are.
        device: where training runs.
    """

    def __init__(self, draw: Callable[[int], Drawn], epochs: int, device: torch.device) -> None:
        self.draw, self.epochs = draw, epochs
        self.pool = ThreadPoolExecutor(1) if device.type == "cuda" else None
        self.next: tuple[int, Future[Drawn]] | None = None

    def __call__(self, epoch: int) -> Drawn:
        """The numbers of one epoch, counted from 1."""
        if self.pool is None:
            return self.draw(epoch)
        found = self.next[1].result() if self.next and self.next[0] == epoch else self.draw(epoch)
        self.next = None
        if epoch < self.epochs:
            self.next = epoch + 1, self.pool.submit(self.draw, epoch + 1)
        return found
