"""Message catalogues: every word of a report and of its figures, by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "report"
LANGUAGES = ("en", "zh")


def load(language: str) -> dict[str, str]:
    """The catalogue of a language as one flat mapping, ``figure.epoch`` → ``Epoch``.

    Raises:
        ValueError: for a language without a catalogue.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no messages for the language {language!r}; there are {LANGUAGES}")
    text = (FOLDER / "messages" / f"{language}.yaml").read_text(encoding="utf-8")
    return flatten(yaml.safe_load(text))


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """A tree of mappings as one mapping, its keys joined by dots."""
    flat: dict[str, str] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            flat.update(flatten(value, f"{key}."))
        else:
            flat[key] = str(value)
    return flat
