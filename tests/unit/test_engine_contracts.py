"""What the engine promises for any network: each replicate is the same alone and beside others, whatever the threads."""

from __future__ import annotations

import pytest
import torch
from ablation.training.run import train
from torch import Tensor
from unit_engine import Kept, assert_same, cell, images, poisoned, table, trained

# Network → whether vmap takes it.
TABLE_NETWORKS = {
    "Residual": True,
    "BatchNorm": True,
    "DropoutModule": False,
    "DropoutFunction": False,
    "Embedding": True,
    "Transformer": True,
    "GRU": False,
    "Branch": False,
    "InPlace": True,
    "OwnWeights": True,
}
IMAGE_NETWORKS = ("Conv", "ConvBatchNorm", "ConvGroupNorm", "ConvDropout")
NETWORKS = [*TABLE_NETWORKS, *IMAGE_NETWORKS]
OPTIMISERS = (
    {},
    {
        "optimizer": "adam",
        "learning_rate": 0.01,
        "schedule": "plateau",
        "lr_factor": 0.5,
        "lr_patience": 0,
    },
)


def part_of(name: str, replicates: int = 4) -> dict[str, Tensor]:
    return images(replicates) if name in IMAGE_NETWORKS else table(replicates)


@pytest.mark.parametrize(("name", "expected"), TABLE_NETWORKS.items())
def test_vmap_takes_what_it_can_and_the_rest_falls_back(name: str, expected: bool) -> None:
    plan = cell(name, table()).plan()
    assert (plan.vmapped, plan.at_once) == ((True, 4) if expected else (False, 1))


@pytest.mark.promise(21)
@pytest.mark.parametrize("name", [name for name, taken in TABLE_NETWORKS.items() if taken])
def test_a_replicate_alone_is_what_it_is_in_a_group(name: str) -> None:
    each = cell(name, table(), epochs=4)  # 24 steps
    assert_same(trained(each), trained(each, 1), [0, 1, 2, 3], 1e-5)


@pytest.mark.promise(12)
@pytest.mark.parametrize("name", NETWORKS)
def test_threads_change_nothing(name: str) -> None:
    each = cell(name, part_of(name), at_once=1)
    assert_same(trained(each), trained(each, threads=2), [0, 1, 2, 3])


@pytest.mark.promise(22)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e25])
@pytest.mark.parametrize("recipe", OPTIMISERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_replicate_that_is_not_finite_leaves_the_others_alone(
    name: str, recipe: dict[str, object], value: float
) -> None:
    plan = cell(name, part_of(name), **recipe).plan()  # which tries sound weights
    sound = train(cell(name, part_of(name), **recipe), plan)[0]
    beside = train(cell(name, part_of(name), network=poisoned(value), **recipe), plan)[0]
    assert_same(sound, beside, [0, 2, 3])
    assert bool(beside.diverged[1]) or value == 1e25


@pytest.mark.promise(22)
def test_clipping_does_not_carry_it_over_either() -> None:
    options = {"clip_norm": 0.5, "weight_decay": 0.01}
    plan = cell("Residual", table(), **options).plan()
    sound = train(cell("Residual", table(), **options), plan)[0]
    nan = poisoned(float("nan"))
    assert_same(sound, train(cell("Residual", table(), network=nan, **options), plan)[0], [0, 2, 3])


@pytest.mark.promise(23)
@pytest.mark.parametrize("name", NETWORKS)
def test_more_replicates_leave_the_first_ones_numbers(name: str) -> None:
    few, many = (trained(cell(name, part_of(name, count))) for count in (3, 5))
    tolerance = 1e-5 if TABLE_NETWORKS.get(name) else 0.0
    assert_same(few, many, [0, 1, 2], tolerance)


@pytest.mark.promise(13)
@pytest.mark.parametrize("recipe", OPTIMISERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_resumed_training_gives_the_same_numbers(name: str, recipe: dict[str, object]) -> None:
    each = cell(name, part_of(name), **recipe)
    plan = each.plan()
    files: dict[int, Kept] = {}

    def checkpoint_of(chosen: object) -> Kept:
        return files.setdefault(next(iter(chosen)), Kept(2))  # type: ignore[call-overload]

    for _ in range(4):
        try:
            resumed = train(each, plan, checkpoint_of=checkpoint_of)[0]
            break
        except KeyboardInterrupt:
            continue
    else:
        resumed = train(each, plan, checkpoint_of=checkpoint_of)[0]
    assert all(file.saved for file in files.values())
    assert_same(train(each, plan)[0], resumed, [0, 1, 2, 3])


@pytest.mark.parametrize("name", ["Residual", "Conv"])
def test_cells_that_differ_in_one_layer_share_the_initial_weights_of_the_others(name: str) -> None:
    part = part_of(name)
    first = cell(name, part).network(2).state_dict()
    again = cell(name, part, learning_rate=0.1).network(2).state_dict()
    assert all(torch.equal(tensor, again[key]) for key, tensor in first.items())
    other = cell(name, part).network(1).state_dict()
    drawn = [key for key, tensor in first.items() if len(tensor.unique()) > 1]
    assert drawn and not any(torch.equal(first[key], other[key]) for key in drawn)


def test_weights_that_a_constructor_draws_in_its_own_way_are_kept() -> None:
    spread = [float(cell("OwnWeights", table()).network(r).leave.weight.std()) for r in range(3)]
    assert max(spread) < 0.02
