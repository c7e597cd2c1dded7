"""What is said of a configuration that is not valid: one sentence that names the key, the value and what is allowed."""

from __future__ import annotations

import math
from typing import Any

from jsonschema.exceptions import ValidationError

from ablation.store.keys import label

TYPES = {
    "integer": "an integer",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "greater than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minItems": "of at least {} entries",
    "maxItems": "of at most {} entries",
    "minProperties": "of at least {} entries",
    "maxProperties": "of at most {} entries",
    "pattern": "that matches {}",
    "minLength": "of at least {} characters",
    "maxLength": "of at most {} characters",
}


class ConfigError(ValueError):
    """The configuration is not valid; the message is one sentence that names key, value and what is allowed."""


def shown(value: Any) -> str:
    """A value as sentences quote it."""
    is_number = isinstance(value, bool | int | float) and math.isfinite(value)
    text = label(value) if is_number else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def allowed(rule: dict[str, Any]) -> str:
    """What a schema allows, in words."""
    if "enum" in rule:
        return "one of " + ", ".join(map(str, rule["enum"]))
    if "anyOf" in rule:
        return " or ".join(allowed(option) for option in rule["anyOf"])
    types = rule.get("type", "object")
    text = " or ".join(TYPES[kind] for kind in ([types] if isinstance(types, str) else types))
    bounds = [word.format(label(rule[name])) for name, word in BOUNDS.items() if name in rule]
    return " ".join([text, ", ".join(bounds)]).strip()


def dotted(*parts: Any) -> str:
    """A key as sentences name it: ``models.cnn.axes``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the configuration"


def sentence(error: ValidationError, where: str, missing_rule: dict[str, Any]) -> str:
    """The sentence for one thing that a schema does not allow.

    Args:
        error: what is not allowed.
        where: the key of the value that was checked.
        missing_rule: of a missing key, what it must be.
    """
    path: list[str | int] = [*([where] if where else []), *error.absolute_path]
    rule: dict[str, Any] = dict(error.schema) if isinstance(error.schema, dict) else {}
    value: Any = error.instance
    if error.validator == "additionalProperties":
        unknown = sorted(set(value) - set(rule.get("properties", {})))[0]
        names = ", ".join(sorted(rule.get("properties", {})))
        return f"{dotted(*path, unknown)} is not a known key: allowed here are {names}."
    if error.validator == "required":
        missing = next(name for name in rule["required"] if name not in value)
        return f"{dotted(*path, missing)} is missing: it must be {allowed(missing_rule)}."
    is_name = error.parent is not None and error.parent.validator == "propertyNames"
    if error.parent is not None and is_name:
        path = [*([where] if where else []), *error.parent.absolute_path]
    is_name = is_name or "propertyNames" in error.schema_path
    if error.validator == "not":
        reserved = f"has the name {shown(value)}," if is_name else f"is {shown(value)}, a name"
        return f"{dotted(*path)} {reserved} kept for the project's own folders: choose another."
    if error.validator == "pattern" and is_name:
        return f"{dotted(*path)} has the name {shown(value)}: allowed is {allowed({'type': 'string', **rule})}."
    return f"{dotted(*path)} is {shown(value)}: allowed is {allowed(rule)}."
