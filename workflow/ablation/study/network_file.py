"""The file of a network: its words, its parameters, and the class or function that makes it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablation.study.components import (
    Function,
    Source,
    check_signature,
    find,
    parameters_of,
    source_of,
)
from ablation.study.fragments import Rules
from ablation.study.sentences import ConfigError

BUILD = "build"


@dataclass(frozen=True)
class NetworkFile:
    """A network as its file declares it.

    Attributes:
        file, entry: where it is, and the class or function that makes it.
        parameters: what each parameter allows.
        words: ``title``, ``short``, ``about``, as far as the file has them.
    """

    file: str
    entry: str
    parameters: Rules
    words: dict[str, Any]

    @cached_property
    def spec(self) -> dict[str, str]:
        """What a specification says of it."""
        return {"file": self.file, "entry": self.entry}


def read_network(named: Any, where: str) -> NetworkFile:
    """Read the file of a network.

    Args:
        named: as the configuration has it.
        where: the key, for the sentence.

    Raises:
        ConfigError: one sentence that names the file and what is allowed.
    """
    file, entry = find(named, "networks", where)
    source = source_of(file)
    parameters = parameters_of(source)
    name = _entry(source, entry)
    function = source.functions().get(name)
    first: tuple[str, ...] = ("inputs", "outputs")
    if function is None:
        function, first = _constructor(source, name), ("self", *first)
    check_signature(source, name, function, first, parameters)
    words = {part: source.words(part.upper()) for part in ("title", "short", "about")}
    words["about"] = words["about"] or source.docstring or None
    return NetworkFile(file, name, parameters, {n: w for n, w in words.items() if w is not None})


def _entry(source: Source, named: str | None) -> str:
    """The class or function that makes the network: the one named, ``build``, or the only class that is derived."""
    functions, classes = source.functions(), source.classes()
    derived = [name for name, node in classes.items() if node.bases]
    if named is not None:
        if named in functions or named in classes:
            return named
        names = ", ".join([*derived, *([BUILD] if BUILD in functions else [])]) or "none"
        raise ConfigError(
            f"{source.file} has no {named} at its top level: allowed is one of its classes ({names})."
        )
    if BUILD in functions:
        return BUILD
    if len(derived) > 1:
        raise ConfigError(
            f"{source.file} has several classes ({', '.join(derived)}): "
            f"write which is the network, as in network: {source.file}:{derived[-1]}."
        )
    if not derived:
        raise ConfigError(
            f"{source.file} has no network: allowed is a class that is derived from nn.Module, or a function {BUILD}."
        )
    return derived[0]


def _constructor(source: Source, name: str) -> Function:
    """The ``__init__`` of a class or of its bases in the same file."""
    classes, waiting = source.classes(), [name]
    for candidate in waiting:
        node = classes.get(candidate)
        if node is None:
            continue
        for member in node.body:
            if isinstance(member, ast.FunctionDef) and member.name == "__init__":
                return member
        waiting += [b.id for b in node.bases if isinstance(b, ast.Name) and b.id not in waiting]
    raise ConfigError(
        f"{source.file}: {name} has no __init__ in this file: "
        "it must take inputs and outputs first, and then the parameters as keywords."
    )
