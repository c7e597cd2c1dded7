"""The data of the interactive overlay of learning curves."""

from __future__ import annotations

from typing import Any

from jinja2.utils import htmlsafe_json_dumps

from ablation.figures.style import BAND
from ablation.language import numbers as fmt
from ablation.language.words import Words

QUANTITIES = ("val_loss", "train_loss", "val_accuracy")
CHOSEN = 3  # cells that are shown at first


def overlay_view(
    cells: list[dict[str, Any]], portraits: dict[str, Any], words: Words
) -> dict[str, Any] | None:
    """What the overlay of one model shows; None where no cell has curves.

    cells: ``key`` and ``title`` of each distinct cell. portraits: by key, with ``series``: ``epochs`` and per quantity median,
    low and high over replicates.
    """
    known = [cell for cell in cells if (portraits.get(cell["key"]) or {}).get("series")]
    if not known:
        return None
    series = {cell["key"]: portraits[cell["key"]]["series"] for cell in known}
    present = [name for name in QUANTITIES if any(name in each for each in series.values())]
    return {
        "cells": [
            {"key": cell["key"], "text": cell["title"], "chosen": number < CHOSEN}
            for number, cell in enumerate(known)
        ],
        "quantities": [{"name": name, "text": words(f"figure.{name}")} for name in present],
        "band": fmt.percent(BAND[1] - BAND[0]),
        "json": htmlsafe_json_dumps(series, separators=(",", ":")),
    }
