"""Everything the template prints, as plain values."""

from __future__ import annotations

from typing import Any

from jinja2.utils import htmlsafe_json_dumps

from ablation.figures import draws_name, figure_name, kinds_of
from ablation.figures.style import BAND
from ablation.language import numbers as fmt
from ablation.language.words import Words, chosen, slug
from ablation.report import provenance as prov
from ablation.report.about import data_notes, what_view
from ablation.report.answer import answer_view
from ablation.report.axis import Axis, axes_of
from ablation.report.axis_tables import class_rows, comparison_rows, other_rows
from ablation.report.checks import check_rows, factorial_view, omega_text
from ablation.report.claims import claims_view
from ablation.report.comparison import published_view
from ablation.report.crossed import crossed_rows
from ablation.report.drawers import cell_title, drawers, parameter_rows
from ablation.report.findings import best_view, one_run, yardstick_rows
from ablation.report.further_tests import further_tests
from ablation.report.inputs import Inputs
from ablation.report.prose import (
    axis_sentences,
    margin_text,
    scored_sentences,
    settle_sentences,
    training_sentences,
)
from ablation.report.run import run_view
from ablation.report.summary import summary_view
from ablation.report.svg import inline
from ablation.report.threats import threats, verification_view
from ablation.results import published as pub
from ablation.store.document import ModelDocument, StudyDocument
from ablation.store.keys import label as label_of

PAGE_WORDS = ("copied", "copy_as", "filter")


def make_context(inputs: Inputs) -> dict[str, Any]:
    """The context of ``report.html.jinja``."""
    study, words = inputs.study, inputs.words
    name = study.name
    return {
        "language": {"en": "en", "zh": "zh-Hans"}[inputs.language],
        "title": chosen(inputs.config["report"]["title"], inputs.language),
        "study": {
            "name": name,
            "badge": words("header.badge", name=name) if name != "default" else "",
            "seed": study.seed,
        },
        "level": fmt.percent(inputs.confidence),
        "captions": _captions(inputs),
        "failed": _failures(study, words),
        "models": [_model(entry, inputs) for entry in study.models],
        "claims": claims_view(
            inputs.claims, study, inputs.comparisons, words, language=inputs.language
        ),
        "redone": any(pub.of_model(model) for model in study.models),
        "threats": threats(study, inputs.comparisons, words),
        "verification": verification_view(inputs.verification, words),
        "page_words": htmlsafe_json_dumps({name: words(f"page.{name}") for name in PAGE_WORDS}),
        "provenance": {
            "data": prov.data_rows(study, words),
            "config": prov.config_text(inputs.config),
        },
        "run": run_view(inputs),
    }


def _read(entry: ModelDocument) -> dict[str, Any]:
    """The baseline's parameters, of those that a cell of the model reads."""
    read = {name for cell in entry.cells() for name in cell.parameters}
    return {name: value for name, value in entry.parameters.items() if name in read}


def _model(entry: ModelDocument, inputs: Inputs) -> dict[str, Any]:
    name, words = entry.name, inputs.words.about(entry)
    compared = inputs.comparisons["models"][name]
    metric = compared["metric"]
    axes = axes_of(entry, inputs)
    theirs = pub.of_model(entry)
    settings = {
        cell.name: cell_title(cell.parameters, entry.parameters, words) for cell in entry.cells()
    }
    best = best_view(compared, settings, inputs.confidence, words)
    beside = theirs if theirs and pub.comparable(theirs, entry) else None
    return {
        "id": slug(name),
        "name": name,
        "title": words.heading,
        "metric_head": words.head(metric),
        "answer": answer_view(axes, compared, list(entry.yardsticks), words),
        "one_run": one_run(entry, axes, theirs, words),
        "summary": summary_view(axes, compared["ranking"], words),
        "difference_head": words.difference_head(metric),
        "what": what_view(entry, words),
        "notes": data_notes(entry, words),
        "classes": entry.classes,
        "parameters": parameter_rows(_read(entry), entry.parameters, words),
        "yardsticks": yardstick_rows(compared, entry.yardsticks, words),
        "best": best,
        "further_tests": further_tests(inputs.draws.get(name), settings, inputs.confidence, words),
        "draws_figure": _draws_figure(name, inputs),
        "true_value": words.of_target("figure.true_value"),
        "predicted_value": words.of_target("figure.predicted_value"),
        "margin": words("model.margin", margin=margin_text(axes[0], words)),
        "log": compared["log"],
        "not_comparable": _not_comparable(theirs, entry, words) if theirs and not beside else "",
        "axes": [_axis(axis, inputs, beside) for axis in axes],
        "drawers": drawers(entry, axes, inputs),
    }


