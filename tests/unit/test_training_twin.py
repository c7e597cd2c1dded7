"""The stacked trainer agrees with a plain-torch twin that trains one replicate at a time."""

from typing import Any

import pytest
import torch
import twin
from ablation.networks.cnn import train as cnn
from ablation.networks.cnn.network import StackedCNN
from ablation.networks.fnn import train as fnn
from ablation.networks.fnn.network import StackedFNN
from ablation.networks.stack.training import Trained
from conftest import Parts
from torch import Tensor

CPU = torch.device("cpu")
SEED = 9


def assert_history_agrees(trained: Trained, r: int, own: twin.Twin, rel: float) -> None:
    assert own.history.keys() <= trained.history.keys()
    for name, values in own.history.items():
        assert trained.history[name][:, r].tolist() == pytest.approx(values, rel=rel), name
    assert int(trained.best_epoch[r]) == own.best_epoch


def assert_tensors_agree(trained: Trained, r: int, best: dict[str, Tensor], rel: float) -> None:
    assert trained.tensors.keys() == best.keys()
    for name, tensor in best.items():
        error = float((trained.tensors[name][r] - tensor).norm())
        assert error <= rel * float(tensor.norm()), name


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_fnn(fnn_parameters: dict[str, Any], boston_parts: Parts, activation: str) -> None:
    """32 epochs, in which the learning rate is lowered at another epoch in each replicate."""
    chosen = {"epochs": 32, "lr_patience": 1, "lr_factor": 0.5, "learning_rate": 0.003}
    parameters = {**fnn_parameters, **chosen, "activation": activation}
    part, _ = boston_parts(6)
    trained = fnn.run(parameters, part, seed=SEED, device=CPU, precision="fp32")
    initial = StackedFNN(parameters, SEED, range(6)).state_dict()
    lowered = set()
    for r in (0, 1, 4):  # 336, 337 and 338 rows
        own = twin.train_fnn(parameters, part, initial, seed=SEED, replicate=r)
        rates = own.history["learning_rate"]
        assert len(set(rates)) > 1
        lowered.add(rates.index(min(rates)))
        assert_history_agrees(trained, r, own, rel=2e-4)
        assert_tensors_agree(trained, r, own.best, rel=2e-4)
    assert len(lowered) > 1


NOISY = {"dropout": 0.4, "augmentation": "affine"}


@pytest.mark.parametrize("change", [NOISY, {"pooling": "average", "depth": 4, "kernel": 3}])
def test_cnn(cnn_parameters: dict[str, Any], digit_parts: Parts, change: dict[str, Any]) -> None:
    """2 epochs; the last batch of each is a short one."""
    parameters = {**cnn_parameters, **change, "epochs": 2}
    part, _ = digit_parts(3, train=150, validation=50)
    trained = cnn.run(parameters, part, seed=SEED, device=CPU, precision="fp32")
    initial = StackedCNN(parameters, SEED, range(3)).state_dict()
    for r in (0, 2):
        own = twin.train_cnn(parameters, part, initial, seed=SEED, replicate=r)
        assert_history_agrees(trained, r, own, rel=2e-5)
        assert_tensors_agree(trained, r, own.best, rel=1e-4)


def test_cnn_with_batchnorm(cnn_parameters: dict[str, Any], digit_parts: Parts) -> None:
    parameters = {**cnn_parameters, **NOISY, "batchnorm": True, "epochs": 2}
    part, _ = digit_parts(3, train=150, validation=50)
    trained = twin.train_stack_in_double(parameters, part, seed=SEED, replicates=range(3))
    initial = StackedCNN(parameters, SEED, range(3)).double().state_dict()
    for r in (0, 2):
        own = twin.train_cnn(parameters, part, initial, seed=SEED, replicate=r)
        assert_history_agrees(trained, r, own, rel=1e-6)
        assert_tensors_agree(trained, r, own.best, rel=1e-5)


def test_the_twin_is_the_network_that_a_user_takes_home(cnn_parameters: dict[str, Any]) -> None:
    from ablation.networks.cnn.network import sequential

    stack = StackedCNN({**cnn_parameters, "batchnorm": True}, SEED, range(2)).state_dict()
    own = twin.cnn({**cnn_parameters, "batchnorm": True}).eval()
    twin.initialise(own, stack, 1)
    plain = sequential({**cnn_parameters, "batchnorm": True}, stack, 1)
    x = torch.randn(3, 1, 28, 28)
    torch.testing.assert_close(own(x), plain(x))
