"""What is drawn, and from which streams: the same in every cell, for each replicate its own, and no draw leaves a trace."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from ablation.training import network, randomness, samples
from ablation.training.run import Cell, train
from ablation.training.streams import Purpose, torch_seed
from torch import Tensor, nn
from unit_engine import (
    AFFINE,
    NOISY,
    SMALL,
    assert_same,
    cell,
    convnet,
    images,
    mlp,
    poisoned,
    table,
    trained,
)

Call = tuple[int, ...]
# Networks that draw in each of the ways that a constructor or a forward pass may.
DRAWING = ("DropoutModule", "DropoutTwice", "DropoutFunction", "GlobalDraws", "Transformer")


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> set[Call]:
    """Every stream that is opened, as (purpose, place)."""
    opened: set[Call] = set()

    def spy(module: ModuleType, name: str) -> None:
        real: Callable[..., Any] = getattr(module, name)

        def spied(seed: int, purpose: Purpose, *place: int) -> Any:
            opened.add((int(purpose), *place))
            return real(seed, purpose, *place)

        monkeypatch.setattr(module, name, spied)

    spy(samples, "generator")
    spy(network, "torch_seed")
    spy(randomness, "torch_seed")
    return opened


def opened_by(streams: set[Call], purpose: Purpose) -> set[Call]:
    return {call[1:] for call in streams if call[0] == purpose}


def test_cells_of_a_table_share_their_streams(streams: set[Call]) -> None:
    places = {(r, epoch) for r in range(4) for epoch in (1, 2)}
    for change in ({}, {"learning_rate": 0.001}, {"activation": "tanh"}, {"hidden_layers": 4}):
        streams.clear()
        trained(mlp(table(), **{"epochs": 2, **change}))
        assert opened_by(streams, Purpose.ORDER) == places
        assert opened_by(streams, Purpose.AUGMENTATION) == set()


@pytest.mark.parametrize(
    "change",
    [{}, {"kernel": 5}, {"batchnorm": True}, {"pooling": "average"}, {"dropout": 0.4}, AFFINE],
)
def test_cells_of_images_share_their_streams(streams: set[Call], change: dict[str, Any]) -> None:
    places = {(r, epoch) for r in range(2) for epoch in (1, 2)}
    each = convnet(images(2), epochs=2, **change)
    plan = each.plan()
    streams.clear()
    train(each, plan)
    assert opened_by(streams, Purpose.ORDER) == places
    begun = {(r, 0) for r in range(2)}  # for what is measured before the first epoch
    assert opened_by(streams, Purpose.DROPOUT) == places | begun
    moved = "augmentation" in change
    assert opened_by(streams, Purpose.AUGMENTATION) == (places if moved else set())
    assert {place[0] for place in opened_by(streams, Purpose.INITIALISATION)} == {0, 1}


def test_cells_start_from_the_same_weights() -> None:
    def initial(change: dict[str, Any]) -> list[nn.Module]:
        modules = convnet(images(2), **change).network(1).modules()
        return [each for each in modules if isinstance(each, nn.Conv2d | nn.Linear)]

    base = initial({})
    for change, others in (
        ({"learning_rate": 0.5}, []),
        ({"dropout": 0.8}, []),
        ({"pooling": "average"}, []),
        ({"kernel": 5}, [0, 1]),
        ({"fc_width": 8}, [2, 3]),
    ):
        same = [
            all(torch.equal(a, b) for a, b in zip(*map(nn.Module.parameters, pair), strict=True))
            for pair in zip(base, initial(change), strict=True)
        ]
        assert same == [place not in others for place in range(4)], change
    weights = zip(base, initial({"batchnorm": True}), strict=True)
    assert all(torch.equal(a.weight, b.weight) for a, b in weights)  # type: ignore[arg-type]
    relu, tanh = (mlp(table(), activation=each).network(0) for each in ("relu", "tanh"))
    state = tanh.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in relu.state_dict().items())


def test_initial_weights_are_spread_as_torch_spreads_them() -> None:
    wide = convnet(images(2), channels=[32, 64], fc_width=128, kernel=5)
    torch.manual_seed(0)
    module = network.module_of("ablation/networks/convnet.py")
    plain = module.ConvNet((1, 8, 8), 3, channels=[32, 64], fc_width=128).state_dict()
    for name, tensor in wide.network(0).state_dict().items():
        if tensor.numel() > 1000:
            assert float(tensor.std()) == pytest.approx(float(plain[name].std()), rel=0.05)
            most = float(plain[name].abs().max())
            assert float(tensor.abs().max()) == pytest.approx(most, rel=0.05)


def inputs_of(each: Cell, chosen: list[int]) -> Tensor:
    """The augmented inputs of two epochs, ``[R, n, …]``."""
    own = samples.samples_of(each.part, chosen, each.spec["parameters"], each.device)
    return torch.cat(
        [
            own.inputs("train", batch["places"], batch["values"])
            for epoch in (1, 2)
            for batch in own.batches(own.draw(3, epoch))
        ],
        1,
    )


def test_augmentation_does_not_depend_on_the_group() -> None:
    each = convnet(images(4), **AFFINE)
    many = inputs_of(each, [0, 1, 2, 3])
    for chosen in ([0, 1], [3]):
        torch.testing.assert_close(many[chosen], inputs_of(each, chosen), rtol=1e-6, atol=1e-6)
    again = inputs_of(convnet(images(4), **AFFINE, dropout=0.4, batchnorm=True), [3])
    assert torch.equal(again, inputs_of(each, [3]))


def test_dropout_rates_share_their_draws_and_keep_the_expectation() -> None:
    """A unit that survives a high rate survives a lower one."""
    kept, means = [], []
    for rate in (0.2, 0.4, 0.8):
        layer = randomness.Dropout(rate, False, torch.Generator().manual_seed(5))
        factors = layer(torch.ones(50, 40))
        assert factors.unique().tolist() == pytest.approx([0.0, 1 / (1 - rate)])
        kept.append(factors > 0)
        means.append(float(factors.mean()))
        assert torch.equal(layer.eval()(factors), factors)
    assert bool((kept[1] <= kept[0]).all())
    assert bool((kept[2] <= kept[1]).all())
    assert means == pytest.approx([1.0, 1.0, 1.0], abs=0.1)


def test_dropout_of_maps_drops_whole_maps() -> None:
    layer = randomness.Dropout(0.5, True, torch.Generator().manual_seed(5))
    factors = layer(torch.ones(6, 5, 3, 3)).flatten(2)
    assert torch.equal(factors.amin(2), factors.amax(2))
    assert 0 < float(factors.mean()) < 2
    assert float(randomness.Dropout(1.0, False, torch.Generator())(torch.ones(3)).sum()) == 0


def masks(each: Cell, replicate: int) -> Tensor:
    """What the last dropout layer of a replicate lets through in two epochs."""
    group, seen = each.group(each.plan(), [replicate]), list[Tensor]()
    group.set_training(True)
    (layer,) = (m for m in group.networks[0].modules() if isinstance(m, randomness.Dropout))  # type: ignore[attr-defined]
    layer.register_forward_hook(lambda _, given, out: seen.append(out / given[0].clamp(min=1e-9)))
    for epoch in (1, 2):
        group.begin_epoch(epoch)
        for _ in range(2):
            group(torch.ones(1, 8, 1, 8, 8))
    return torch.stack(seen)


def test_masks_are_a_replicates_and_an_epochs_own() -> None:
    each = convnet(images(3), dropout=0.5)
    first = masks(each, 0)
    assert torch.equal(first, masks(each, 0))
    assert not torch.equal(first, masks(each, 1))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[:2], first[2:])


@pytest.mark.promise(22)
@pytest.mark.parametrize("batchnorm", [False, True])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e25])
def test_in_bf16_a_broken_replicate_leaves_the_others_alone(value: float, batchnorm: bool) -> None:
    chosen: dict[str, Any] = {**NOISY, "batchnorm": batchnorm, "precision": "bf16", "epochs": 2}
    sound = convnet(images(), **chosen)
    plan = sound.plan()
    assert (plan.at_once, plan.precision) == (1, "bf16")
    broken = poisoned(value)(sound.spec, sound.part, sound.device)
    beside = train(broken, plan, threads=2)[0]
    assert_same(train(sound, plan)[0], beside, [0, 2])
    assert beside.diverged.tolist()[::2] == [False, False]
    assert bool(beside.diverged[1]) or value == 1e25


@pytest.mark.promise(12)
@pytest.mark.parametrize("name", DRAWING)
def test_no_draw_leaves_a_global_generator_changed(name: str) -> None:
    """Neither where a network is made, nor where it is tried, nor where it is trained."""
    random.seed(1)
    np.random.seed(2)
    torch.manual_seed(3)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # type: ignore[index]
    trained(cell(name, table(2), epochs=2))
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]  # type: ignore[index]
    assert torch.equal(torch.get_rng_state(), before[2])


@pytest.mark.promise(12)
@pytest.mark.parametrize("name", DRAWING)
@pytest.mark.parametrize("threads", [1, 2])
def test_no_global_generator_changes_a_number(name: str, threads: int) -> None:
    each = cell(name, table(3), epochs=2)
    first = trained(each)
    random.seed(1)
    np.random.seed(2)
    torch.manual_seed(3)
    assert_same(first, trained(each, 1, threads), [0, 1, 2], 1e-5)


@pytest.mark.parametrize("name", DRAWING)
def test_it_is_found_out_from_where_a_network_draws(name: str) -> None:
    plan = cell(name, table(2)).plan()
    assert plan.draws_elsewhere == (name in ("DropoutFunction", "GlobalDraws"))
    assert plan.draws_outside == (name == "GlobalDraws")


def test_replicates_and_epochs_draw_apart_from_every_generator() -> None:
    each = cell("GlobalDraws", table(2), epochs=0)
    assert each.plan().draws_elsewhere
    group = each.group(each.plan(), [0, 1])
    group.set_training(True)
    found = []
    for epoch in (1, 2):
        group.begin_epoch(epoch)
        found += [group(torch.ones(2, 8, 5)).detach() for _ in range(2)]
    shifts = torch.stack([each.mean((1, 2)) for each in found])
    assert len(shifts.flatten().unique()) == shifts.numel()
    group.begin_epoch(1)
    assert torch.equal(group(torch.ones(2, 8, 5)), found[0])


def test_the_numbers_of_purposes_are_part_of_every_result() -> None:
    assert [(each.name, each.value) for each in Purpose][:6] == [
        ("SPLIT", 0),
        ("INITIALISATION", 1),
        ("ORDER", 2),
        ("DROPOUT", 3),
        ("AUGMENTATION", 4),
        ("DRAW", 5),
    ]
    seeds = {
        torch_seed(seed, purpose, r, epoch)
        for seed in (0, 1)
        for purpose in Purpose
        for r in range(4)
        for epoch in range(4)
    }
    assert len(seeds) == 2 * len(Purpose) * 16
    assert 0 <= min(seeds) <= max(seeds) < 2**63


def test_the_narrow_network_is_the_one_that_is_tested() -> None:
    assert sum(p.numel() for p in convnet(images(), **SMALL).network(0).parameters()) < 1000
