"""Words for names that come from data: values of an axis, parameters, ids."""

from __future__ import annotations

import re


def value_text(messages: dict[str, str], label: str) -> str:
    """A value's label as a reader says it: ``on`` is a word of the language, ``5`` stays."""
    return messages.get(f"value.{label}", label)


def named(messages: dict[str, str], group: str, name: str) -> str:
    """The catalogue's words for a name, or the name itself where the catalogue has none."""
    return messages.get(f"{group}.{name}", name)


def slug(text: str) -> str:
    """A text as an id: letters, digits, hyphen."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()
