"""No replicate depends on another: alone or in a stack, beside few or many, beside a diverged one."""

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from ablation.networks.cnn import evaluate as cnn_evaluate
from ablation.networks.cnn import train as cnn
from ablation.networks.fnn import train as fnn
from ablation.networks.stack import linear
from ablation.networks.stack.training import Trained, train
from ablation.networks.streams import Purpose
from ablation.study.grid import build
from conftest import Part, Parts
from torch import Tensor
from twin import train_stack_in_double

CPU = torch.device("cpu")
NOISY = {"dropout": 0.4, "augmentation": "affine"}


def train_cnn(
    parameters: dict[str, Any], part: Part, replicates: Sequence[int], precision: str = "fp32"
) -> Trained:
    return cnn.run(parameters, part, seed=9, device=CPU, precision=precision, replicates=replicates)


def train_fnn(parameters: dict[str, Any], part: Part, replicates: Sequence[int]) -> Trained:
    return fnn.run(parameters, part, seed=9, device=CPU, precision="fp32", replicates=replicates)


def assert_close(stack: Trained, places: list[int], few: Trained) -> None:
    """Every loss within 1e-5, and every tensor, as a vector, within 1e-5 of its length."""
    for name, rows in few.history.items():
        torch.testing.assert_close(stack.history[name][:, places], rows, rtol=1e-5, atol=0)
    assert stack.tensors.keys() == few.tensors.keys()
    for name, tensor in few.tensors.items():
        error = stack.tensors[name][places] - tensor
        assert float(error.norm()) <= 1e-5 * float(tensor.norm()), name
    assert torch.equal(stack.best_epoch[places], few.best_epoch)


def assert_bitwise(one: Trained, other: Trained, places: list[int]) -> None:
    assert one.tensors.keys() == other.tensors.keys()
    for name, tensor in one.tensors.items():
        assert torch.equal(tensor[places], other.tensors[name][places]), name
    for name, rows in one.history.items():
        assert torch.equal(rows[:, places], other.history[name][:, places]), name
    assert torch.equal(one.best_epoch[places], other.best_epoch[places])
    assert torch.equal(one.diverged[places], other.diverged[places])


@pytest.mark.parametrize("change", [{}, {"pooling": "average", "kernel": 3}, {"depth": 4}])
def test_cnn_alone_is_the_same_replicate(
    cnn_parameters: dict[str, Any], digit_parts: Parts, change: dict[str, Any]
) -> None:
    """After 20 steps with dropout and augmentation on."""
    parameters = {**cnn_parameters, **NOISY, "epochs": 1, **change}
    part, _ = digit_parts(4, train=320)  # 20 batches of 16
    stack = train_cnn(parameters, part, range(4))
    for r in (0, 2, 3):
        assert_close(stack, [r], train_cnn(parameters, part, [r]))
    assert not torch.equal(stack.history["train_loss"][:, 0], stack.history["train_loss"][:, 1])


def test_cnn_with_batchnorm_alone_is_the_same_replicate(
    cnn_parameters: dict[str, Any], digit_parts: Parts
) -> None:
    parameters = {**cnn_parameters, **NOISY, "batchnorm": True, "epochs": 1}
    part, _ = digit_parts(4, train=320)
    stack = train_stack_in_double(parameters, part, seed=9, replicates=range(4))
    for r in (0, 3):
        alone = train_stack_in_double(parameters, part, seed=9, replicates=[r])
        assert_close(stack, [r], alone)


def test_cnn_with_batchnorm_alone_has_the_same_losses_in_single_precision(
    cnn_parameters: dict[str, Any], digit_parts: Parts
) -> None:
    parameters = {**cnn_parameters, **NOISY, "batchnorm": True, "epochs": 1}
    part, _ = digit_parts(4, train=320)
    stack = train_cnn(parameters, part, range(4))
    for r in (0, 3):
        alone = train_cnn(parameters, part, [r])
        for name, row in alone.history.items():
            torch.testing.assert_close(stack.history[name][:, [r]], row, rtol=1e-5, atol=0)


