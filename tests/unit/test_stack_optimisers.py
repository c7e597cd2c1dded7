"""The stacked optimisers and schedule do, for each replicate, what torch's own do for one."""

import math
from typing import Any

import pytest
import torch
from ablation.networks.stack.optimisers import PlateauPerReplicate, StackedAdam, StackedSGD
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

SHAPES = [(3, 4, 5), (3, 4)]
Series = list[list[float]]


def stacked_parameters() -> list[nn.Parameter]:
    chance = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=chance)) for shape in SHAPES]


def split(parameters: list[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Each replicate's parameters as tensors of their own."""
    return [[nn.Parameter(p[r].detach().clone()) for p in parameters] for r in range(3)]


def gradients(step: int) -> list[Tensor]:
    chance = torch.Generator().manual_seed(100 + step)
    scale = 10.0 ** (step % 5 - 3)  # Adam's step does not depend on the scale; its moments do
    return [torch.randn(shape, generator=chance) * scale for shape in SHAPES]


def advance(stack: Any, stacked: list[nn.Parameter], alone: list[Any], each: Any) -> None:
    """Give the stack and the optimisers of the single replicates the same gradients, 12 times."""
    for step in range(12):
        drawn = gradients(step)
        for p, grad in zip(stacked, drawn, strict=True):
            p.grad = grad.clone()
        stack.step()
        assert all(p.grad is None for p in stacked)
        for r, own in enumerate(each):
            for p, grad in zip(own, drawn, strict=True):
                p.grad = grad[r].clone()
            alone[r].step()


def assert_agree(stacked: list[nn.Parameter], each: list[list[nn.Parameter]]) -> None:
    for i, p in enumerate(stacked):
        torch.testing.assert_close(p.data, torch.stack([own[i].data for own in each]))


def test_sgd() -> None:
    stacked = stacked_parameters()
    each, rates = split(stacked), torch.tensor([0.1, 0.01, 0.5])
    alone = [torch.optim.SGD(own, lr=float(rate)) for own, rate in zip(each, rates, strict=True)]
    advance(StackedSGD(stacked, rates), stacked, alone, each)
    assert_agree(stacked, each)


def test_sgd_leaves_a_parameter_without_gradient() -> None:
    parameters = stacked_parameters()
    before = [p.detach().clone() for p in parameters]
    StackedSGD(parameters, torch.ones(3)).step()
    assert all(torch.equal(p, old) for p, old in zip(parameters, before, strict=True))


def test_adam() -> None:
    stacked = stacked_parameters()
    each = split(stacked)
    alone = [torch.optim.Adam(own, lr=0.003) for own in each]
    advance(StackedAdam(stacked, 0.003), stacked, alone, each)
    assert_agree(stacked, each)


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_state_goes_on_where_it_was(kind: str) -> None:
    def make(parameters: list[nn.Parameter]) -> StackedSGD | StackedAdam:
        if kind == "sgd":
            return StackedSGD(parameters, torch.full((3,), 0.1))
        return StackedAdam(parameters, 0.01)

    stacked = stacked_parameters()
    optimiser = make(stacked)
    if isinstance(optimiser, StackedSGD):
        optimiser.learning_rate[1] = 0.25
    advance(optimiser, stacked, [], [])
    copies = [nn.Parameter(p.detach().clone()) for p in stacked]
    other = make(copies)
    other.load({name: tensor.clone() for name, tensor in optimiser.state().items()})
    advance(optimiser, stacked, [], [])
    advance(other, copies, [], [])
    assert all(torch.equal(a, b) for a, b in zip(stacked, copies, strict=True))


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), -float("inf"), 1e30])
@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_a_bad_gradient_stays_in_its_replicate(kind: str, poison: float) -> None:
    def run(bad: bool) -> list[nn.Parameter]:
        parameters = stacked_parameters()
        rate = torch.full((3,), 0.1)
        optimiser = StackedSGD(parameters, rate) if kind == "sgd" else StackedAdam(parameters, 0.01)
        for step in range(4):
            for p, grad in zip(parameters, gradients(step), strict=True):
                p.grad = grad
                if bad:
                    p.grad[1].view(-1)[0] = poison
            optimiser.step()
        return parameters

    for healthy, beside in zip(run(False), run(True), strict=True):
        assert torch.equal(healthy[[0, 2]], beside[[0, 2]])
        assert not torch.equal(healthy[1], beside[1])


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
    schedule = PlateauPerReplicate(StackedSGD([], rates), factor, patience)
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
    flat = [1.0] * 12
    assert_plateau_agrees([falling, flat, [math.nan] * 12], 0.5, 2, 0.1)
    rates = torch.full((3,), 0.1)
    schedule = PlateauPerReplicate(StackedSGD([], rates), 0.5, 2)
    for row in zip(falling, flat, [math.nan] * 12, strict=True):
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
    rates = torch.full((1,), 0.1)
    schedule = PlateauPerReplicate(StackedSGD([], rates), 0.5, 2)
    for loss in losses[:4]:
        schedule.step(torch.tensor([loss]))
    copied = rates.clone()
    other = PlateauPerReplicate(StackedSGD([], copied), 0.5, 2)
    other.load({name: tensor.clone() for name, tensor in schedule.state().items()})
    for loss in losses[4:]:
        schedule.step(torch.tensor([loss]))
        other.step(torch.tensor([loss]))
        assert torch.equal(rates, copied)
    assert float(rates[0]) == pytest.approx(0.05)
