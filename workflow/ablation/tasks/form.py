"""What a data file declares of its arrays, and whether they are that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from ablation.data.arrays import Array, Data

PARTS = 6  # of a regression, where the data file says nothing
DRAWN = (4.8, 1.2, 1.0)  # of a classification


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


def checked(data: Data, form: Form) -> Data:
    """The data with the types that are stored.

    Raises:
        ValueError: if they are not what the data file declares, with one sentence.
    """
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
    typed = replace(data, inputs=inputs, target=target, groups=groups)
    if data.test_inputs is None or data.test_target is None:
        return replace(typed, test_inputs=None, test_target=None)
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
    return replace(typed, test_inputs=test_inputs, test_target=test_target)


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
