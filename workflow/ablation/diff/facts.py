"""What two studies declare, conclude and were made with, and where that is not the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ablation.results.bundle import study_of
from ablation.store.document import ModelDocument

Bundle = dict[str, Any]
FROM_STUDY = ("study", "statistics", "models")
SIZES = ("dataset", "source", "n_train", "n_validation", "n_test", "fixed_test_set")


def settings(a: Bundle, b: Bundle) -> list[dict[str, Any]]:
    """Settings that differ: ``name`` as in the configuration, ``a`` and ``b``, None where one does not have it.

    A model or an axis that only one study has is one row, not one per parameter.
    """
    whole = a["config"] is not None and b["config"] is not None
    parts = [dict(_parts(bundle)) for bundle in (a, b)]
    lone = [name for name in _united(*parts) if (name in parts[0]) != (name in parts[1])]
    lone = [name for name in lone if not name.startswith(tuple(f"{other}." for other in lone))]
    rows = [{"name": n, "a": parts[0].get(n), "b": parts[1].get(n)} for n in lone]
    hidden = tuple(f"{name}." for name in lone)
    tested = tuple(name.replace("models.", "statistics.tested.", 1) for name in lone)
    declared = [dict(_declared(bundle, whole=whole)) for bundle in (a, b)]
    for name in _united(*declared):
        first, second = (facts.get(name) for facts in declared)
        if first != second and not name.startswith((*hidden, *tested)):
            rows.append({"name": name, "a": first, "b": second})
    return rows


def _united(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """The names of both, in the order of A, and of B where A has none."""
    return [*a, *(name for name in b if name not in a)]


def _parts(bundle: Bundle) -> Iterator[tuple[str, list[str]]]:
    """Models with the names of their axes, axes with the labels of their values."""
    for model in study_of(bundle).models:
        name = f"models.{model.name}"
        yield name, [axis.name for axis in model.axes]
        for axis in model.axes:
            yield f"{name}.axes.{axis.name}", axis.labels


def _declared(bundle: Bundle, *, whole: bool) -> Iterator[tuple[str, Any]]:
    comparisons = bundle["comparisons"]
    yield from _flat("study", bundle["study"]["study"])
    yield "statistics.confidence", comparisons["confidence"]
    for name, compared in comparisons["models"].items():
        yield f"statistics.tested.{name}.metric", compared["metric"]
        yield f"statistics.tested.{name}.margin", compared["margin"]
    for model in study_of(bundle).models:
        yield from _of_model(model)
    if whole:
        for name, section in bundle["config"].items():
            if name not in FROM_STUDY:
                yield from _flat(name, section)


def _of_model(model: ModelDocument) -> Iterator[tuple[str, Any]]:
    where = f"models.{model.name}"
    yield f"{where}.replicates", model.replicates
    yield from _flat(f"{where}.parameters", model.parameters)
    for name in SIZES:
        if name in model.data:
            yield f"{where}.data.{name}", model.data[name]
    yield from _flat(f"{where}.data.sha256", model.data["sha256"])
    codes = sorted({cell.code for cell in model.cells()})
    yield f"{where}.code", ", ".join(codes) or None
    for axis in model.axes:
        axis_place = f"{where}.axes.{axis.name}"
        if axis.parameter is not None:
            yield f"{axis_place}.values", [cell.value for cell in axis.cells]
        for cell in axis.cells if axis.parameter is None else ():
            yield f"{axis_place}.values.{cell.label}", cell.value
        yield f"{axis_place}.parameter", axis.parameter
        yield f"{axis_place}.reference", axis.reference
        yield from _flat(f"{axis_place}.with", axis.fixed)


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(f"{prefix}.{name}", item)
    else:
        yield prefix, value


def verdicts(a: Bundle, b: Bundle) -> list[dict[str, Any]]:
    """Cells that stand on the same axis of both studies with another verdict.

    Returns:
        Rows of ``model``, ``axis`` (B's entry of the study), ``label``, and ``a`` and ``b``, rows of ``comparisons.json``.
    """
    rows = []
    for model in study_of(b).models:
        theirs, ours = (
            side["comparisons"]["models"].get(model.name, {}).get("axes", {}) for side in (a, b)
        )
        for axis in model.axes:
            pair = [side.get(axis.name, {}).get("rows", {}) for side in (theirs, ours)]
            for label in (label for label in pair[1] if label in pair[0]):
                first, second = pair[0][label], pair[1][label]
                if first["verdict"] != second["verdict"]:
                    place = {"model": model.name, "axis": axis, "label": label}
                    rows.append({**place, "a": first, "b": second})
    return rows


def environments(a: Bundle, b: Bundle) -> list[dict[str, Any]]:
    """Facts of the environment that differ: ``fact``, and under ``a`` and ``b`` each value with its number of cells."""
    sides = [study_of(bundle).counted_environments() for bundle in (a, b)]
    rows = []
    for name in _united(*sides):
        first, second = (side.get(name, Counter()) for side in sides)
        if first.keys() != second.keys():
            rows.append({"fact": name, "a": list(first.items()), "b": list(second.items())})
    return rows
