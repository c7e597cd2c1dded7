"""What a training step costs, counted and never timed: calls of kernels, and bytes that are copied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from ablation.tasks import classification, regression
from ablation.training.loop import Training
from ablation.training.run import Cell
from ablation.training.samples import samples_of
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from unit_engine import AFFINE, CPU, DEEP, convnet, images, mlp, table

COPIES = {
    *("copy_", "_to_copy", "clone", "index", "index_select", "gather", "take"),
    *("cat", "stack", "repeat", "_local_scalar_dense", "masked_select", "nonzero"),
}


class Work(TorchDispatchMode):
    """Counts the kernels that run meanwhile (a view runs none), and the bytes that copies write."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels, self.copied = Counter[str](), Counter[str]()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        name = func.__name__.partition(".")[0]
        if not func.is_view:
            self.kernels[name] += 1
        if name in COPIES:
            self.copied[name] += sum(
                t.numel() * t.element_size() for t in tree_leaves(found) if isinstance(t, Tensor)
            )
        return found


class Case(NamedTuple):
    """A cell, how it is trained, and what a step of it may cost; less is welcome.

    Attributes:
        cell: a batch size → the cell.
        rows: the samples of an epoch.
        replicates: how many are trained together.
        kernels: of a step.
        copied: bytes per sample, as a multiple of its input in single precision.
    """

    cell: Callable[[int], Cell]
    rows: int
    replicates: int
    kernels: int
    copied: float


def of_table(replicates: int, kernels: int, copied: float, **chosen: Any) -> Case:
    part = table(6)
    return Case(
        lambda size: mlp(part, **{**chosen, "batch_size": size}), 42, replicates, kernels, copied
    )


def of_images(kernels: int, copied: float, **chosen: Any) -> Case:
    part = images()
    return Case(
        lambda size: convnet(part, **{**chosen, "batch_size": size}), 36, 1, kernels, copied
    )


# A row is gathered (1); the rest is its target and weight. An image is gathered as bytes (0.25) and converted (1), and its last
# feature map is laid out anew (0.25).
CASES = {
    "fnn": of_table(6, 55, 1.4),
    "fnn with Adam and clipping": of_table(6, 82, 1.6, **DEEP),
    "cnn": of_images(43, 1.57),
    "cnn with augmentation": of_images(60, 1.66, **AFFINE),
}


def training(each: Cell, replicates: int) -> Training:
    """The training of the first replicates of a cell, in the group that a job would choose."""
    chosen, parameters = range(replicates), each.spec["parameters"]
    samples = samples_of(each.part, chosen, parameters, CPU)
    task = classification if each.spec["task"] == "classification" else regression
    group = each.group(each.plan(), chosen)
    return Training(group, samples, task, parameters, seed=3, precision="fp32")


def epoch(each: Cell, replicates: int) -> Work:
    """What an epoch takes; the one before it has made what is made once."""
    own = training(each, replicates)
    own._train_epoch(1)
    with Work() as work:
        own._train_epoch(2)
    return work


def step(case: Case) -> Counter[str]:
    """The kernels of one step: an epoch of six batches has three steps more than one of three."""
    few, many = (epoch(case.cell(case.rows // n), case.replicates).kernels for n in (3, 6))
    return Counter({name: (many[name] - few[name]) // 3 for name in many})


@pytest.mark.parametrize("name", CASES)
def test_a_step_runs_no_more_kernels(name: str) -> None:
    found = step(CASES[name])
    assert found.total() <= CASES[name].kernels, found


def test_more_replicates_at_once_cost_no_more_kernels() -> None:
    assert step(CASES["fnn"]._replace(replicates=2)) == step(CASES["fnn"])


@pytest.mark.parametrize("name", CASES)
def test_a_batch_is_copied_once(name: str) -> None:
    case = CASES[name]
    each = case.cell(case.rows // 6)
    inputs = case.rows * case.replicates * each.part["inputs"][0].numel() * 4
    # Where weights are stacked, the gradient of each is laid out as the weight, in each of six steps.
    stacked = case.replicates > 1 and sum(p.numel() for p in each.network(0).parameters())
    copied = epoch(each, case.replicates).copied
    assert copied.total() <= case.copied * inputs + 6 * case.replicates * stacked * 4, copied


WASTE: dict[str, Callable[[Training], object]] = {
    "a look at a value": lambda own: own.total.sum().item(),
    "a copy": lambda own: own.total.clone(),
}


@pytest.mark.parametrize("waste", WASTE)
@pytest.mark.parametrize("name", ["fnn", "cnn"])
def test_what_is_added_to_a_step_is_seen(
    name: str, waste: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Training._step

    def wasteful(self: Training, batch: dict[str, Tensor]) -> None:
        usual(self, batch)
        WASTE[waste](self)

    monkeypatch.setattr(Training, "_step", wasteful)
    with pytest.raises(AssertionError):
        test_a_step_runs_no_more_kernels(name)
