"""Two studies side by side: settings, effects per cell, verdicts, environments. Pure: two documents in, a plain value out."""

from __future__ import annotations

from typing import Any

from ablation.diff.effects import effects
from ablation.diff.facts import environments, settings, verdicts


def compare(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """What differs between two documents of :mod:`ablation.results.bundle`; differences are B minus A.

    Returns:
        ``settings``: rows of name, a, b, for what is declared differently; ``compute_known``: whether both carry their whole
        configuration; ``models``: what :func:`ablation.diff.effects.effects` found, by model that both have; ``verdicts``:
        rows of the cells whose verdict is another; ``environments``: facts that are not the same.
    """
    return {
        "settings": settings(a, b),
        "compute_known": a["config"] is not None and b["config"] is not None,
        "models": effects(a, b),
        "verdicts": verdicts(a, b),
        "environments": environments(a, b),
    }
