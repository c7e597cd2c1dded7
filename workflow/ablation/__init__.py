"""Reproducible ablation studies: stacked replicates, cached cells, honest comparisons.

``ablation.load("smoke")`` gives a finished study as tables and networks.
"""

from importlib import import_module
from typing import Any

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """What users ask for, imported only then; by name, since the digest of all code follows import statements from here."""
    if name in __all__:
        return getattr(import_module("ablation.loading"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
