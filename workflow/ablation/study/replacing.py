"""What goes when a variant replaces a network or data: the parameters that the old one had, and the axes over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablation.study.data_file import read_data
from ablation.study.models import DEFAULTS, SPLIT
from ablation.study.network_file import read_network

Config = dict[str, Any]


def without_replaced(base: Config, override: Mapping[str, Any]) -> Config:
    """A configuration without the parameters of networks and data that a variant replaces, and without the axes over them.

    Raises:
        ConfigError: one sentence, if the old one cannot be read.
    """
    models, variants = base.get("models"), override.get("models")
    if not isinstance(models, dict) or not isinstance(variants, dict):
        return base
    kept = {
        name: _reduced(name, body, variants[name])
        if isinstance(body, dict) and isinstance(variants.get(name), dict)
        else body
        for name, body in models.items()
    }
    return {**base, "models": kept}


def _reduced(name: str, base: Config, override: Config) -> Config:
    old = {**DEFAULTS.get(name, {}), **base}
    gone: set[str] = set()
    for section in ("network", "data"):
        if section in override and section in old and override[section] != old[section]:
            gone |= _parameters(section, old[section], f"models.{name}.{section}")
    if not gone:
        return base
    reduced = dict(base)
    if isinstance(base.get("parameters"), dict):
        reduced["parameters"] = {n: v for n, v in base["parameters"].items() if n not in gone}
    if isinstance(base.get("axes"), dict):
        reduced["axes"] = {
            n: axis for n, axis in base["axes"].items() if not _varied(n, axis) & gone
        }
    return reduced


def _parameters(kind: str, named: Any, where: str) -> set[str]:
    if kind == "network":
        return set(read_network(named, where).parameters)
    data = read_data(named, where)
    return {*data.parameters, *(SPLIT if data.drawn else ())}


def _varied(name: str, axis: Any) -> set[str]:
    """The parameters that an axis of a configuration sets."""
    if not isinstance(axis, dict):
        return set()
    values = axis.get("values")
    sets = (
        [level for level in values.values() if isinstance(level, dict)]
        if isinstance(values, dict)
        else []
    )
    listed = {str(axis.get("parameter", name))} if isinstance(values, list) else set()
    fixed = [axis[part] for part in ("with", "factorial") if isinstance(axis.get(part), dict)]
    return listed.union(*sets, *fixed)
