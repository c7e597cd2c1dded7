"""The configuration: merged variants in, a complete and valid one out, or one sentence that says what is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from jsonschema import Draft202012Validator

from ablation.store.formats import schema_of
from ablation.store.keys import label, normalise
from ablation.study.components import shipped
from ablation.study.margins import margins
from ablation.study.merging import merge
from ablation.study.models import DEFAULTS, Model, model_of
from ablation.study.sentences import ConfigError, dotted, sentence, shown
from ablation.study.typed import resolved_rule, typed, typed_model

__all__ = ["ConfigError", "dotted", "merge", "resolve", "schema", "validate", "walk"]

# Where null in a variant takes an entry of the configuration away: entries of these mappings, and these keys.
DROPPED = (
    ("models",),
    ("models", "*", "margin"),
    ("models", "*", "recipe"),
    ("models", "*", "parameters"),
    ("models", "*", "axes"),
    ("models", "*", "axes", "*", "values"),
    ("models", "*", "axes", "*", "factorial"),
    ("statistics", "tested"),
    ("statistics", "tested", "*"),
)
FOLDERS = {"network": "networks", "data": "data"}
DROPPED_KEYS = (("models", "*", "margin"), ("models", "*", "network"), ("models", "*", "data"))
REPLICATES = {"parts": 6000, "drawn": 1000}  # at most, by how the data are split


def schema() -> dict[str, Any]:
    """The configuration schema."""
    return schema_of("config")


def resolve(config: dict[str, Any]) -> dict[str, Any]:
    """Drop what is null, read texts as numbers where a number is wanted, fill defaults and validate.

    What a model says in ``recipe`` is in its ``parameters`` afterwards, complete, and its ``margin`` in ``statistics.tested``.

    Raises:
        ConfigError: if anything is not allowed.
    """
    if not isinstance(config, dict):
        raise ConfigError(f"the configuration is {shown(config)}: allowed is a mapping.")
    written = typed(_named(config), schema())
    named = walk(_without_null(written), _finite)
    _refuse_old_spellings(named)
    resolved = normalise(named)
    validate(resolved, schema(), "")
    _fill_defaults(resolved, schema())
    models = {name: _model(name, body) for name, body in resolved["models"].items()}
    _check_names(resolved)
    dropped = {name for name, body in written["models"].items() if body is None}
    resolved["statistics"]["tested"] = margins(resolved, models, dropped)
    return dict(resolved)


def model_in(name: str, body: Mapping[str, Any]) -> Model:
    """The model that a part of a configuration names.

    Raises:
        ConfigError: one sentence.
    """
    files = {**DEFAULTS.get(name, {}), **body}
    for section, folder in FOLDERS.items():
        if section not in files:
            raise ConfigError(
                f"models.{name}.{section} is missing: it must be one of {', '.join(shipped(folder))}, "
                "or the path of a file that ends in .py."
            )
    return model_of(name, files["network"], files["data"])


def _model(name: str, body: dict[str, Any]) -> Model:
    """Complete one model's part of a configuration in its place."""
    model, where = model_in(name, body), f"models.{name}"
    for parameter, default in DEFAULTS.get(name, {}).items():
        body.setdefault(parameter, default)
    body.update(normalise(walk(typed_model(body, model.rules), _finite, "models", name)))
    limit = REPLICATES["parts" if model.data.parts else "drawn"]
    step = {"multipleOf": model.replicate_step} if model.replicate_step > 1 else {}
    rule = {"type": "integer", "minimum": model.replicate_step, "maximum": limit, **step}
    validate(body["replicates"], rule, f"{where}.replicates")
    recipe, parameters = body.pop("recipe", {}), body.get("parameters", {})
    validate(recipe, closed(model.recipe, required=False), f"{where}.recipe")
    validate(parameters, closed(model.rules, required=False), f"{where}.parameters")
    twice = next((parameter for parameter in recipe if parameter in parameters), None)
    if twice is not None:
        raise ConfigError(
            f"{where}.recipe.{twice} is {shown(recipe[twice])}, and {where}.parameters.{twice} is {shown(parameters[twice])}: "
            "allowed is one of the two."
        )
    defaults = {n: normalise(r["default"]) for n, r in model.rules.items() if "default" in r}
    complete = {**defaults, **recipe, **parameters}
    validate(complete, closed(model.rules, required=True), f"{where}.parameters")
    body["parameters"] = complete
    for axis, content in body["axes"].items():
        if isinstance(content.get("values"), list) and axis in model.rules:
            content.setdefault("parameter", axis)
    return model


