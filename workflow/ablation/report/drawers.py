"""Every stored cell, closely: what it is, what became of each replicate, what it gets wrong, how to make it again."""

from __future__ import annotations

import shlex
from typing import Any

import pandas as pd

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled
from ablation.language.words import Words
from ablation.report.axis import Axis, drawer_id, heads, number_entry
from ablation.report.inputs import Inputs
from ablation.report.pictures import confusions, gallery, kernels
from ablation.report.run import run_id
from ablation.report.svg import inline
from ablation.store.document import CellDocument, ModelDocument
from ablation.store.keys import label as label_of
from ablation.tasks.task import METRICS


def drawers(model: ModelDocument, axes: list[Axis], inputs: Inputs) -> list[dict[str, Any]]:
    """One view per distinct key, in the order of the axes."""
    places: dict[str, list[tuple[Axis, str]]] = {}
    for axis in axes:
        for label in axis.labels:
            places.setdefault(axis.cell(label).key, []).append((axis, label))
    cells = inputs.tables["cells"]
    costs = cells[cells["model"] == model.name].drop_duplicates("key").set_index("key")
    portraits = (inputs.portraits.get(model.name) or {}).get("cells", {})
    return [
        _drawer(model, shown, costs.loc[key], portraits.get(key) or {}, inputs)
        for key, shown in places.items()
    ]


def _drawer(
    model: ModelDocument,
    places: list[tuple[Axis, str]],
    cost: pd.Series,
    portrait: dict[str, Any],
    inputs: Inputs,
) -> dict[str, Any]:
    words, (axis, label) = inputs.words.about(model), places[0]
    cell = axis.cell(label)
    parameters = parameter_rows(cell.parameters, model.parameters, words)
    differing = [row for row in parameters if row["differs"]]
    return {
        "key": cell.key,
        "id": drawer_id(model.name, cell.key),
        "title": cell_title(cell.parameters, model.parameters, words),
        "is_baseline": not differing,
        "headline": _headline(axis, label, words),
        "verdicts": [_chip(*place, words) for place in places],
        "difference": _difference(differing, words),
        "failed": cell.failed,
        "metric_heads": [words.head(name) for name in axis.metrics],
        "replicates": replicate_rows(axis, label, words),
        "curves": inline(portrait.get("curves")),
        "residuals": _residuals(portrait.get("residuals"), words),
        **confusions(portrait.get("confusion"), model.classes, words, is_baseline=not differing),
        "mistakes": gallery(portrait.get("mistakes"), model.classes, words),
        "kernels": kernels(portrait.get("kernels"), words),
        "facts": fact_rows(model, cell, cost, words),
        "commands": [
            {"text": words("cell.command"), "code": f"{commanded(inputs.given)} {cell.target}"},
            {"text": words("cell.verify"), "code": f"{verifying(inputs.given)}{cell.name}"},
        ],
        "parameters": parameters,
        "run": run_id(model.name, cell.key),
    }


def _headline(axis: Axis, label: str, words: Words) -> str:
    row = axis.row(label)
    centre = scaled(axis.metric, row["median"] if row["broken"] else row["mean"])
    if centre is None:
        return ""
    mean = words.number(axis.metric, fmt.significant(centre, 3 if centre < 90 else 4))
    key = "cell.headline_median" if row["broken"] else "cell.headline"
    return words(key, metric=words(f"metric.{axis.metric}"), mean=mean)


def cell_title(parameters: dict[str, Any], baseline: dict[str, Any], words: Words) -> str:
    """A cell by what it changes: ``kernel size 3``; or the baseline."""
    changed = [
        words.fixed(name, _short(value))
        for name, value in parameters.items()
        if differs(name, value, baseline)
    ]
    return words.join(changed) if changed else words("cell.the_baseline")


def _short(value: Any) -> str:
    return ", ".join(map(label_of, value)) if isinstance(value, list) else label_of(value)


def _chip(axis: Axis, label: str, words: Words) -> dict[str, Any]:
    head = heads(axis, words)[axis.labels.index(label)]
    return {**head, "axis": words.title(axis.axis), "axis_id": axis.id}