def test_fnn_alone_is_the_same_replicate(
    fnn_parameters: dict[str, Any], boston_parts: Parts
) -> None:
    parameters = {**fnn_parameters, "batch_size": 17, "epochs": 1}  # 20 batches
    part, _ = boston_parts(12)
    stack = train_fnn(parameters, part, range(12))
    for r in (0, 5, 11):
        assert_close(stack, [r], train_fnn(parameters, part, [r]))


def test_more_replicates_leave_the_first_ones(
    fnn_parameters: dict[str, Any],
    cnn_parameters: dict[str, Any],
    boston_parts: Parts,
    digit_parts: Parts,
) -> None:
    parameters = {**fnn_parameters, "batch_size": 17, "epochs": 1}
    few = train_fnn(parameters, boston_parts(6)[0], range(6))
    assert_close(train_fnn(parameters, boston_parts(12)[0], range(12)), list(range(6)), few)
    parameters = {**cnn_parameters, **NOISY, "epochs": 1}
    few = train_cnn(parameters, digit_parts(2, train=320)[0], range(2))
    assert_close(train_cnn(parameters, digit_parts(5, train=320)[0], range(5)), [0, 1], few)


def test_at_full_length_predictions_agree(
    cnn_parameters: dict[str, Any], digit_parts: Parts
) -> None:
    parameters = {**cnn_parameters, **NOISY, "dropout": 0.2, "channels": [4, 8], "fc_width": 32}
    parameters |= {"epochs": 15, "kernel": 3}
    part, test = digit_parts(3, train=200, validation=60, test=500)
    stack = train_cnn(parameters, part, range(3))
    test = {**test, "mean": part["mean"], "scale": part["scale"]}
    _, together = cnn_evaluate.evaluate(parameters, stack.tensors, test)
    for r in (2,):
        alone = train_cnn(parameters, part, [r])
        own = {name: test[name][[r]] for name in ("test_index", "mean", "scale")}
        _, columns = cnn_evaluate.evaluate(parameters, alone.tensors, {**test, **own})
        predicted = together["predicted"][together["replicate"] == r]
        assert (predicted == columns["label"]).mean() > 0.6  # it has learnt something to agree on
        assert (predicted == columns["predicted"]).mean() >= 0.99


def poison(task: fnn.FNNTask | cnn.CNNTask, replicate: int, value: float) -> None:
    with torch.no_grad():
        for parameter in task.network.parameters():
            parameter[replicate] = value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e25])
def test_diverged_fnn_replicate_touches_no_other(
    fnn_parameters: dict[str, Any], boston_parts: Parts, value: float
) -> None:
    parameters = {**fnn_parameters, "epochs": 6, "lr_patience": 0}
    part, _ = boston_parts(6)

    def run(bad: bool) -> Trained:
        task = fnn.FNNTask(parameters, part, seed=9, device=CPU, replicates=range(6))
        if bad:
            poison(task, 2, value)
        return train(task, 6)

    healthy, beside = run(False), run(True)
    assert_bitwise(healthy, beside, [0, 1, 3, 4, 5])
    assert healthy.diverged.tolist() == [False] * 6
    assert beside.diverged.tolist() == [False, False, True, False, False, False]


def test_huge_learning_rate_of_one_replicate_touches_no_other(
    fnn_parameters: dict[str, Any], boston_parts: Parts
) -> None:
    parameters = {**fnn_parameters, "epochs": 5}
    part, _ = boston_parts(6)

    def run(rate: float) -> Trained:
        task = fnn.FNNTask(parameters, part, seed=9, device=CPU, replicates=range(6))
        task.optimiser.learning_rate[4] = rate
        return train(task, 5)

    healthy, beside = run(0.01), run(1e4)
    assert_bitwise(healthy, beside, [0, 1, 2, 3, 5])
    assert beside.diverged.tolist() == [False] * 4 + [True, False]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("batchnorm", [False, True])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e25])
