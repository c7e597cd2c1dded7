"""What only a GPU can show. Where there is none, each of these says so."""

from typing import Any

import pytest
import torch
from ablation.networks.cnn import train as cnn
from ablation.networks.fnn import train as fnn
from ablation.networks.stack import steps as stepping
from conftest import Parts

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(),
    reason="no GPU is at hand, so the GPU was not compared with the CPU",
)
CUDA = torch.device("cuda")
NOISY = {"dropout": 0.4, "augmentation": "affine", "batchnorm": True, "channels": [16, 32, 32, 32]}


def common(device: torch.device, precision: str = "fp32") -> dict[str, Any]:
    return {"seed": 9, "device": device, "precision": precision}


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_cpu_and_gpu_agree_within_the_replicate_spread(
    cnn_parameters: dict[str, Any], digit_parts: Parts, precision: str
) -> None:
    part, _ = digit_parts(6, train=600, validation=300)
    parameters = {**cnn_parameters, **NOISY, "epochs": 6}
    ours = cnn.run(parameters, part, **common(torch.device("cpu")))
    theirs = cnn.run(parameters, part, **common(CUDA, precision))
    first, second = (run.history["val_accuracy"].max(0).values for run in (ours, theirs))
    assert float((first - second).mean().abs()) < float(first.std()) + 0.01
    torch.testing.assert_close(ours.history["train_loss"][0], theirs.history["train_loss"][0],
                               rtol=0.05, atol=0.05)  # fmt: skip


def test_the_fnn_agrees(fnn_parameters: dict[str, Any], boston_parts: Parts) -> None:
    part, _ = boston_parts(6)
    parameters = {**fnn_parameters, "epochs": 10, "learning_rate": 0.001}
    ours, theirs = (fnn.run(parameters, part, **common(d)) for d in (torch.device("cpu"), CUDA))
    torch.testing.assert_close(
        ours.history["val_loss"], theirs.history["val_loss"], rtol=1e-2, atol=1e-2
    )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_cuda_graph_trains_the_same_network_as_single_steps(
    cnn_parameters: dict[str, Any],
    digit_parts: Parts,
    precision: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part, _ = digit_parts(3, train=600)
    parameters = {**cnn_parameters, **NOISY, "epochs": 3}
    recorded = cnn.run(parameters, part, **common(CUDA, precision))
    again = cnn.run(parameters, part, **common(CUDA, precision))
    assert torch.equal(recorded.history["train_loss"], again.history["train_loss"])
    monkeypatch.setattr(stepping, "WARM_UP", 10**9)
    single = cnn.run(parameters, part, **common(CUDA, precision))
    for name, tensor in single.tensors.items():
        torch.testing.assert_close(tensor, recorded.tensors[name], rtol=1e-4, atol=1e-4)


def test_images_lie_on_the_device_once_as_bytes(
    cnn_parameters: dict[str, Any], digit_parts: Parts
) -> None:
    part, _ = digit_parts(6)
    task = cnn.CNNTask(cnn_parameters, part, replicates=range(6), **common(CUDA))
    assert task.images.device.type == "cuda"
    assert task.images.dtype == torch.uint8
    assert task.images.shape == part["images"].shape
