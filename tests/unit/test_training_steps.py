"""Steps as a GPU would run them, exercised on the processor: recorded and replayed, drawn ahead, in chunks."""

import logging
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from ablation.machine.provenance import Meter
from ablation.networks.cnn import layers
from ablation.networks.cnn import train as cnn
from ablation.networks.fnn import train as fnn
from ablation.networks.stack import steps as stepping
from ablation.networks.stack import task
from ablation.networks.stack.checkpoint import Checkpoints
from ablation.networks.stack.chunks import merge, train_in_chunks
from ablation.networks.stack.device import Ahead, arithmetic
from ablation.networks.stack.steps import WARM_UP, Steps
from ablation.networks.stack.training import Trained
from conftest import Parts

CPU = torch.device("cpu")
Run = Callable[..., Trained]


def replayed(function: Callable[[], None]) -> Callable[[], None]:
    """What a recording promises, without a GPU: nothing runs while it is made, the same runs at each replay."""
    return function


@pytest.fixture
def runs(
    fnn_parameters: dict[str, Any],
    cnn_parameters: dict[str, Any],
    boston_parts: Parts,
    digit_parts: Parts,
) -> dict[str, Run]:
    noisy = {"dropout": 0.4, "augmentation": "affine", "batchnorm": True, "epochs": 3}
    common: dict[str, Any] = {"seed": 9, "device": CPU, "precision": "fp32"}
    # At the baseline's rate of 0.01 a replicate near divergence enlarges every rounding.
    calm = {**fnn_parameters, "learning_rate": 0.001}
    boston, digits = boston_parts(6)[0], digit_parts(4, train=90)[0]
    return {
        "fnn": lambda **more: fnn.run({**calm, "epochs": 3}, boston, **common, **more),
        "cnn": lambda **more: cnn.run({**cnn_parameters, **noisy}, digits, **common, **more),
    }


def same(first: Trained, second: Trained, rtol: float = 0.0) -> bool:
    pairs = [(first.tensors[n], second.tensors[n]) for n in first.tensors]
    pairs += [(first.history[n], second.history[n]) for n in first.history]
    pairs += [(first.best_epoch, second.best_epoch), (first.diverged, second.diverged)]
    return all(torch.allclose(a, b, rtol=rtol, atol=rtol) for a, b in pairs)


