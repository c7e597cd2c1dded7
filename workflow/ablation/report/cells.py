"""Every stored cell, closely: what it is, what became of each replicate, what it gets wrong, how to make it again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled
from ablation.language.words import Words
from ablation.networks.registry import METRICS
from ablation.report.axis import Axis, drawer_id, entry, heads
from ablation.report.pictures import gallery, kernels, matrices
from ablation.report.svg import inline
from ablation.store.document import CellDocument, ModelDocument
from ablation.store.keys import label as label_of


@dataclass(frozen=True)
class Place:
    """Where a cell stands: the axis and its label there."""

    axis: Axis
    label: str


def cell_views(
    model: ModelDocument,
    axes: list[Axis],
    cells: pd.DataFrame,
    words: Words,
    *,
    portraits: dict[str, Any],
    command: str,
    verify: str,
) -> list[dict[str, Any]]:
    """One view per distinct key, in the order of the axes.

    cells: the rows of ``cells.csv``. portraits: by key, the material that ``portraits`` made. command: what makes a target,
    such as ``snakemake``. verify: what verifies one, up to its name.
    """
    places: dict[str, list[Place]] = {}
    for axis in axes:
        for label in axis.labels:
            places.setdefault(axis.cell(label).key, []).append(Place(axis, label))
    costs = cells[cells["model"] == model.name].drop_duplicates("key").set_index("key")
    return [
        _view(
            model,
            own,
            costs.loc[key],
            words,
            portrait=portraits.get(key) or {},
            command=command,
            verify=verify,
        )
        for key, own in places.items()
    ]


def _view(
    model: ModelDocument,
    places: list[Place],
    cost: pd.Series,
    words: Words,
    *,
    portrait: dict[str, Any],
    command: str,
    verify: str,
) -> dict[str, Any]:
    first = places[0]
    axis, cell = first.axis, first.axis.cell(first.label)
    parameters = parameter_rows(cell.parameters, model.parameters, words)
    differing = [row for row in parameters if row["differs"]]
    row = axis.row(first.label)
    centre = scaled(axis.metric, row["median"] if row["broken"] else row["mean"])
    return {
        "key": cell.key,
        "id": drawer_id(model.name, cell.key),
        "title": cell_title(cell.parameters, model.parameters, words),
        "is_baseline": not differing,
        "headline": ""
        if centre is None
        else words(
            "cell.headline_median" if row["broken"] else "cell.headline",
            metric=words(f"metric.{axis.metric}"),
            mean=words.number(axis.metric, fmt.significant(centre, 3 if centre < 90 else 4)),
        ),
        "verdicts": [_chip(place, words) for place in places],
        "difference": _difference(differing, words),
        "failed": cell.failed,
        "metric_heads": [words(f"metric_unit.{name}") for name in axis.metrics],
        "replicates": replicate_rows(axis, first.label, words),
        "curves": inline(portrait.get("curves")),
        "residuals": _residuals(portrait.get("residuals"), words),
        "matrices": matrices(portrait.get("confusion"), words, is_baseline=not differing),
        "mistakes": gallery(portrait.get("mistakes"), words),
        "kernels": kernels(portrait.get("kernels"), words),
        "facts": fact_rows(model, cell, cost, words),
        "commands": [
            {"text": words("cell.command"), "code": f"{command} {cell.target}"},
            {"text": words("cell.verify"), "code": f"{verify}{cell.name}"},
        ],
        "parameters": parameters,
        "log": "\n".join(cell.log),
    }


def cell_title(own: dict[str, Any], baseline: dict[str, Any], words: Words) -> str:
    """A cell by what it changes: ``kernel size 3``; or the baseline."""
    changed = [
        words.fixed(name, _short(value))
        for name, value in own.items()
        if differs(name, value, baseline)
    ]
    return words.join(changed) if changed else words("cell.the_baseline")


def _short(value: Any) -> str:
    return ", ".join(map(label_of, value)) if isinstance(value, list) else label_of(value)


def _chip(place: Place, words: Words) -> dict[str, Any]:
    head = heads(place.axis, words)[place.axis.labels.index(place.label)]
    return {**head, "axis": words.title(place.axis.axis), "axis_id": place.axis.id}


def _difference(differing: list[dict[str, Any]], words: Words) -> str:
    if not differing:
        return words("cell.is_baseline")
    changes = [
        words("cell.change", name=row["name"], before=row["baseline"], after=row["value"])
        for row in differing
    ]
    return words("cell.differs", changes=words.join(changes))


def parameter_rows(
    own: dict[str, Any], baseline: dict[str, Any], words: Words
) -> list[dict[str, Any]]:
    """Every parameter of a cell beside the baseline's. A parameter that the cell does not read is left out."""
    return [
        {
            "name": words.named("parameter", name),
            "key": name,
            "value": words.plain(value),
            "baseline": words.plain(baseline.get(name)),
            "differs": differs(name, value, baseline),
        }
        for name, value in own.items()
    ]


