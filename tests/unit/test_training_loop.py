"""The training loop: best parameters, divergence, no epoch at all; and the FNN's padding."""

import logging
import math
from typing import Any

import pytest
import torch
from ablation.networks.cnn import train as cnn
from ablation.networks.fnn import train as fnn
from ablation.networks.fnn.network import StackedFNN
from ablation.networks.stack.training import Trained, train
from conftest import Part, Parts
from torch import Tensor, nn

CPU = torch.device("cpu")
NAN = math.nan


class Scripted:
    """A task that plays given losses, ``[epochs][R]``; its one parameter holds the epoch's number."""

    def __init__(self, train_loss: list[list[float]], val_loss: list[list[float]]) -> None:
        self.network = nn.Module()
        self.network.weight = nn.Parameter(torch.zeros(len(train_loss[0]), 1))
        self.mean_prediction_loss = torch.full((len(train_loss[0]),), 2.0)
        self.losses, self.epoch = {"train_loss": train_loss, "val_loss": val_loss}, 0

    def train_epoch(self, epoch: int) -> Tensor:
        self.epoch = epoch
        with torch.no_grad():
            self.network.weight.fill_(epoch)
        return torch.tensor(self.losses["train_loss"][epoch - 1])

    def validate(self) -> dict[str, Tensor]:
        return {"val_loss": torch.tensor(self.losses["val_loss"][self.epoch - 1])}

    def gradient_norms(self) -> Tensor:
        return torch.zeros(1, len(self.mean_prediction_loss))

    def after_epoch(self, figures: dict[str, Tensor]) -> None:
        figures["learning_rate"] = torch.full_like(figures["val_loss"], 0.1)

    def state(self) -> dict[str, Tensor]:
        return {}

    def load(self, state: dict[str, Tensor]) -> None:
        pass


def play(train_loss: list[list[float]], val_loss: list[list[float]]) -> Trained:
    return train(Scripted(train_loss, val_loss), len(train_loss))


def test_best_parameters_are_kept_for_each_replicate() -> None:
    val_loss = [[3.0, 1.0, 5.0, NAN], [1.0, 2.0, 5.0, 4.0], [2.0, 3.0, 5.0, 3.0]]
    trained = play([[1.0] * 4] * 3, val_loss)
    assert trained.best_epoch.tolist() == [2, 1, 1, 3]  # of equal losses, the first
    assert trained.tensors["weight"].flatten().tolist() == [2.0, 1.0, 1.0, 3.0]
    assert trained.history["val_loss"][:, 0].tolist() == [3.0, 1.0, 2.0]
    assert trained.history["val_loss"].shape == (3, 4)


def test_without_a_finite_validation_loss_the_initial_parameters_stay() -> None:
    trained = play([[1.0], [1.0]], [[NAN], [math.inf]])
    assert trained.best_epoch.tolist() == [0]
    assert trained.tensors["weight"].tolist() == [[0.0]]
    assert trained.diverged.tolist() == [True]


@pytest.mark.parametrize(
    ("train_loss", "val_loss", "diverged"),
    [
        ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], False),
        ([NAN, 1.0, 1.0], [1.0, 1.0, 1.0], True),
        ([1.0, math.inf, 1.0], [1.0, 1.0, 1.0], True),
        ([1.0, 1.0, 1.0], [1.0, -math.inf, 1.0], True),
        ([1.0, 1.0, 1.0], [1.0, 1.0, NAN], True),
        ([1.0, 1.0, 20.0], [1.0, 1.0, 1.0], False),  # ten times that of predicting the mean
        ([1.0, 1.0, 20.1], [1.0, 1.0, 1.0], True),
        ([99.0, 99.0, 1.0], [99.0, 99.0, 1.0], False),  # it came back
        ([1.0, 1.0, 1.0], [1.0, 1.0, 99.0], False),  # the rule is on the train loss
    ],
)
def test_divergence(train_loss: list[float], val_loss: list[float], diverged: bool) -> None:
    beside = [[1.0, loss] for loss in train_loss]
    trained = play(beside, [[1.0, loss] for loss in val_loss])
    assert trained.diverged.tolist() == [False, diverged]


