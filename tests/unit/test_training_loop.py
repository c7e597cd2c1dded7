"""The training loop: best parameters, divergence, no epoch at all, samples, and rows that fill up a batch."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from ablation.tasks import classification, regression
from ablation.training import records
from ablation.training.loop import Trained, Training
from ablation.training.run import Cell
from ablation.training.samples import Samples, samples_of
from torch import Tensor
from unit_engine import (
    AFFINE,
    CPU,
    MLP,
    NOISY,
    PLATEAU,
    RECIPE,
    assert_same,
    cell,
    convnet,
    images,
    mlp,
    table,
    trained,
)

NAN = math.nan


def training_of(each: Cell, kind: type[Training] = Training, replicates: int = 4) -> Training:
    """The training of the first replicates of a table's cell, as ``Cell.train`` makes it."""
    chosen, parameters = range(replicates), each.spec["parameters"]
    samples = samples_of(each.part, chosen, parameters, CPU)
    group = each.group(each.plan(), chosen)
    return kind(group, samples, regression, parameters, seed=3, precision="fp32")


class Scripted(Training):
    """It plays given losses, ``[epochs][R]``; every weight holds the number of its epoch."""

    losses: tuple[list[list[float]], list[list[float]]]
    epoch = 0

    def _train_epoch(self, epoch: int) -> Tensor:
        self.epoch = epoch
        with torch.no_grad():
            for tensor in self.group.trained:
                tensor.fill_(epoch)
        return torch.tensor(self.losses[0][epoch - 1])

    def _validate(self) -> dict[str, Tensor]:
        return {"val_loss": torch.tensor(self.losses[1][self.epoch - 1])}


def play(train_loss: list[list[float]], val_loss: list[list[float]], **chosen: Any) -> Trained:
    count = len(train_loss[0])
    each = mlp(table(count), epochs=len(train_loss), **chosen)
    script = training_of(each, Scripted, count)
    assert isinstance(script, Scripted)
    script.losses, script.guess_loss = (train_loss, val_loss), torch.full((count,), 2.0)
    return script.run()


def test_best_parameters_are_kept_for_each_replicate() -> None:
    val_loss = [[3.0, 1.0, 5.0, NAN], [1.0, 2.0, 5.0, 4.0], [2.0, 3.0, 5.0, 3.0]]
    found = play([[1.0] * 4] * 3, val_loss)
    assert found.best_epoch.tolist() == [2, 1, 1, 3]  # of equal losses, the first
    for tensor in found.tensors.values():
        assert tensor.flatten(1).amax(1).tolist() == [2.0, 1.0, 1.0, 3.0]
        assert tensor.flatten(1).amin(1).tolist() == [2.0, 1.0, 1.0, 3.0]
    assert found.history["val_loss"][:, 0].tolist() == [3.0, 1.0, 2.0]
    assert found.history["val_loss"].shape == (3, 4)


def test_without_a_finite_validation_loss_the_initial_parameters_stay() -> None:
    found = play([[1.0], [1.0]], [[NAN], [math.inf]])
    assert found.best_epoch.tolist() == [0]
    initial = mlp(table(1)).network(0).state_dict()
    assert all(torch.equal(tensor[0], initial[name]) for name, tensor in found.tensors.items())
    assert found.diverged.tolist() == [True]
    (facts,) = records.replicates(found)
    assert facts == {"replicate": 0, "diverged": True, "best_epoch": 0, "val_loss": None}


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
    found = play([[1.0, loss] for loss in train_loss], [[1.0, loss] for loss in val_loss])
    assert found.diverged.tolist() == [False, diverged]


def test_a_rate_is_recorded_as_its_epoch_had_it_and_follows_the_validation_loss() -> None:
    val_loss = [[1.0, 1.0], [2.0, 0.5], [2.0, 0.2], [2.0, 0.1]]
    rates = play([[1.0] * 2] * 4, val_loss, **PLATEAU).history["learning_rate"]
    assert rates[:, 0].tolist() == pytest.approx([0.05, 0.05, 0.025, 0.0125])
    assert rates[:, 1].tolist() == pytest.approx([0.05] * 4)


@pytest.mark.promise(22)
def test_a_huge_rate_of_one_replicate_touches_no_other() -> None:
    each = mlp(table(), epochs=5)
    healthy, beside = training_of(each), training_of(each)
    beside.rate[2] = 1e4
    found = beside.run()
    assert_same(healthy.run(), found, [0, 1, 3])
    assert found.diverged.tolist() == [False, False, True, False]


