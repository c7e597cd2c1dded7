"""Optimisers and schedules do, for each replicate of either kind of group, what torch's own do for one network."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from ablation.training.group import Group, Modules, Vmapped
from ablation.training.optimisers import optimiser_of
from ablation.training.randomness import Randomness
from ablation.training.schedules import Constant, Plateau, schedule_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from unit_engine import CPU

COUNT = 3
KINDS = ("Modules", "Vmapped")
OWN = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
RATES = [0.01, 0.003, 0.05]
RECIPE = {"optimizer": "sgd", "schedule": "plateau", "weight_decay": 0.0, "clip_norm": 0.0}
Series = list[list[float]]
Gradients = list[list[Tensor | None]]


def networks() -> list[nn.Sequential]:
    torch.manual_seed(0)
    return [
        nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.LayerNorm(5), nn.Linear(5, 2))
        for _ in range(COUNT)
    ]


def group_of(kind: str, plain: list[nn.Sequential]) -> Group:
    own = [copy.deepcopy(network) for network in plain]
    if kind == "Vmapped":
        return Vmapped(own)
    return Modules(own, [Randomness(n, 0, r, CPU) for r, n in enumerate(own)])


def gradients(step: int, plain: list[nn.Sequential]) -> Gradients:
    """A gradient for each tensor of each replicate, some steps far above and some far below what is clipped."""
    chance = torch.Generator().manual_seed(100 + step)
    scale = 10.0 ** (step % 5 - 3)
    return [[torch.randn(p.shape, generator=chance) * scale for p in n.parameters()] for n in plain]


def give(group: Group, each: Gradients) -> None:
    """Hand every replicate its gradients."""
    if isinstance(group, Modules):
        given = [grad for own in each for grad in own]
    else:
        given = [None if own[0] is None else torch.stack(own) for own in zip(*each, strict=True)]  # type: ignore[arg-type]
    for tensor, grad in zip(group.trained, given, strict=True):
        tensor.grad = None if grad is None else grad.clone()


def advance(
    group: Group, optimiser: Any, plain: list[nn.Sequential], first: int, last: int
) -> None:
    for step in range(first, last):
        give(group, gradients(step, plain))
        optimiser.step()
        assert all(tensor.grad is None for tensor in group.trained)


def assert_agree(group: Group, plain: list[nn.Sequential]) -> None:
    for name, tensor in group.state().items():
        expected = torch.stack([network.state_dict()[name] for network in plain])
        torch.testing.assert_close(tensor, expected)


@pytest.mark.parametrize("clip", [0.0, 0.5])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("schedule", ["constant", "plateau"])
@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("kind", KINDS)
def test_each_replicate_moves_as_by_torchs_own(
    kind: str, name: str, schedule: str, decay: float, clip: float
) -> None:
    """Rates differ where a plateau may have lowered them, and are changed on the way."""
    plain = networks()
    group = group_of(kind, plain)
    rates = torch.tensor(RATES if schedule == "plateau" else [0.01] * COUNT)
    chosen = {"optimizer": name, "schedule": schedule, "weight_decay": decay, "clip_norm": clip}
    optimiser = optimiser_of(chosen, group, rates)
    alone = [
        OWN[name](network.parameters(), lr=float(rate), weight_decay=decay)
        for network, rate in zip(plain, rates, strict=True)
    ]
    for step in range(12):
        drawn = gradients(step, plain)
        give(group, drawn)
        optimiser.step()
        for network, own, grads in zip(plain, alone, drawn, strict=True):
            for parameter, grad in zip(network.parameters(), grads, strict=True):
                parameter.grad = grad
            if clip:
                nn.utils.clip_grad_norm_(network.parameters(), clip)
            own.step()
        if step == 6 and schedule == "plateau":
            rates[1] *= 0.5
            alone[1].param_groups[0]["lr"] *= 0.5
    assert_agree(group, plain)


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("kind", KINDS)
def test_a_tensor_without_gradient_stays(kind: str, name: str) -> None:
    """Neither weight decay nor clipping moves what the loss does not depend on."""
    plain = networks()
    group = group_of(kind, plain)
    chosen = {**RECIPE, "optimizer": name, "weight_decay": 0.1, "clip_norm": 0.5}
    optimiser = optimiser_of(chosen, group, torch.full((COUNT,), 0.1))
    drawn = gradients(0, plain)
    give(group, [[None, None, *own[2:]] for own in drawn])
    optimiser.step()
    for key, tensor in group.state().items():
        before = torch.stack([network.state_dict()[key] for network in plain])
        assert torch.equal(tensor, before) == key.startswith("0."), key


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("kind", KINDS)
def test_a_tensor_that_gets_a_gradient_now_and_then(kind: str, name: str, schedule: str) -> None:
    """As the layers of a network of stochastic depth do."""
    plain = networks()
    group = group_of(kind, plain)
    chosen = {**RECIPE, "optimizer": name, "schedule": schedule, "weight_decay": 0.1}
    optimiser = optimiser_of(chosen, group, torch.full((COUNT,), 0.01))
    alone = [OWN[name](network.parameters(), lr=0.01, weight_decay=0.1) for network in plain]
    for step in range(9):
        drawn = gradients(step, plain)
        if step % 3:
            drawn = [[None, None, *own[2:]] for own in drawn]
        give(group, drawn)
        optimiser.step()
        for network, own, grads in zip(plain, alone, drawn, strict=True):
            for parameter, grad in zip(network.parameters(), grads, strict=True):
                parameter.grad = grad
            own.step()
    assert_agree(group, plain)


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("kind", KINDS)
def test_state_goes_on_where_it_was(kind: str, name: str, schedule: str) -> None:
    plain = networks()
    chosen = {**RECIPE, "optimizer": name, "schedule": schedule}
    first, second = group_of(kind, plain), group_of(kind, plain)
    optimisers = [optimiser_of(chosen, g, torch.full((COUNT,), 0.1)) for g in (first, second)]
    advance(first, optimisers[0], plain, 0, 7)
    second.load(first.state())
    # A checkpoint holds the schedule's state as well.
    kept = {n: tensor.clone() for n, tensor in optimisers[0].state().items()}
    optimisers[1].load({**kept, "best": torch.zeros(COUNT)})
    for group, optimiser in zip((first, second), optimisers, strict=True):
        advance(group, optimiser, plain, 7, 12)
    state = second.state()
    assert all(torch.equal(tensor, state[name]) for name, tensor in first.state().items())


@pytest.mark.promise(22)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30])
@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_gradient_stays_in_its_replicate(kind: str, name: str, value: float) -> None:
    plain = networks()

    def state(bad: bool) -> dict[str, Tensor]:
        group = group_of(kind, plain)
        chosen = {**RECIPE, "optimizer": name, "weight_decay": 0.1, "clip_norm": 0.5}
        optimiser = optimiser_of(chosen, group, torch.full((COUNT,), 0.1))
        for step in range(4):
            drawn = gradients(step, plain)
            if bad:
                drawn[1] = [torch.full_like(p, value) for p in plain[1].parameters()]
            give(group, drawn)
            optimiser.step()
        return group.state()

    healthy, beside = state(False), state(True)
    for key, tensor in healthy.items():
        assert torch.equal(tensor[[0, 2]], beside[key][[0, 2]]), key
        assert not torch.equal(tensor[1], beside[key][1]), key


def torch_rates(losses: list[float], rate: float, factor: float, patience: int) -> list[float]:
    """The learning rates that torch's own schedule gives."""
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1, dtype=torch.float64))], lr=rate)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, "min", factor, patience)
    rates = []
    for loss in losses:
        schedule.step(loss)
        rates.append(optimiser.param_groups[0]["lr"])
    return rates