def test_predicting_the_mean_is_measured_on_the_true_rows(
    fnn_parameters: dict[str, Any], boston_parts: Parts, digit_parts: Parts, cnn_parameters: Any
) -> None:
    part, _ = boston_parts(6)
    task = fnn.FNNTask(
        fnn_parameters, part, seed=9, device=CPU, precision="fp32", replicates=range(6)
    )
    for r, count in enumerate(part["train_n"].tolist()):
        expected = float(part["train_y"][r, :count].double().var(correction=0))
        assert float(task.mean_prediction_loss[r]) == pytest.approx(expected, rel=1e-5)
    digits = cnn.CNNTask(
        cnn_parameters,
        digit_parts(2)[0],
        seed=9,
        device=CPU,
        precision="fp32",
        replicates=range(2),
    )
    assert digits.mean_prediction_loss.tolist() == pytest.approx([math.log(10)] * 2)


def test_no_epochs_give_the_initial_network(
    fnn_parameters: dict[str, Any],
    cnn_parameters: dict[str, Any],
    boston_parts: Parts,
    digit_parts: Parts,
) -> None:
    options: dict[str, Any] = {"seed": 9, "device": CPU, "precision": "fp32"}
    parameters = {**fnn_parameters, "epochs": 0}
    trained = fnn.run(parameters, boston_parts(6)[0], **options)
    initial = StackedFNN(parameters, 9, range(6)).state_dict()
    assert all(torch.equal(trained.tensors[name], initial[name]) for name in initial)
    assert trained.history == {}
    assert trained.best_epoch.tolist() == [0] * 6
    assert trained.diverged.tolist() == [False] * 6
    trained = cnn.run({**cnn_parameters, "epochs": 0}, digit_parts(2)[0], **options)
    assert trained.best_epoch.tolist() == [0, 0]


