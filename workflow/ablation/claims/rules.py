"""The rules that decide a claim, one per kind of statement. Pure: numbers in, a verdict and its evidence out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ablation.results.courses import MEASURES
from ablation.statistics.families import Comparison
from ablation.statistics.judge import Outcome
from ablation.statistics.model import Measured, ModelNumbers, effect_in_unit
from ablation.statistics.replicates import Values
from ablation.statistics.scale import Scale
from ablation.statistics.verdicts import Verdict, bonferroni_level
from ablation.store.document import ModelDocument


class Answer(StrEnum):
    """What a study says to a claim."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTED = "not tested"


CONFIRMED_BY = {
    "worse": {Verdict.WORSE},
    "better": {Verdict.BETTER},
    "equal": {Verdict.EQUIVALENT},
    "not better": {Verdict.WORSE, Verdict.EQUIVALENT},
    "lower": {Verdict.BETTER},  # of measures, which are compared as if a lower one were better
    "higher": {Verdict.WORSE},
}
"""What a claim says of a cell beside another → verdicts that confirm it."""


@dataclass(frozen=True)
class Evidence:
    """What a claim about one model can look at."""

    model: ModelDocument
    numbers: ModelNumbers
    courses: pd.DataFrame  # of courses_table, this model's rows
    seconds: Mapping[str, float]  # of training, by key

    def key(self, axis: str, label: str) -> str | None:
        """The key of a cell, None where the study does not have it."""
        return self.labels(axis).get(label)

    def labels(self, axis: str) -> dict[str, str]:
        """Label → key of an axis; empty where the study does not have it."""
        return next((declared.keys for declared in self.model.axes if declared.name == axis), {})

    def measure(self, name: str) -> dict[str, Values]:
        """A measure of the learning curves, by key, of replicates that did not diverge."""
        by_key: dict[str, dict[int, float]] = {}
        rows = self.courses[["key", "replicate", name]].itertuples(index=False, name=None)
        for key, replicate, value in rows:
            diverged = self.numbers.tested.fate(str(key)).diverged
            if np.isfinite(value) and replicate not in diverged:
                by_key.setdefault(str(key), {})[int(replicate)] = float(value)
        return dict(by_key)


@dataclass(frozen=True)
class Terms:
    """On what terms the parts of a claim are decided."""

    confidence: float  # of each tested measure
    share: float  # of replicates in which a statement must hold
    same_data: bool  # whether the published runs are of our data set


def evidence_of(
    model: ModelDocument, numbers: ModelNumbers, tables: Mapping[str, pd.DataFrame]
) -> Evidence:
    """What the tables of a study say of one model."""
    cells, courses = (
        tables[name][tables[name]["model"] == model.name] for name in ("cells", "courses")
    )
    seconds = cells.dropna(subset=["seconds"]).set_index("key")["seconds"].to_dict()
    return Evidence(model, numbers, courses, seconds)


def answer_of(verdict: Verdict, says: str) -> Answer:
    """What a verdict answers to a claim."""
    if not verdict.tested:
        return Answer.NOT_TESTED
    if not verdict.conclusive:
        return Answer.INCONCLUSIVE
    return Answer.CONFIRMED if verdict in CONFIRMED_BY[says] else Answer.CONTRADICTED


def compared(part: dict[str, Any], evidence: Evidence, terms: Terms) -> dict[str, Any]:
    """A cell beside another in the tested metric, by the verdict of their comparison.

    A comparison that stands on an axis keeps its p and its interval; another one is a family of its own.
    """
    cell, other = (evidence.key(part["axis"], part[name]) for name in ("cell", "than"))
    if cell is None or other is None:
        return _untested(part)
    tested = evidence.numbers.tested
    outcome = tested.outcome(cell, other) or _alone(tested, cell, other)
    verdict, fate = outcome.judged.verdict, tested.fate(cell)
    difference, interval = effect_in_unit(outcome, tested)
    cost = (
        evidence.seconds[cell] / evidence.seconds[other]
        if part.get("cost") and evidence.seconds.get(other) and cell in evidence.seconds
        else None
    )
    return {
        **_place(part),
        "answer": answer_of(verdict, part["says"]),
        "verdict": verdict.value,
        "reason": outcome.judged.reason,
        "difference": difference,
        "interval": interval,
        "level": outcome.level,
        "n_diverged": fate.n_diverged,
        "n_collapsed": fate.n_collapsed,
        "n_total": fate.n_total,
        "cost_ratio": cost,
    }


def ordered(part: dict[str, Any], evidence: Evidence, terms: Terms) -> dict[str, Any]:
    """The tested metric gets worse from cell to cell: each neighbour is compared as in ``compared``."""
    step = {**part, "rule": "compared", "says": "worse"}
    steps = [
        compared({**step, "cell": cell, "than": than}, evidence, terms)
        for than, cell in pairwise(part["cells"])
    ]
    return {
        "rule": "ordered",
        "axis": part["axis"],
        "answer": combined([step["answer"] for step in steps]),
        "steps": steps,
    }