def assert_plateau_agrees(series: Series, factor: float, patience: int, start: float) -> None:
    rates = torch.full((len(series),), start, dtype=torch.float64)
    schedule = Plateau(rates, factor, patience)
    expected = [torch_rates(losses, start, factor, patience) for losses in series]
    for step, row in enumerate(zip(*series, strict=True)):
        schedule.step(torch.tensor(row, dtype=torch.float64))
        own = torch.tensor([each[step] for each in expected], dtype=torch.float64)
        torch.testing.assert_close(rates, own, rtol=1e-9, atol=0)


LOSSES = st.one_of(
    st.sampled_from([1.0, 1.0 - 1e-5, 1.0 - 2e-4, 0.5, 0.25, math.nan, math.inf]),
    st.floats(0.0, 2.0),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(LOSSES, min_size=25, max_size=25), min_size=2, max_size=3),
    st.sampled_from([0.1, 0.5]),
    st.integers(0, 4),
)
def test_plateau(series: Series, factor: float, patience: int) -> None:
    assert_plateau_agrees(series, factor, patience, 0.1)


def test_plateau_acts_on_each_replicate_alone() -> None:
    falling = [1.0 / (step + 1) for step in range(12)]
    series = [falling, [1.0] * 12, [math.nan] * 12]
    assert_plateau_agrees(series, 0.5, 2, 0.1)
    rates = torch.full((3,), 0.1)
    schedule = Plateau(rates, 0.5, 2)
    for row in zip(*series, strict=True):
        schedule.step(torch.tensor(row))
    assert rates[0] == pytest.approx(0.1)
    assert rates[1] == pytest.approx(0.1 / 8)  # lowered after epochs 4, 7 and 10
    assert rates[2] == pytest.approx(0.1 / 16)  # nan is never better: after 3, 6, 9 and 12


def test_plateau_takes_no_notice_of_small_gains() -> None:
    series = [[1.0 - gain * step for step in range(30)] for gain in (0.0, 2e-5, 9e-5, 1.1e-4, 1e-2)]
    assert_plateau_agrees(series, 0.5, 1, 0.1)


def test_plateau_stops_at_its_smallest_change() -> None:
    assert_plateau_agrees([[1.0] * 60], 0.1, 0, 0.1)


def test_plateau_goes_on_where_it_was() -> None:
    losses = [1.0, 0.9, 0.95, 0.95, 0.95, 0.95]
    rates, copied = torch.full((1,), 0.1), torch.full((1,), 0.1)
    schedule, other = Plateau(rates, 0.5, 2), Plateau(copied, 0.5, 2)
    for loss in losses[:4]:
        schedule.step(torch.tensor([loss]))
    other.load({name: tensor.clone() for name, tensor in schedule.state().items()})
    for loss in losses[4:]:
        schedule.step(torch.tensor([loss]))
        other.step(torch.tensor([loss]))
        assert torch.equal(rates, copied)
    assert float(rates[0]) == pytest.approx(0.05)


def test_a_constant_rate_stays_and_needs_no_settings_of_a_plateau() -> None:
    rate = torch.full((2,), 0.1)
    schedule = schedule_of({"schedule": "constant"}, rate)
    assert isinstance(schedule, Constant)
    for _ in range(20):
        schedule.step(torch.ones(2))
    assert torch.equal(rate, torch.full((2,), 0.1))
    chosen = {"schedule": "plateau", "lr_factor": 0.5, "lr_patience": 0}
    assert isinstance(schedule_of(chosen, rate), Plateau)
