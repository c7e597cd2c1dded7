"""Everything the template prints, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from jinja2.utils import htmlsafe_json_dumps

from ablation.figures import draws_name, figure_name, kinds_of
from ablation.figures.style import BAND, looks
from ablation.language import numbers as fmt
from ablation.language.metrics import metrics_of
from ablation.language.words import Words, slug
from ablation.report import provenance as prov
from ablation.report.axis import Axis, make_axis
from ablation.report.axis_tables import comparison_rows, digit_rows, other_rows
from ablation.report.cells import cell_title, cell_views, commanded, verifying
from ablation.report.claims import claims_view
from ablation.report.comparison import published_view
from ablation.report.crossed import crossed_rows
from ablation.report.draws import draws_view
from ablation.report.findings import best_view, headlines, one_run, yardstick_rows
from ablation.report.more import factorial_view, more_rows, omega_text
from ablation.report.overlay import overlay_view
from ablation.report.prose import (
    axis_sentences,
    margin_text,
    scored_sentences,
    settle_sentences,
    training_sentences,
)
from ablation.report.summary import summary_view
from ablation.report.svg import inline
from ablation.report.threats import threats, verification_view
from ablation.results import published as pub
from ablation.store.document import ModelDocument, StudyDocument
from ablation.store.keys import label as label_of

PAGE_WORDS = ("copied", "copy_as", "filter", "epoch")


@dataclass(frozen=True)
class Inputs:
    """What the report is made from; see :func:`ablation.report.build`."""

    study: StudyDocument
    comparisons: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    figures: dict[str, str]
    config: dict[str, Any]
    published: dict[str, Any]
    claims: dict[str, Any]
    claims_text: dict[str, Any]
    words: Words
    draws: dict[str, Any]
    portraits: dict[str, Any]
    verification: dict[str, Any] | None
    given: dict[str, list[str]]

    @property
    def confidence(self) -> float:
        return float(self.comparisons["confidence"])

    def axes_of(self, model: ModelDocument) -> list[Axis]:
        compared = self.comparisons["models"][model.name]
        metrics = metrics_of(model.name, compared["metric"], self.tables["replicates"])
        palette = self.config.get("report", {}).get("palette")
        return [
            make_axis(
                model,
                axis,
                compared,
                self.tables,
                metrics=metrics,
                looks=looks(axis.labels, axis.reference, palette),
                confidence=self.confidence,
            )
            for axis in model.axes
        ]


def make_context(inputs: Inputs, *, language: str, title: str) -> dict[str, Any]:
    """The context of ``report.html.jinja``."""
    study, words, cells = inputs.study, inputs.words, inputs.tables["cells"]
    return {
        "language": {"en": "en", "zh": "zh-Hans"}[language],
        "title": title,
        "study": {
            "name": study.name,
            "badge": words("header.badge", name=study.name) if study.name != "default" else "",
            "seed": study.seed,
            "commits": words.join(prov.commits(study)) if prov.commits(study) else "",
        },
        "level": fmt.percent(inputs.confidence),
        "failed": _failures(study, words),
        "models": [_model(entry, inputs) for entry in study.models],
        "claims": claims_view(
            inputs.claims, inputs.claims_text, study, inputs.comparisons, words, language=language
        ),
        "threats": threats(study, inputs.comparisons, words),
        "verification": verification_view(inputs.verification, words),
        "page_words": htmlsafe_json_dumps({name: words(f"page.{name}") for name in PAGE_WORDS}),
        "provenance": {
            "total": prov.cost_sentence(cells, words),
            "environment": prov.environment_rows(study, words),
            "data": prov.data_rows(study, words),
            "cost": prov.cost_rows(study, cells, words),
            "config": prov.config_text(inputs.config),
        },
    }


def _model(entry: ModelDocument, inputs: Inputs) -> dict[str, Any]:
    name, data, words = entry.name, entry.data, inputs.words
    compared = inputs.comparisons["models"][name]
    metric = compared["metric"]
    axes = inputs.axes_of(entry)
    theirs = inputs.published["models"].get(name)
    settings = {
        cell.name: cell_title(cell.parameters, entry.parameters, words) for cell in entry.cells()
    }
    best = best_view(compared, settings, inputs.confidence, words)
    summary = summary_view(axes, compared["ranking"], words)
    portraits = (inputs.portraits.get(name) or {}).get("cells", {})
    command = commanded(inputs.given)
    cells = cell_views(
        entry,
        axes,
        inputs.tables["cells"],
        words,
        portraits=portraits,
        command=command,
        verify=verifying(inputs.given),
    )
    apart = theirs is not None and not pub.comparable(theirs, data)
    return {
        "id": slug(name),
        "name": name,
        "title": _title(name, data["dataset"], words),
        "metric_head": words(f"metric_unit.{metric}"),
        "headlines": headlines(
            compared, best, summary["matters"], one_run(entry, axes, theirs, words), words
        ),
        "summary": summary,
        "difference_head": words(f"difference_unit.{metric}"),
        "what": _what(entry, words),
        "scope": _scope(data, inputs.published["facts"], words),
        "notes": _data_notes(data["dataset"], inputs.published["facts"], words),
        "parameters": prov.parameter_rows(entry.parameters, words),
        "yardsticks": yardstick_rows(compared, entry.yardsticks, words),
        "best": best,
        "draws": draws_view(inputs.draws.get(name), settings, inputs.confidence, words),
        "draws_figure": _draws_figure(name, inputs),
        "margin": words("model.margin", margin=margin_text(axes[0], words)),
        "log": compared["log"],
        "not_comparable": _not_comparable(theirs, data, words) if theirs and apart else "",
        "axes": [_axis(axis, inputs, None if apart else theirs) for axis in axes],
        "cells": cells,
        "overlay": overlay_view(cells, portraits, words),
    }


def _title(model: str, dataset: str, words: Words) -> str:
    key = f"model_title.{model}"
    if key not in words.messages:
        return model
    return words(key, data=words.named("data_name", dataset))


def _not_comparable(theirs: dict[str, Any], data: dict[str, Any], words: Words) -> str:
    """Why the course report's numbers do not stand beside ours."""
    if not pub.same_kind(theirs, data):
        return words("published.other_data")
    if "n_train" not in data:
        return ""
    numbers = {"theirs": fmt.count(theirs["n_train"]), "ours": fmt.counts(data["n_train"])}
    return words("published.not_comparable", **numbers)


