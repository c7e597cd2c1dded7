"""Texts in YAML or JSON as plain values: safe loaders, each key once, and no more of it than a configuration can need."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

import yaml

MERGE = "tag:yaml.org,2002:merge"
DEEPEST = 50  # levels of mappings and lists
MOST = 1_000_000  # values, each counted where it is named, too


class TextError(Exception):
    """A text that cannot be read; the message is the end of a sentence about it, without its full stop."""


class _TwiceError(Exception):
    """A key that is written twice: its name and the two lines."""


class _Texts(yaml.BaseLoader):
    """YAML in which each scalar is a text."""


class _Loader(yaml.SafeLoader):
    """YAML in which a mapping has each key once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that is written twice; what ``<<`` brings may be written over."""
        seen: dict[str, int] = {}
        for name, _ in node.value if isinstance(node, yaml.MappingNode) else []:
            if not isinstance(name, yaml.ScalarNode) or name.tag == MERGE:
                continue
            line = name.start_mark.line + 1
            if name.value in seen:
                raise _TwiceError(name.value, seen[name.value], line)
            seen[name.value] = line
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Name the line of what a tag cannot be: PyYAML raises whatever its own code runs into, as for ``2020-99-99``."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError):
            raise yaml.constructor.ConstructorError(
                None, None, "no such value", node.start_mark
            ) from None


def parse(text: str) -> Any:
    """The value of a text in JSON or YAML.

    Raises:
        TextError: if it is neither, has a key twice in one mapping, or is too deep or too large.
    """
    try:
        return bounded(json.loads(text, object_pairs_hook=_once))
    except _TwiceError as error:
        raise TextError(f"has the key {error.args[0]!r} twice in one mapping") from None
    except (ValueError, RecursionError):  # no JSON, or nested as deeply as YAML says below
        pass
    return _yaml(text, _Loader)


def parse_texts(text: str) -> Any:
    """The value of a text in YAML, in which each scalar is a text, as Snakemake reads ``KEY=VALUE``.

    Raises:
        TextError: if it is no YAML, or is too deep or too large.
    """
    return _yaml(text, _Texts)


def _yaml(text: str, loader: type[yaml.BaseLoader | yaml.SafeLoader]) -> Any:
    try:
        return bounded(yaml.load(text, loader))  # nosec B506 # both loaders make plain values alone
    except _TwiceError as error:
        name, first, second = error.args
        lines = f"line {first}" if first == second else f"lines {first} and {second}"
        raise TextError(
            f"has the key {name!r} twice in one mapping, in {lines}: each is allowed once"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise TextError(f"is not valid YAML{f' in line {mark.line + 1}' if mark else ''}") from None
    except RecursionError:
        raise TextError("is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _TwiceError(name)
        found[name] = value
    return found


def bounded(value: Any) -> Any:
    """A value as it is, unless it is deeper or larger than a configuration can need; one that holds itself is.

    An alias of YAML costs nothing to write, and all that it names again to look at.

    Raises:
        TextError: if it is.
    """
    waiting, count = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        if not isinstance(item, dict | list | tuple | set):
            continue
        inside = list(item.values() if isinstance(item, dict) else item)
        count += len(inside)
        if depth >= DEEPEST:
            raise TextError("is nested too deeply")
        if count > MOST:
            raise TextError(f"holds more than {MOST:,} values")
        waiting += ((each, depth + 1) for each in inside)
    return value
