"""Whether stored histories are what plain torch gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.testing import assert_allclose
from scipy import stats

from oracle.networks import NETWORKS, initialised, stored
from oracle.parts import Parts, parts_of
from oracle.study import Arrays, Cell, read_arrays, read_table
from oracle.training import Course, Draws, train_boston, train_digits

Figures = dict[str, list[float]]
EPOCHS = 3
LOSSES, ACCURACIES = 1e-4, 0.03
# One pooling window in which rounding made another value the largest moved a norm of the first layer by 0.0012.
GRADIENTS = {"fnn": 1e-3, "cnn": 5e-3}
HALF_LOSSES, HALF_GRADIENTS = 5e-2, 0.2  # where training was not in fp32
ROUNDING = 1e-6  # relative, of every initial weight: over what the order of additions changes
TWINS, ALLOWANCE, INFORMATIVE = 4, 10, 0.2
FIRST = "losses of epoch 1"
TRAINERS: dict[str, Any] = {"fnn": train_boston, "cnn": train_digits}


def trained(cell: Cell, replicate: int, *, epochs: int = EPOCHS, twin: int | None = None) -> Course:
    """Train one replicate of a cell by the recipe, for its first epochs.

    Args:
        cell, replicate, epochs: what.
        twin: the seed of a change of the initial weights that is a little over rounding, in the cell's own precision;
            None for none, in fp32.
    """
    network = initialised(NETWORKS[cell.model](cell.parameters), cell.spec["seed"], replicate)
    if twin is not None:
        numbers = torch.Generator().manual_seed(twin)
        with torch.no_grad():
            for tensor in network.parameters():
                drawn = torch.randn(tensor.shape, generator=numbers)
                tensor.mul_(1 + ROUNDING * drawn)
    parts, draws = parts_of(cell, replicate), Draws(cell.spec["seed"], replicate)
    half = twin is not None and cell.precision == "bf16"
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        course: Course = TRAINERS[cell.model](
            cell.parameters,
            network,
            parts["train"],
            parts["validation"],
            draws,
            epochs=min(epochs, cell.parameters["epochs"]),
        )
    return course


def figures(rows: Sequence[dict[str, Any]], gradients: dict[int, list[float]]) -> Figures:
    """What is compared, in the order of training: gradients before it, figures of each epoch, gradients after the first."""
    found = {"gradients after 0": gradients[0]}
    for epoch, row in enumerate(rows, 1):
        found[f"losses of epoch {epoch}"] = [row["train_loss"], row["val_loss"]]
        if "val_accuracy" in row:
            found[f"accuracy of epoch {epoch}"] = [row["val_accuracy"]]
        if epoch == 1:
            found["gradients after 1"] = gradients[1]
    return found


def deviation(found: Sequence[float], expected: Sequence[float]) -> float:
    """The largest relative difference; numbers that are not finite have to be so on both sides."""
    first, second = (np.array(values, dtype=np.float64) for values in (found, expected))
    finite = np.isfinite(second)
    if first.shape != second.shape or (np.isfinite(first) != finite).any():
        return float("inf")
    difference = np.abs(first - second)[finite]
    return float(np.max(difference / np.maximum(np.abs(second[finite]), 1e-30), initial=0.0))


def rounding(cell: Cell, replicate: int, course: Course) -> Iterator[dict[str, float]]:
    """How far rounding alone may carry each figure: what it moves across zero, or past a neighbour, changes all that follows.

    Measured on twins of the own network, whose initial weights differ by a little more than rounding, in the cell's own
    precision. Figures of an epoch may be off by what those of an epoch before were.

    Yields:
        The largest deviations so far, after each twin.
    """
    own = figures(course.rows, course.gradients)
    largest = dict.fromkeys(own, 0.0)
    for seed in range(TWINS):
        twin, reached = trained(cell, replicate, epochs=len(course.rows), twin=seed), 0.0
        for name, values in figures(twin.rows, twin.gradients).items():
            off = deviation(values, own[name])
            if "epoch" in name:
                off = reached = max(off, reached)
            largest[name] = max(largest[name], off)
        yield dict(largest)


def check_course(cell: Cell, replicate: int, course: Course | None = None) -> dict[str, float]:
    """The stored losses and gradients of the first epochs are those that plain torch gets.

    A figure agrees to 1e-4 (a gradient to ``GRADIENTS``, an accuracy to 0.03), or else to ten times what rounding does to the
    own network. Where that is over 0.2 the figure says nothing and is passed over, never so the losses of the first epoch.

    Returns:
        The deviation of each figure.
    """
    course = course or trained(cell, replicate)
    history = cell.history.query("replicate == @replicate").head(len(course.rows))
    own = figures(course.rows, course.gradients)
    found = figures(
        history.to_dict("records"), {moment: norms(cell, replicate, moment) for moment in (0, 1)}
    )
    off = {name: deviation(values, own[name]) for name, values in found.items()}
    bounds, note = strict_bounds(own, cell), f"{cell}, replicate {replicate}"
    note += f", trained in {cell.precision} and therefore compared to {bounds[FIRST]:g}"
    unexplained = {name for name in own if off[name] > bounds[name]}
    if unexplained and "gradients after 0" not in unexplained:
        for noise in rounding(cell, replicate, course):
            unexplained -= {name for name in own if rounding_explains(name, off[name], noise[name])}
            if not unexplained:
                break
    for name in unexplained:
        raise AssertionError(f"{note}: {name} {found[name]}, by hand {own[name]}")
    rates = [row["learning_rate"] for row in course.rows]
    assert_allclose(history["learning_rate"], rates, rtol=1e-6, err_msg=f"{note}: learning_rate")
    return off


def rounding_explains(name: str, off: float, noise: float) -> bool:
    """Whether a deviation is no more than what rounding does, or rounding leaves nothing to compare."""
    allowed = ALLOWANCE * noise
    return off <= min(allowed, INFORMATIVE) or (name != FIRST and allowed > INFORMATIVE)


def strict_bounds(names: Iterable[str], cell: Cell) -> dict[str, float]:
    """How far each figure may be off, before anything is said about rounding."""
    kinds = {"gradients": GRADIENTS[cell.model], "losses": LOSSES, "accuracy": ACCURACIES}
    bounds = {name: kinds[name.split()[0]] for name in names}
    if cell.precision != "fp32":
        bounds |= {name: HALF_LOSSES for name in bounds if "epoch" in name}
        bounds["gradients after 1"] = HALF_GRADIENTS
    return bounds


def norms(cell: Cell, replicate: int, epoch: int) -> list[float]:
    """The stored norms of one moment, from input to output."""
    frame = read_table(cell.train / "gradients.csv")
    own = frame[(frame["replicate"] == replicate) & (frame["epoch"] == epoch)]
    assert own["layer"].tolist() == list(range(1, len(own) + 1))
    return [float(value) for value in own["norm"]]


def check_learning_rates(cell: Cell) -> None:
    """Every recorded rate follows from the recorded validation losses by the rule of the plateau, in float32."""
    parameters = cell.parameters
    for replicate, history in cell.history.groupby("replicate"):
        rate = np.float32(parameters["learning_rate"])
        best, bad, expected = np.float32(np.inf), 0, []
        for loss in history["val_loss"].astype(np.float32):
            expected.append(rate)
            if parameters["schedule"] == "constant":
                continue
            better = loss < best * np.float32(1 - 1e-4)
            best, bad = (loss, 0) if better else (best, bad + 1)
            if bad > parameters["lr_patience"]:
                lower, bad = rate * np.float32(parameters["lr_factor"]), 0
                rate = lower if rate - lower > 1e-8 else rate
        note = f"{cell}, learning rates of replicate {replicate}"
        assert_allclose(history["learning_rate"], expected, rtol=1e-6, err_msg=note)


def check_same_distribution(
    stored: Sequence[float], own: Sequence[float], alarm: float = 1e-3
) -> float:
    """Own results and stored ones have one mean, as far as their spread can tell.

    The two means lie within k standard errors of their difference (Student's t with pooled variance). k is the quantile that
    equal normal distributions exceed with the probability ``alarm``: 3.8 for 12 and 12 results, 5.0 for 6 and 4.

    Returns:
        The difference in standard errors.
    """
    first, second = np.array(stored), np.array(own)
    assert len(first) > 1 and len(second) > 1 and np.isfinite([*first, *second]).all()
    result = stats.ttest_ind(first, second)
    k = stats.t.isf(alarm / 2, len(first) + len(second) - 2)
    assert abs(result.statistic) <= k, (
        f"mean {first.mean():.4g} of {len(first)} stored, {second.mean():.4g} of {len(second)} own: "
        f"{abs(result.statistic):.1f} standard errors apart, allowed are {k:.1f}"
    )
    return float(result.statistic)


@torch.no_grad()
def predicted(cell: Cell, tensors: Arrays, replicate: int, parts: Parts) -> torch.Tensor:
    """What the stored weights of a replicate predict of its test part: predictions, or logits."""
    network = stored(cell.model, cell.parameters, tensors, replicate)
    return torch.as_tensor(network(parts["test"].rows()[0])).double()


def weights(cell: Cell) -> Arrays:
    """The stored weights of all replicates."""
    return read_arrays(cell.train / "model.safetensors")
