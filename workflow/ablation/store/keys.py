"""Canonical text of values: what makes two specifications equal, and what a value is called in a path."""

from __future__ import annotations

import hashlib
import json
import math
import re
from decimal import Decimal
from typing import Any

KEY_DIGITS = 16
SAFE_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def normalise(value: Any) -> Any:
    """Give equal numbers one form: ``5.0`` becomes ``5``; mappings and lists are copied.

    Raises:
        ValueError: for NaN or an infinity, which JSON cannot carry.
    """
    if isinstance(value, dict):
        return {str(name): normalise(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [normalise(item) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
        return int(value) if value.is_integer() else value
    return value


def canonical_json(value: Any) -> str:
    """One text per value: sorted names, normalised numbers, no spaces."""
    return json.dumps(
        normalise(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def digest(text: str) -> str:
    """The first 16 hex digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]


def key_of(spec: Any) -> str:
    """The cache key of a resolved specification."""
    return digest(canonical_json(spec))


def label(value: Any) -> str:
    """The name of a value in a path: ``0.0001``, ``5``, ``relu``, ``on``, ``16-32``."""
    value = normalise(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, list):
        return "-".join(label(item) for item in value)
    return str(value)