@pytest.mark.parametrize("name", ["fnn", "cnn"])
def test_replayed_steps_train_the_same_network(
    runs: dict[str, Run], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full and last, shorter batches are recorded apart; nothing a step reads may hide outside its batch."""
    plain, made = runs[name](), []

    def recording(step: Any, device: torch.device) -> Steps:
        made.append(Steps(step, device, replayed))
        return made[-1]

    monkeypatch.setattr(task, "Steps", recording)
    assert same(runs[name](), plain)
    assert len(made[0]._recorded) >= 1


def test_steps_are_recorded_per_shape_after_a_warm_up() -> None:
    seen: list[tuple[int, int]] = []
    steps = Steps(lambda batch: seen.append(tuple(batch["x"].shape)), CPU, replayed)
    for _ in range(WARM_UP):
        steps({"x": torch.zeros(2, 5)})
    assert not steps._recorded
    steps({"x": torch.zeros(2, 5)})
    steps({"x": torch.zeros(2, 3)})
    assert list(steps._recorded) == [((2, 5),)]
    assert len(seen) == WARM_UP + 2


def test_a_replay_reads_the_new_batch() -> None:
    total = torch.zeros(())
    steps = Steps(lambda batch: total.add_(batch["x"].sum()), CPU, replayed)
    for value in range(8):
        steps({"x": torch.full((2,), float(value))})
    assert float(total) == 2 * sum(range(8))


def test_what_cannot_be_recorded_runs_step_by_step(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(function: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("operation not permitted when stream is capturing")

    total = torch.zeros(())
    steps = Steps(lambda batch: total.add_(batch["x"].sum()), CPU, refuse)
    for _ in range(8):
        steps({"x": torch.ones(2)})
    assert float(total) == 16
    assert caplog.text.count("cannot be recorded") == 1


def test_memory_that_runs_out_while_recording_is_not_hidden() -> None:
    def refuse(function: Callable[[], None]) -> Callable[[], None]:
        raise torch.OutOfMemoryError

    steps = Steps(lambda batch: None, CPU, refuse)
    for _ in range(WARM_UP):
        steps({"x": torch.ones(2)})
    with pytest.raises(torch.OutOfMemoryError):
        steps({"x": torch.ones(2)})


def test_only_a_gpu_records() -> None:
    assert Steps(lambda batch: None, CPU).record is None
    assert Steps(lambda batch: None, torch.device("cuda")).record is stepping.cuda_graph


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


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_one_convolution_per_replicate_is_the_grouped_one(kernel: int) -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(6, 3 * 2, 9, 9), torch.randn(3, 4, 2, kernel, kernel)
    for bias in (torch.randn(3, 4), None):
        expected, found = (way(x, weight, bias) for way in (layers.grouped, layers.separate))
        assert found.shape == (6, 12, 9, 9)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_broken_replicate_stays_alone_in_separate_convolutions() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(6, 3 * 2, 9, 9), torch.randn(3, 4, 2, 3, 3)
    before = layers.separate(x, weight, None)
    weight[1] = float("nan")
    after = layers.separate(x, weight, None)
    for r in (0, 2):
        assert torch.equal(after[:, 4 * r : 4 * r + 4], before[:, 4 * r : 4 * r + 4])
    assert after[:, 4:8].isnan().all()


@pytest.mark.parametrize("name", ["fnn", "cnn"])
@pytest.mark.parametrize("fits", [1, 2, 3])
def test_a_small_memory_gives_the_same_numbers(
    runs: dict[str, Run], name: str, fits: int, caplog: pytest.LogCaptureFixture
) -> None:
    whole = runs[name]()
    count, asked = len(whole.best_epoch), list[list[int]]()

    def run(chosen: Sequence[int]) -> Trained:
        asked.append(list(chosen))
        if len(chosen) > fits:
            raise torch.OutOfMemoryError(f"{len(chosen)} replicates do not fit")
        return runs[name](replicates=chosen)

    trained, at_once = train_in_chunks(run, count)
    assert same(trained, whole, rtol=2e-3)  # another stack rounds otherwise, and Adam enlarges that
    assert at_once <= fits
    done = [chosen for chosen in asked if len(chosen) <= fits]
    assert [r for chosen in done for r in chosen] == list(range(count))
    said = next(line for line in caplog.messages if line.startswith("out of memory"))
    assert re.match(rf"out of memory with {count} replicates at once; trying \d at a time", said)


def test_enough_memory_trains_all_at_once(runs: dict[str, Run]) -> None:
    trained, at_once = train_in_chunks(lambda chosen: runs["cnn"](replicates=chosen), 4)
    assert at_once == 4
    assert same(trained, runs["cnn"]())


def test_a_replicate_that_does_not_fit_alone_is_a_failure() -> None:
    def run(chosen: Sequence[int]) -> Trained:
        raise torch.OutOfMemoryError("not even one")

    with pytest.raises(torch.OutOfMemoryError, match="not even one"):
        train_in_chunks(run, 5)


def test_chunks_are_merged_in_order() -> None:
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


def test_a_finished_chunk_is_not_trained_again(
    runs: dict[str, Run], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed in the second chunk: the next try takes the first from its checkpoint, cost included."""
    meter = Meter({"seconds": 100.0, "cpu_seconds": 100.0})
    saved = Checkpoints(tmp_path, {"key": "k"}, 1e9, 4, meter)
    first = runs["cnn"](replicates=range(2), checkpoint=saved.of(range(2)))
    again = Checkpoints(tmp_path, {"key": "k"}, 1e9, 4, Meter())
    caplog.set_level(logging.INFO, "ablation")
    caplog.clear()
    taken = runs["cnn"](replicates=range(2), checkpoint=again.of(range(2)))
    assert same(taken, first)
    assert caplog.messages == ["resumed after epoch 3"]
    assert again.meter.earlier["seconds"] >= 100
    # A stack of all replicates is published at once and needs no last save.
    runs["cnn"](checkpoint=again.of(range(4)))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-0-1.safetensors"]
