"""Gradient norms: as plain autograd has them, and without a trace in training."""

from __future__ import annotations

import pytest
import torch
from ablation.training.gradients import SAMPLES, recorded_epochs
from ablation.training.loop import Training
from ablation.training.network import standardised
from torch import Tensor, nn
from unit_engine import NOISY, assert_same, convnet, images, mlp, table, trained


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(0, [0]), (1, [0, 1]), (2, [0, 1, 2]), (15, [0, 1, 2, 8, 15]), (100, [0, 1, 10, 50, 100])],
)
def test_the_moments(epochs: int, expected: list[int]) -> None:
    assert recorded_epochs(epochs) == expected


def norms_of(network: nn.Module, loss: Tensor) -> Tensor:
    loss.backward()
    weights = [
        layer.weight for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    return torch.stack([weight.grad.norm() for weight in weights if weight.grad is not None])


@pytest.mark.parametrize("target", ["raw", "standardised"])
def test_norms_of_a_group_are_those_of_each_network_alone(target: str) -> None:
    """In the target's unit, on samples at even distances."""
    part = table()
    each = mlp(part, epochs=0, target=target)
    assert each.plan().vmapped
    gradients = trained(each).gradients
    assert gradients.shape == (1, 3, 4)
    for r in range(4):
        network, count = each.network(r), int(part["train_n"][r])
        index = part["train_index"][r][torch.arange(SAMPLES) * count // SAMPLES]
        output = network(standardised(part, part, r, index)).squeeze(1)
        if target == "standardised":
            output = output * part["target_scale"][r] + part["target_mean"][r]
        loss = (output - part["target"][index]).square().mean()
        torch.testing.assert_close(
            gradients[0, :, r], norms_of(network, loss), rtol=1e-4, atol=1e-5
        )


def test_norms_of_plain_modules_are_measured_in_evaluation_mode() -> None:
    part = images()
    each = convnet(part, **NOISY, epochs=0)
    gradients = trained(each).gradients
    assert gradients.shape == (1, 4, 3)
    for r in (0, 2):
        network = each.network(r).eval()
        index = part["train_index"][r][torch.arange(SAMPLES) * 36 // SAMPLES]
        logits = network(standardised(part, part, r, index))
        loss = nn.functional.cross_entropy(logits, part["target"][index])
        torch.testing.assert_close(
            gradients[0, :, r], norms_of(network, loss), rtol=1e-4, atol=1e-6
        )


def test_measuring_changes_no_number_of_training(monkeypatch: pytest.MonkeyPatch) -> None:
    each = convnet(images(2), **NOISY, epochs=2)
    measured = trained(each)
    assert measured.gradients.shape == (3, 4, 2)
    assert bool((measured.gradients > 0).all())
    monkeypatch.setattr(Training, "_gradient_norms", lambda self: torch.zeros(4, 1))
    without = trained(each)
    without.gradients = measured.gradients
    assert_same(measured, without, [0, 1])