def measured(part: dict[str, Any], evidence: Evidence, terms: Terms) -> dict[str, Any]:
    """A measure of the learning curves is higher or lower in a cell than in another.

    Paired by replicate, tested like a metric (on the logarithm where the measure is positive), at the confidence of this part;
    a difference that is not significant leaves the claim open.
    """
    cell, other = (evidence.key(part["axis"], part[name]) for name in ("cell", "than"))
    values = evidence.measure(part["measure"])
    if not (cell and other and values.get(cell) and values.get(other)):
        return _untested(part)
    tested, log = evidence.numbers.tested, MEASURES[part["measure"]]
    setting = replace(
        tested.setting,
        metric=part["measure"],
        better="lower",
        scale=Scale(log),
        margin=None,
        confidence=terms.confidence,
        trivial={},
    )
    numbers = Measured(setting, {key: values[key] for key in (cell, other)}, tested.fates, {}, {})
    outcome = _alone(numbers, cell, other)
    return {
        **_place(part),
        "measure": part["measure"],
        "answer": answer_of(outcome.judged.verdict, part["says"]),
        "cell_value": float(np.median(list(values[cell].values()))),
        "than_value": float(np.median(list(values[other].values()))),
        "p": outcome.p,
        "n": len(outcome.differences),
    }


def replicates(part: dict[str, Any], evidence: Evidence, terms: Terms) -> dict[str, Any]:
    """A statement holds in a cell's replicates.

    In ``share`` of them or more it is confirmed, in 1 − share of them or fewer contradicted. The statement is an ``event``
    (``diverged``), or a bound (``at_most``, ``at_least``) on a ``measure`` or ``metric``. ``cell: every`` asks it of every
    cell of the axis.
    """
    labels = evidence.labels(part["axis"])
    chosen = list(labels) if part["cell"] == "every" else [part["cell"]]
    rows = [_counted(part, label, labels.get(label), evidence, terms.share) for label in chosen]
    if not rows:
        return _untested(part)
    if len(rows) == 1:
        return rows[0]
    return {
        "rule": "replicates",
        "axis": part["axis"],
        "answer": combined([row["answer"] for row in rows]),
        "steps": rows,
    }


def _counted(
    part: dict[str, Any], label: str, key: str | None, evidence: Evidence, share: float
) -> dict[str, Any]:
    counted = {**part, "cell": label}
    if key is None:
        return _untested(counted)
    fate = evidence.numbers.tested.fate(key)
    median = None
    if part.get("event") == "diverged":
        k, n = fate.n_diverged, fate.n_total
    else:
        numbers = np.array(list(_values(part, key, evidence).values()))
        low, high = part.get("at_least", -np.inf), part.get("at_most", np.inf)
        k, n = int(np.sum((numbers >= low) & (numbers <= high))), len(numbers)
        median = float(np.median(numbers)) if n else None
    if not n:
        return _untested(counted)
    answer = Answer.INCONCLUSIVE
    if k >= share * n:
        answer = Answer.CONFIRMED
    elif k <= (1 - share) * n:
        answer = Answer.CONTRADICTED
    return {
        **_place(counted),
        "answer": answer,
        **_statement(part),
        "k": k,
        "n": n,
        "median": median,
    }


def _values(part: dict[str, Any], key: str, evidence: Evidence) -> Values:
    if "metric" in part:
        return evidence.numbers.all[part["metric"]].values.get(key, {})
    return evidence.measure(part["measure"]).get(key, {})


def _statement(part: dict[str, Any]) -> dict[str, Any]:
    names = ("event", "measure", "metric", "at_most", "at_least")
    return {name: part[name] for name in names if name in part}


def published_run(part: dict[str, Any], evidence: Evidence, terms: Terms) -> dict[str, Any]:
    """A number that the course report quotes lies inside our prediction interval of one new run."""
    key = evidence.key(part["axis"], part["cell"])
    tested = evidence.numbers.tested
    prediction = (tested.cells.get(key, {}) if key else {}).get("prediction")
    if prediction is None:
        return _untested(part)
    low, high = prediction["same_data" if terms.same_data else "other_data"]
    inside = low <= part["value"] <= high
    return {
        **_place(part),
        "answer": Answer.CONFIRMED if inside else Answer.CONTRADICTED,
        "value": part["value"],
        "prediction": [low, high],
        "centre": tested.cells[str(key)]["centre"],
    }


def combined(answers: list[Answer]) -> Answer:
    """One answer of several parts that must all hold: one that fails decides, then one that could not be looked at."""
    for answer in (Answer.CONTRADICTED, Answer.NOT_TESTED, Answer.INCONCLUSIVE):
        if answer in answers:
            return answer
    return Answer.CONFIRMED if answers else Answer.NOT_TESTED


def part_level(confidence: float, parts: list[dict[str, Any]]) -> float:
    """The confidence of each tested measure of a claim, so that all its parts hold together."""
    n_tested = sum(part["rule"] == "measured" for part in parts)
    return bonferroni_level(confidence, max(n_tested, 1))


def _alone(measured: Measured, cell: str, other: str) -> Outcome:
    comparison = Comparison(cell, other, "claim")
    return replace(measured, comparisons={comparison.name: comparison}).outcomes[comparison.name]


def _place(part: dict[str, Any]) -> dict[str, Any]:
    names = ("rule", "axis", "cell", "than", "says")
    return {name: part[name] for name in names if name in part}


def _untested(part: dict[str, Any]) -> dict[str, Any]:
    return {**_place(part), **_statement(part), "answer": Answer.NOT_TESTED}


RULES: Mapping[str, Callable[[dict[str, Any], Evidence, Terms], dict[str, Any]]] = {
    "compared": compared,
    "ordered": ordered,
    "measured": measured,
    "replicates": replicates,
    "published": published_run,
}