def differs(name: str, value: Any, baseline: dict[str, Any]) -> bool:
    """Lists of one entry per block are cut to the blocks that a cell has, which is no difference."""
    other = baseline.get(name)
    if isinstance(value, list) and isinstance(other, list):
        shorter = min(len(value), len(other))
        return value[:shorter] != other[:shorter]
    return label_of(value) != label_of(other) if not isinstance(value, list) else value != other


def replicate_rows(axis: Axis, label: str, words: Words) -> list[dict[str, Any]]:
    """One row per replicate: its fate and its numbers."""
    own = axis.replicates[axis.replicates["label"] == label]
    found = []
    for row in own.to_dict("records"):
        why = words("none.replicate_diverged")
        found.append(
            {
                "replicate": int(row["replicate"]),
                "fate": words(f"fate.{row['status']}"),
                "metrics": [_number(scaled(name, row[name]), name, why) for name in axis.metrics],
                "best_epoch": entry(
                    None if pd.isna(row["best_epoch"]) else fmt.count(row["best_epoch"]), why
                ),
                "val_loss": _number(scaled("loss", row["val_loss"]), "loss", why),
            }
        )
    return found


def _number(value: float | None, metric: str, why: str) -> fmt.Entry:
    return entry(None if value is None else fmt.fixed(value, METRICS[metric].decimals), why)


def _residuals(found: dict[str, Any] | None, words: Words) -> dict[str, Any] | None:
    if not found or not found.get("svg"):
        return None
    parts = [words("cell.residual_numbers", mean=fmt.fixed(found["mean"], 2, sign=True),
                   sd=fmt.fixed(found["sd"], 2), share=fmt.percent(found["share_over"], 1),
                   limit=fmt.significant(found["over"], 2))]  # fmt: skip
    if found.get("censored_mean") is not None:
        parts.append(words("cell.censored", mean=fmt.fixed(found["censored_mean"], 2, sign=True),
                           value=fmt.significant(found["censored_at"], 3)))  # fmt: skip
    return {
        "svg": inline(found["svg"]),
        "text": words.sentences(parts),
        "worst": [
            {"index": row["index"], "target": fmt.fixed(row["target"], 1),
             "prediction": fmt.fixed(row["prediction"], 1)}
            for row in found.get("worst", [])
        ],
    }  # fmt: skip


def fact_rows(
    model: ModelDocument, cell: CellDocument, cost: pd.Series, words: Words
) -> list[dict[str, Any]]:
    """Key, data, cost, machine and versions of a cell."""
    environment = cell.environment
    found = [_fact("cell.key", cell.key, words, code=True)]
    found += [_fact("cell.evaluation", cell.evaluation, words, code=True)]
    for name, digest in model.data["sha256"].items():
        text = f"{name} {digest}"
        found.append(_fact("cell.data", text, words, code=True))
    if environment.get("git_commit"):
        text = environment["git_commit"] + ("+" if environment.get("git_dirty") else "")
        found.append(_fact("cell.commit", text, words, code=True))
    versions = [
        f"{words(f'environment.{name}')} {environment[name]}"
        for name in ("python", "torch", "numpy", "snakemake")
        if environment.get(name)
    ]
    if versions:
        found.append(_fact("cell.versions", words.join(versions), words))
    machine = [
        str(environment[name]) for name in ("cpu", "gpu", "precision") if environment.get(name)
    ]
    if machine:
        found.append(_fact("cell.machine", words.join(machine), words))
    if not pd.isna(cost["seconds"]):
        memory = cost["peak_memory_bytes"]
        text = words(
            "cell.cost_text",
            seconds=fmt.fixed(float(cost["seconds"]), 1),
            cpu=fmt.fixed(float(cost["cpu_seconds"]), 1),
            memory=fmt.DASH if pd.isna(memory) else fmt.megabytes(memory),
        )
        found.append(_fact("cell.cost", text, words))
        size = words("cell.size_text", parameters=fmt.count(cost["parameters"]),
                     operations=fmt.count(cost["multiply_adds"]))  # fmt: skip
        found.append(_fact("cell.size", size, words))
    if environment.get("finished_at"):
        found.append(_fact("cell.finished", fmt.moment(environment["finished_at"]), words))
    return found


def _fact(name: str, text: str, words: Words, *, code: bool = False) -> dict[str, Any]:
    return {"name": words(name), "text": text, "code": code}


def verifying(given: dict[str, list[str]]) -> str:
    """The beginning of the command that trains a cell of this study a second time; the cell's name is its end."""
    if not given["files"] and not given["overrides"]:
        return "make verify CELL="
    words = ["python", "-P", "-m", "ablation", "verify", *_options(given), "--cell"]
    return f"PYTHONPATH=workflow {shlex.join(words)} "


def commanded(given: dict[str, list[str]]) -> str:
    """The command that makes a target of this study, for a shell.

    Args:
        given: ``files`` over the configuration, and ``overrides`` over these, as ``KEY=VALUE``.
    """
    options = _options(given)
    return shlex.join(["snakemake", *options, *(["--"] if options else [])])


def _options(given: dict[str, list[str]]) -> list[str]:
    options: list[str] = []
    if given["files"]:
        options += ["--configfile", *given["files"]]
    if given["overrides"]:
        options += ["--config", *given["overrides"]]
    return options
