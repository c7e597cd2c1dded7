"""Axes → cells → resolved specifications. The grid is declared in the configuration and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablation.store.code import code_of
from ablation.store.keys import canonical_json, key_of, label
from ablation.study.config import closed, model_in, validate
from ablation.study.factors import check_label, factors_of, is_factorial, ordered_axes, values_of
from ablation.study.models import Model
from ablation.study.sentences import ConfigError
from ablation.tasks.task import TASKS

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One value of one axis.

    Attributes:
        model, axis, label: its place; ``name`` joins them as in its path.
        value: the value, or the set of overrides or levels that the label stands for.
        parameters: all parameters, resolved.
        spec: the specification that decides its numbers; ``key`` is its digest.
        data_spec: the specification of its prepared data; ``data_key`` is its digest.
        levels: on a factorial axis, the level of each factor; else None.
    """

    model: str
    axis: str
    label: str
    value: Any
    parameters: Parameters
    spec: dict[str, Any]
    data_spec: dict[str, Any]
    levels: Parameters | None = None

    @property
    def name(self) -> str:
        return f"{self.model}/{self.axis}_{self.label}"

    @cached_property
    def key(self) -> str:
        return key_of(self.spec)

    @cached_property
    def data_key(self) -> str:
        return key_of(self.data_spec)


@dataclass(frozen=True)
class Axis:
    """What is varied: its cells, and which of them the others are compared with.

    Attributes:
        parameter: the one that the values are of; None for sets of overrides and for a factorial axis.
        factors: of a factorial axis, each parameter's levels; else None.
        title: what it is called, as a text or in each of some languages; None where nothing is said.
    """

    name: str
    parameter: str | None
    fixed: Parameters
    reference: str
    cells: tuple[Cell, ...]
    factors: dict[str, list[Any]] | None = None
    title: Any = None


@dataclass(frozen=True)
class Tested:
    """The metric that a model's verdicts are made on, and its equivalence margin: in its unit, or a ratio above 1."""

    metric: str
    margin: float


@dataclass(frozen=True)
class ModelStudy:
    """One model's part of a study. data_spec: the specification of the baseline's data."""

    model: Model
    replicates: int
    tested: Tested
    parameters: Parameters
    axes: tuple[Axis, ...]
    data_spec: dict[str, Any]

    @property
    def data_key(self) -> str:
        """The prepared data of the baseline."""
        return key_of(self.data_spec)

    @property
    def cells(self) -> Iterator[Cell]:
        return (cell for axis in self.axes for cell in axis.cells)


@dataclass(frozen=True)
class Study:
    """A resolved configuration as a grid of cells."""

    name: str
    seed: int
    config: dict[str, Any]
    models: tuple[ModelStudy, ...]

    @property
    def cells(self) -> list[Cell]:
        return [cell for part in self.models for cell in part.cells]

    @cached_property
    def by_name(self) -> dict[str, Cell]:
        return {cell.name: cell for cell in self.cells}

    @cached_property
    def by_key(self) -> dict[str, Cell]:
        """One cell per key: what is trained."""
        return {cell.key: cell for cell in reversed(self.cells)}

    @cached_property
    def by_data_key(self) -> dict[str, dict[str, Any]]:
        """Key → specification of all prepared data."""
        baselines = {part.data_key: part.data_spec for part in self.models}
        return {**baselines, **{cell.data_key: cell.data_spec for cell in self.cells}}


def build(config: dict[str, Any]) -> Study:
    """Build the grid of a resolved configuration.

    Raises:
        ConfigError: one sentence, if an axis or one of its cells is not allowed.
    """
    parts = [_model(config, name) for name in config["models"]]
    order = list(TASKS)
    models = sorted(parts, key=lambda p: (order.index(p.model.task.name), p.model.name))
    study = Study(config["study"]["name"], config["study"]["seed"], config, tuple(models))
    _check_paths(study.cells)
    _check_factors(study)
    return study


def _model(config: dict[str, Any], name: str) -> ModelStudy:
    body = config["models"][name]
    model, baseline = model_in(name, body), body["parameters"]
    _check(model, baseline, f"models.{name}.parameters")
    axes = tuple(_axis(config, model, axis) for axis in ordered_axes(body["axes"], model.rules))
    data_spec = _data_spec(config, model, baseline)
    entry = config["statistics"]["tested"][name]
    margin = entry["margin_ratio" if model.metric(entry["metric"]).log else "margin"]
    tested = Tested(entry["metric"], float(margin))
    return ModelStudy(model, body["replicates"], tested, baseline, axes, data_spec)