def closed(rules: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    """The schema of a mapping of parameters, of all of them or of some."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": dict(rules),
        "required": list(rules) if required else [],
    }


def _check_names(config: dict[str, Any]) -> None:
    """Refuse a study that would share a folder of results with a model."""
    name = config["study"]["name"]
    if name in config["models"]:
        raise ConfigError(
            f"study.name is {name!r}, which is a model's name, too: both would own results/{name}, so choose another."
        )


def _refuse_old_spellings(config: dict[str, Any]) -> None:
    """Say what to write instead of keys whose meaning has changed."""
    statistics, compute = config.get("statistics"), config.get("compute")
    if isinstance(statistics, dict) and "margin" in statistics:
        raise ConfigError(
            f"statistics.margin is {shown(statistics['margin'])}, an old spelling: errors are now compared as ratios. "
            "Allowed is the margin of a model, as in fnn: {margin: {metric: mse, margin_ratio: 1.2}} (20 % more matters) and "
            "cnn: {margin: {metric: accuracy, margin: 0.01}}."
        )
    if isinstance(compute, dict) and "threads" in compute:
        raise ConfigError(
            f"compute.threads is {shown(compute['threads'])}, but no number depends on threads any more: leave it out, and "
            "write snakemake --cores N, or --set-threads train=N for the most that one cell may take."
        )


def validate(value: Any, against: dict[str, Any], where: str) -> None:
    """Raise ConfigError for the first thing that a schema does not allow.

    Args:
        value: what to check.
        against: a schema, with ``$ref`` into the configuration schema.
        where: the key of the value, for the sentence.
    """
    validator = Draft202012Validator({**against, "$defs": schema()["$defs"]})
    errors = validator.iter_errors(value)
    error = min(errors, key=lambda e: (len(e.absolute_path), str(e.path)), default=None)
    if error is not None:
        raise ConfigError(sentence(error, where, _missing(error)))


def _missing(error: Any) -> dict[str, Any]:
    """What a key that is missing must be."""
    if error.validator != "required":
        return {}
    name = next(key for key in error.schema["required"] if key not in error.instance)
    return resolved_rule(error.schema["properties"][name])


def _without_null(value: Any, *path: Any) -> Any:
    """Drop what a variant sets to null where it may take something away: see :data:`DROPPED`."""
    if not isinstance(value, dict):
        return value
    droppable = _is_one_of(DROPPED, path)
    return {
        name: _without_null(item, *path, name)
        for name, item in value.items()
        if item is not None or not (droppable or _is_one_of(DROPPED_KEYS, (*path, name)))
    }


def _is_one_of(places: tuple[tuple[str, ...], ...], path: tuple[Any, ...]) -> bool:
    return any(
        len(path) == len(place) and all(map(fnmatchcase, map(str, path), place)) for place in places
    )


def _named(value: Any, *path: Any) -> Any:
    """Turn keys that YAML read as something else (``off``, ``3``) into labels."""
    if isinstance(value, list):
        return [_named(item, *path, i) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    named: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(name, float) and not math.isfinite(name):
            raise ConfigError(f"{dotted(*path)} has the name {name}: allowed is a text.")
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


def _fill_defaults(value: Any, against: dict[str, Any]) -> None:
    if not isinstance(value, dict):
        return
    against = resolved_rule(against)
    for name, sub in against.get("properties", {}).items():
        if "default" in sub and name not in value:
            value[name] = normalise(sub["default"])
        if name in value:
            _fill_defaults(value[name], sub)
    rest = against.get("additionalProperties")
    if isinstance(rest, dict):
        for name in set(value) - set(against.get("properties", {})):
            _fill_defaults(value[name], rest)
