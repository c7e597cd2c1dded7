"""Steps as a GPU would run them, tried on the processor: recorded and replayed, drawn ahead, in smaller groups."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from ablation.machine.provenance import Meter
from ablation.networks.mlp import MLP
from ablation.training import loop
from ablation.training import steps as stepping
from ablation.training.checkpoint import Checkpoints
from ablation.training.device import Ahead, arithmetic
from ablation.training.group import preferred_size
from ablation.training.loop import Checkpoint, Trained
from ablation.training.run import Cell, Plan, merge, train
from ablation.training.steps import WARM_UP, Steps
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from unit_engine import (
    CPU,
    DEEP,
    NOISY,
    PLATEAU,
    assert_same,
    cell,
    convnet,
    images,
    mlp,
    table,
    trained,
)

CELLS: dict[str, Callable[[], Cell]] = {
    "vmapped": lambda: mlp(table(), **PLATEAU),
    "plain": lambda: convnet(images(), **NOISY),
    "adam": lambda: mlp(table(), **DEEP),
}


def replayed(function: Callable[[], None]) -> Callable[[], None]:
    """What a recording promises, without a GPU: nothing runs while it is made, the same runs at each replay."""
    return function


@pytest.mark.parametrize("name", CELLS)
def test_replayed_steps_train_the_same_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a step reads may hide outside its batch."""
    each = CELLS[name]()
    plain, made = trained(each), list[Steps]()

    def recording(step: Any, device: torch.device, generators: Any, recorded: bool) -> Steps:
        assert recorded
        made.append(Steps(step, device, generators, replayed))
        return made[-1]

    monkeypatch.setattr(loop, "Steps", recording)
    assert_same(trained(each), plain, [0, 1, 2])
    assert all(steps._recorded for steps in made)


