"""Run one training step many times: as it is on a processor, recorded as a CUDA graph on a GPU."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

log = logging.getLogger("ablation")

Batch = dict[str, Tensor]
Step = Callable[[Batch], None]
Record = Callable[[Callable[[], None]], Callable[[], None]]

WARM_UP = 3


class Steps:
    """Calls a step on batch after batch.

    On a GPU a small network's step is bound by the launches of its hundred kernels. After a few steps of one shape the next
    is recorded as a CUDA graph on buffers of its own; from then on a batch is copied into the buffers and the graph replayed.
    The step must neither look at values on the host nor keep tensors that it makes.

    Args:
        step: trains on one batch of tensors.
        device: where.
        generators: what the step draws from beside torch's global generator.
        record: turns a function into one that replays what it did; by default a CUDA graph on a GPU, nothing elsewhere.
        recorded: False where a step does what no CUDA graph can hold.

    Source: "CUDA graphs", the chapter of PyTorch's notes on CUDA semantics.
    """

    def __init__(
        self,
        step: Step,
        device: torch.device,
        generators: Sequence[torch.Generator] = (),
        record: Record | None = None,
        *,
        recorded: bool = True,
    ) -> None:
        self.step = step
        if recorded and record is None and device.type == "cuda":
            record = partial(cuda_graph, generators=generators)
        self.record = record
        self._seen: dict[tuple[torch.Size, ...], int] = {}
        self._recorded: dict[tuple[torch.Size, ...], tuple[Batch, Callable[[], None]]] = {}

    def __call__(self, batch: Batch) -> None:
        """Train on one batch."""
        if self.record is None:
            self.step(batch)
            return
        shape = tuple(tensor.shape for tensor in batch.values())
        self._seen[shape] = self._seen.get(shape, 0) + 1
        if shape not in self._recorded and self._seen[shape] > WARM_UP:
            self._keep(shape, batch, self.record)
        if shape not in self._recorded:
            _beside(lambda: self.step(batch))
            return
        buffers, replay = self._recorded[shape]
        for name, tensor in batch.items():
            buffers[name].copy_(tensor)
        replay()

    def _keep(self, shape: tuple[torch.Size, ...], batch: Batch, record: Record) -> None:
        buffers = {name: tensor.clone() for name, tensor in batch.items()}
        try:
            self._recorded[shape] = buffers, record(lambda: self.step(buffers))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            log.warning("steps run one by one, they cannot be recorded: %s", error)
            self.record = None


def cuda_graph(
    function: Callable[[], None], generators: Sequence[torch.Generator] = ()
) -> Callable[[], None]:
    """Record what a function launches, without running it, and give a function that runs it.

    Args:
        function: what is recorded.
        generators: each replay draws on from where they are.
    """
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    torch.cuda.synchronize()
    with torch.cuda.graph(graph):
        function()
    replay: Callable[[], None] = graph.replay
    return replay


def _beside(function: Callable[[], None]) -> None:
    """Warm up on a side stream, as a recording needs; elsewhere just run."""
    if not torch.cuda.is_initialized():
        function()
        return
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        function()
    torch.cuda.current_stream().wait_stream(side)
