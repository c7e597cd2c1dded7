"""The tables of a factor's section, cell by cell, as they must be by the oracle's numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from oracle.page import (
    Element,
    Number,
    Text,
    body,
    by_id,
    cells,
    check_rows,
    check_text,
    head,
    table,
)
from oracle.page_words import PERCENT, Words
from oracle.stat_inputs import CLASSES, LOGGED, Axis, Cell, Model

Row = dict[str, Any]
Document = dict[str, Any]


def section_of(page: Element, model: Model, axis: Axis) -> Element:
    """The section of a factor."""
    return by_id(page, f"{model.name}-{axis.name}".replace("_", "-").replace(".", "-"))


class AxisTables:
    """One factor: the oracle's numbers and the words around them."""

    def __init__(
        self, words: Words, model: Model, axis: Axis, document: Document, costs: pd.DataFrame
    ) -> None:
        self.words, self.model, self.axis = words, model, axis
        self.document = document
        self.own = document["axes"][axis.name]
        self.rows: dict[str, Row] = self.own["rows"]
        own = (costs["model"] == model.name) & (costs["axis"] == axis.name)
        self.costs = costs[own].set_index("label")
        self.title = words.title(axis)

    def check(self, section: Element) -> int:
        """All tables of the section; returns how many numbers were compared."""
        tables = [
            ("table.comparison", self.comparison_head(), self.comparison()),
            ("more.caption", None, self.details()),
            ("table.other", self.other_head(), self.others()),
        ]
        if self.own["factorial"] and not self.own["factorial"]["reason"]:
            tables.append(("factorial.caption", self.factorial_head(), self.factorial()))
        if any(row["crossed"] for row in self.rows.values()):
            tables.append(("crossed.title", self.crossed_head(), self.crossed()))
        count = 0
        for caption, heads, rows in tables:
            name = self.words.plain(caption, axis=self.title)
            found = table(section, name)
            count += check_rows(body(found), rows, name)
            for place, expected in (heads or {}).items():
                count += check_text(cells(head(found))[place], expected, f"head of {name}")
        if self.model.name == "cnn":
            count += self.check_digits(section)
        return count

    # The comparison

    def comparison_head(self) -> dict[int, Text]:
        """The levels at which the two intervals were made: of the differences, that of this factor's comparisons."""
        say, level = self.words.say, self.words.level
        own = {
            row["difference_level"]
            for row in self.rows.values()
            if row["judged_on"] == self.axis.name
        }
        second = (
            say("table.interval", level=level(own.pop())) if own else say("table.interval_plain")
        )
        return {3: say("table.interval", level=level(self.model.confidence)), 5: second}

    def comparison(self) -> list[list[Text]]:
        """Every value against the reference."""
        words, metric = self.words, self.model.metric
        found = []
        for cell in self.axis.cells:
            row = self.rows[cell.label]
            line = [
                self.head(cell, row),
                words.conclusion(self.model, self.axis, row)
                + (("†",) if row["holm_alone"] else ()),
                self.mean(row),
                self.own_interval(metric, row),
                *self.against(row),
                (),
                self.absent(row) or (words.p(row["p_adjusted"]),),
            ]
            found.append(line)
        return found

    def head(self, cell: Cell, row: Row) -> Text:
        """What a row is called."""
        tag = f" {self.words.known['table.reference']}" if row["is_reference"] else ""
        return (self.words.label(cell) + tag,)

    def absent(self, row: Row) -> Text | None:
        """Why a row has no comparison."""
        if row["is_reference"]:
            return self.words.none("none.reference")
        return self.words.reason(row["reason"]) if row["p"] is None else None

    def empty(self, row: Row) -> Text | None:
        """Why a cell has no mean."""
        return None if row["n"] else self.words.none("none.diverged")

    def unknown(self, row: Row) -> Text:
        """Why a cell with a mean has no interval."""
        return self.words.none("none.broken" if row["broken"] else "none.too_few")

    def no_noise(self, row: Row) -> Text:
        """Why the noise of a cell is not told apart, as the report says it."""
        if self.empty(row):
            return self.words.none("none.diverged")
        return self.words.none("none.too_few" if row["n"] < 2 else "none.no_noise")

    def mean(self, row: Row) -> Text:
        """The mean, or of a broken cell the median."""
        metric = self.model.metric
        if self.empty(row):
            return self.words.none("none.diverged")
        if row["broken"]:
            return self.words.say("text.median", number=self.words.number(metric, row["median"]))
        return (self.words.number(metric, row["mean"]),)

    def own_interval(self, metric: str, row: Row, ends: list[float] | None = None) -> Text:
        """A cell's own interval."""
        ends = ends or row["interval"]
        if self.empty(row):
            return self.words.none("none.diverged")
        return self.words.interval(metric, ends) if ends else self.words.none("none.broken")

    def against(self, row: Row) -> list[Text]:
        """Difference, its interval, and both in percent."""
        words, metric = self.words, self.model.metric
        absent = self.absent(row)
        if absent:
            return [absent] * (3 if metric in LOGGED else 2)
        ends = row["difference_interval"]
        found: list[Text] = [
            (words.number(metric, row["difference"], True),),
            words.interval(metric, ends, True) if ends else words.none("none.broken"),
        ]
        return [*found, words.percent(row)] if metric in LOGGED else found

    # Details

    def details(self) -> list[list[Text]]:
        """Checks and noise."""
        words, metric = self.words, self.model.metric
        found = []
        for cell in self.axis.cells:
            row, absent = self.rows[cell.label], self.absent(self.rows[cell.label])
            pairs: Text = absent if absent and row["is_reference"] else (Number(row["n_pairs"]),)
            beside: list[Text] = [absent] * 5 if absent else self.beside(row)
            noise = row["noise"]
            spread: list[Text] = (
                [
                    (words.number(metric, noise["sd"]),),
                    (words.number(metric, noise["sd_test"]),),
                    words.share(noise["share"]),
                ]
                if noise
                else [self.no_noise(row)] * 3
            )
            found.append([self.head(cell, row), pairs, *beside, *spread])
        return found

    def beside(self, row: Row) -> list[Text]:
        """What stands beside a verdict."""
        words, flip = self.words, row["sign_flip"]
        settle = row["settle"]
        if settle:
            needed = settle["replicates"]
            settled: Text = (words.known["more.never"],) if not needed else (Number(needed),)
        else:
            settled = (
                words.reason("diverged")
                if row["reason"] == "diverged"
                else words.none("none.settled")
            )
        return [
            (Number(row["effect_size"], True),),
            (words.number(self.model.metric, row["detectable"]),),
            (words.p(flip["p"]),),
            (words.p(flip["smallest_p"]),),
            settled,
        ]

    # Grids

    def factorial_head(self) -> dict[int, Text]:
        """The level of the intervals of ω²."""
        return {6: self.words.say("table.interval", level=self.words.level(self.model.confidence))}

    def factorial(self) -> list[list[Text]]:
        """Main effects and interactions."""
        words = self.words
        times = words.known["factorial.times"]
        return [
            [
                (times.join(words.known[f"parameter.{name}"] for name in term["factors"]),),
                (Number(term["f"]),),
                (Number(term["df"]), ", ", Number(term["df_error"])),
                (words.p(term["p"]),),
                (words.p(term["p_adjusted"]),),
                (Number(term["omega2"]),),
                words.interval("r2", term["interval"]),
            ]
            for term in self.own["factorial"]["terms"]
        ]

    # One fixed test set

    def crossed_head(self) -> dict[int, Text]:
        """The level of the two-way intervals."""
        level = next(row["crossed"]["level"] for row in self.rows.values() if row["crossed"])
        return {2: self.words.say("crossed.interval", level=self.words.level(level))}

    def crossed(self) -> list[list[Text]]:
        """Two-way intervals, and the samples that only one side gets right."""
        words, metric, found = self.words, self.model.metric, []
        for cell in self.axis.cells:
            row, absent = self.rows[cell.label], self.absent(self.rows[cell.label])
            own, line = row["crossed"], [self.head(cell, row)]
            if absent or not own:
                found.append([*line, *[absent or ()] * 4])
                continue
            pairs: list[Text] = [
                (Number(each["only_cell"]), " : ", Number(each["only_reference"]))
                for each in own["mcnemar"]
            ]
            rejected = words.say("text.k_of_n", k=own["n_rejected"], n=len(pairs))
            ends = words.interval(metric, own["difference_interval"], True)
            difference: Text = (words.number(metric, row["difference"], True),)
            found.append([*line, difference, ends, words.listed(pairs), rejected])
        return found

    # Other metrics

    def other_head(self) -> dict[int, Text]:
        """The level of the intervals of each secondary metric."""
        count = len(self.model.metrics) - 1
        said = self.words.say("table.interval", level=self.words.level(self.model.confidence))
        return {2 + 3 * i: said for i in range(count)}

    def others(self) -> list[list[Text]]:
        """Secondary metrics, training and cost."""
        found = []
        for cell in self.axis.cells:
            row, cost = self.rows[cell.label], self.costs.loc[cell.label]
            line = [self.head(cell, row)]
            for metric in self.model.metrics:
                if metric != self.model.metric:
                    line += self.other(cell, row, metric)
            ok = self.model.ok(cell.key)
            epoch: Text = (Number(float(ok["best_epoch"].median())),) if len(ok) else ()
            line += [
                self.empty(row) or epoch,
                (Number(float(cost["parameters"])),),
                (Number(float(cost["multiply_adds"])),),
            ]
            found.append(line)
        return found

    def other(self, cell: Cell, row: Row, metric: str) -> list[Text]:
        """A secondary metric with its interval and its test."""
        words = self.words
        own = self.document["cells"][cell.key][metric]
        mean = self.empty(row) or (words.number(metric, own["centre"]),)
        if row["broken"] and not self.empty(row):
            mean = words.say("text.median", number=words.number(metric, own["median"]))
        compared = row["others"].get(metric)
        if row["is_reference"]:
            said: Text = words.none("none.reference")
        elif compared["p"] is None:
            said = words.reason(compared["reason"])
        else:
            verdict = words.verdict(compared)
            said = words.say(
                "table.p_and_verdict", verdict=verdict, p=words.p(compared["p_adjusted"])
            )
        return [mean, self.own_interval(metric, row, own["interval"]), said]

    # Accuracy per class

    def check_digits(self, section: Element) -> int:
        """Our rows; those of the course report are checked where the report has them."""
        found = table(section, self.words.plain("class.caption"))
        source = self.words.known["class.ours"]
        rows = [row for row in body(found) if cells(row)[1] == source]
        expected = [
            [self.head(cell, self.rows[cell.label]), (source,), *self.digits(cell)]
            for cell in self.axis.cells
        ]
        return check_rows(rows, expected, f"{self.title}, accuracy per class")

    def digits(self, cell: Cell) -> list[Text]:
        """The mean over replicates of each class's accuracy."""
        means = self.model.rows(cell.key)[[f"class_{digit}" for digit in range(CLASSES)]].mean()
        return [(Number(float(mean) * PERCENT),) for mean in means]
