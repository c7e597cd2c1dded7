"""What stands beside the numbers of the course report."""

from __future__ import annotations

from typing import Any

from oracle.page import (
    Element,
    Number,
    Text,
    body,
    cells,
    check_rows,
    check_text,
    head,
    table,
    text,
)
from oracle.page_tables import AxisTables, Document, Row
from oracle.page_words import PERCENT, Words


def published_table(tables: AxisTables, section: Element, facts: Document) -> int:
    """The comparison with the course report: our means and prediction intervals, their runs, whether they fit; 0 without it."""
    words, model, axis = tables.words, tables.model, tables.axis
    name = words.plain("published.caption", axis=tables.title)
    if not any(c.text == name for c in section.all("caption")):
        return 0
    runs = [run for run in facts["runs"] if axis.name in run["axes"]]
    kind = "same_data" if facts["same_data"][model.data["dataset"]] else "other_data"
    level = words.say("published.interval", level=words.level(model.confidence))
    found = table(section, name)
    count = check_text(cells(head(found))[3], level, f"head of {name}")
    expected = []
    for cell in axis.cells:
        if not any(cell.label in run["axes"][axis.name] for run in runs):
            continue
        row = tables.rows[cell.label]
        for place, metric in enumerate(facts["metrics"]):
            own = tables.document["cells"][cell.key][metric]
            head_ = tables.head(cell, row) if place == 0 else (words.label(cell),)
            prediction = own["prediction"][kind] if own["prediction"] else None
            line = [
                head_,
                (words.known[f"metric.{metric}"],),
                tables.empty(row) or (words.number(metric, own["centre"]),),
                tables.empty(row)
                or (words.interval(metric, prediction) if prediction else tables.unknown(row)),
            ]
            for run in runs:
                theirs = run["axes"][axis.name].get(cell.label)
                line += _theirs(words, metric, theirs, place, prediction, row=row)
            expected.append(line)
    return count + check_rows(body(found), expected, name)


def _theirs(
    words: Words, metric: str, theirs: Any, place: int, ours: list[float] | None, *, row: Row
) -> list[Text]:
    diverged = 2 * row["n_diverged"] >= row["n_total"]
    if theirs is None:
        return [words.none("none.not_published"), ()]
    if theirs == "diverged":
        answer = "both-diverged" if diverged else "only-theirs-diverged"
        return [words.none("none.their_divergence"), (words.known[f"published.{answer}"],)]
    value = theirs[place]
    answer = "only-ours-diverged"
    if ours:
        answer = "inside" if ours[0] <= value <= ours[1] else "outside"
    return [(words.number(metric, value),), (words.known[f"published.{answer}"],)]


def theirs_per_digit(tables: AxisTables, section: Element, facts: Document) -> int:
    """The course report's rows in the table of accuracy per class."""
    words = tables.words
    found = table(section, words.plain("class.caption"))
    source = words.known["class.theirs"]
    rows = [row for row in body(found) if cells(row)[1] == source]
    digits = facts.get("per_class", {}).get(tables.axis.name, {})
    expected: list[list[Text]] = [
        [
            (words.label(cell),),
            (source,),
            *[(Number(v * PERCENT),) for v in digits[cell.label]],
        ]
        for cell in tables.axis.cells
        if cell.label in digits
    ]
    if not rows:  # their numbers are set beside ours only on the same amount of data
        return 0
    return check_rows(rows, expected, f"{tables.title}, accuracy per class of the course report")


def published_runs(tables: AxisTables, facts: Document) -> list[Text]:
    """How many of the course report's runs fit, and which others there are."""
    words, model, axis = tables.words, tables.model, tables.axis
    kind = "same_data" if facts["same_data"][model.data["dataset"]] else "other_data"
    fits, runs, missing = 0, 0, []
    alone = {"both": 0, "only-ours": 0, "only-theirs": 0}
    for run in facts["runs"]:
        for label, theirs in run["axes"].get(axis.name, {}).items():
            if label not in {cell.label for cell in axis.cells}:
                missing.append(text(label))
                continue
            own = tables.document["cells"][axis.cell(label).key][model.metric]["prediction"]
            diverged = theirs == "diverged"
            runs += 1
            if diverged or own is None:
                who = "only-theirs" if diverged else "only-ours"
                alone["both" if diverged and own is None else who] += 1
            else:
                low, high = own[kind]
                fits += low <= theirs[facts["metrics"].index(model.metric)] <= high
    found = [
        words.say(
            "published.summary",
            k=fits,
            n=runs,
            metric=words.known[f"metric.{model.metric}"],
            level=words.level(model.confidence),
        )
    ]
    for side, count in alone.items():
        if count:
            found.append(words.say(f"published.counted.{side}-diverged", n=count))
    if missing:
        found.append(words.say("published.missing", values=words.listed(missing)))
    return found
