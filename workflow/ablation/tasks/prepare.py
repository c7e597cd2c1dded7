"""From the arrays of a data set to the two prepared parts: what training may see, and what only evaluation opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation.data.arrays import Array, Data
from ablation.tasks.splits import Rows, Split, deal, draw, draw_further, part_sizes

Arrays = dict[str, NDArray[Any]]
PARTS = 6  # of a regression, where the data file says nothing
DRAWN = (4.8, 1.2, 1.0)  # of a classification
FEWEST_ROWS = 2  # of a part


@dataclass(frozen=True)
class Form:
    """What a data file declares of its arrays and of how to split them.

    Attributes:
        task: ``regression`` or ``classification``.
        classes: how many there are; 0 of a regression.
        names: of the classes, where the file has them.
        images: whether the inputs are images.
        parts: how many parts all rows are dealt to; 0 where parts are drawn.
        drawn: train : validation : test.
    """

    task: str
    classes: int = 0
    names: tuple[str, ...] = ()
    images: bool = False
    parts: int = 0
    drawn: tuple[float, ...] = DRAWN


def form_of(module: ModuleType) -> Form:
    """Read what a data file declares.

    Raises:
        ValueError: if it says too little or too much, with one sentence.
    """
    task = getattr(module, "TASK", None)
    if task not in ("regression", "classification"):
        raise ValueError(f"TASK is {task!r}: allowed are 'regression' and 'classification'")
    declared = getattr(module, "CLASSES", 0)
    names = tuple(map(str, declared)) if isinstance(declared, list | tuple) else ()
    classes = (len(names) or int(declared)) if task == "classification" else 0
    if task == "classification" and classes < 2:
        raise ValueError(
            f"CLASSES is {declared!r}: allowed are how many classes there are, from 2, or the list of their names"
        )
    parts, drawn = getattr(module, "PARTS", None), getattr(module, "DRAWN", None)
    if parts is not None and drawn is not None:
        raise ValueError("PARTS and DRAWN are both given: allowed is one of them")
    if parts is None and drawn is None and task == "regression":
        parts = PARTS
    if parts is not None and parts < 3:
        raise ValueError(f"PARTS is {parts}: allowed are 3 and more")
    drawn = tuple(drawn or DRAWN)
    if len(drawn) != 3 or min(drawn) <= 0:
        raise ValueError(
            f"DRAWN is {list(drawn)}: allowed are three numbers above 0, train : validation : test"
        )
    return Form(task, classes, names, bool(getattr(module, "IMAGES", False)), parts or 0, drawn)


def prepare(
    data: Data, form: Form, parameters: dict[str, Any], seed: int, replicates: int
) -> tuple[Arrays, Arrays]:
    """The part that training may see, and the part that only evaluation opens.

    Args:
        data: all that the data file loaded.
        form: what the data file declares.
        parameters: ``share`` and ``test`` (``drawn`` or ``official``) where splits are drawn.
        seed, replicates: which streams.

    Returns:
        ``inputs [N, …]``, ``target [N]``, ``row [N]`` (the number in the data; an official test set is counted on from the
        rest), ``train_index [R, n]`` and ``validation_index [R, m]`` (padded with 0) with ``train_n [R]`` and
        ``validation_n [R]``, ``mean`` and ``scale`` of the train part (of a table ``[R, F]``; of images in units of 0 to 1,
        ``[R]``, or ``[R, C]`` where they have channels), ``target_mean [R]`` and ``target_scale [R]`` of a regression, and
        ``outputs``, how many numbers a network gives.

        And ``inputs``, ``target``, ``row``, ``test_index [R, k]``, ``test_n [R]``; ``fixed``, whether all replicates share one
        test set; ``pool``, how many samples splits are made of; ``parts``, to how many they are dealt (0 where parts are
        drawn); where they are drawn also ``draw_index [R, 3, l]`` and ``draw_n [R, 3]``: further test draws of samples that
        are in none of the replicate's other parts but the test part. Each holds only the samples that its indices name.

    Raises:
        ValueError: if the data are not what the data file declares, or cannot be split, with one sentence.
    """
    checked = _checked(data, form)
    official = not form.parts and parameters["test"] == "official"
    if official and checked.test_inputs is None:
        raise ValueError(
            "test is 'official', but the data have no test set of their own: allowed is drawn"
        )
    pool = checked if official or checked.test_inputs is None else _joined(checked)
    if pool.groups is not None and len(pool.groups) != len(pool.target):
        raise ValueError(
            f"groups has {len(pool.groups)} entries, but splits are made of {len(pool.target)} rows: allowed is one for each"
        )
    splits = [_split(pool, form, parameters, seed, r, official=official) for r in range(replicates)]
    _check_parts(pool, form, splits)
    seen = {
        **_part(pool, {name: [one[name] for one in splits] for name in ("train", "validation")}),
        **_moments(pool, form, [one["train"] for one in splits]),
        "outputs": np.array(form.classes or 1),
    }
    tested, counted_from = pool, 0
    if official:
        tested, counted_from = _official(checked), len(checked.target)
        whole = np.arange(len(tested.target))
        splits = [{**one, "test": whole} for one in splits]
    index = {"test": [one["test"] for one in splits]}
    draws: Arrays = {}
    if not form.parts:
        further = [
            _further(tested, one, seed, replicate, official=official)
            for replicate, one in enumerate(splits)
        ]
        index["draw"] = [each for own in further for each in own]
    test = _part(tested, index)
    if not form.parts:
        draws = {
            "draw_index": test["draw_index"].reshape(replicates, len(further[0]), -1),
            "draw_n": test["draw_n"].reshape(replicates, -1),
        }
    facts = {
        "fixed": np.array(official),
        "pool": np.array(len(pool.target)),
        "parts": np.array(form.parts),
    }
    return seen, {**test, **draws, "row": test["row"] + counted_from, **facts}


def _checked(data: Data, form: Form) -> Data:
    """The data with the types that are stored."""
    inputs, target = _inputs(data.inputs, form, "inputs"), _target(data.target, form, "target")
    if len(inputs) != len(target):
        raise ValueError(f"inputs has {len(inputs)} rows, but target has {len(target)}")
    if form.names and data.classes and tuple(data.classes) != form.names:
        raise ValueError(
            f"CLASSES is {list(form.names)}, but the data hold {list(data.classes)}: allowed are the same in the same order"
        )
    if form.task == "classification" and len(np.unique(target)) < 2:
        raise ValueError("target holds one class alone: allowed are two and more")
    groups = None
    if data.groups is not None:
        if np.ndim(data.groups) != 1:
            raise ValueError(
                "groups has more than one dimension: allowed is one entry for each row"
            )
        groups = np.unique(data.groups, return_inverse=True)[1].astype(np.int64)
    checked = replace(data, inputs=inputs, target=target, groups=groups)
    if data.test_inputs is None or data.test_target is None:
        return replace(checked, test_inputs=None, test_target=None)
    test_inputs = _inputs(data.test_inputs, form, "test_inputs")
    test_target = _target(data.test_target, form, "test_target")
    if len(test_inputs) != len(test_target):
        raise ValueError(
            f"test_inputs has {len(test_inputs)} rows, but test_target has {len(test_target)}"
        )
    if test_inputs.shape[1:] != inputs.shape[1:]:
        raise ValueError(
            f"test_inputs are of shape {test_inputs.shape[1:]}, but inputs of {inputs.shape[1:]}"
        )
    return replace(checked, test_inputs=test_inputs, test_target=test_target)


def _inputs(inputs: Array, form: Form, name: str) -> Array:
    array = np.asarray(inputs)
    if form.images:
        if array.dtype != np.uint8 or array.ndim not in (3, 4):
            raise ValueError(
                f"{name} is an array of {array.dtype} in {array.ndim} dimensions: "
                "allowed of images are unsigned bytes (uint8), [N, H, W] or [N, C, H, W]"
            )
        return array
    if array.dtype.kind not in "iufb" or array.ndim != 2:
        raise ValueError(
            f"{name} is an array of {array.dtype} in {array.ndim} dimensions: "
            "allowed of a table are numbers, [N, F] (a data file of images says IMAGES = True)"
        )
    _require_finite(array, name)
    return array.astype(np.float64)


def _target(target: Array, form: Form, name: str) -> Array:
    array = np.asarray(target)
    if array.dtype.kind not in "iufb" or array.ndim != 1:
        raise ValueError(
            f"{name} is an array of {array.dtype} in {array.ndim} dimensions: allowed are numbers, [N]"
        )
    _require_finite(array, name)
    if form.task == "regression":
        return array.astype(np.float64)
    whole = array.astype(np.int64)
    wrong = (whole != array) | (whole < 0) | (whole >= form.classes)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"{name} is {array[row]} in row {row}: allowed of {form.classes} classes are the numbers 0 to {form.classes - 1}"
        )
    return whole


def _require_finite(array: Array, name: str) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        place = np.unravel_index(int(np.argmin(finite)), array.shape)
        where = f"row {place[0]}" + (f" and column {place[1]}" if len(place) > 1 else "")
        raise ValueError(f"{name} is {array[place]} in {where}: allowed are finite numbers")


def _joined(data: Data) -> Data:
    """The data with the official test set behind them."""
    tested = _official(data)
    inputs = np.concatenate([data.inputs, tested.inputs])
    return replace(data, inputs=inputs, target=np.concatenate([data.target, tested.target]))


def _official(data: Data) -> Data:
    assert data.test_inputs is not None
    assert data.test_target is not None
    return Data(data.test_inputs, data.test_target)


def _split(
    pool: Data, form: Form, parameters: dict[str, Any], seed: int, replicate: int, *, official: bool
) -> Split:
    rows, classified = len(pool.target), form.task == "classification"
    if form.parts:
        strata = pool.target if classified else None
        return deal(rows, form.parts, seed, replicate, strata=strata, groups=pool.groups)
    sizes = part_sizes(form.drawn, parameters["share"], rows, official=official)
    strata = pool.target if classified else np.zeros(rows, np.int64)
    return draw(strata, sizes, seed, replicate, groups=pool.groups)


def _check_parts(pool: Data, form: Form, splits: Sequence[Split]) -> None:
    """Every part must be large enough to train on, or to tell a good network from a bad one."""
    for replicate, split in enumerate(splits):
        for name, rows in split.items():
            if len(rows) < FEWEST_ROWS:
                raise ValueError(
                    f"the {name} part of replicate {replicate} has {len(rows)} rows of {len(pool.target)}: "
                    f"allowed are {FEWEST_ROWS} and more, so give more rows or groups, a larger share or fewer parts"
                )
            if form.task == "regression" and np.ptp(pool.target[rows]) == 0:
                raise ValueError(
                    f"the target is {pool.target[rows[0]]} in all rows of the {name} part of replicate {replicate}: "
                    "allowed are two values and more"
                )


def _further(
    tested: Data, split: Split, seed: int, replicate: int, *, official: bool
) -> list[Rows]:
    taken = [] if official else [split["train"], split["validation"]]
    rows, size = len(tested.target), len(split["test"])
    return draw_further(rows, taken, size, seed, replicate, groups=tested.groups)


def _part(source: Data, index: dict[str, list[Rows]]) -> Arrays:
    """The samples that some index names, once each, with the indices into them."""
    kept = np.unique(np.concatenate([each for own in index.values() for each in own]))
    found: Arrays = {"inputs": source.inputs[kept], "target": source.target[kept], "row": kept}
    for name, own in index.items():
        counts = np.array([len(each) for each in own])
        padded = np.zeros((len(own), counts.max()), np.int64)
        for place, each in zip(padded, own, strict=True):
            place[: len(each)] = np.searchsorted(kept, each)
        found |= {f"{name}_index": padded, f"{name}_n": counts}
    return found


def _moments(pool: Data, form: Form, train: Sequence[Rows]) -> Arrays:
    """Mean and scale of the train parts, in double precision; what does not vary has the scale 1."""
    measure = _pixels if form.images else _columns
    measured = [measure(pool.inputs[rows]) for rows in train]
    moments = {"mean": [mean for mean, _ in measured], "scale": [scale for _, scale in measured]}
    if form.task == "regression":
        targets = [_columns(pool.target[rows]) for rows in train]
        moments["target_mean"] = [mean for mean, _ in targets]
        moments["target_scale"] = [scale for _, scale in targets]
    found = {name: np.stack(values) for name, values in moments.items()}
    for name, values in found.items():
        if not np.isfinite(values).all():
            raise ValueError(f"{name} of the train part is not finite: allowed are smaller numbers")
    return found


def _columns(values: Array) -> tuple[Array, Array]:
    with np.errstate(over="ignore", invalid="ignore"):
        scale, varies = values.std(0), values.max(0) > values.min(0)
        return np.asarray(values.mean(0)), np.where(varies, scale, 1.0)


def _pixels(images: Array) -> tuple[Array, Array]:
    """Of pixels in units of 0 to 1, exactly, from their histogram; of each channel where there are channels."""
    if images.ndim == 4:
        means, scales = zip(*(_pixels(own) for own in images.swapaxes(0, 1)), strict=True)
        return np.array(means), np.array(scales)
    counts = np.bincount(images.ravel(), minlength=256)
    values, total = np.arange(256) / 255.0, counts.sum()
    mean = values @ counts / total
    scale = np.sqrt(np.square(values - mean) @ counts / total)
    return np.asarray(mean), np.asarray(scale if np.count_nonzero(counts) > 1 else 1.0)