def test_diverged_cnn_replicate_touches_no_other(
    cnn_parameters: dict[str, Any],
    digit_parts: Parts,
    value: float,
    batchnorm: bool,
    precision: str,
) -> None:
    pooling = "max" if precision == "fp32" else "average"
    parameters = {**cnn_parameters, **NOISY, "batchnorm": batchnorm, "pooling": pooling}
    part, _ = digit_parts(3, train=64)

    def run(bad: bool) -> Trained:
        task = cnn.CNNTask(
            parameters, part, seed=9, device=CPU, precision=precision, replicates=range(3)
        )
        if bad:
            poison(task, 1, value)
        return train(task, 3)

    healthy, beside = run(False), run(True)
    assert_bitwise(healthy, beside, [0, 2])
    assert beside.diverged.tolist() == [False, True, False]
    assert not torch.equal(healthy.history["train_loss"][:, 1], beside.history["train_loss"][:, 1])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_bad_images_of_one_replicate_stay_in_its_logits_and_gradients(
    cnn_parameters: dict[str, Any], pooling: str, training: bool
) -> None:
    parameters = {**cnn_parameters, "pooling": pooling, "batchnorm": True}
    x = torch.randn(4, 3, 28, 28, generator=torch.Generator().manual_seed(0))

    def run(bad: float) -> tuple[Tensor, dict[str, Tensor | None]]:
        network = cnn.StackedCNN(parameters, 5, range(3)).train(training)
        images = x.clone()
        images[0, 1] *= bad
        logits = network(images)
        logits.square().sum().backward()
        return logits, {name: p.grad for name, p in network.named_parameters()}

    (healthy, gradients), (beside, others) = run(1.0), run(float("nan"))
    assert torch.equal(healthy[[0, 2]], beside[[0, 2]])
    assert not torch.isfinite(beside[1, 0]).any()
    for name, gradient in gradients.items():
        other = others[name]
        assert gradient is not None
        assert other is not None
        assert torch.equal(gradient[[0, 2]], other[[0, 2]]), name


Call = tuple[int, ...]


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Call]]:
    """Every stream that is opened, as (purpose, place)."""
    opened: set[Call] = set()

    def spy(module: ModuleType) -> None:
        real = module.generator

        def generator(seed: int, purpose: Purpose, *place: int) -> np.random.Generator:
            opened.add((int(purpose), *place))
            return real(seed, purpose, *place)

        monkeypatch.setattr(module, "generator", generator)

    for module in (linear, fnn, cnn):
        spy(module)
    return opened


def opened_by(streams: set[Call], purpose: Purpose) -> set[Call]:
    return {call[1:] for call in streams if call[0] == purpose}


def test_common_random_numbers_of_the_fnn(
    fnn_parameters: dict[str, Any], boston_parts: Parts, streams: set[Call]
) -> None:
    part, _ = boston_parts(6)
    seen = []
    for change in ({}, {"learning_rate": 0.001}, {"activation": "tanh"}, {"hidden_layers": 4}):
        streams.clear()
        train_fnn({**fnn_parameters, "epochs": 2, **change}, part, range(6))
        seen.append(opened_by(streams, Purpose.ORDER))
    assert seen[0] == {(r, epoch) for r in range(6) for epoch in (1, 2)}
    assert all(one == seen[0] for one in seen)


def test_common_random_numbers_of_the_cnn(
    cnn_parameters: dict[str, Any], digit_parts: Parts, streams: set[Call]
) -> None:
    part, _ = digit_parts(2, train=32)
    places = {(r, epoch) for r in range(2) for epoch in (1, 2)}
    for change in ({}, {"kernel": 3}, {"batchnorm": True}, {"pooling": "average"}, NOISY):
        streams.clear()
        train_cnn({**cnn_parameters, "epochs": 2, **change}, part, range(2))
        assert opened_by(streams, Purpose.ORDER) == places
        noisy = "dropout" in change
        assert opened_by(streams, Purpose.DROPOUT) == (places if noisy else set())
        assert opened_by(streams, Purpose.AUGMENTATION) == (places if noisy else set())
        layers = {place[-1] for place in opened_by(streams, Purpose.INITIALISATION)}
        assert layers == {0, 1, 2, 3}


