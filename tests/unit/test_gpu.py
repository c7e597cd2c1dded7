"""What only a GPU can show. Where there is none, each of these says so."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from ablation.training import steps as stepping
from ablation.training.loop import Trained
from ablation.training.run import Cell, train
from ablation.training.samples import samples_of
from torch import Tensor
from unit_engine import CPU, DEEP, NOISY, cell, convnet, images, mlp, table

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(),
    reason="no GPU is at hand, so the GPU was not compared with the CPU",
)
CUDA = torch.device("cuda")
WIDE = {**NOISY, "channels": [16, 32], "fc_width": 64, "dropout": 0.2}


def on(device: torch.device, each: Cell) -> Trained:
    there = Cell(each.spec, each.part, device)
    return train(there, there.plan())[0]


@pytest.fixture(scope="module")
def part() -> dict[str, Tensor]:
    return images(6, side=28, classes=10, rows=1000, shares=(0.6, 0.3))


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_cpu_and_gpu_agree_within_the_replicate_spread(
    part: dict[str, Tensor], precision: str
) -> None:
    """Dropout layers draw other masks there, so single numbers differ."""
    chosen: dict[str, Any] = {**WIDE, "batch_size": 32, "epochs": 6}
    ours = on(CPU, convnet(part, **chosen))
    theirs = on(CUDA, convnet(part, **chosen, precision=precision))
    first, second = (run.history["val_accuracy"].max(0).values for run in (ours, theirs))
    assert float((first - second).mean().abs()) < float(first.std()) + 0.02


@pytest.mark.parametrize("precision", ["fp32", "tf32"])
def test_without_dropout_the_first_epoch_agrees(part: dict[str, Tensor], precision: str) -> None:
    chosen: dict[str, Any] = {**WIDE, "batch_size": 32, "epochs": 1, "dropout": 0.0}
    ours = on(CPU, convnet(part, **chosen))
    theirs = on(CUDA, convnet(part, **chosen, precision=precision))
    for name in ("train_loss", "val_loss"):
        torch.testing.assert_close(ours.history[name], theirs.history[name], rtol=0.02, atol=0.02)


def test_a_table_agrees() -> None:
    ours, theirs = (on(device, mlp(table(), epochs=6)) for device in (CPU, CUDA))
    for name in ("train_loss", "val_loss"):
        torch.testing.assert_close(ours.history[name], theirs.history[name], rtol=1e-2, atol=1e-2)


GRAPHS = {
    "convnet": lambda part: convnet(part, **WIDE, batch_size=32),
    "convnet in bf16": lambda part: convnet(part, **WIDE, batch_size=32, precision="bf16"),
    "adam with a plateau": lambda part: mlp(table(), **DEEP),
    "functional dropout": lambda part: cell("DropoutFunction", table()),
    "a branch on a value": lambda part: cell("Branch", table()),
    "draws of Python's": lambda part: cell("GlobalDraws", table()),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_cuda_graph_trains_the_same_networks_as_single_steps(
    part: dict[str, Tensor], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = GRAPHS[name](part)
    recorded, again = on(CUDA, each), on(CUDA, each)
    assert torch.equal(recorded.history["train_loss"], again.history["train_loss"])
    monkeypatch.setattr(stepping, "WARM_UP", 10**9)
    single = on(CUDA, each)
    for key, tensor in single.tensors.items():
        torch.testing.assert_close(tensor, recorded.tensors[key], rtol=1e-3, atol=1e-3)


def test_images_lie_on_the_device_once_as_bytes(part: dict[str, Tensor]) -> None:
    each = convnet(part)
    own: Any = samples_of(part, range(6), each.spec["parameters"], CUDA)
    assert (own.pool.device.type, own.pool.dtype) == ("cuda", torch.uint8)
    assert own.pool.shape == (1000, 1, 28, 28)
