"""The answer in a few lines: what matters, what broke, what stays open."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled, with_interval
from ablation.language.verdicts import flags
from ablation.language.words import Words, slug
from ablation.report.axis import Axis
from ablation.report.axis_tables import percent_text
from ablation.statistics.verdicts import Verdict

NAMED = 3  # effects that the answer names; the forest plot shows all

Place = tuple[Axis, str]


def answer_view(
    axes: list[Axis], compared: dict[str, Any], yardsticks: list[str], words: Words
) -> dict[str, Any]:
    """Two lines on one model.

    Args:
        axes: all of them. The largest effect of a grid adds up those of others, so it is named only where there are no others.
        compared: the model's part of ``comparisons.json``.
        yardsticks: names of the simple baseline models.
        words: those of the model.
    """
    by_name = {axis.name: axis for axis in axes}
    ranked = [by_name[one["axis"]] for one in compared["ranking"]]
    grids = [axis for axis in ranked if axis.axis.factors]
    simple = [axis for axis in ranked if not axis.axis.factors]
    rows = _compared([*simple, *grids])
    return {
        "title": words("answer.model", model=words.short, data=words.dataset),
        "lines": [
            _matters(_compared(simple or grids), words),
            words.sentences(
                [
                    *_broken([*simple, *grids], words),
                    *_open(rows, words),
                    *_better_yardsticks(compared, yardsticks, words),
                ]
                or [words("answer.nothing_open")]
            ),
        ],
    }


def _compared(axes: list[Axis]) -> list[Place]:
    """Every value beside its reference; a pair that stands on several axes comes once."""
    found: dict[tuple[str, str], Place] = {}
    for axis in axes:
        for label in axis.labels:
            if label != axis.reference:
                pair = (axis.cell(label).key, axis.cell(axis.reference).key)
                found.setdefault(pair, (axis, label))
    return list(found.values())


def _matters(rows: list[Place], words: Words) -> str:
    """The significant effects that are no failure to train, the largest first."""
    metric = words(f"metric.{rows[0][0].metric}") if rows else ""
    found = [
        (axis, label)
        for axis, label in rows
        if axis.verdict(label) in (Verdict.BETTER, Verdict.WORSE)
        and axis.row(label)["difference_interval"] is not None
    ]
    if not found:
        own = [axis.row(label) for axis, label in rows]
        tested = [row for row in own if row["p_adjusted"] is not None and not row["broken"]]
        if not tested:
            return words("summary.no_effect")
        if len(tested) == 1:
            return words("answer.not_significant", metric=metric)
        return words("answer.nothing_significant", metric=metric, n=len(tested))
    found.sort(key=lambda place: -abs(float(place[0].row(place[1])["difference"])))
    named = words.listed([_effect(axis, label, words) for axis, label in found[:NAMED]])
    if len(found) > NAMED:
        return words("answer.matters_most", metric=metric, effects=named, n=len(found) - NAMED)
    return words("answer.matters", metric=metric, effects=named)


def _effect(axis: Axis, label: str, words: Words) -> str:
    row = axis.row(label)
    number = percent_text(row, words)
    if number is None:
        difference = with_interval(axis.metric, row["difference"], row["difference_interval"])
        number = words.difference(axis.metric, difference)
    else:
        number = words("answer.percent", number=number)
    text = words(
        "answer.effect",
        **_pair(axis, label, words),
        verdict=words(f"verdict.{slug(row['verdict'])}"),
        difference=number,
    )
    return words("answer.irrelevant", effect=text) if row["within_margin"] else text


def _broken(axes: list[Axis], words: Words) -> list[str]:
    """Cells that failed, and those of which half of the replicates or more diverged or collapsed; each cell once."""
    found: dict[str, str] = {}
    for axis in axes:
        for label in axis.labels:
            row, cell = axis.row(label), axis.cell(label)
            if cell.failed is None and not row["broken"]:
                continue
            note = flags(row, words) if cell.failed is None else words("verdict.failed")
            name = words.setting(axis.axis, label)
            found.setdefault(cell.key, words("answer.noted", cell=name, note=note))
    return [words("answer.broken", cells=words.listed(list(found.values())))] if found else []


def _open(rows: list[Place], words: Words) -> list[str]:
    """What is practically equivalent, and what stays open."""
    by_verdict: dict[Verdict, list[Place]] = {}
    for axis, label in rows:
        by_verdict.setdefault(axis.verdict(label), []).append((axis, label))
    said, total = [], len(rows)
    if equivalent := by_verdict.get(Verdict.EQUIVALENT):
        pairs = [words("answer.pair", **_pair(*place, words)) for place in equivalent]
        said.append(words("answer.equivalent", pairs=words.listed(pairs)))
    if unsure := by_verdict.get(Verdict.INCONCLUSIVE):
        factors = list(dict.fromkeys(words.title(axis.axis) for axis, _ in unsure))
        numbers = {"n": len(unsure), "total": total, "factors": words.listed(factors)}
        said.append(words("answer.open" if total > 1 else "answer.only_open", **numbers))
    if untested := by_verdict.get(Verdict.NOT_TESTED):
        numbers = {"n": len(untested), "total": total}
        said.append(words("answer.untested" if total > 1 else "answer.only_untested", **numbers))
    return said


def _pair(axis: Axis, label: str, words: Words) -> dict[str, str]:
    return {"cell": words.setting(axis.axis, label), "reference": words.value(axis.reference)}


def _better_yardsticks(compared: dict[str, Any], yardsticks: list[str], words: Words) -> list[str]:
    """Simple baseline models that the best cell is significantly worse than."""
    best, metric = compared["best"], compared["metric"]
    if best is None:
        return []
    said = []
    for name in yardsticks:
        own = compared["yardsticks"][name]
        beside = own["best_against_it"]
        if not beside or beside["verdict"] != Verdict.WORSE:
            continue
        ours, theirs = (
            words.number(metric, fmt.significant(scaled(metric, value) or 0.0))
            for value in (best["test"], own["mean"])
        )
        named = {"yardstick": words.named("yardstick", name), "metric": words(f"metric.{metric}")}
        said.append(words("answer.yardstick", ours=ours, theirs=theirs, **named))
    return said
