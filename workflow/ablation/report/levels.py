"""Words for the combinations of a factorial axis."""

from __future__ import annotations

from typing import Any

from ablation.canonical import label as label_of
from ablation.report.words import Words


def level_text(words: Words, name: str, value: Any) -> str:
    """One level of a factor: ``learning rate 0.01``."""
    return f"{words.named('factor', name)} {words.value(label_of(value))}"


def with_levels(messages: dict[str, str], study: dict[str, Any]) -> dict[str, str]:
    """The catalogue with words for every combination of a study's factorial axes.

    A label is a path (``hidden_layers-1_learning_rate-0.01``); a reader gets ``hidden layers 1, learning rate 0.01``. The
    label holds the names, so that it means the same on every axis.
    """
    words = Words(messages)
    found = {
        f"value.{cell['label']}": words.join(
            [level_text(words, name, value) for name, value in cell["levels"].items()]
        )
        for model in study["models"]
        for axis in model["axes"]
        if axis.get("factors")
        for cell in axis["cells"]
    }
    return {**messages, **found}