def test_losses_fall_and_progress_is_told(
    fnn_parameters: dict[str, Any], boston_parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ablation")
    parameters = {**fnn_parameters, "epochs": 8}
    trained = fnn.run(parameters, boston_parts(6)[0], seed=9, device=CPU, precision="fp32")
    lines = caplog.messages
    for name in ("train_loss", "val_loss"):
        assert bool((trained.history[name][-1] < 0.5 * trained.history[name][0]).all())
    assert len(lines) == 8
    assert lines[2].startswith("epoch 3/8 ")
    assert "val_loss" in lines[2]
    told = caplog.records[2].__dict__["progress"]
    assert (told["epoch"], told["epochs"]) == (3, 8)
    assert told["val_loss"] == pytest.approx(float(trained.history["val_loss"][2].median()))


def test_the_fnn_ignores_the_precision_asked_for(
    fnn_parameters: dict[str, Any], boston_parts: Parts
) -> None:
    parameters = {**fnn_parameters, "epochs": 2}
    part, _ = boston_parts(6)
    full = fnn.run(parameters, part, seed=9, device=CPU, precision="fp32")
    half = fnn.run(parameters, part, seed=9, device=CPU, precision="bf16")
    assert all(torch.equal(full.tensors[name], half.tensors[name]) for name in full.tensors)


def test_bf16_trains_and_keeps_its_parameters_and_losses_in_fp32(
    cnn_parameters: dict[str, Any], digit_parts: Parts
) -> None:
    parameters = {**cnn_parameters, "epochs": 1, "batchnorm": True}
    part, _ = digit_parts(2)
    full = cnn.run(parameters, part, seed=9, device=CPU, precision="fp32")
    half = cnn.run(parameters, part, seed=9, device=CPU, precision="bf16")
    assert {t.dtype for t in [*half.tensors.values(), *half.history.values()]} == {torch.float32}
    assert not torch.equal(full.history["train_loss"], half.history["train_loss"])
    torch.testing.assert_close(
        full.history["val_loss"], half.history["val_loss"], rtol=0.05, atol=0
    )


def test_every_row_is_seen_once_per_epoch() -> None:
    order, weight = fnn.batch_order(9, 1, [4, 7], rows=[8, 10], longest=10, size=4)
    assert order.shape == weight.shape == (3, 2, 4)
    for r, count in enumerate((8, 10)):
        rows = order[:, r][weight[:, r] == 1]
        assert sorted(rows.tolist()) == list(range(count))
    assert float(weight.sum()) == 18
    again, _ = fnn.batch_order(9, 1, [7], rows=[10], longest=10, size=4)
    assert torch.equal(again[:, 0], order[:, 1])
    other, _ = fnn.batch_order(9, 2, [7], rows=[10], longest=10, size=4)
    assert not torch.equal(other, again)


def widened(part: Part, rows: int, fill: float) -> Part:
    """The same part with more padding rows, of another content."""
    wide = dict(part)
    for name in ("train_x", "train_y", "validation_x", "validation_y"):
        shape = (part[name].shape[0], rows, *part[name].shape[2:])
        wide[name] = torch.cat([part[name], torch.full(shape, fill)], 1)
        count = part[f"{name.split('_')[0]}_n"]
        for r, n in enumerate(count.tolist()):
            wide[name][r, n:] = fill
    return wide


@pytest.mark.parametrize("size", [32, 16, 338])
def test_a_padded_row_changes_nothing(
    fnn_parameters: dict[str, Any], boston_parts: Parts, size: int
) -> None:
    """Of 336, 337 and 338 rows; at 16 rows a batch, replicates of 336 rows get a last batch of nothing but padding."""
    parameters = {**fnn_parameters, "epochs": 3, "batch_size": size}
    part, _ = boston_parts(6)
    assert sorted(set(part["train_n"].tolist())) == [336, 337, 338]
    options: dict[str, Any] = {"seed": 9, "device": CPU, "precision": "fp32"}
    plain = fnn.run(parameters, part, **options)
    for rows, fill in ((0, 1e6), (40, -3.0)):
        padded = fnn.run(parameters, widened(part, rows, fill), **options)
        for name, tensor in plain.tensors.items():
            torch.testing.assert_close(padded.tensors[name], tensor, rtol=1e-5, atol=1e-7)
        for name, values in plain.history.items():
            torch.testing.assert_close(padded.history[name], values, rtol=1e-5, atol=0)


def test_a_batch_is_weighed_by_its_true_rows(
    fnn_parameters: dict[str, Any], boston_parts: Parts
) -> None:
    """One step on a short batch is a plain step on the mean over its rows."""
    part, _ = boston_parts(6)
    part = {**part, "train_n": torch.full((6,), 5)}
    parameters = {**fnn_parameters, "batch_size": 338}
    task = fnn.FNNTask(parameters, part, seed=9, device=CPU, replicates=range(6))
    network = StackedFNN(parameters, 9, range(6))
    error = network(part["train_x"][:, :5]) - part["train_y"][:, :5]
    error.square().mean(1).sum().backward()
    task.train_epoch(1)
    for own, other in zip(task.network.parameters(), network.parameters(), strict=True):
        assert other.grad is not None
        expected = other.detach() - parameters["learning_rate"] * other.grad
        torch.testing.assert_close(own.detach(), expected)


def test_images_stay_bytes_and_are_held_once(
    cnn_parameters: dict[str, Any], digit_parts: Parts
) -> None:
    """However many replicates there are, the pool is not copied for each."""
    part, _ = digit_parts(6)
    task = cnn.CNNTask(
        cnn_parameters,
        part,
        seed=1,
        device=torch.device("cpu"),
        precision="fp32",
        replicates=range(6),
    )
    assert task.images.dtype == torch.uint8
    assert task.images.data_ptr() == part["images"].data_ptr()
