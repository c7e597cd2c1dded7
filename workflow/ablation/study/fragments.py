"""The parameters that a network or data file declares: what each allows, checked as strictly as a configuration is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from ablation.store.keys import normalise
from ablation.study.sentences import ConfigError, allowed, shown

Rules = dict[str, dict[str, Any]]  # by parameter
TYPES = ("integer", "number", "string", "boolean", "array")
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
COUNTS = ("minItems", "maxItems", "minLength", "maxLength")
OWN = ("default", "title", "values", "description", "first", "where", "only")
KNOWN = ("type", "enum", *NUMBERS, *COUNTS, "pattern", "items", *OWN)
KINDS = ("images", "regression", "classification")  # of data, that a parameter is only for
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Za-z]+)?")
SCALAR = bool | int | float | str


def rules_of(declared: Any, where: str) -> Rules:
    """The parameters of a file, each with what it allows.

    Args:
        declared: the literal ``PARAMETERS``.
        where: the file and the constant, for the sentence.

    Raises:
        ConfigError: one sentence.
    """
    if not isinstance(declared, dict):
        raise ConfigError(
            f"{where} is {shown(declared)}: allowed is a mapping of each parameter's name to its type, bounds and default."
        )
    for name, rule in declared.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ConfigError(
                f"{where} has the name {shown(name)}: allowed are letters, digits and underscores, a letter first."
            )
        _check_rule(rule, f"{where}.{name}", declared)
    try:
        rules: Rules = normalise(declared)
    except ValueError as error:
        raise ConfigError(
            f"{where} has a number that cannot be: {error}; allowed are finite numbers."
        ) from None
    return rules


def is_words(value: Any) -> bool:
    """Whether a value is a text, or a text in each of some languages."""
    if isinstance(value, dict):
        names = all(isinstance(name, str) and LANGUAGE.fullmatch(name) for name in value)
        return bool(value) and names and all(map(is_words, value.values()))
    return isinstance(value, str) and bool(value.strip())


def _check_rule(rule: Any, where: str, declared: Mapping[str, Any]) -> None:
    _check_schema(rule, where)
    if "title" in rule and not is_words(rule["title"]):
        raise ConfigError(
            f"{where}.title is {shown(rule['title'])}: allowed is a text, or a mapping of languages to texts."
        )
    first, others = rule.get("first"), {n for n in declared if where.rpartition(".")[2] != n}
    if first is not None and (rule.get("type") != "array" or first not in tuple(others)):
        raise ConfigError(
            f"{where}.first is {shown(first)}: allowed is, of a list, the name of the parameter that says how many are read."
        )
    condition = rule.get("where", {})
    if not isinstance(condition, dict) or not set(condition) <= others:
        raise ConfigError(
            f"{where}.where is {shown(condition)}: allowed is a mapping of another parameter to the value that this one needs."
        )
    values = rule.get("values", {})
    if not isinstance(values, dict) or not all(map(is_words, values.values())):
        raise ConfigError(
            f"{where}.values is {shown(values)}: allowed is a mapping of values to what they are called, each a text, or a "
            "mapping of languages to texts."
        )
    if "description" in rule and not is_words(rule["description"]):
        raise ConfigError(
            f"{where}.description is {shown(rule['description'])}: allowed is a text."
        )
    if rule.get("only") not in (None, *KINDS):
        raise ConfigError(
            f"{where}.only is {shown(rule['only'])}: allowed is one of {', '.join(KINDS)}."
        )
    if "default" in rule and not allows(rule, rule["default"]):
        raise ConfigError(
            f"{where}.default is {shown(rule['default'])}: allowed is {allowed(rule)}."
        )


def _check_schema(rule: Any, where: str) -> None:
    """Refuse what is no fragment of a JSON schema that sentences can tell of."""
    if not isinstance(rule, dict):
        raise ConfigError(f"{where} is {shown(rule)}: allowed is a mapping of {', '.join(KNOWN)}.")
    for name in rule:
        if name not in KNOWN:
            raise ConfigError(f"{where}.{name} is not known: allowed are {', '.join(KNOWN)}.")
    if "enum" not in rule and rule.get("type") not in TYPES:
        if "type" not in rule:
            raise ConfigError(f"{where} has neither type nor enum: it must have one of them.")
        raise ConfigError(
            f"{where}.type is {shown(rule['type'])}: allowed is one of {', '.join(TYPES)}."
        )
    if "type" in rule and rule["type"] not in TYPES:
        raise ConfigError(
            f"{where}.type is {shown(rule['type'])}: allowed is one of {', '.join(TYPES)}."
        )
    choices = rule.get("enum", [0])
    if not isinstance(choices, list) or not choices or not all(map(_is_scalar, choices)):
        raise ConfigError(
            f"{where}.enum is {shown(choices)}: allowed is a list of texts, numbers, true and false."
        )
    for name in (*NUMBERS, *COUNTS):
        if name in rule and not _is_number(rule[name], whole=name in COUNTS):
            kind = "an integer at least 0" if name in COUNTS else "a finite number"
            raise ConfigError(f"{where}.{name} is {shown(rule[name])}: allowed is {kind}.")
    if "multipleOf" in rule and rule["multipleOf"] <= 0:
        raise ConfigError(
            f"{where}.multipleOf is {shown(rule['multipleOf'])}: allowed is a number greater than 0."
        )
    if "pattern" in rule and not _is_pattern(rule["pattern"]):
        raise ConfigError(
            f"{where}.pattern is {shown(rule['pattern'])}: allowed is a regular expression."
        )
    if "items" in rule:
        _check_schema(rule["items"], f"{where}.items")


def _is_scalar(value: Any) -> bool:
    return isinstance(value, SCALAR) and not (isinstance(value, float) and not math.isfinite(value))


def _is_number(value: Any, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) and value >= 0 if whole else math.isfinite(value)


def _is_pattern(value: Any) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError):
        return False
    return True


def allows(rule: dict[str, Any], value: Any) -> bool:
    """Whether a rule allows a value."""
    try:
        return bool(Draft202012Validator(rule).is_valid(normalise(value)))
    except ValueError:  # not finite
        return False
