"""The figures of a study, as SVG that takes its text colour from the page it stands in.

Nothing heavy is imported here, so that the names of figures cost nothing to ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablation.store.document import AxisDocument, ModelDocument

COMMON = ("curves", "metrics")
KINDS = {"regression": (*COMMON, "predictions"), "classification": (*COMMON, "confusion")}
FACTORIAL = ("interaction",)


def figure_name(model: str, axis: str, kind: str) -> str:
    """The name of one figure, also its file name without ``.svg``."""
    return f"{model}_{axis}_{kind}"


def draws_name(model: str) -> str:
    """The name of the figure of the best network's further test draws."""
    return f"{model}_draws"


def kinds_of(task: str, axis: AxisDocument) -> tuple[str, ...]:
    """The kinds of figures of one axis; a factorial one begins with the interaction."""
    return (*FACTORIAL, *KINDS[task]) if axis.factors else KINDS[task]


def figure_names(model: ModelDocument) -> list[str]:
    """The names of all figures of a model, axis by axis."""
    return [
        figure_name(model.name, axis.name, kind)
        for axis in model.axes
        for kind in kinds_of(model.task, axis)
    ]


def figure_place(model: str, name: str) -> dict[str, str]:
    """Which factor and kind a figure's name stands for, by the words that the name is made of."""
    axis, _, kind = name.removeprefix(f"{model}_").rpartition("_")
    return {"factor": axis or "all", "figure": kind}