@pytest.mark.parametrize("target", ["raw", "standardised"])
def test_predicting_the_mean_is_measured_on_the_rows_of_each_replicate(target: str) -> None:
    """In the target's unit, whatever unit is trained in."""
    part = table()
    guesses = training_of(mlp(part, target=target)).guess_loss
    for r, count in enumerate(part["train_n"].tolist()):
        own = part["target"][part["train_index"][r, :count]]
        assert float(guesses[r]) == pytest.approx(float(own.var(correction=0)), rel=1e-5)


def test_guessing_among_equal_classes() -> None:
    assert classification.guess_loss(torch.arange(3), 10) == pytest.approx(math.log(10))


def test_no_epochs_give_the_initial_networks() -> None:
    for each in (mlp(table(3), epochs=0), convnet(images(3), **NOISY, epochs=0)):
        found = trained(each)
        for r in range(3):
            initial = each.network(r).state_dict()
            assert all(torch.equal(t[r], initial[name]) for name, t in found.tensors.items())
        assert found.history == {}
        assert found.best_epoch.tolist() == [0] * 3
        assert found.diverged.tolist() == [False] * 3


def test_losses_fall_and_progress_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ablation")
    found = trained(mlp(table(), epochs=8))
    for name in ("train_loss", "val_loss"):
        course = found.history[name].median(1).values
        assert float(course[-1]) < 0.25 * float(course[0])
    lines = caplog.messages
    assert len(lines) == 8
    assert lines[2].startswith("median of replicates: epoch 3/8  train_loss ")
    assert "val_loss" in lines[2]
    told = caplog.records[2].__dict__["progress"]
    assert (told["what"], told["epoch"], told["first"]) == ("epoch", 3, 0)
    assert told["val_loss"] == pytest.approx(float(found.history["val_loss"][2].median()))
    assert told["seconds"] >= 0


def test_a_group_of_one_tells_which_replicate_it_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ablation")
    trained(convnet(images(2), epochs=1))
    assert [line.partition("  ")[0] for line in caplog.messages] == [
        "replicate 0: epoch 1/1",
        "replicate 1: epoch 1/1",
    ]
    assert [each.__dict__["progress"]["first"] for each in caplog.records] == [0, 1]
    assert "val_accuracy" in caplog.messages[0]


@pytest.mark.parametrize("name", ["auto", "bf16", "fp32"])
def test_a_precision_left_open_is_fp32_without_convolutions(name: str) -> None:
    assert mlp(table(), precision=name).plan().precision == {"auto": "fp32"}.get(name, name)


def test_bf16_trains_and_keeps_its_parameters_and_losses_in_fp32() -> None:
    full, half = (
        trained(convnet(images(2), batchnorm=True, precision=p)) for p in ("fp32", "bf16")
    )
    floats = [t for t in half.tensors.values() if t.is_floating_point()]
    assert {t.dtype for t in [*floats, *half.history.values()]} == {torch.float32}
    assert not torch.equal(full.history["train_loss"], half.history["train_loss"])
    for name in ("train_loss", "val_loss"):
        torch.testing.assert_close(full.history[name], half.history[name], rtol=0.1, atol=0.05)


def samples(part: dict[str, Tensor], chosen: list[int], **parameters: Any) -> Samples:
    own = {"augmentation": "none", "target": "raw"}
    return samples_of(part, chosen, {**RECIPE, **own, **parameters}, CPU)


def test_every_row_is_seen_once_per_epoch() -> None:
    part = table()
    drawn = samples(part, [0, 1], batch_size=8).draw(9, 1)
    assert drawn["places"].shape == drawn["weight"].shape == (2, 48)
    for r, count in enumerate((41, 42)):
        rows = drawn["places"][r][drawn["weight"][r] == 1]
        assert sorted(rows.tolist()) == list(range(count))
    assert float(drawn["weight"].sum()) == 41 + 42
    alone = samples(part, [1], batch_size=8)
    assert torch.equal(alone.draw(9, 1)["places"][0], drawn["places"][1])
    assert not torch.equal(alone.draw(9, 2)["places"][0], drawn["places"][1])
    sizes = [each["places"].shape for each in alone.batches(alone.draw(9, 1))]
    assert sizes == [(1, 8)] * 6


def widened(part: dict[str, Tensor], more: int) -> dict[str, Tensor]:
    """The same part with more places that fill up, all of a row that is not finite."""
    wide = dict(part)
    for name in ("inputs", "target"):
        bad = torch.full_like(part[name][:1], NAN)
        wide[name] = torch.cat([part[name], bad])
    for name in ("train", "validation"):
        index = part[f"{name}_index"]
        longer = torch.full((len(index), index.shape[1] + more), len(part["target"]))
        for r, count in enumerate(part[f"{name}_n"].tolist()):
            longer[r, :count] = index[r, :count]
        wide[f"{name}_index"] = longer
    return wide


