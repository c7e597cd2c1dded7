"""Gradient norms: as plain autograd has them, and without a trace in training."""

from typing import Any

import pytest
import torch
from ablation.networks.cnn import train as cnn
from ablation.networks.fnn import train as fnn
from ablation.networks.fnn.network import sequential
from ablation.networks.stack.gradients import recorded_epochs
from conftest import Parts

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(0, [0]), (1, [0, 1]), (2, [0, 1, 2]), (15, [0, 1, 2, 8, 15]), (100, [0, 1, 10, 50, 100])],
)
def test_the_moments(epochs: int, expected: list[int]) -> None:
    assert recorded_epochs(epochs) == expected


def test_norms_are_those_of_each_network_alone(
    fnn_parameters: dict[str, Any], boston_parts: Parts
) -> None:
    part, _ = boston_parts(6)
    trained = fnn.run({**fnn_parameters, "epochs": 0}, part, seed=9, device=CPU, precision="fp32")
    assert trained.gradients.shape == (1, 3, 6)
    for r in (0, 5):
        network = sequential(fnn_parameters, trained.tensors, r)
        count = int(part["train_n"][r])
        error = network(part["train_x"][r, :count]).squeeze(1) - part["train_y"][r, :count]
        error.square().mean().backward()
        expected = [layer.weight.grad.norm() for layer in network if hasattr(layer, "weight")]
        torch.testing.assert_close(trained.gradients[0, :, r], torch.stack(expected))


def test_measuring_changes_no_number_of_training(
    cnn_parameters: dict[str, Any], digit_parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = {**cnn_parameters, "epochs": 2, "batchnorm": True, "dropout": 0.4}
    options: dict[str, Any] = {"seed": 9, "device": CPU, "precision": "fp32"}
    measured = cnn.run(parameters, digit_parts(2)[0], **options)
    assert measured.gradients.shape == (3, 4, 2)
    assert bool((measured.gradients > 0).all())
    monkeypatch.setattr(cnn.CNNTask, "gradient_norms", lambda self: torch.zeros(4, 2))
    without = cnn.run(parameters, digit_parts(2)[0], **options)
    for name, tensor in measured.tensors.items():
        assert torch.equal(tensor, without.tensors[name])
    assert torch.equal(measured.history["val_loss"], without.history["val_loss"])
