"""One configuration over another: mapping by mapping, but where what is inherited would mean something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Config = dict[str, Any]
WHOLE = ("parameter", "values", "factorial")  # an axis that has one of them is another axis
SECTIONS = ("recipe", "parameters")  # of a model; a name stands in one of them


def merge(base: Config, override: Mapping[str, Any]) -> Config:
    """Merge a variant over a configuration.

    Mappings are merged and all else is replaced. So are, as a whole, the report's title, whose languages say the same, and an
    axis that the variant gives values. A margin replaces what ``statistics.tested`` says of the model, and the other way round.
    """
    base = _without_old_margins(base, override)
    merged = _merge(base, override)
    if "title" in _at(override, "report"):
        merged["report"] = {**merged["report"], "title": override["report"]["title"]}
    models, variants = base.get("models"), override.get("models")
    if isinstance(models, dict) and isinstance(variants, dict):
        merged["models"] = {
            **merged["models"],
            **{
                name: _model(models[name], variants[name])
                for name in variants
                if isinstance(models.get(name), dict) and isinstance(variants[name], dict)
            },
        }
    return merged


def _merge(base: Mapping[str, Any], override: Mapping[str, Any]) -> Config:
    merged = dict(base)
    for name, value in override.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merge(merged[name], value) if both else value
    return merged


def _model(base: Config, override: Config) -> Config:
    base = {
        **base,
        **{section: _kept(base, override, section) for section in SECTIONS if section in base},
    }
    merged = _merge(base, override)
    axes, variants = base.get("axes"), override.get("axes")
    if isinstance(axes, dict) and isinstance(variants, dict):
        for name, axis in variants.items():
            if isinstance(axis, dict) and set(axis) & set(WHOLE):
                merged["axes"] = {**merged["axes"], name: axis}
    return merged


def _kept(base: Config, override: Config, section: str) -> Any:
    """A section of a model without what the override says in the other one."""
    kept = base[section]
    other = override.get(next(other_name for other_name in SECTIONS if other_name != section))
    if not isinstance(kept, dict) or not isinstance(other, dict):
        return kept
    return {name: value for name, value in kept.items() if name not in other}


def _without_old_margins(base: Config, override: Mapping[str, Any]) -> Config:
    """The base without the margins that an override says in the other place; one with its metric moves there."""
    tested, models = _at(base, "statistics", "tested"), _at(base, "models")
    new_tested, new_models = _at(override, "statistics", "tested"), _at(override, "models")
    moved = {
        name: models[name]["margin"]
        for name in new_tested
        if isinstance(models.get(name), dict) and "margin" in models[name]
    }
    dropped = [
        name
        for name, model in new_models.items()
        if name in tested and isinstance(model, dict) and "margin" in model
    ]
    if not moved and not dropped:
        return base
    kept = {name: item for name, item in tested.items() if name not in dropped}
    kept |= {name: item for name, item in moved.items() if isinstance(item, dict)}
    return {
        **base,
        "statistics": {**_at(base, "statistics"), "tested": kept},
        "models": {
            name: {n: v for n, v in model.items() if n != "margin"} if name in moved else model
            for name, model in models.items()
        },
    }


def _at(config: Mapping[str, Any], *path: str) -> Config:
    """A mapping inside a configuration; an empty one where there is none."""
    part: Any = config
    for name in path:
        part = part.get(name) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


def expand(overrides: Mapping[str, Any], config: Mapping[str, Any]) -> Config:
    """Overrides with dotted names as mappings; the last of two that name the same key counts.

    Names of models have no dots, so that ``{models: {fnn.recipe.epochs: 3}}`` is understood, too.

    Args:
        overrides: as they were given.
        config: tells which dots belong to a name, as in ``depth_at_0.01``.
    """
    expanded = _expanded(overrides, config)
    if isinstance(expanded.get("models"), dict):
        expanded["models"] = _expanded(expanded["models"], _at(config, "models"))
    return expanded


def _expanded(overrides: Mapping[str, Any], config: Mapping[str, Any]) -> Config:
    merged: Config = {}
    for dotted, value in overrides.items():
        inner = value
        for name in reversed(_names(dotted, config) if isinstance(dotted, str) else [dotted]):
            inner = {name: inner}
        merged = _merge(merged, inner)
    return merged


def _names(dotted: str, config: Any) -> list[str]:
    """The names that a dotted key is made of, the longest that the configuration knows first."""
    names = [str(n) for n in config if isinstance(n, str)] if isinstance(config, Mapping) else []
    fitting = [name for name in names if dotted == name or dotted.startswith(f"{name}.")]
    first = max(fitting, key=len, default=dotted.split(".", 1)[0])
    rest = dotted[len(first) + 1 :]
    if not rest:
        return [dotted]
    inside = config.get(first) if isinstance(config, Mapping) else None
    return [first, *_names(rest, inside)]
