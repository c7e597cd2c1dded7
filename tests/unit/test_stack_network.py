"""A stacked network is R plain torch networks: forward, gradients, running statistics."""

from typing import Any

import pytest
import torch
from ablation.networks.cnn.network import StackedCNN
from ablation.networks.cnn.network import sequential as plain_cnn
from ablation.networks.fnn.network import StackedFNN
from ablation.networks.fnn.network import sequential as plain_fnn
from torch import Tensor, nn
from twin import named_layers

REPLICATES = range(3)
CLOSE: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-11}


def doubled(network: nn.Module) -> nn.Module:
    """The same network in double precision, where a wrong formula cannot hide in rounding."""
    return network.double()


def assert_same_gradients(stack: nn.Module, plain: list[nn.Sequential]) -> None:
    expected = {
        f"{name}.{part}": []
        for name, layer in named_layers(plain[0])
        for part in ("weight", "bias")
        if getattr(layer, part) is not None
    }
    for network in plain:
        for name, layer in named_layers(network):
            expected[f"{name}.weight"].append(layer.weight.grad)
            if layer.bias is not None:
                expected[f"{name}.bias"].append(layer.bias.grad)
    gradients = {name: p.grad for name, p in stack.named_parameters()}
    assert gradients.keys() == expected.keys()
    for name, each in expected.items():
        torch.testing.assert_close(gradients[name], torch.stack(each), **CLOSE)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("depth", [1, 2, 8])
def test_fnn(fnn_parameters: dict[str, Any], activation: str, depth: int) -> None:
    parameters = {**fnn_parameters, "activation": activation, "hidden_layers": depth}
    stack = StackedFNN(parameters, 5, REPLICATES)
    plain = [doubled(plain_fnn(parameters, stack.state_dict(), r)) for r in REPLICATES]
    doubled(stack)
    x = torch.randn(3, 7, 13, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    predicted = stack(x)
    expected = torch.stack([network(own).squeeze(1) for network, own in zip(plain, x, strict=True)])
    assert predicted.shape == (3, 7)
    torch.testing.assert_close(predicted, expected, **CLOSE)
    assert not torch.allclose(predicted[0], predicted[1])
    predicted.square().sum().backward()
    expected.square().sum().backward()
    assert_same_gradients(stack, plain)


def images(batch: int, seed: int = 0) -> Tensor:
    """One image per place and replicate, ``[B, R, 28, 28]``."""
    chance = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, 3, 28, 28, dtype=torch.float64, generator=chance)
    return x.contiguous(memory_format=torch.channels_last)


def logits_of(plain: list[nn.Module], x: Tensor, mask: Tensor | None) -> Tensor:
    """Each plain network's logits; dropout's factors stand in for its dropout layer."""
    logits = []
    for r, network in enumerate(plain):
        assert isinstance(network, nn.Sequential)
        hidden = network[:-2](x[:, r : r + 1])
        assert isinstance(network[-2], nn.Dropout)
        logits.append(network[-1](hidden if mask is None else hidden * mask[r]))
    return torch.stack(logits)


@pytest.mark.parametrize("batchnorm", [False, True])
@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("kernel", [3, 5, 7, 9])
def test_cnn(
    cnn_parameters: dict[str, Any], kernel: int, depth: int, pooling: str, batchnorm: bool
) -> None:
    chosen = {"kernel": kernel, "depth": depth, "pooling": pooling, "batchnorm": batchnorm}
    parameters = {**cnn_parameters, **chosen, "dropout": 0.4}
    stack = StackedCNN(parameters, 5, REPLICATES)
    plain = [doubled(plain_cnn(parameters, stack.state_dict(), r)) for r in REPLICATES]
    doubled(stack).train()
    for network in plain:
        network.train()
    chance = torch.Generator().manual_seed(1)
    mask = (torch.rand(3, 4, parameters["fc_width"], generator=chance) >= 0.4).double() / 0.6
    for step in range(2):  # twice, so that running statistics are updated from updated ones
        x = images(4, seed=step)
        logits, expected = stack(x, mask), logits_of(plain, x, mask)
        assert logits.shape == (3, 4, 10)
        torch.testing.assert_close(logits, expected, **CLOSE)
    logits.square().sum().backward()
    expected.square().sum().backward()
    assert_same_gradients(stack, plain)
    stack.eval()
    for network in plain:
        network.eval()
    expected = torch.stack([network(x[:, r : r + 1]) for r, network in enumerate(plain)])
    torch.testing.assert_close(stack(x), expected, **CLOSE)
    norms = [[m for m in network if isinstance(m, nn.BatchNorm2d)] for network in plain]
    assert len(norms[0]) == (depth if batchnorm else 0)
    for i in range(len(norms[0])):
        for name in ("running_mean", "running_var"):
            own = torch.stack([getattr(each[i], name) for each in norms])
            torch.testing.assert_close(
                stack.state_dict()[f"normalisation.{i}.{name}"], own, **CLOSE
            )


def test_one_replicate_is_no_special_case(cnn_parameters: dict[str, Any]) -> None:
    stack = StackedCNN(cnn_parameters, 5, [0])
    plain = plain_cnn(cnn_parameters, stack.state_dict(), 0)
    x = images(2)[:, :1].float()
    torch.testing.assert_close(stack.eval()(x)[0], plain(x))


def test_a_plain_network_has_trained_batchnorm_statistics(cnn_parameters: dict[str, Any]) -> None:
    parameters = {**cnn_parameters, "batchnorm": True}
    stack = StackedCNN(parameters, 5, REPLICATES).train()
    stack(images(8).float())
    plain = plain_cnn(parameters, stack.state_dict(), 2)
    assert not plain.training
    norm = next(module for module in plain if isinstance(module, nn.BatchNorm2d))
    assert torch.equal(norm.running_mean, stack.state_dict()["normalisation.0.running_mean"][2])


def test_initial_weights_are_spread_as_torch_spreads_them(cnn_parameters: dict[str, Any]) -> None:
    wide = {**cnn_parameters, "channels": [32, 64], "fc_width": 128}
    stack = StackedCNN(wide, 5, REPLICATES).state_dict()
    torch.manual_seed(0)
    own = {"convolution.1": nn.Conv2d(32, 64, 5), "hidden": nn.Linear(64 * 49, 128)}
    for name, layer in own.items():
        weight, plain = stack[f"{name}.weight"][0], layer.weight.detach()
        assert weight.shape == plain.shape
        assert float(weight.std()) == pytest.approx(float(plain.std()), rel=0.02)
        assert float(weight.abs().max()) == pytest.approx(float(plain.abs().max()), rel=0.02)
        assert float(stack[f"{name}.bias"][0].abs().max()) <= float(weight.abs().max()) * 1.01
