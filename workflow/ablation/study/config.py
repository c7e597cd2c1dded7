"""The configuration: merged variants in, a complete and valid one out, or one sentence that says what is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ablation.store.formats import schema_of
from ablation.store.keys import label, normalise

EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")
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
# Where null in a variant takes an entry of the configuration away.
DROPPED = (
    ("models",),
    ("models", "*", "axes"),
    ("models", "*", "axes", "*", "values"),
    ("models", "*", "axes", "*", "factorial"),
    ("statistics", "tested"),
    ("statistics", "tested", "*"),
)


class ConfigError(ValueError):
    """The configuration is not valid; the message is one sentence that names key, value and what is allowed."""


def schema() -> dict[str, Any]:
    """The configuration schema."""
    return schema_of("config")


def merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Merge a variant over a configuration, mapping by mapping, as ``snakemake --configfile`` does."""
    merged = dict(base)
    for name, value in override.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = merge(merged[name], value) if both else value
    return merged


def resolve(config: dict[str, Any]) -> dict[str, Any]:
    """Drop what is null, read texts as numbers where a number is wanted, fill defaults and validate.

    Raises:
        ConfigError: if anything is not allowed.
    """
    if not isinstance(config, dict):
        raise ConfigError(f"the configuration is {_shown(config)}: allowed is a mapping.")
    named = walk(_typed_axes(_typed(_named(_without_null(config)), schema())), _finite)
    _refuse_old_margin(named)
    resolved = normalise(named)
    validate(resolved, schema(), "")
    _fill_defaults(resolved, schema())
    validate(resolved, schema(), "")
    return dict(resolved)


def _refuse_old_margin(config: dict[str, Any]) -> None:
    """Say what to write instead of ``statistics.margin``, whose numbers would now mean something else."""
    statistics = config.get("statistics")
    if isinstance(statistics, dict) and "margin" in statistics:
        raise ConfigError(
            f"statistics.margin is {_shown(statistics['margin'])}, an old spelling: errors are now compared as ratios. "
            "Allowed is statistics.tested, as in fnn: {metric: mse, margin_ratio: 1.2} (20 % more matters) and "
            "cnn: {metric: accuracy, margin: 0.01}."
        )


def validate(value: Any, against: dict[str, Any], where: str) -> None:
    """Raise ConfigError for the first thing that a schema does not allow.

    Args:
        value: what to check.
        against: a schema, with ``$ref`` into the configuration schema.
        where: the key of the value, for the sentence.
    """
    validator = Draft202012Validator({**against, "$defs": schema()["$defs"]})
    errors = sorted(validator.iter_errors(value), key=lambda e: (len(e.absolute_path), str(e.path)))
    if errors:
        raise ConfigError(_sentence(errors[0], where))


def _without_null(value: Any, *path: Any) -> Any:
    """Drop what a variant sets to null where it may take something away: see :data:`DROPPED`."""
    if not isinstance(value, dict):
        return value
    droppable = any(
        len(path) == len(place) and all(map(fnmatchcase, map(str, path), place))
        for place in DROPPED
    )
    return {
        name: _without_null(item, *path, name)
        for name, item in value.items()
        if item is not None or not droppable
    }


