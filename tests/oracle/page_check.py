"""The whole page against the oracle's numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import yaml

from oracle.page import Element, parse
from oracle.page_claims import ClaimsPage, check_threats
from oracle.page_findings import Findings
from oracle.page_models import ModelTables
from oracle.page_prose import AxisProse, check_sentences
from oracle.page_published import published_runs, published_table, theirs_per_digit
from oracle.page_tables import AxisTables, section_of
from oracle.page_words import Words
from oracle.stat_claims import Claims, claims
from oracle.stat_courses import courses
from oracle.stat_inputs import Model, read_mixed
from oracle.statistics import inputs, recomputed
from oracle.study import Study, read_json

Check = Callable[[Element], int]


@cache
def page_of(study: Study) -> Element:
    """The report of a study as it is."""
    return parse(study.report.read_text("utf-8"))


@cache
def checks(study: Study) -> dict[str, Check]:
    """Every part of the page with what checks it; each returns how many numbers agreed."""
    document, words = recomputed(study), Words(study)
    costs = read_mixed(study.tables / "cells.csv")
    draws = read_json(study.tables / "draws.json")["models"]
    report = study.project / "workflow" / "report"
    facts = yaml.safe_load((report / "reference.yaml").read_text("utf-8"))["models"]
    found: dict[str, Check] = {}
    bases = {}
    for model in inputs(study):
        own = document["models"][model.name]
        tables = {axis.name: AxisTables(words, model, axis, own, costs) for axis in model.axes}
        findings = Findings(words, model, own, tables)
        whole = ModelTables(words, model, own)
        name = model.name
        found[f"{name}: effects"] = findings.check_effects
        found[f"{name}: answer"] = _with(findings.check_answer, facts[name])
        found[f"{name}: simple models"] = whole.check_yardsticks
        found[f"{name}: draws"] = _with(whole.check_draws, draws[name])
        found[f"{name}: cells"] = whole.check_cells
        base = words.baseline(model)
        if base:
            bases[name] = _row(own, model, base.key)
        for axis in model.axes:
            found |= _axis_checks(
                study, tables[axis.name], facts[name], findings.comparable(facts[name])
            )
    every = {model.name: model for model in inputs(study)}
    found["claims"] = ClaimsPage(words, Claims(study), claims(study)).check
    found["threats"] = lambda page: check_threats(words, page, every, bases)
    return found


def _with(check: Callable[..., int], *facts: Any) -> Check:
    return lambda page: check(page, *facts)


def _row(document: dict[str, Any], model: Model, key: str) -> dict[str, Any]:
    for axis in model.axes:
        for cell in axis.cells:
            if cell.key == key:
                return dict(document["axes"][axis.name]["rows"][cell.label])
    raise KeyError(key)


def _axis_checks(
    study: Study, tables: AxisTables, facts: dict[str, Any], comparable: bool
) -> dict[str, Check]:
    """Tables, the course report beside them, and sentences."""
    model, axis = tables.model, tables.axis
    prose = AxisProse(tables, read_epochs(study), courses(study))
    name = f"{model.name}: {axis.name}"

    def their_numbers(page: Element) -> int:
        section = section_of(page, model, axis)
        count = published_table(tables, section, facts)
        published = any(axis.name in run["axes"] for run in facts["runs"])
        assert bool(count) == (published and comparable), "beside the course report"
        return count + (theirs_per_digit(tables, section, facts) if model.name == "cnn" else 0)

    return {
        f"{name}, tables": lambda page: tables.check(section_of(page, model, axis)),
        f"{name}, course report": their_numbers,
        f"{name}, sentences": lambda page: sentences(page, prose, facts),
    }


@cache
def read_epochs(study: Study) -> Any:
    """The learning curves."""
    return read_mixed(study.tables / "epochs.csv")


def sentences(page: Element, prose: AxisProse, facts: dict[str, Any]) -> int:
    """The paragraphs of a factor's section, and its words among the findings."""
    tables, words = prose.tables, prose.words
    section, where = section_of(page, prose.model, prose.axis), tables.title
    paragraphs = [e.text for e in section.all("p")]
    (said,) = section.all("p", "in-words")
    count = check_sentences(said.text, [*prose.in_words(), *prose.scored()], where)
    notes = [("† ", *words.say("axis.holm_alone")), words.say("axis.non_diverged_only")]
    for line in paragraphs:
        if any(str(note[-1]) in line for note in notes):
            count += check_sentences(line, [], where, notes)
    lines: dict[str, tuple[list[Any], list[Any]]] = {
        words.known["more.text"].split("%")[0]: (
            [words.say("more.text"), *prose.importance()],
            [],
        ),
    }
    if prose.settle():
        first = str(prose.settle()[0][0])
        lines[first] = (prose.settle(), [])
    if tables.own["factorial"] and not tables.own["factorial"]["reason"]:
        lines[str(prose.grid()[0][0])] = (prose.grid(), [])
    for begin, (required, optional) in lines.items():
        line = next((p for p in paragraphs if p.startswith(begin)), None)
        assert line is not None, f"{where}: no paragraph begins with “{begin}”"
        count += check_sentences(line, required, where, optional)
    speed = words.known["axis.speed"].split("%")[0]
    for line in paragraphs:
        if line.startswith(speed):
            count += check_sentences(line, prose.training()[:1], where, prose.training()[1:])
    # The longest of its words that no number interrupts.
    fits = max(re.split(r"%\(\w+\)s|%%", words.known["published.summary"]), key=len)
    counted = [line for line in paragraphs if fits in line]
    beside = published_table(tables, section, facts) > 0
    assert len(counted) == beside, f"{where}: {len(counted)} paragraphs on the course report's runs"
    unstated = [words.say("published.unstated")] if prose.axis.fixed else []
    required = [*published_runs(tables, facts), *unstated]
    return count + sum(check_sentences(line, required, where) for line in counted)


def check_page(study: Study, page: Element) -> Counter[str]:
    """All parts; returns how many numbers of each agreed."""
    return Counter({name: check(page) for name, check in checks(study).items()})