def _not_comparable(theirs: dict[str, Any], model: ModelDocument, words: Words) -> str:
    """Why the course report's numbers do not stand beside ours."""
    if "n_train" not in model.data:
        return ""
    numbers = {"theirs": fmt.count(theirs["n_train"]), "ours": fmt.counts(model.data["n_train"])}
    return words("published.not_comparable", **numbers)


def _axis(axis: Axis, inputs: Inputs, theirs: dict[str, Any] | None) -> dict[str, Any]:
    words = inputs.words.about(axis.model)
    # Of the comparisons judged here; a row that is judged elsewhere says its own.
    level = axis.compared["difference_level"] if axis.compared["n_comparisons"] else None
    fixed = [words.fixed(name, label_of(value)) for name, value in axis.axis.fixed.items()]
    others = [metric for metric in axis.metrics if metric != axis.metric]
    per_class = (theirs or {}).get("per_class", {}).get(axis.name, {})
    kinds = kinds_of(axis.model.task, axis.axis)
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
        "metric_head": words.head(axis.metric),
        "difference_head": words.difference_head(axis.metric),
        "rows": comparison_rows(axis, words),
        "others": [words.head(metric) for metric in others],
        "other_rows": other_rows(axis, words),
        "per_class": class_rows(axis, per_class, words),
        "published": published_view(axis, theirs, words),
        "crossed": crossed_rows(axis, words),
        "checks": check_rows(axis, words),
        "factorial": factorial_view(axis, words),
        "figures": [_figure(axis, kind, inputs.figures, words) for kind in kinds],
    }


def _figure(axis: Axis, kind: str, figures: dict[str, str], words: Words) -> dict[str, Any]:
    name = figure_name(axis.model.name, axis.name, kind)
    if name not in figures:
        raise KeyError(f"the figure {name!r} was not drawn")
    label = words(f"caption.{kind}_label", axis=words.title(axis.axis))
    return _shown(name, figures, label)


def _draws_figure(model: str, inputs: Inputs) -> dict[str, Any] | None:
    name, words = draws_name(model), inputs.words
    if name not in inputs.figures:
        return None
    shown = _shown(name, inputs.figures, words("draws.label"))
    return {**shown, "caption": words("draws.figure")}


def _shown(name: str, figures: dict[str, str], label: str) -> dict[str, Any]:
    return {"id": slug(f"figure-{name}"), "svg": inline(figures[name]), "label": label}


def _captions(inputs: Inputs) -> list[dict[str, str]]:
    """How to read each kind of figure that the page has: said once for all of them."""
    words, models = inputs.words, inputs.study.models
    kinds = dict.fromkeys(
        kind for model in models for axis in model.axes for kind in kinds_of(model.task, axis)
    )
    numbers = {"band": fmt.percent(BAND[1] - BAND[0]), "level": fmt.percent(inputs.confidence)}
    return [
        {"term": words(f"caption.{kind}_term"), "text": words(f"caption.{kind}", **numbers)}
        for kind in kinds
    ]


def _failures(study: StudyDocument, words: Words) -> list[dict[str, str]]:
    return [
        {
            "cell": cell.name,
            "text": model_words.setting(axis, cell.label),
            "model": model_words.short,
            "reason": cell.failed,
        }
        for model in study.models
        for model_words in [words.about(model)]
        for axis, cell in model.places()
        if cell.failed is not None
    ]