def _axis(config: dict[str, Any], model: Model, name: str) -> Axis:
    body = config["models"][model.name]
    axis, where = body["axes"][name], f"models.{model.name}.axes.{name}"
    shared = {**body["parameters"], **axis["with"]}
    _check(model, shared, f"{where}.with", only=axis["with"])
    factors = factors_of(axis, model.rules, where)
    listed = f"{where}.{'values' if factors is None else 'factorial'}"
    cells = []
    for text, value, overrides in values_of(axis, factors, model.rules, where):
        parameters = {**shared, **overrides}
        _check(model, parameters, f"{listed} ({text})", only=overrides)
        check_label(text, value, listed, factorial=factors is not None)
        _ask(f"{listed} ({text})", model.check_comparable, parameters, body["parameters"])
        specs = _specs(config, model, parameters)
        levels = None if factors is None else overrides
        cells.append(Cell(model.name, name, text, value, parameters, *specs, levels))
    _check_read(model, axis.get("parameter"), cells, listed)
    reference = _reference(axis, cells, shared, where)
    parameter = axis.get("parameter")
    title = axis.get("title")
    return Axis(name, parameter, axis["with"], reference, tuple(cells), factors, title)


def _check_read(model: Model, parameter: str | None, cells: list[Cell], where: str) -> None:
    """Refuse an axis over a parameter that its cells do not read."""
    unread = [c for c in cells if parameter is not None and parameter not in c.spec["parameters"]]
    if unread:
        needed = model.rules[str(parameter)]["where"].items()
        conditions = " and ".join(f"{name} is {label(value)}" for name, value in needed)
        raise ConfigError(
            f"{where} ({unread[0].label}): {parameter} changes nothing, since it is read only where {conditions}: "
            "allowed is to fix that in with."
        )


def _check(
    model: Model, parameters: Parameters, where: str, only: Parameters | None = None
) -> None:
    if only is not None:
        validate(only, closed(model.rules, required=False), where)
    validate(parameters, closed(model.rules, required=True), where)
    _ask(where, model.check, parameters)


def _ask(where: str, check: Callable[..., None], *parameters: Parameters) -> None:
    """Say where, if a model refuses parameters."""
    try:
        check(*parameters)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}.") from error


def _shared_spec(config: dict[str, Any], model: Model, parameters: Parameters) -> dict[str, Any]:
    return {
        "task": model.task.name,
        "data": model.data.spec(model.data.dataset(parameters)),
        "seed": config["study"]["seed"],
        "replicates": config["models"][model.name]["replicates"],
    }


def _data_spec(config: dict[str, Any], model: Model, parameters: Parameters) -> dict[str, Any]:
    """The specification of prepared data, which models on the same data share."""
    return {
        "stage": "prepare",
        **_shared_spec(config, model, parameters),
        "images": model.data.images,
        "split": model.split,
        "parameters": {name: parameters[name] for name in model.data_parameters},
        "code": code_of(*model.code("prepare")),
        "inputs": {},
    }


def _specs(
    config: dict[str, Any], model: Model, parameters: Parameters
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The specifications of a cell and of its prepared data."""
    compute = config["compute"]
    data_spec = _data_spec(config, model, parameters)
    spec = {
        "stage": "train",
        "model": model.name,
        **_shared_spec(config, model, parameters),
        "network": model.network.spec,
        "parameters": model.relevant(parameters),
        "precision": compute["precision"] if model.has_precision else "fp32",
        "replicates_at_once": compute["replicates_at_once"],
        "code": code_of(*model.code("train", parameters)),
        "inputs": {"prepare": [key_of(data_spec)]},
    }
    return spec, data_spec


def _reference(axis: dict[str, Any], cells: list[Cell], shared: Parameters, where: str) -> str:
    labels = [cell.label for cell in cells]
    if "reference" in axis:
        declared = label(axis["reference"])
        if declared not in labels:
            raise ConfigError(
                f"{where}.reference is {declared!r}: allowed are the axis's labels {', '.join(labels)}."
            )
        return declared
    for cell in cells:
        if canonical_json(cell.parameters) == canonical_json(shared):
            return cell.label
    listed = f"{where}.{'factorial' if is_factorial(axis) else 'values'}"
    raise ConfigError(
        f"{listed} holds {', '.join(labels)}, none of which is the baseline: "
        "allowed is to add the baseline's value, or to name one of them as reference."
    )


def _check_factors(study: Study) -> None:
    """Refuse two factors whose figures and tables would have one name: it joins those of model and factor."""
    seen: dict[str, str] = {}
    for part in study.models:
        for axis in part.axes:
            where = f"models.{part.model.name}.axes.{axis.name}"
            joined = re.sub(r"[._]+", "-", f"{part.model.name}_{axis.name}").strip("-")
            other = seen.setdefault(joined, where)
            if other != where:
                raise ConfigError(
                    f"{where} would share the names of its figures and tables with {other}: allowed is another name."
                )


def _check_paths(cells: list[Cell]) -> None:
    """Refuse two cells on one path, also where the file system ignores case."""
    seen: dict[str, Cell] = {}
    for cell in cells:
        other = seen.setdefault(cell.name.lower(), cell)
        if other is not cell:
            raise ConfigError(
                f"models.{cell.model}.axes.{cell.axis}.values holds {cell.value!r}, which shares the path "
                f"results/{cell.name} with {other.value!r} of axis {other.axis}: each cell needs a path of its own."
            )
