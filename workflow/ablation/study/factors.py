"""What an axis of the configuration varies: values, sets of overrides, or the full grid over two or three parameters."""

from __future__ import annotations

from collections import Counter
from itertools import product
from math import prod
from typing import Any

from ablation.store.keys import SAFE_LABEL, label
from ablation.study.fragments import Rules
from ablation.study.sentences import ConfigError, shown

Parameters = dict[str, Any]
LABEL_LENGTH = 60  # of one value's label
MOST = 1_000_000  # configurations of a factorial axis
GRID_LABEL_LENGTH = 120  # of a combination's; a path's part may have 255


def is_factorial(axis: Parameters) -> bool:
    """Whether an axis of the configuration varies several parameters at once."""
    return "factorial" in axis


def factors_of(axis: Parameters, rules: Rules, where: str) -> dict[str, list[Any]] | None:
    """The factors of an axis: parameter → levels; None for any other axis.

    The parameters come in the order of the rules, whatever the order of keys in the file is; levels as they are listed.

    Args:
        axis: a resolved axis of the configuration.
        rules: what the parameters of its model allow.
        where: the key of the axis, for the sentence.

    Raises:
        ConfigError: one sentence, if ``factorial`` stands beside what it replaces, if ``with`` fixes a factor, or if a level is
            listed twice.
    """
    if not is_factorial(axis):
        return None
    for other in ("parameter", "values"):
        if other in axis:
            raise ConfigError(
                f"{where}.factorial stands beside {other}: allowed is factorial alone, or parameter and values."
            )
    place = {name: index for index, name in enumerate(rules)}
    factors = {
        name: list(axis["factorial"][name])
        for name in sorted(axis["factorial"], key=lambda name: (place.get(name, len(place)), name))
    }
    cells = prod(map(len, factors.values()))
    if cells > MOST:
        raise ConfigError(
            f"{where}.factorial makes {cells:,} configurations: allowed are at most {MOST:,}."
        )
    for name, levels in factors.items():
        if name in axis["with"]:
            raise ConfigError(
                f"{where}.with.{name} is {label(axis['with'][name])}, but factorial varies {name}: "
                "allowed is to fix a parameter or to vary it."
            )
        _refuse_twice(levels, f"{where}.factorial.{name}", "level")
    return factors


def _refuse_twice(values: list[Any], where: str, kind: str) -> None:
    """Refuse a value that is listed twice, in whatever spelling."""
    counts = Counter(map(label, values))
    twice = next((text for text, count in counts.items() if count > 1), None)
    if twice is not None:
        raise ConfigError(f"{where} holds {twice} twice: each {kind} is allowed once.")


def ordered_axes(axes: dict[str, Any], rules: Rules) -> list[str]:
    """The axes in the order of the parameters that they vary, so that the order of keys means nothing.

    Sets of overrides follow, and then factorial axes: what each parameter does alone is read first.
    """
    place = {parameter: index for index, parameter in enumerate(rules)}

    def order(name: str) -> tuple[bool, int, str]:
        axis = axes[name]
        return is_factorial(axis), place.get(axis.get("parameter"), len(place)), name

    return sorted(axes, key=order)


def values_of(
    axis: dict[str, Any], factors: dict[str, list[Any]] | None, rules: Rules, where: str
) -> list[tuple[str, Any, Parameters]]:
    """Label, value and overrides of every value of an axis.

    Raises:
        ConfigError: one sentence, if the axis varies nothing, no known parameter, or a value twice.
    """
    if factors is not None:
        return [(levels_label(levels), levels, levels) for levels in combinations(factors)]
    if "values" not in axis:
        raise ConfigError(
            f"{where}.values is missing: an axis lists values, or has the grid of factorial."
        )
    values, parameter = axis["values"], axis.get("parameter")
    if isinstance(values, dict):
        if parameter is not None:
            raise ConfigError(
                f"{where}.parameter is {parameter!r}, but the values are labelled sets of overrides: "
                "allowed is a list of values with it, or labelled sets without it."
            )
        return [(name, overrides, overrides) for name, overrides in sorted(values.items())]
    if parameter is None:
        raise ConfigError(
            f"{where}.parameter is missing: a list of values must name what it varies."
        )
    if parameter not in rules:
        raise ConfigError(
            f"{where}.parameter is {shown(parameter)}: allowed is one of {', '.join(sorted(rules))}."
        )
    _refuse_twice(values, f"{where}.values", "value")
    return [(label(value), value, {parameter: value}) for value in values]


def combinations(factors: dict[str, list[Any]]) -> list[Parameters]:
    """Every combination of levels, the last factor running fastest."""
    return [dict(zip(factors, levels, strict=True)) for levels in product(*factors.values())]


def levels_label(levels: Parameters) -> str:
    """The name of a combination in a path: ``hidden_layers-1_learning_rate-0.01``."""
    return "_".join(f"{name}-{label(value)}" for name, value in levels.items())


def check_label(text: str, value: Any, where: str, *, factorial: bool) -> None:
    """Raise ConfigError if a label is no safe file name."""
    longest = GRID_LABEL_LENGTH if factorial else LABEL_LENGTH
    if not SAFE_LABEL.fullmatch(text) or len(text) > longest:
        raise ConfigError(
            f"{where} holds {value!r}, whose label {text!r} is no safe file name: "
            "allowed are letters, digits, dots, hyphens and underscores, a letter or digit first."
        )