def test_cells_start_from_the_same_weights(
    fnn_parameters: dict[str, Any], cnn_parameters: dict[str, Any]
) -> None:
    def initial(change: dict[str, Any]) -> dict[str, Tensor]:
        return dict(cnn.StackedCNN({**cnn_parameters, **change}, 5, range(2)).state_dict())

    base = initial({})
    for change in ({"learning_rate": 0.5}, {"dropout": 0.8}, {"batchnorm": True}, {"kernel": 9}):
        other = initial(change)
        of_other_shape = {"convolution.0", "convolution.1"} if "kernel" in change else set()
        # A convolution before batch normalisation has no bias.
        absent = {f"{name}.bias" for name in ("convolution.0", "convolution.1")}
        missing = absent if "batchnorm" in change else set()
        same = {name for name in base if name.rpartition(".")[0] not in of_other_shape} - missing
        assert len(same) == len(base) - 2 * len(of_other_shape) - len(missing)
        assert all(torch.equal(base[name], other[name]) for name in same)
    tanh = fnn.StackedFNN({**fnn_parameters, "activation": "tanh"}, 5, range(2)).state_dict()
    relu = fnn.StackedFNN(fnn_parameters, 5, range(2)).state_dict()
    assert all(torch.equal(relu[name], tanh[name]) for name in relu)


def inputs_of(
    parameters: dict[str, Any], part: Part, replicates: Sequence[int]
) -> list[tuple[Tensor, Tensor | None]]:
    """The images and dropout factors that the network got in each training step of two epochs."""
    task = cnn.CNNTask(
        parameters, part, seed=9, device=CPU, precision="fp32", replicates=replicates
    )
    seen: list[tuple[Tensor, Tensor | None]] = []
    hook = task.network.register_forward_pre_hook(lambda _, given: seen.append(given))
    task.train_epoch(1)
    task.train_epoch(2)
    hook.remove()
    return seen


def test_masks_and_augmentation_do_not_depend_on_the_stack(
    cnn_parameters: dict[str, Any], digit_parts: Parts
) -> None:
    parameters = {**cnn_parameters, **NOISY}
    part, _ = digit_parts(4, train=40)
    many = inputs_of(parameters, part, range(4))
    for replicates in ([0, 1], [3]):
        few = inputs_of(parameters, part, replicates)
        for (images, mask), (own_images, own_mask) in zip(many, few, strict=True):
            assert mask is not None
            assert own_mask is not None
            assert torch.equal(mask[replicates], own_mask)
            torch.testing.assert_close(images[:, replicates], own_images, rtol=1e-6, atol=1e-6)
    first, second = many[0][1], many[3][1]
    assert first is not None
    assert second is not None
    assert not torch.equal(first[0], first[1])  # another replicate
    assert not torch.equal(first, second)  # another epoch


def test_dropout_rates_share_their_draws(
    cnn_parameters: dict[str, Any], digit_parts: Parts
) -> None:
    """A unit that survives a high rate survives a lower one; factors keep the expectation."""
    part, _ = digit_parts(2, train=96)
    kept, means = [], []
    for rate in (0.2, 0.4, 0.8):
        masks = [m for _, m in inputs_of({**cnn_parameters, "dropout": rate}, part, range(2))]
        stacked = torch.cat([m for m in masks if m is not None], dim=1)
        assert stacked.unique().tolist() == pytest.approx([0.0, 1 / (1 - rate)])
        kept.append(stacked > 0)
        means.append(float(stacked.mean()))
    assert bool((kept[1] <= kept[0]).all())
    assert bool((kept[2] <= kept[1]).all())
    assert means == pytest.approx([1.0, 1.0, 1.0], abs=0.1)


def test_cells_share_their_splits(config: dict[str, Any]) -> None:
    """All cells of a model train and test on one prepared data set, so on the same splits."""
    study = build(config)
    assert {spec["model"] for spec in study.by_data_key.values()} == {"fnn", "cnn"}
    assert len(study.by_data_key) == 2
