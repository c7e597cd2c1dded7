"""The engine agrees with a plain-torch twin that trains one replicate at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import twin
from ablation.training.loop import Trained
from ablation.training.network import shape_of
from ablation.training.run import Cell, train
from torch import nn
from unit_engine import ADAM, AFFINE, PLATEAU, convnet, images, mlp, poisoned, table, trained

DECAY = {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1, "clip_norm": 0.3}
NOISY = {**AFFINE, "dropout": 0.4}


def assert_agree(found: Trained, r: int, own: twin.Twin, rel: float) -> None:
    assert own.history.keys() == found.history.keys()
    for name, values in own.history.items():
        assert found.history[name][:, r].tolist() == pytest.approx(values, rel=rel), name
    assert int(found.best_epoch[r]) == own.best_epoch
    for (name, tensor), plain in zip(found.tensors.items(), own.best, strict=True):
        error = float((tensor[r] - plain).double().norm())
        assert error <= rel * float(plain.double().norm()), name


def twin_of(each: Cell, replicate: int) -> twin.Twin:
    build = twin.convnet if each.part["inputs"].dtype == torch.uint8 else twin.mlp
    outputs = int(each.part["outputs"])
    network = build(shape_of(each.part), outputs, each.spec["parameters"])
    return twin.train(each, replicate, network)


@pytest.mark.parametrize("target", ["raw", "standardised"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_sgd_with_a_plateau(activation: str, target: str) -> None:
    """Learning rates are lowered at other epochs in each replicate, of 41 or 42 rows."""
    rate = {"raw": 0.002, "standardised": 0.05}[target]
    chosen: dict[str, Any] = {**PLATEAU, "epochs": 24, "learning_rate": rate}
    each = mlp(table(), **chosen, activation=activation, target=target)
    found, lowered = trained(each), set()
    for r in range(4):
        own = twin_of(each, r)
        rates = own.history["learning_rate"]
        assert len(set(rates)) > 1
        lowered.add(tuple(rates))
        assert_agree(found, r, own, rel=1e-3)
    assert len(lowered) > 1


@pytest.mark.parametrize("schedule", [{}, PLATEAU])
@pytest.mark.parametrize("at_once", [1, 4])
def test_adamw_with_decay_and_clipping(at_once: int, schedule: dict[str, Any]) -> None:
    each = mlp(table(), **DECAY, **schedule, epochs=8)
    found = trained(each, at_once)
    for r in range(4):
        assert_agree(found, r, twin_of(each, r), rel=1e-3)


@pytest.mark.parametrize(
    "change",
    [NOISY, {"pooling": "average", "depth": 3}, {"kernel": 5, "depth": 1, "dropout": 0.2}, DECAY],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_convolutional_network(change: dict[str, Any], channels: int) -> None:
    """The last batch of each epoch is filled up."""
    each = convnet(images(channels=channels), **{**ADAM, **change})
    found = trained(each)
    for r in (0, 2):
        assert_agree(found, r, twin_of(each, r), rel=1e-4)


class Double(Cell):
    """A cell in double precision.

    Batch normalisation starts from shifts of zero, so that in single precision their first digits are rounding, and no
    relative bound on each tensor holds. In double precision a wrong formula has nowhere to hide.
    """

    def network(self, replicate: int) -> nn.Module:
        network = super().network(replicate).double()
        network.register_forward_pre_hook(lambda _, given: (given[0].double(),))
        return network


def test_batch_normalisation() -> None:
    """Also of a filled up batch, which it sees whole."""
    single = convnet(images(), **NOISY, batchnorm=True)
    each = Double(single.spec, single.part, single.device)
    found = train(each, single.plan())[0]
    for r in (0, 2):
        assert_agree(found, r, twin_of(each, r), rel=1e-5)


def test_a_twin_that_differs_does_not_agree() -> None:
    """Another initial weight, another rate, or another order is seen."""
    each = mlp(table(), **DECAY)
    found = trained(each)
    others = [mlp(table(), **{**DECAY, "weight_decay": 0.11}), mlp(table(), **DECAY, batch_size=9)]
    for other in [*others, poisoned(0.1)(each.spec, each.part, each.device)]:
        with pytest.raises(AssertionError):
            assert_agree(found, 1, twin_of(other, 1), rel=1e-3)