def _scope(data: dict[str, Any], facts: dict[str, Any], words: Words) -> str:
    name = words.named("dataset", data["dataset"])
    if data["fixed_test_set"]:
        return words("model.scope_fixed", dataset=name)
    if data["dataset"] not in facts:
        return words("model.scope_data", dataset=name)
    return words("model.scope_pool", dataset=name, n=fmt.count(facts[data["dataset"]]["rows"]))


def _axis(axis: Axis, inputs: Inputs, theirs: dict[str, Any] | None) -> dict[str, Any]:
    words = inputs.words
    # Of the comparisons judged here; a row that is judged elsewhere says its own.
    level = axis.compared["difference_level"] if axis.compared["n_comparisons"] else None
    fixed = [words.fixed(name, label_of(value)) for name, value in axis.axis.fixed.items()]
    others = [metric for metric in axis.metrics if metric != axis.metric]
    digits = (theirs or {}).get("per_digit", {}).get(axis.name, {})
    kinds = kinds_of(axis.model.name, axis.axis)
    return {
        "id": axis.id,
        "title": words.title(axis.axis),
        "parameter": axis.axis.parameter or "",
        "with": words("axis.with", values=words.join(fixed)) if fixed else "",
        "reference": words.value(axis.reference),
        "sentences": axis_sentences(axis, words) + scored_sentences(axis, words),
        "training": training_sentences(axis, words),
        "settle": settle_sentences(axis, words),
        "omega": omega_text(axis, words),
        "log": axis.log,
        "level": fmt.percent(level) if level else "",
        "metric_head": words(f"metric_unit.{axis.metric}"),
        "difference_head": words(f"difference_unit.{axis.metric}"),
        "rows": comparison_rows(axis, words),
        "others": [words(f"metric_unit.{metric}") for metric in others],
        "other_rows": other_rows(axis, words),
        "digits": digit_rows(axis, digits, words),
        "published": published_view(axis, theirs, words),
        "crossed": crossed_rows(axis, words),
        "more": more_rows(axis, words),
        "factorial": factorial_view(axis, words),
        "figures": [_figure(axis, kind, inputs.figures, words) for kind in kinds],
    }


def _figure(axis: Axis, kind: str, figures: dict[str, str], words: Words) -> dict[str, Any]:
    name = figure_name(axis.model.name, axis.name, kind)
    if name not in figures:
        raise KeyError(f"the figure {name!r} was not drawn")
    band = fmt.percent(BAND[1] - BAND[0])
    title = words.title(axis.axis)
    return {
        "id": slug(f"figure-{name}"),
        "svg": inline(figures[name]),
        "label": words(f"caption.{kind}_label", axis=title),
        "caption": words(f"caption.{kind}", axis=title, band=band,
                         level=fmt.percent(axis.confidence), reference=words.value(axis.reference)),
    }  # fmt: skip


def _draws_figure(model: str, inputs: Inputs) -> dict[str, Any] | None:
    name = draws_name(model)
    if name not in inputs.figures:
        return None
    words = inputs.words
    return {
        "id": slug(f"figure-{name}"),
        "svg": inline(inputs.figures[name]),
        "label": words("draws.label"),
        "caption": words("draws.figure"),
    }


def _what(entry: ModelDocument, words: Words) -> list[str]:
    data = entry.data
    found = []
    if f"about.{entry.name}" in words.messages:
        found.append(words(f"about.{entry.name}"))
    if "n_train" not in data:  # every cell failed, and nothing was learnt of the data
        return found
    numbers = {name: fmt.counts(data[name]) for name in ("n_train", "n_validation", "n_test")}
    found.append(words("model.data", dataset=words.named("dataset", data["dataset"]),
                       source=words.named("source", data["dataset"]), **numbers))  # fmt: skip
    fate = "model.fixed_test" if data["fixed_test_set"] else "model.resampled"
    found.append(words(fate, n=entry.replicates))
    return found


def _data_notes(dataset: str, facts: dict[str, Any], words: Words) -> list[str]:
    if dataset not in facts:
        return []
    keys = [key for key in words.messages if key.startswith(f"data_note.{dataset}.")]
    return [words(key, **facts[dataset]) for key in keys]


def _failures(study: StudyDocument, words: Words) -> list[dict[str, str]]:
    return [
        {"cell": cell.name, "text": words.setting(axis, cell.label),
         "model": words.named("model_short", model.name), "reason": cell.failed}
        for model in study.models
        for axis, cell in model.places()
        if cell.failed is not None
    ]  # fmt: skip
