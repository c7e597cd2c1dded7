"""What the file of a network or of a data set declares, taken out of its text: neither it nor torch is imported.

The constants are literals, and the keywords of the class or function that a file is about are those of ``PARAMETERS``.
"""

from __future__ import annotations

import ast
import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ablation.store.places import PACKAGE, WORKFLOW
from ablation.study.fragments import Rules, is_words, rules_of
from ablation.study.sentences import ConfigError, shown

DECLARES = {"networks": "PARAMETERS =", "data": "TASK ="}  # by folder, what a file says of itself
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _texts(value: Any) -> Iterator[str]:
    """Every text in a literal, names of mappings included."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple | set):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _is_control(char: str) -> bool:
    return char not in "\t\n\r" and unicodedata.category(char) in ("Cc", "Cs")


@dataclass(frozen=True)
class Source:
    """A file that was read.

    Attributes:
        file: how specifications and sentences name it: below ``ablation/`` where it is shipped, else its path.
        tree: its code.
    """

    file: str
    tree: ast.Module

    @property
    def constants(self) -> dict[str, ast.expr]:
        """What is assigned to plain names at the top of the file."""
        constants: dict[str, ast.expr] = {}
        for node in self.tree.body:
            if isinstance(node, ast.Assign):
                targets, value = node.targets, node.value
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                targets, value = [node.target], node.value
            else:
                continue
            constants.update(
                {target.id: value for target in targets if isinstance(target, ast.Name)}
            )
        return constants

    def literal(self, name: str, default: Any = None) -> Any:
        """The value of a constant, or a default where the file has none.

        Raises:
            ConfigError: one sentence, if it is no literal, or has a control character other than ends of lines and tabs.
        """
        node = self.constants.get(name)
        if node is None:
            return default
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, MemoryError, RecursionError):
            raise ConfigError(
                f"{self.file}: {name} in line {node.lineno} is no literal: "
                "allowed are texts, numbers, lists and mappings written out, without names and calls."
            ) from None
        bad = next((char for text in _texts(value) for char in text if _is_control(char)), None)
        if bad is not None:
            raise ConfigError(
                f"{self.file}: {name} holds the control character {bad!r}: allowed is text that a page can show."
            )
        return value

    def words(self, name: str) -> Any:
        """A text, or a text in each of some languages; None where the file has none."""
        value = self.literal(name)
        if value is not None and not is_words(value):
            raise self.refusal(name, value, "a text, or a mapping of languages to texts")
        return value

    def refusal(self, name: str, value: Any, instead: str) -> ConfigError:
        """The sentence for a constant that is not allowed."""
        return ConfigError(f"{self.file}: {name} is {shown(value)}: allowed is {instead}.")

    @property
    def docstring(self) -> str:
        """The first paragraph of what the file says of itself, in one line."""
        text = ast.get_docstring(self.tree) or ""
        return " ".join(text.split("\n\n")[0].split())

    def functions(self) -> dict[str, Function]:
        return {node.name: node for node in self.tree.body if isinstance(node, Function)}

    def classes(self) -> dict[str, ast.ClassDef]:
        return {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}


def path_of(file: str) -> Path:
    """Where a file lies that a specification names."""
    return WORKFLOW / file if file.startswith(f"{PACKAGE.name}/") else Path(file)


def shipped(folder: str) -> list[str]:
    """The names of the networks or data sets that the project brings: the files that declare one, not those that help."""
    return [path.stem for path in sorted((PACKAGE / folder).glob("[!_]*.py")) if _declares(path)]


def _declares(path: Path) -> bool:
    required = DECLARES[path.parent.name]
    return any(line.startswith(required) for line in path.read_text("utf-8").splitlines())


def find(named: Any, folder: str, where: str) -> tuple[str, str | None]:
    """The file that a configuration names, and what is named of it.

    Args:
        named: ``mlp``, ``my/net.py`` or ``my/net.py:Net``.
        folder: where the project's own lie: ``networks``, ``data``.
        where: the key, for the sentence.

    Raises:
        ConfigError: one sentence, if there is no such file.
    """
    path, colon, entry = str(named).rpartition(":")
    if not colon or not entry.isidentifier():
        path, entry = str(named), ""
    of_package = PACKAGE / folder / f"{path}.py"
    if path.isidentifier() and of_package.is_file() and _declares(of_package):
        return f"{PACKAGE.name}/{folder}/{path}.py", entry or None
    if not path.endswith(".py"):
        raise ConfigError(
            f"{where} is {shown(named)}: allowed is one of {', '.join(shipped(folder))}, "
            "or the path of a file that ends in .py."
        )
    try:
        found = Path(path).is_file()
    except (OSError, ValueError) as error:  # too long, or in a folder that is closed to this user
        reason = getattr(error, "strerror", error)
        raise ConfigError(f"{where} is {shown(named)}: it cannot be read: {reason}.") from None
    if not found:
        raise ConfigError(f"{where} is {shown(named)}: there is no file {path} in {os.getcwd()}.")
    return Path(path).as_posix(), entry or None


def source_of(file: str) -> Source:
    """Read a file.

    Raises:
        ConfigError: one sentence, if it cannot be read or is no Python.
    """
    try:
        status = path_of(file).stat()
        return _parsed(file, str(path_of(file).resolve()), status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None


@cache
def _parsed(file: str, path: str, *stamp: int) -> Source:
    try:
        return Source(file, ast.parse(Path(path).read_bytes()))
    except SyntaxError as error:
        line = f" in line {error.lineno}" if error.lineno else ""
        raise ConfigError(f"{file} is no valid Python{line}: {error.msg}.") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{file} is no valid Python.") from None


def parameters_of(source: Source) -> Rules:
    """The parameters that a file declares."""
    return rules_of(source.literal("PARAMETERS", {}), f"{source.file}: PARAMETERS")


def check_signature(
    source: Source, name: str, function: Function, first: Iterable[str], parameters: Rules
) -> None:
    """Refuse a function whose keywords are not the file's parameters, or that does not read one of them.

    Args:
        source: the file.
        name: what the function is called in sentences.
        function: a function, or the ``__init__`` of a class.
        first: the names of the arguments that come first.
        parameters: what the file declares.

    Raises:
        ConfigError: one sentence.
    """
    required, arguments = tuple(first), function.args
    placed = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    if len(placed) < len(required) and arguments.vararg is None:
        taken = [argument for argument in required if argument != "self"]
        raise ConfigError(
            f"{source.file}: {name} in line {function.lineno} must take {' and '.join(taken)} first, "
            "and then the parameters as keywords."
        )
    keywords = [*placed[len(required) :], *(argument.arg for argument in arguments.kwonlyargs)]
    for keyword in keywords:
        if keyword not in parameters:
            raise ConfigError(
                f"{source.file}: {name} takes {keyword}, which PARAMETERS does not have: "
                "each keyword needs an entry there, with its type, bounds and default."
            )
    for parameter in parameters:
        if parameter not in keywords and arguments.kwarg is None:
            allowed = (
                f"its keywords {', '.join(keywords)}" if keywords else "none, it has no keywords"
            )
            raise ConfigError(
                f"{source.file}: PARAMETERS has {parameter}, which {name} does not take: allowed are {allowed}."
            )
    read = set(_loaded(function.body))
    for keyword in keywords:
        if keyword not in read and not read & {"locals", "vars"}:
            raise ConfigError(f"`{keyword}` changes nothing: no code in {source.file} reads it.")


def _loaded(body: Iterable[ast.AST]) -> Iterator[str]:
    """The names that code reads."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                yield node.id
