"""The figures of a study, as SVG that takes its text colour from the page it stands in.

Nothing heavy is imported here, so that the names of figures cost nothing to ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ablation.store.document import AxisDocument, StudyDocument

COMMON = ("curves", "metrics")
KINDS = {"fnn": (*COMMON, "predictions"), "cnn": (*COMMON, "confusion")}
FACTORIAL = ("interaction",)


def figure_name(model: str, axis: str, kind: str) -> str:
    """The name of one figure, also its file name without ``.svg``."""
    return f"{model}_{axis}_{kind}"


def draws_name(model: str) -> str:
    """The name of the figure of the best network's further test draws."""
    return f"{model}_draws"


def kinds_of(model: str, axis: AxisDocument) -> tuple[str, ...]:
    """The kinds of figures of one axis; a factorial one begins with the interaction."""
    kinds = KINDS.get(model, COMMON)
    return (*FACTORIAL, *kinds) if axis.factors else kinds


def figure_names(model: str, axes: Iterable[AxisDocument]) -> list[str]:
    """The names of all figures of a model, axis by axis."""
    return [figure_name(model, axis.name, kind) for axis in axes for kind in kinds_of(model, axis)]


def figure_place(model: str, name: str) -> dict[str, str]:
    """Which axis and kind a figure's name stands for, by the words that the name is made of."""
    axis, _, kind = name.removeprefix(f"{model}_").rpartition("_")
    return {"axis": axis or "all", "figure": kind}


def draw_model(
    study: StudyDocument,
    comparisons: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    predictions: dict[str, pd.DataFrame],
    *,
    model: str,
    style: dict[str, Any],
    messages: dict[str, str],
    draws: dict[str, Any] | None = None,
    serialise: Callable[[Figure, str], Any] | None = None,
) -> dict[str, Any]:
    """Draw every figure of one model: the names of :func:`figure_names`, and of :func:`draws_name` → SVG.

    tables: ``cells``, ``replicates`` and ``epochs``. predictions: by key, read for regressions.
    style: ``palette``, a seaborn palette or a list of colours; its first is the reference's. ``fonts``, families in the order
    in which they are asked for a character; left out, the page's own fonts are to set the text.
    messages: the catalogue that ``ablation.language.catalogue.load`` returns. draws: the model's part of ``draws.json``; where
    it is None or has no draws, that figure is left out. serialise: from a figure, and a prefix that makes its ids its own, to
    what is returned in place of the SVG of ``ablation.figures.svg.to_svg``.
    """
    from ablation.figures.model import draw
    from ablation.figures.svg import to_svg

    serialise = serialise or to_svg
    drawn = draw(
        study, comparisons, tables, predictions, model=model, style=style, messages=messages,
        serialise=serialise,
    )  # fmt: skip
    if draws and draws["draws"]:
        from ablation.figures.draws import draw as draw_draws

        drawn[draws_name(model)] = draw_draws(
            draws, draws_name(model), messages, serialise=serialise, fonts=style.get("fonts")
        )
    return drawn
