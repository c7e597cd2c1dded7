"""The shipped networks: what they take and give, what they refuse, and that their files are read without being run."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from ablation.networks.convnet import ConvNet
from ablation.networks.mlp import MLP
from ablation.training.network import load_network, module_of, network_of, outputs, state_of
from torch import Tensor, nn
from unit_engine import NOISY, cell, convnet, images, mlp, table, trained

PACKAGE = Path(__file__).resolve().parents[2] / "workflow" / "ablation"
CLASSES: dict[str, type[nn.Module]] = {"mlp": MLP, "convnet": ConvNet}
LITERALS = ("TITLE", "ABOUT", "PARAMETERS")


def declared(name: str) -> dict[str, Any]:
    """What a file declares, as it is read without being run."""
    tree = ast.parse((PACKAGE / "networks" / f"{name}.py").read_text(encoding="utf-8"))
    return {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id in LITERALS
    }


def plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", CLASSES)
def test_a_file_is_read_without_being_run(name: str) -> None:
    found = declared(name)
    module = module_of(f"ablation/networks/{name}.py")
    assert found == {key: getattr(module, key) for key in found}
    assert {"TITLE", "PARAMETERS"} <= found.keys()
    assert found["TITLE"].keys() == {"en", "zh"}
    assert module.__doc__


@pytest.mark.parametrize("name", CLASSES)
def test_each_parameter_is_a_keyword_with_the_same_default(name: str) -> None:
    signature = inspect.signature(CLASSES[name].__init__)
    keywords = {
        each.name: plain(each.default)
        for each in signature.parameters.values()
        if each.kind is inspect.Parameter.KEYWORD_ONLY
    }
    parameters = declared(name)["PARAMETERS"]
    assert keywords == {key: schema["default"] for key, schema in parameters.items()}
    assert list(signature.parameters)[:3] == ["self", "inputs", "outputs"]


@pytest.mark.parametrize("name", CLASSES)
def test_each_default_is_of_its_own_schema(name: str) -> None:
    from jsonschema import Draft202012Validator

    for rule in declared(name)["PARAMETERS"].values():
        schema = {key: value for key, value in rule.items() if key not in ("title", "first")}
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(schema["default"])


@pytest.mark.parametrize("shape", [(13,), (1,), (1, 8, 8), (3, 5, 7)])
@pytest.mark.parametrize(("layers", "width"), [(1, 3), (2, 64), (5, 8)])
def test_a_perceptron_of_tables_and_images(shape: tuple[int, ...], layers: int, width: int) -> None:
    network = MLP(shape, 4, hidden_layers=layers, width=width)
    linear = [each for each in network.modules() if isinstance(each, nn.Linear)]
    assert [each.out_features for each in linear] == [width] * layers + [4]
    assert network(torch.rand(6, *shape)).shape == (6, 4)


@pytest.mark.parametrize(
    ("activation", "kind"), [("relu", nn.ReLU), ("tanh", nn.Tanh), ("sigmoid", nn.Sigmoid)]
)
def test_an_activation_follows_every_hidden_layer(activation: str, kind: type[nn.Module]) -> None:
    network = MLP((4,), 1, hidden_layers=3, activation=activation)
    assert sum(isinstance(each, kind) for each in network.modules()) == 3
    assert set(declared("mlp")["PARAMETERS"]["activation"]["enum"]) >= {activation}


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 8, 8), (3, 8, 8), (3, 9, 13), (2, 32, 17)])
@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_convolutional_network_of_images(
    shape: tuple[int, int, int], pooling: str, depth: int
) -> None:
    for kernel in (1, 3, 5):
        network = ConvNet(shape, 7, depth=depth, kernel=kernel, pooling=pooling, dropout=0.3)
        blocks = network.blocks(torch.rand(2, *shape))
        assert blocks.shape == (2, [16, 32, 32][depth - 1], shape[1] >> depth, shape[2] >> depth)
        assert network(torch.rand(2, *shape)).shape == (2, 7)


def test_what_a_parameter_does() -> None:
    def kinds(**chosen: Any) -> list[type[nn.Module]]:
        layers = ConvNet((1, 28, 28), 10, depth=1, **chosen).modules()
        return [type(each) for each in layers if not list(each.children())]

    head: list[type[nn.Module]] = [nn.Flatten, nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert kinds() == [nn.Conv2d, nn.MaxPool2d, nn.ReLU, *head]
    assert kinds(pooling="average") == [nn.Conv2d, nn.ReLU, nn.AvgPool2d, *head]
    normalised = [nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.ReLU, *head]
    assert kinds(batchnorm=True) == normalised
    rates = [e.p for e in ConvNet((1, 8, 8), 3, dropout=0.2).modules() if isinstance(e, nn.Dropout)]
    assert rates == [0.2]


def test_channels_beyond_the_depth_are_not_read() -> None:
    small, long = (ConvNet((1, 8, 8), 3, depth=1, channels=c) for c in ([4], [4, 99, 1]))
    shapes = [[p.shape for p in each.parameters()] for each in (small, long)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    ("shape", "chosen", "sentence"),
    [
        (
            (1, 28, 28),
            {"depth": 5, "channels": [1] * 5},
            "depth is 5, but each block halves the side of 28 pixels: allowed are 1 to 4",
        ),
        (
            (3, 8, 20),
            {"depth": 4, "kernel": 3},
            "depth is 4, but each block halves the side of 8 pixels: allowed are 1 to 3",
        ),
        (
            (1, 28, 28),
            {"kernel": 4},
            "kernel is 4, but same padding of 28 pixels allows the odd sizes 1 to 27",
        ),
        (
            (1, 7, 7),
            {"kernel": 9},
            "kernel is 9, but same padding of 7 pixels allows the odd sizes 1 to 7",
        ),
        (
            (1, 28, 28),
            {"depth": 3, "channels": [8, 8]},
            "channels has 2 entries, but depth 3 needs at least 3",
        ),
        (
            (13,),
            {},
            "a convolutional network takes images, and the inputs are a table of 13 features",
        ),
        (
            (1, 1, 28),
            {},
            "a convolutional network halves images, and these have a side of 1 pixel",
        ),
    ],
)
def test_what_cannot_be_built_is_one_sentence(
    shape: tuple[int, ...], chosen: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError) as raised:
        ConvNet(shape, 10, **chosen)
    assert str(raised.value) == sentence


def test_only_what_a_file_declares_is_handed_over() -> None:
    network = load_network(
        {"file": "ablation/networks/mlp.py", "entry": "MLP"},
        {"width": 3, "batch_size": 8, "learning_rate": 0.1},
        (5,),
        1,
    )
    assert next(tuple(p.shape) for p in network.parameters()) == (3, 5)


@pytest.mark.parametrize("target", ["raw", "standardised"])
def test_a_trained_perceptron_predicts_in_the_targets_unit(target: str) -> None:
    part = table()
    each = mlp(part, epochs=60, target=target, learning_rate=0.01)
    found = trained(each)
    index = part["validation_index"][2]
    said = outputs(each.spec, found.tensors, part, part, replicate=2, index=index)
    assert said.shape == (10, 1) and said.dtype == torch.float64
    loss = (said[:, 0] - part["target"][index]).square().mean()
    best = found.history["val_loss"][int(found.best_epoch[2]) - 1, 2]
    assert float(loss) == pytest.approx(float(best), rel=1e-4)


def test_a_trained_convolutional_network_is_the_users_own_class() -> None:
    part = images()
    each = convnet(part, **NOISY)
    found = trained(each)
    network = network_of(each.spec, found.tensors, part, 1)
    assert isinstance(network, ConvNet)
    assert not network.training
    assert all(
        torch.equal(tensor, found.tensors[name][1]) for name, tensor in state_of(network).items()
    )
    index = part["validation_index"][1]
    said = outputs(each.spec, found.tensors, part, part, replicate=1, index=index)
    hits = (said.argmax(1) == part["target"][index]).double().mean()
    best = int(found.best_epoch[1]) - 1
    assert float(hits) == pytest.approx(float(found.history["val_accuracy"][best, 1]))


def test_a_user_may_write_a_function_that_builds(tmp_path: Path) -> None:
    (tmp_path / "parts.py").write_text("WIDTH = 7\n", encoding="utf-8")
    file = tmp_path / "own network.py"
    file.write_text(
        '"""A network of my own."""\n'
        "from parts import WIDTH\n"
        "from torch import nn\n"
        "PARAMETERS = {'slope': {'type': 'number', 'default': 0.1}}\n"
        "def build(inputs, outputs, slope=0.1):\n"
        "    return nn.Sequential(\n"
        "        nn.Linear(inputs[0], WIDTH), nn.LeakyReLU(slope), nn.Linear(WIDTH, outputs)\n"
        "    )\n",
        encoding="utf-8",
    )
    network = load_network({"file": str(file), "entry": "build"}, {"slope": 0.3}, (5,), 2)
    y: Tensor = network(torch.rand(4, 5))
    assert y.shape == (4, 2)
    assert network[1].negative_slope == 0.3  # type: ignore[index,union-attr]


def test_a_users_file_may_be_any_python(tmp_path: Path) -> None:
    """Data classes look for their module among those imported; a file without parameters declares none."""
    file = tmp_path / "random.py"  # a name that another module has
    file.write_text(
        "from __future__ import annotations\n"
        "import random\n"
        "from dataclasses import dataclass\n"
        "from torch import nn\n"
        "@dataclass\n"
        "class Settings:\n"
        "    width: int = 7\n"
        "class Own(nn.Sequential):\n"
        "    def __init__(self, inputs, outputs):\n"
        "        super().__init__(nn.Linear(inputs[0], Settings().width), nn.LazyLinear(outputs))\n",
        encoding="utf-8",
    )
    found = trained(cell("Own", table(2), file=str(file), epochs=1))
    assert found.tensors["0.weight"].shape == (2, 7, 5)
    assert "Random" in dir(sys.modules["random"])


def test_a_file_that_fails_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("raise RuntimeError('not yet')\n", encoding="utf-8")
    before, path = set(sys.modules), list(sys.path)
    with pytest.raises(RuntimeError, match="not yet"):
        module_of(str(file))
    assert (set(sys.modules), sys.path) == (before, path)
    file.write_text("PARAMETERS = {'a': {}}\n", encoding="utf-8")
    assert module_of(str(file)).PARAMETERS == {"a": {}}
