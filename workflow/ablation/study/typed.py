"""Texts of a configuration as what is meant by them: YAML 1.1 has ``1e-3`` as a text, and the command line all."""

from __future__ import annotations

import re
from typing import Any

from ablation.store.formats import schema_of
from ablation.study.fragments import Rules
from ablation.study.texts import TextError, parse

EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")
Rule = dict[str, Any]


def typed(value: Any, rule: dict[str, Any]) -> Any:
    """Read texts as what a schema wants where it wants no text: YAML 1.1 has ``1e-3`` as one, and the command line all.

    Args:
        value: a part of a configuration.
        rule: its schema.
    """
    rule = resolved_rule(rule)
    if isinstance(value, str):
        return value if _allows_text(rule) else _scalar(value)
    options = [rule, *map(resolved_rule, rule.get("anyOf", []))]
    if isinstance(value, list):
        items: dict[str, Any] = next(
            (option["items"] for option in options if "items" in option), {}
        )
        return [typed(item, items) for item in value]
    if not isinstance(value, dict):
        return value
    properties: dict[str, Any] = {}
    rest: Any = {}
    for option in options:
        properties |= option.get("properties", {})
        rest = option.get("additionalProperties") or rest
    rest = rest if isinstance(rest, dict) else {}
    return {name: typed(item, properties.get(name, rest)) for name, item in value.items()}


def resolved_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule with what its ``$ref`` names."""
    if "$ref" not in rule:
        return rule
    return {**schema_of("config")["$defs"][rule["$ref"].rsplit("/", 1)[-1]], **rule}


def _allows_text(rule: dict[str, Any]) -> bool:
    if "anyOf" in rule:
        return any(_allows_text(resolved_rule(option)) for option in rule["anyOf"])
    if "enum" in rule:
        return any(isinstance(value, str) for value in rule["enum"])
    return "type" not in rule or "string" in rule["type"]


def _scalar(text: str) -> Any:
    if EXPONENT.fullmatch(text):
        return float(text)
    try:
        value = parse(text)
    except TextError:
        return text
    return value if value is None or isinstance(value, bool | int | float) else text


def typed_model(model: Rule, rules: Rules) -> Rule:
    """One model's part of a configuration, its parameters and the values of its axes read as what the parameters want."""
    known_rule: Rule = {"properties": rules}
    rule: Rule = {
        name: typed(model[name], known_rule) for name in ("recipe", "parameters") if name in model
    }
    axes = {name: _typed_axis(axis, name, rules) for name, axis in model["axes"].items()}
    return {**model, **rule, "axes": axes}


def _typed_axis(axis: Rule, name: str, rules: Rules) -> Rule:
    rule_of_parameter = rules.get(str(axis.get("parameter", name)), {})
    sets = {"additionalProperties": {"properties": rules}}
    levels = {"properties": {name: {"items": rule} for name, rule in rules.items()}}
    listed = isinstance(axis.get("values"), list)
    kinds = {
        "values": {"items": rule_of_parameter} if listed else sets,
        "reference": rule_of_parameter if listed else {},
        "with": {"properties": rules},
        "factorial": levels,
    }
    return {key: typed(item, kinds[key]) if key in kinds else item for key, item in axis.items()}
