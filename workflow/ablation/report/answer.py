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
UNDECIDED = (Verdict.EQUIVALENT, Verdict.INCONCLUSIVE, Verdict.NOT_TESTED)

Place = tuple[Axis, str]


def answer_view(
    axes: list[Axis], compared: dict[str, Any], yardsticks: list[str], words: Words
) -> dict[str, Any]:
    """Two lines on one model, and what is folded below them.

    Args:
        axes: all of them. The largest effect of a grid adds up those of others, so it is named only where there are no others.
        compared: the model's part of ``comparisons.json``.
        yardsticks: names of the simple baseline models.
        words: those of the model.
    """
    by_name = {axis.name: axis for axis in axes}
    ranked = [by_name[entry["axis"]] for entry in compared["ranking"]]
    grids = [axis for axis in ranked if axis.axis.factors]
    simple = [axis for axis in ranked if not axis.axis.factors]
    comparisons = _comparisons([*simple, *grids])
    by_verdict: dict[Verdict, list[Place]] = {}
    for axis, label in comparisons:
        by_verdict.setdefault(axis.verdict(label), []).append((axis, label))
    rest = [
        *_broken([*simple, *grids], words),
        *_counted(by_verdict, len(comparisons), words),
        *_better_yardsticks(compared, yardsticks, words),
    ]
    names = _names(by_verdict, words)
    return {
        "title": words("answer.model", model=words.short, data=words.dataset),
        "lines": [
            _matters(_comparisons(simple or grids), words),
            words.sentences(rest or [words("answer.nothing_open")]),
        ],
        "short": words.short,
        "folded": words.sentences(names) if names else "",
    }


def _comparisons(axes: list[Axis]) -> list[Place]:
    """Every level beside its reference level; a pair that stands on several axes comes once."""
    places: dict[tuple[str, str], Place] = {}
    for axis in axes:
        for label in axis.labels:
            if label != axis.reference:
                pair = (axis.cell(label).key, axis.cell(axis.reference).key)
                places.setdefault(pair, (axis, label))
    return list(places.values())


def _matters(comparisons: list[Place], words: Words) -> str:
    """The significant effects that are no failure to train, the largest first."""
    metric = words(f"metric.{comparisons[0][0].metric}") if comparisons else ""
    significant = [
        (axis, label)
        for axis, label in comparisons
        if axis.verdict(label) in (Verdict.BETTER, Verdict.WORSE)
        and axis.row(label)["difference_interval"] is not None
    ]
    if not significant:
        rows = [axis.row(label) for axis, label in comparisons]
        tested = [row for row in rows if row["p_adjusted"] is not None and not row["broken"]]
        if not tested:
            return words("summary.no_effect")
        one, many = ("answer.not_significant", "answer.nothing_significant")
        if any(row["broken"] for row in rows):
            one, many = ("answer.not_significant_trained", "answer.nothing_significant_trained")
        return words(one if len(tested) == 1 else many, metric=metric, n=len(tested))
    significant.sort(key=lambda place: -abs(float(place[0].row(place[1])["difference"])))
    effects = words.listed([_effect(axis, label, words) for axis, label in significant[:NAMED]])
    if len(significant) > NAMED:
        unnamed = len(significant) - NAMED
        return words("answer.matters_most", metric=metric, effects=effects, n=unnamed)
    return words("answer.matters", metric=metric, effects=effects)


def _effect(axis: Axis, label: str, words: Words) -> str:
    row = axis.row(label)
    number = percent_text(row, words)
    if number is None:
        difference = with_interval(axis.metric, row["difference"], row["difference_interval"])
        number = words.difference(axis.metric, _on_one_line(difference))
    else:
        number = words("answer.percent", number=_on_one_line(number))
    text = words(
        "answer.effect",
        **_pair(axis, label, words),
        verdict=words(f"verdict.{slug(row['verdict'])}"),
        difference=number,
    )
    return words("answer.irrelevant", effect=text) if row["within_margin"] else text


def _on_one_line(number: str) -> str:
    """A number with its interval, which no line break parts."""
    return number.replace(" ", fmt.TIED)


def _broken(axes: list[Axis], words: Words) -> list[str]:
    """Cells that failed, and those of which half of the replicates or more diverged or collapsed; each cell once."""
    noted: dict[str, str] = {}
    for axis in axes:
        for label in axis.labels:
            row, cell = axis.row(label), axis.cell(label)
            if cell.failed is None and not row["broken"]:
                continue
            note = flags(row, words) if cell.failed is None else words("verdict.failed")
            name = words.setting(axis.axis, label)
            noted.setdefault(cell.key, words("answer.noted", cell=name, note=note))
    return [words("answer.broken", cells=words.listed(list(noted.values())))] if noted else []


def _counted(by_verdict: dict[Verdict, list[Place]], total: int, words: Words) -> list[str]:
    """How many comparisons are practically equivalent, inconclusive or not tested."""
    counts = [
        (slug(verdict), len(by_verdict[verdict])) for verdict in UNDECIDED if verdict in by_verdict
    ]
    if not counts:
        return []
    if total == 1:
        return [words(f"answer.only_{counts[0][0]}")]
    parts = [words("answer.count", n=n, verdict=words(f"verdict.{kind}")) for kind, n in counts]
    return [words("answer.counted", total=total, parts=words.join(parts))]


def _names(by_verdict: dict[Verdict, list[Place]], words: Words) -> list[str]:
    """Which levels are practically equivalent, and which factors have inconclusive comparisons."""
    sentences = []
    if equivalent := by_verdict.get(Verdict.EQUIVALENT):
        pairs = [words("answer.pair", **_pair(*place, words)) for place in equivalent]
        sentences.append(words("answer.equivalent", pairs=words.listed(pairs)))
    if unsure := by_verdict.get(Verdict.INCONCLUSIVE):
        factors = list(dict.fromkeys(words.title(axis.axis) for axis, _ in unsure))
        sentences.append(words("answer.open", factors=words.listed(factors)))
    return sentences


def _pair(axis: Axis, label: str, words: Words) -> dict[str, str]:
    return {"cell": words.setting(axis.axis, label), "reference": words.value(axis.reference)}


def _better_yardsticks(compared: dict[str, Any], yardsticks: list[str], words: Words) -> list[str]:
    """Simple baseline models that the best cell is significantly worse than."""
    best, metric = compared["best"], compared["metric"]
    if best is None:
        return []
    sentences = []
    for name in yardsticks:
        yardstick = compared["yardsticks"][name]
        comparison = yardstick["best_against_it"]
        if not comparison or comparison["verdict"] != Verdict.WORSE:
            continue
        ours, theirs = (
            words.number(metric, fmt.significant(scaled(metric, value) or 0.0))
            for value in (best["test"], yardstick["mean"])
        )
        names = {"yardstick": words.named("yardstick", name), "metric": words(f"metric.{metric}")}
        sentences.append(words("answer.yardstick", ours=ours, theirs=theirs, **names))
    return sentences