@pytest.mark.parametrize("size", [8, 6, 42])
@pytest.mark.parametrize("at_once", [1, 4])
def test_what_fills_up_changes_nothing(size: int, at_once: int) -> None:
    """Of 41 and 42 rows."""
    part = table()
    plain = mlp(part, batch_size=size)
    padded = replace(plain, part=widened(part, 9))
    assert_same(trained(plain, at_once), trained(padded, at_once), [0, 1, 2, 3], 1e-6)


def test_replicates_of_unequal_numbers_of_steps_are_trained_one_by_one() -> None:
    """41 rows are one step less than 42, and Adam would move in a step of nothing but what fills up."""
    assert mlp(table(), batch_size=41).plan().at_once == 1
    assert mlp(table(), batch_size=42).plan().at_once == 4


@pytest.mark.promise(23)
@pytest.mark.parametrize("name", ["BatchNorm", "Residual"])
@pytest.mark.parametrize("at_once", [1, 4])
def test_a_batch_is_filled_up_whatever_other_replicates_there_are(name: str, at_once: int) -> None:
    """Rows that fill up a batch are seen by batch normalisation, so they may not depend on the others' numbers of rows."""
    part = table(4)
    few = {n: t[:1] if n not in ("inputs", "target", "outputs") else t for n, t in part.items()}
    alone, beside = (trained(cell(name, each), at_once) for each in (few, part))
    assert_same(alone, beside, [0], 1e-5)


def test_a_last_batch_of_one_row_is_filled_up_for_batch_normalisation() -> None:
    part = {**table(2), "train_n": torch.tensor([41, 41])}
    assert bool(
        trained(cell("BatchNorm", part, batch_size=8)).history["train_loss"].isfinite().all()
    )


def test_a_batch_is_weighed_by_its_true_rows() -> None:
    """One step on a short batch is a plain step on the mean over its rows."""
    part = {**table(), "train_n": torch.tensor([5, 6, 5, 5])}
    each = mlp(part, batch_size=42, epochs=1, target="raw", learning_rate=1e-3)
    found = training_of(each)
    inputs, target = found.samples.inputs, part["target"].float()
    expected = []
    for r, count in enumerate((5, 6, 5, 5)):
        network = each.network(r)
        x = inputs("train", torch.arange(count).expand(4, -1))[r]
        loss = (network(x).squeeze(1) - target[part["train_index"][r, :count]]).square().mean()
        loss.backward()
        expected.append({n: (p - 1e-3 * p.grad).detach() for n, p in network.named_parameters()})  # type: ignore[operator]
    found._train_epoch(1)
    for name, tensor in found.group.state().items():
        torch.testing.assert_close(tensor, torch.stack([own[name] for own in expected]))


def test_images_stay_bytes_and_are_held_once() -> None:
    """However many replicates there are, the pool is not copied for each."""
    part = images(6)
    own = samples(part, list(range(6)), **AFFINE)
    assert own.pool.dtype == torch.uint8  # type: ignore[attr-defined]
    assert own.pool.data_ptr() == part["inputs"].data_ptr()  # type: ignore[attr-defined]


@pytest.mark.parametrize("channels", [1, 3])
def test_inputs_are_standardised_by_each_replicates_own_moments(channels: int) -> None:
    part = images(2, channels=channels)
    shape = (2, channels) if channels > 1 else (2,)
    part |= {"mean": torch.rand(shape).double(), "scale": 0.1 + torch.rand(shape).double()}
    own = samples(part, [0, 1])
    places = torch.tensor([[3, 1], [0, 2]])
    found = own.inputs("train", places)
    assert found.shape == (2, 2, channels, 8, 8)
    for r in range(2):
        pixels = part["inputs"][part["train_index"][r, places[r]]].double() / 255
        mean, scale = (part[name][r].view(-1, 1, 1) for name in ("mean", "scale"))
        expected = (pixels.view(2, channels, 8, 8) - mean) / scale
        torch.testing.assert_close(found[r].double(), expected, rtol=1e-5, atol=1e-5)


def test_a_user_may_take_any_of_the_two_networks_for_images() -> None:
    part = images(2)
    found = trained(cell("MLP", part, file=MLP, width=16))
    assert found.tensors["layers.1.weight"].shape == (2, 16, 64)
    assert found.history.keys() == {"train_loss", "val_loss", "val_accuracy", "learning_rate"}