def _difference(differing: list[dict[str, Any]], words: Words) -> str:
    if not differing:
        return words("cell.is_baseline")
    changes = [
        words("cell.change", name=row["name"], before=row["baseline"], after=row["value"])
        for row in differing
    ]
    return words("cell.differs", changes=words.join(changes))


def parameter_rows(
    parameters: dict[str, Any], baseline: dict[str, Any], words: Words
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
        for name, value in parameters.items()
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
    why = words("none.replicate_diverged")

    def number(row: dict[str, Any], column: str, metric: str) -> fmt.Entry:
        return number_entry(scaled(metric, row[column]), METRICS[metric].decimals, why)

    return [
        {
            "replicate": int(row["replicate"]),
            "fate": words(f"fate.{row['status']}"),
            "metrics": [number(row, name, name) for name in axis.metrics],
            "best_epoch": number_entry(row["best_epoch"], 0, why),
            "val_loss": number(row, "val_loss", "loss"),
        }
        for row in axis.replicates[axis.replicates["label"] == label].to_dict("records")
    ]


def _residuals(residuals: dict[str, Any] | None, words: Words) -> dict[str, Any] | None:
    if not residuals or not residuals.get("svg"):
        return None
    places = fmt.decimals_for(residuals["over"])
    numbers = {
        "mean": fmt.fixed(residuals["mean"], places, sign=True),
        "sd": fmt.DASH
        if residuals["sd"] is None
        else words.amount(fmt.fixed(residuals["sd"], places)),
        "share": fmt.percent(residuals["share_over"], 1),
        "limit": words.amount(fmt.fixed(residuals["over"], places)),
    }
    parts = [words("cell.residual_numbers", **numbers)]
    if residuals.get("top") is not None:
        mean = fmt.fixed(residuals["top_mean"], places, sign=True)
        value = words.amount(fmt.significant(residuals["top"], 3))
        parts.append(words("cell.top", mean=mean, value=value, n=residuals["n_top"]))
    worst = [
        {"index": row["index"]} | {n: fmt.fixed(row[n], places) for n in ("target", "prediction")}
        for row in residuals.get("worst", [])
    ]
    return {"svg": inline(residuals["svg"]), "text": words.sentences(parts), "worst": worst}


def fact_rows(
    model: ModelDocument, cell: CellDocument, sizes: pd.Series, words: Words
) -> list[dict[str, Any]]:
    """Keys, data and size of a cell; where and when it was made stands with the run."""
    texts = [("cell.key", cell.key, True), ("cell.evaluation", cell.evaluation, True)]
    digests = model.data["sha256"].items()
    texts += [("cell.data", f"{name} {digest}", True) for name, digest in digests]
    if not pd.isna(sizes["parameters"]):
        parameters, operations = fmt.count(sizes["parameters"]), fmt.count(sizes["multiply_adds"])
        size = words("cell.size_text", parameters=parameters, operations=operations)
        texts.append(("cell.size", size, False))
    return [{"name": words(name), "text": text, "code": code} for name, text, code in texts]


def verifying(arguments: dict[str, list[str]]) -> str:
    """The beginning of the command that trains a cell of this study a second time; the cell's name is its end."""
    if not arguments["files"] and not arguments["overrides"]:
        return "make verify CELL="
    words = ["python", "-P", "-m", "ablation", "verify", *_options(arguments), "--cell"]
    return f"PYTHONPATH=workflow {shlex.join(words)} "


def commanded(arguments: dict[str, list[str]]) -> str:
    """The command that makes a target of this study, for a shell.

    Args:
        arguments: ``files`` over the configuration, and ``overrides`` over these, as ``KEY=VALUE``.
    """
    options = _options(arguments)
    return shlex.join(["snakemake", *options, *(["--"] if options else [])])


def _options(arguments: dict[str, list[str]]) -> list[str]:
    options: list[str] = []
    if arguments["files"]:
        options += ["--configfile", *arguments["files"]]
    if arguments["overrides"]:
        options += ["--config", *arguments["overrides"]]
    return options
