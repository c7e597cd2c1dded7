"""Words for the combinations of a factorial axis."""

from __future__ import annotations

from ablation.language.words import Words
from ablation.store.document import StudyDocument
from ablation.store.keys import label as label_of


def with_levels(messages: dict[str, str], study: StudyDocument) -> dict[str, str]:
    """The catalogue with words for every combination of a study's factorial axes.

    A label is a path (``kernel-3_dropout-0.4``); a reader gets ``kernel size 3, dropout 0.4``. The label holds the names, so
    that it means the same on every axis.
    """
    words = Words(messages)
    found = {
        f"value.{cell.label}": words.join(
            [words.fixed(name, label_of(value)) for name, value in cell.levels.items()]
        )
        for model in study.models
        for axis, cell in model.places()
        if axis.factors
    }
    return {**messages, **found}
