"""Everything the template prints, as plain values."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
from markupsafe import Markup

from ablation.canonical import label as label_of
from ablation.figures import COMMON, KINDS, figure_name
from ablation.figures.style import BAND, looks
from ablation.report import format as fmt
from ablation.report import provenance as prov
from ablation.report import published as pub
from ablation.report.axis import Axis, comparison_rows, digit_rows, make_axis, other_rows
from ablation.report.comparison import published_view
from ablation.report.findings import (
    best_view,
    model_findings,
    one_run,
    overview,
    yardstick_rows,
)
from ablation.report.metrics import metrics_of, scaled
from ablation.report.prose import (
    detectable_sentence,
    training_sentences,
    trivial_sentences,
    verdict_sentences,
)
from ablation.report.words import Words, slug

TRIVIAL = "predict_mean"
_XML = re.compile(r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|\sxmlns(:\w+)?=\"[^\"]*\"")


def make_context(
    study: dict[str, Any],
    comparisons: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    figures: dict[str, str],
    *,
    config: dict[str, Any],
    language: str,
    title: str,
    words: Words,
) -> dict[str, Any]:
    """The context of ``report.html.jinja``."""
    published = pub.load()
    models = [
        _model(entry, study, comparisons, tables, figures, config, published, words)
        for entry in study["models"]
    ]
    name = study["study"]["name"]
    return {
        "language": {"en": "en", "zh": "zh-Hans"}[language],
        "title": title,
        "study": {
            "name": name,
            "badge": words("header.badge", name=name) if name != "default" else "",
            "seed": study["study"]["seed"],
            "commits": words.join(prov.commits(study)),
        },
        "level": fmt.percent(comparisons["confidence"]),
        "failed": _failures(study, words),
        "models": models,
        "provenance": {
            "total": prov.cost_sentence(study, tables["cells"], words),
            "notes": prov.difference_notes(study, tables["cells"], words),
            "environment": prov.environment_rows(study, words),
            "data": prov.data_rows(study, words),
            "cost": prov.cost_rows(study, tables["cells"], words),
            "config": prov.config_text(config),
        },
    }


def _model(
    entry: dict[str, Any],
    study: dict[str, Any],
    comparisons: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    figures: dict[str, str],
    config: dict[str, Any],
    published: dict[str, Any],
    words: Words,
) -> dict[str, Any]:
    name = entry["model"]
    compared = comparisons["models"][name]
    metrics = metrics_of(name, compared["metric"], tables["replicates"])
    palette = config.get("report", {}).get("palette")
    axes = [
        make_axis(
            entry, axis, compared, tables, metrics=metrics,
            looks=looks([cell["label"] for cell in axis["cells"]], axis["reference"], palette),
            confidence=comparisons["confidence"],
        )
        for axis in entry["axes"]
    ]  # fmt: skip
    theirs = published["models"].get(name)
    names = {
        cell["cell"]: (axis["axis"], cell["label"])
        for axis in entry["axes"]
        for cell in axis["cells"]
    }
    best = best_view(compared["best"], names, compared["metric"], comparisons["confidence"], words)
    yardsticks = study.get("yardsticks", {}).get(name, {})
    data = entry["data"]
    margin = scaled(compared["metric"], compared["margin"]) or 0.0
    return {
        "id": slug(name),
        "name": name,
        "title": words.named("model_title", name),
        "metric": words(f"metric.{compared['metric']}"),
        "metric_head": words(f"metric_unit.{compared['metric']}"),
        "findings": model_findings(axes, best, words, one_run(entry, axes, theirs, words)),
        "overview": overview(axes, words),
        "what": _what(entry, words),
        "notes": _data_notes(data["dataset"], published["facts"], words),
        "parameters": prov.parameter_rows(entry["parameters"], words),
        "yardsticks": yardstick_rows(compared, yardsticks, words),
        "best": best,
        "margin": words("model.margin", margin=words.difference(compared["metric"], fmt.significant(margin, 2))),
        "scope": words("model.scope_fixed" if data["fixed_test_set"] else "model.scope_pool",
                       n=fmt.count(data["n_train"] + data["n_validation"] + data["n_test"]),
                       dataset=words.named("dataset", data["dataset"])),
        "not_comparable": words("published.not_comparable", theirs=fmt.count(theirs["n_train"]),
                                ours=fmt.count(data["n_train"]))
        if theirs and not pub.comparable(theirs, data["n_train"]) else "",
        "axes": [
            _axis(axis, compared["yardsticks"].get(TRIVIAL), theirs, figures,
                  comparisons.get("power"), words)
            for axis in axes
        ],
    }  # fmt: skip


def _axis(
    axis: Axis,
    trivial: dict[str, Any] | None,
    theirs: dict[str, Any] | None,
    figures: dict[str, str],
    power: float | None,
    words: Words,
) -> dict[str, Any]:
    digits = (theirs or {}).get("per_digit", {}).get(axis.name, {})
    if theirs is None or not pub.comparable(theirs, axis.model["data"]["n_train"]):
        digits = {}
    level = next(
        (r["difference_level"] for r in axis.compared["rows"].values() if r["difference_level"]),
        None,
    )
    fixed = {**axis.axis["with"]}
    others = [metric for metric in axis.metrics if metric != axis.metric]
    return {
        "id": axis.id,
        "title": words.named("axis_title", axis.name),
        "parameter": axis.axis["parameter"] or "",
        "with": words("axis.with", values=words.join(
            [words("text.setting", axis=words.named("parameter", k), value=words.value(label_of(v)))
             for k, v in fixed.items()])) if fixed else "",
        "reference": words.value(axis.reference),
        "sentences": verdict_sentences(axis, words) + trivial_sentences(axis, trivial, words),
        "training": training_sentences(axis, words),
        "detectable": detectable_sentence(axis, power, words),
        "level": fmt.percent(level) if level else "",
        "metric": words(f"metric.{axis.metric}"),
        "metric_head": words(f"metric_unit.{axis.metric}"),
        "difference_head": words(f"difference_unit.{axis.metric}"),
        "rows": comparison_rows(axis, words),
        "others": [words(f"metric_unit.{metric}") for metric in others],
        "other_rows": other_rows(axis, words),
        "digits": digit_rows(axis, digits, words),
        "published": published_view(axis, theirs, words),
        "figures": [_figure(axis, kind, figures, words) for kind in KINDS.get(axis.model["model"], COMMON)],
    }  # fmt: skip


def _figure(axis: Axis, kind: str, figures: dict[str, str], words: Words) -> dict[str, Any]:
    name = figure_name(axis.model["model"], axis.name, kind)
    if name not in figures:
        raise KeyError(f"the figure {name!r} was not drawn")
    band = fmt.percent(BAND[1] - BAND[0])
    title = words.named("axis_title", axis.name)
    return {
        "id": slug(f"figure-{name}"),
        "svg": Markup(_XML.sub("", figures[name]).strip()),  # noqa: S704 – our own drawing
        "label": words(f"caption.{kind}_label", axis=title),
        "caption": words(f"caption.{kind}", axis=title, band=band,
                         level=fmt.percent(axis.confidence), reference=words.value(axis.reference)),
    }  # fmt: skip


def _what(entry: dict[str, Any], words: Words) -> list[str]:
    data = entry["data"]
    numbers = {name: fmt.count(data[name]) for name in ("n_train", "n_validation", "n_test")}
    found = []
    if f"about.{entry['model']}" in words.messages:
        found.append(words(f"about.{entry['model']}"))
    found.append(words("model.data", dataset=words.named("dataset", data["dataset"]),
                       source=words.named("source", data["source"]), **numbers))  # fmt: skip
    fate = "model.fixed_test" if data["fixed_test_set"] else "model.resampled"
    found.append(words(fate, n=entry["replicates"]))
    return found


def _data_notes(dataset: str, facts: dict[str, Any], words: Words) -> list[str]:
    if dataset not in facts:
        return []
    keys = [key for key in words.messages if key.startswith(f"data_note.{dataset}.")]
    return [words(key, **facts[dataset]) for key in keys]


def _failures(study: dict[str, Any], words: Words) -> list[dict[str, str]]:
    return [
        {"cell": cell["cell"], "text": words.setting(axis["axis"], cell["label"]),
         "model": words.named("model_short", model["model"]), "reason": cell["failed"]}
        for model in study["models"]
        for axis in model["axes"]
        for cell in axis["cells"]
        if cell["failed"] is not None
    ]  # fmt: skip