def _named(value: Any, *path: Any) -> Any:
    """Turn keys that YAML read as something else (``off``, ``3``) into labels."""
    if isinstance(value, list):
        return [_named(item, *path, i) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    named: dict[str, Any] = {}
    for name, item in value.items():
        text = name if isinstance(name, str) else label(name)
        if text in named:
            raise ConfigError(
                f"{dotted(*path)} holds {text!r} in two spellings: each name is allowed once."
            )
        named[text] = _named(item, *path, text)
    return named


def walk(value: Any, check: Callable[..., Any], *path: Any) -> Any:
    """A copy in which every name and every leaf is what a function makes of it and of its path."""
    if isinstance(value, Mapping):
        return {check(n, *path): walk(item, check, *path, n) for n, item in value.items()}
    if isinstance(value, list | tuple):
        return [walk(item, check, *path, i) for i, item in enumerate(value)]
    return check(value, *path)


def _finite(value: Any, *path: Any) -> Any:
    """Refuse NaN and the infinities, which JSON cannot carry."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{dotted(*path)} is {value}: allowed is a finite number.")
    return value


def _typed(value: Any, rule: dict[str, Any]) -> Any:
    """Read texts as what a schema wants where it wants no text: YAML 1.1 has ``1e-3`` as one, and the command line all.

    Args:
        value: a part of a configuration.
        rule: its schema.
    """
    rule = _resolved(rule)
    if isinstance(value, str):
        return value if _allows_text(rule) else _scalar(value)
    options = [rule, *map(_resolved, rule.get("anyOf", []))]
    if isinstance(value, list):
        items: dict[str, Any] = next(
            (option["items"] for option in options if "items" in option), {}
        )
        return [_typed(item, items) for item in value]
    if not isinstance(value, dict):
        return value
    known: dict[str, Any] = {}
    rest: Any = {}
    for option in options:
        known |= option.get("properties", {})
        rest = option.get("additionalProperties") or rest
    rest = rest if isinstance(rest, dict) else {}
    return {name: _typed(item, known.get(name, rest)) for name, item in value.items()}


def _resolved(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule with what its ``$ref`` names."""
    if "$ref" not in rule:
        return rule
    return {**schema()["$defs"][rule["$ref"].rsplit("/", 1)[-1]], **rule}


def _allows_text(rule: dict[str, Any]) -> bool:
    if "anyOf" in rule:
        return any(_allows_text(_resolved(option)) for option in rule["anyOf"])
    if "enum" in rule:
        return any(isinstance(value, str) for value in rule["enum"])
    return "type" not in rule or "string" in rule["type"]


def _scalar(text: str) -> Any:
    if EXPONENT.fullmatch(text):
        return float(text)
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return found if found is None or isinstance(found, bool | int | float) else text


def _typed_axes(config: dict[str, Any]) -> dict[str, Any]:
    """Read the values of axes as what their parameters want."""
    models = config.get("models")
    for name, model in models.items() if isinstance(models, dict) else ():
        rule = schema()["$defs"].get(f"{name}_parameters", {})
        axes = model.get("axes") if isinstance(model, dict) else None
        if isinstance(axes, dict):
            model["axes"] = {axis: _typed_axis(body, rule) for axis, body in axes.items()}
    return config


def _typed_axis(axis: Any, parameters: dict[str, Any]) -> Any:
    if not isinstance(axis, dict):
        return axis
    rules: dict[str, Any] = parameters.get("properties", {})
    one = rules.get(str(axis.get("parameter")), {})
    sets = {"additionalProperties": {"properties": rules}}
    levels = {"properties": {name: {"items": rule} for name, rule in rules.items()}}
    listed = isinstance(axis.get("values"), list)
    kinds = {
        "values": {"items": one} if listed else sets,
        "reference": one if listed else {},
        "with": {"properties": rules},
        "factorial": levels,
    }
    return {name: _typed(item, kinds.get(name, {})) for name, item in axis.items()}


def _fill_defaults(value: Any, against: dict[str, Any]) -> None:
    if not isinstance(value, dict):
        return
    against = _resolved(against)
    for name, sub in against.get("properties", {}).items():
        if "default" in sub and name not in value:
            value[name] = normalise(sub["default"])
        if name in value:
            _fill_defaults(value[name], sub)
    rest = against.get("additionalProperties")
    if isinstance(rest, dict):
        for name in set(value) - set(against.get("properties", {})):
            _fill_defaults(value[name], rest)


def _shown(value: Any) -> str:
    text = label(value) if isinstance(value, bool | int | float) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def allowed(rule: dict[str, Any]) -> str:
    """What a schema allows, in words."""
    if "enum" in rule:
        return "one of " + ", ".join(map(str, rule["enum"]))
    if "anyOf" in rule:
        return " or ".join(allowed(option) for option in rule["anyOf"])
    types = rule.get("type", "object")
    text = " or ".join(TYPES[each] for each in ([types] if isinstance(types, str) else types))
    bounds = [word.format(label(rule[name])) for name, word in BOUNDS.items() if name in rule]
    return " ".join([text, ", ".join(bounds)]).strip()


def dotted(*parts: Any) -> str:
    """A key as sentences name it: ``models.cnn.axes``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the configuration"


def _sentence(error: ValidationError, where: str) -> str:
    path = ([where] if where else []) + list(error.absolute_path)
    rule: dict[str, Any] = dict(error.schema) if isinstance(error.schema, dict) else {}
    value: Any = error.instance
    if error.validator == "additionalProperties":
        unknown = sorted(set(value) - set(rule.get("properties", {})))[0]
        known = ", ".join(sorted(rule.get("properties", {})))
        return f"{dotted(*path, unknown)} is not a known key: allowed here are {known}."
    if error.validator == "required":
        missing = next(name for name in rule["required"] if name not in value)
        wanted = allowed(_resolved(rule["properties"][missing]))
        return f"{dotted(*path, missing)} is missing: it must be {wanted}."
    if error.validator == "not":
        return f"{dotted(*path)} is {_shown(value)}, a name kept for the project's own folders: choose another."
    if error.parent is not None and error.parent.validator == "propertyNames":
        path = list(error.parent.absolute_path)
    if error.validator == "pattern" and "propertyNames" in error.schema_path:
        return f"{dotted(*path)} has the name {_shown(value)}: allowed is {allowed({'type': 'string', **rule})}."
    return f"{dotted(*path)} is {_shown(value)}: allowed is {allowed(rule)}."