class OnTheDevice(TorchDispatchMode):
    """Refuses whatever looks at values on the host, which no recording can hold."""

    REFUSED = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select")

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        assert func.__name__.partition(".")[0] not in self.REFUSED, func
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", CELLS)
def test_no_step_looks_at_values_on_the_host(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    each, steps = CELLS[name](), list[int]()
    plan = each.plan()
    step = loop.Training._step

    def watched(self: loop.Training, batch: dict[str, Tensor]) -> None:
        steps.append(1)
        with OnTheDevice():
            step(self, batch)

    monkeypatch.setattr(loop.Training, "_step", watched)
    train(each, plan)
    assert steps
    with OnTheDevice(), pytest.raises(AssertionError):
        float(torch.ones(()))


def test_steps_are_recorded_per_shape_after_a_warm_up() -> None:
    seen: list[tuple[int, int]] = []
    steps = Steps(lambda batch: seen.append(tuple(batch["x"].shape)), CPU, record=replayed)
    for _ in range(WARM_UP):
        steps({"x": torch.zeros(2, 5)})
    assert not steps._recorded
    steps({"x": torch.zeros(2, 5)})
    steps({"x": torch.zeros(2, 3)})
    assert list(steps._recorded) == [((2, 5),)]
    assert len(seen) == WARM_UP + 2


def summing(total: Tensor, record: stepping.Record) -> Steps:
    return Steps(lambda batch: total.add_(batch["x"].sum()), CPU, record=record)


def test_a_replay_reads_the_new_batch() -> None:
    total = torch.zeros(())
    steps = summing(total, replayed)
    for value in range(8):
        steps({"x": torch.full((2,), float(value))})
    assert float(total) == 2 * sum(range(8))


def test_what_cannot_be_recorded_runs_step_by_step(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(function: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("operation not permitted when stream is capturing")

    total = torch.zeros(())
    steps = summing(total, refuse)
    for _ in range(8):
        steps({"x": torch.ones(2)})
    assert float(total) == 16
    assert caplog.text.count("cannot be recorded") == 1


def test_memory_that_runs_out_while_recording_is_not_hidden() -> None:
    def refuse(function: Callable[[], None]) -> Callable[[], None]:
        raise torch.OutOfMemoryError

    steps = summing(torch.zeros(()), refuse)
    for _ in range(WARM_UP):
        steps({"x": torch.ones(2)})
    with pytest.raises(torch.OutOfMemoryError):
        steps({"x": torch.ones(2)})


def test_only_a_gpu_records_and_its_graph_knows_the_generators() -> None:
    assert Steps(lambda batch: None, CPU).record is None
    chance = [torch.Generator()]
    cuda = torch.device("cuda")
    assert Steps(lambda batch: None, cuda, recorded=False).record is None
    record = Steps(lambda batch: None, cuda, chance).record
    assert isinstance(record, partial)
    assert (record.func, record.keywords) == (stepping.cuda_graph, {"generators": chance})


def test_every_generator_that_a_step_draws_from_is_registered() -> None:
    each = convnet(images(), **NOISY)
    group = each.group(each.plan(), [0, 1])
    assert len(group.generators) == 2
    before = [generator.get_state() for generator in group.generators]
    group(torch.zeros(2, 8, 1, 8, 8))
    after = [generator.get_state() for generator in group.generators]
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_graph_registers_generators_before_it_records(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Any] = []

    class Graph:
        register_generator_state = events.append
        replay = staticmethod(lambda: events.append("replayed"))

    class Recording:
        def __init__(self, graph: Graph) -> None:
            pass

        def __enter__(self) -> None:
            events.append("recording")

        def __exit__(self, *error: object) -> None:
            events.append("recorded")

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", Recording)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    stepping.cuda_graph(lambda: events.append("step"), ["first", "second"])()  # type: ignore[list-item]
    assert events == ["first", "second", "recording", "step", "recorded", "replayed"]


def test_numbers_are_drawn_ahead_for_a_gpu_alone() -> None:
    threads: dict[int, str] = {}

    def draw(epoch: int) -> int:
        threads[epoch] = threading.current_thread().name
        return 10 * epoch

    main = threading.current_thread().name
    assert [Ahead(draw, 3, CPU)(epoch) for epoch in (1, 2, 3)] == [10, 20, 30]
    assert set(threads.values()) == {main}
    threads.clear()
    ahead = Ahead(draw, 3, torch.device("cuda"))
    assert [ahead(epoch) for epoch in (2, 3)] == [20, 30]  # resumed after epoch 1
    assert threads[2] == main != threads[3]
    assert set(threads) == {2, 3}


def test_arithmetic_is_restored() -> None:
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    with arithmetic(torch.device("cuda"), tf32=True):
        assert [backend.allow_tf32 for backend in backends] == [True, True]
        with arithmetic(torch.device("cuda"), tf32=False):
            assert [backend.allow_tf32 for backend in backends] == [False, False]
            assert torch.backends.cudnn.deterministic
        assert [backend.allow_tf32 for backend in backends] == [True, True]
    assert [backend.allow_tf32 for backend in backends] == before


class Short(Cell):
    """A cell on a device whose memory holds so many replicates at once."""

    fits = 1
    asked: list[list[int]]

    def train(self, plan: Plan, chosen: Sequence[int], checkpoint: Checkpoint | None) -> Trained:
        self.asked.append(list(chosen))
        if len(chosen) > self.fits:
            raise torch.OutOfMemoryError(f"{len(chosen)} replicates do not fit")
        return super().train(plan, chosen, checkpoint)


def short(each: Cell, fits: int) -> Short:
    found = Short(each.spec, each.part, each.device)
    object.__setattr__(found, "fits", fits)
    object.__setattr__(found, "asked", [])
    return found


@pytest.mark.parametrize("vmapped", [True, False])
@pytest.mark.parametrize("fits", [1, 2, 3])
def test_a_small_memory_gives_the_same_numbers(
    vmapped: bool, fits: int, caplog: pytest.LogCaptureFixture
) -> None:
    each = mlp(table(5)) if vmapped else convnet(images(5), **NOISY)
    plan = replace(each.plan(), at_once=5, vmapped=vmapped)
    caplog.set_level(logging.WARNING, "ablation")
    whole, at_once = train(each, plan)
    assert at_once == 5
    small, told = short(each, fits), list[int]()
    found, at_once = train(small, plan, begin=told.append)
    assert_same(found, whole, [0, 1, 2, 3, 4], 1e-5)
    sizes = [size for size in (5, 3, 2, 1) if size >= fits]
    assert at_once == fits == sizes[-1]
    assert told == [-(-5 // size) for size in sizes]
    done = [chosen for chosen in small.asked if len(chosen) <= fits]
    assert sorted(r for chosen in done for r in chosen) == [0, 1, 2, 3, 4]
    assert caplog.messages == [
        f"out of memory with {a} replicates at once; trying {b}" for a, b in pairwise(sizes)
    ]


def test_a_replicate_that_does_not_fit_alone_is_a_failure() -> None:
    each = convnet(images(2))
    with pytest.raises(torch.OutOfMemoryError, match="1 replicates do not fit"):
        train(short(each, 0), each.plan())


def test_the_setting_says_how_many_are_trained_at_once() -> None:
    assert cell("Residual", table(5)).plan().at_once == 5
    assert cell("Residual", table(5), at_once=2).plan().at_once == 2
    assert cell("Residual", table(2), at_once=5).plan().at_once == 2
    assert convnet(images(3)).plan().at_once == 1


def test_left_open_it_follows_from_the_network_and_the_kind_of_device() -> None:
    wide, narrow = (MLP((5,), 1, width=width) for width in (1024, 64))
    convolutions = convnet(images(2)).network(0)
    assert preferred_size(narrow, 32, 24, CPU) == 24
    assert preferred_size(wide, 8, 24, CPU) == 24
    assert preferred_size(wide, 32, 24, CPU) == 1
    assert preferred_size(convolutions, 8, 24, CPU) == 1
    assert preferred_size(convolutions, 8, 24, torch.device("cuda")) == 24


def test_groups_are_merged_in_order() -> None:
    def part(*values: float) -> Trained:
        row = torch.tensor(values)
        return Trained(
            {"w": row[:, None]},
            {"val_loss": torch.stack([row, row])},
            row.expand(3, 2, -1),
            row.long(),
            row > 2,
        )

    whole = merge([part(1, 2), part(3)])
    assert whole.tensors["w"].tolist() == [[1], [2], [3]]
    assert whole.history["val_loss"].tolist() == [[1, 2, 3], [1, 2, 3]]
    assert whole.gradients.shape == (3, 2, 3)
    assert whole.gradients[0, 0].tolist() == [1, 2, 3]
    assert whole.best_epoch.tolist() == [1, 2, 3]
    assert whole.diverged.tolist() == [False, False, True]


@pytest.mark.promise(13)
def test_a_finished_group_is_not_trained_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed in the second group: the next try takes the first from its checkpoint, cost included."""
    meter = Meter({"seconds": 100.0, "cpu_seconds": 100.0})
    each = convnet(images(3), **NOISY)
    plan = each.plan()
    saved = Checkpoints(tmp_path, {"key": "k"}, 1e9, 3, meter)
    first = each.train(plan, [1], saved.of([1]))
    again = Checkpoints(tmp_path, {"key": "k"}, 1e9, 3, Meter())
    caplog.set_level(logging.INFO, "ablation")
    caplog.clear()
    assert_same(each.train(plan, [1], again.of([1])), first, [0])
    assert caplog.messages == ["replicate 1: resumed after epoch 3"]
    assert again.meter.earlier["seconds"] >= 100
    # A group of all replicates is published at once and needs no last save.
    whole = replace(plan, at_once=3)
    each.train(whole, range(3), again.of(range(3)))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1-1.safetensors"]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_failure_of_one_group_is_the_cells(threads: int) -> None:
    class Failing(Cell):
        def train(
            self, plan: Plan, chosen: Sequence[int], checkpoint: Checkpoint | None
        ) -> Trained:
            if 1 in chosen:
                raise RuntimeError("the network of replicate 1 is broken")
            return super().train(plan, chosen, checkpoint)

    each = convnet(images(3))
    with pytest.raises(RuntimeError, match="replicate 1 is broken"):
        train(Failing(each.spec, each.part, CPU), each.plan(), threads=threads)
