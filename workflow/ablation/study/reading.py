"""The one reader of configurations, for runs of Snakemake and for every command: files and overrides in, one mapping out."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ablation.store.places import SHIPPED_CONFIG
from ablation.study.config import ConfigError, resolve, walk
from ablation.study.merging import expand, merge
from ablation.study.replacing import without_replaced
from ablation.study.texts import DEEPEST, TextError, bounded, parse, parse_texts

INHERIT = "inherit"
FILED = ("network", "data")  # of a model: what may be in a file of one's own
LARGEST = 4 * 2**20  # bytes of a file
BITS = 64  # of an integer
UTF16 = (b"\xff\xfe", b"\xfe\xff")
KEY = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")
Config = dict[str, Any]


def require_plain(*folders: str) -> None:
    """Refuse folders that no line of a shell, a log or a report can name.

    Raises:
        ConfigError: one sentence.
    """
    for folder in folders:
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in folder):
            raise ConfigError(
                f"the folder {folder!r} has a control character in its name: allowed is any other name."
            )


def own_file() -> Path:
    """The configuration that variants lie over: a ``config.yaml`` in the working directory goes before the shipped one."""
    path = Path("config.yaml")
    return path if path.is_file() else SHIPPED_CONFIG


def load(*files: Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """The resolved configuration of files, the later over the earlier, and of overrides over them.

    A file that says ``inherit: false`` lies over none.

    Raises:
        ConfigError: one sentence, for a file that cannot be read or anything that is not allowed.
    """
    config: Config = {}
    for path in files:
        declared = _with_paths(read(path), path.parent)
        inherits = declared.pop(INHERIT, True)
        if not isinstance(inherits, bool):
            raise ConfigError(f"{path}: {INHERIT} is {inherits!r}: allowed is true or false.")
        config = _over(config, declared) if inherits else declared
    expanded = _expanded(overrides or {}, config)
    return resolve(walk(_over(config, expanded), _clean))


def _over(config: Config, overrides: Config) -> Config:
    return merge(without_replaced(config, overrides), overrides)


def _expanded(overrides: Mapping[str, Any], config: Config) -> Config:
    """Overrides with dotted names as mappings."""
    _told(bounded, overrides, "--config")
    models = overrides.get("models")
    names = [*overrides, *(models if isinstance(models, dict) else ())]
    if any(str(name).count(".") >= DEEPEST for name in names):
        raise ConfigError("--config is nested too deeply.")
    return expand(overrides, config)


def load_study(
    files: Iterable[Path], overrides: Mapping[str, Any] | None = None, *, alone: bool = False
) -> Config:
    """The resolved configuration of the working directory, with variants and overrides over it.

    Args:
        files: variants, in their order.
        overrides: what the command line says.
        alone: whether the files stand for the whole configuration.

    Raises:
        ConfigError: one sentence, also where variants name no study and so would take the place of the default one.
    """
    variants = list(files)
    named = [read(path) for path in variants] + [_expanded(overrides or {}, {})]
    if variants and not any(
        isinstance(s := config.get("study"), dict) and "name" in s for config in named
    ):
        last = variants[-1]
        name = re.sub(r"[^a-z0-9_-]", "-", last.stem.lower()).lstrip("-_0123456789")[:40] or "mine"
        raise ConfigError(
            f"{last} names no study, so its report would take the place of the default one: "
            f"write study: {{name: {name}}} into it."
        )
    return load(*([] if alone else [own_file()]), *variants, overrides=overrides)


def _with_paths(config: Config, folder: Path) -> Config:
    """A configuration whose networks and data in files are named from the working directory, not from its own folder."""
    models = config.get("models")
    if not isinstance(models, dict):
        return config
    resolved = {
        name: {n: _placed(v, folder) if n in FILED else v for n, v in model.items()}
        if isinstance(model, dict)
        else model
        for name, model in models.items()
    }
    return {**config, "models": resolved}


def _placed(named: Any, folder: Path) -> Any:
    if not isinstance(named, str) or not named.partition(".py")[1]:
        return named
    return Path(os.path.relpath(folder / named)).as_posix()


def read(path: Path) -> Config:
    """One configuration file, YAML or JSON, in UTF-8.

    Raises:
        ConfigError: one sentence.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST:
        raise ConfigError(f"{path} has more than {LARGEST:,} bytes: allowed is a smaller file.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        encoding = (
            "UTF-16" if content.startswith(UTF16) else f"of another encoding from line {line} on"
        )
        raise ConfigError(f"{path} is {encoding}: allowed is UTF-8.") from None
    config = _told(parse, text, str(path))
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise ConfigError(f"{path} holds no mapping: allowed is a configuration.")
    return config


def _told(read: Callable[[Any], Any], content: Any, where: str) -> Any:
    """What a function reads; what it refuses is said of a place."""
    try:
        return read(content)
    except TextError as error:
        raise ConfigError(f"{where} {error}.") from None


def overrides_of(entries: Iterable[str]) -> Config:
    """What ``KEY=VALUE`` entries say, read as ``snakemake --config`` reads them: numbers, booleans, YAML of texts.

    Raises:
        ConfigError: one sentence.
    """
    config: Config = {}
    for entry in entries:
        name, equals, text = entry.partition("=")
        if not equals or not KEY.fullmatch(name):
            raise ConfigError(f"--config is {entry!r}: allowed is KEY=VALUE.")
        config = merge(config, {name: _value(text, f"--config {name}")})
    return config


def undotted(entries: Iterable[str]) -> list[str]:
    """``KEY=VALUE`` entries as Snakemake takes them: ``models.fnn.recipe.epochs=3`` as ``models={fnn.recipe.epochs: 3}``."""
    return [_undotted(entry) for entry in entries]


def _undotted(entry: str) -> str:
    name, equals, text = entry.partition("=")
    first, *rest = name.split(".")
    if not (equals and rest and KEY.fullmatch(name)):
        return entry
    value = _value(text, f"--config {name}")
    inner = text if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)
    # Snakemake takes one name; below models the reader resolves the dots, of which some are of an axis's name.
    for part in [".".join(rest)] if first == "models" else reversed(rest):
        inner = f"{{{part}: {inner}}}"
    return f"{first}={inner}"


def _value(text: str, where: str) -> Any:
    if text == "":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if text in ("True", "False"):
        return text == "True"
    return _told(parse_texts, text, where)


def _clean(value: Any, *path: Any) -> Any:
    """Join surrogate pairs, and refuse what no file and no terminal can show."""
    where = ".".join(map(str, path)) or "the configuration"
    if isinstance(value, int) and value.bit_length() > BITS:
        raise ConfigError(
            f"{where} holds an integer of {value.bit_length():,} bits: allowed are {BITS}."
        )
    if not isinstance(value, str):
        return value
    try:
        text = value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ConfigError(
            f"{where} holds half a surrogate pair: allowed are whole characters."
        ) from None
    bad = next((char for char in text if unicodedata.category(char) == "Cc"), None)
    if bad is not None:
        raise ConfigError(
            f"{where} holds the control character {bad!r}: allowed is text in one line."
        )
    return text
