"""Tables of a whole model: the simple baseline models, further test draws, the replicates of each cell."""

from __future__ import annotations

from typing import Any

from scipy import stats

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
    joined,
    table,
)
from oracle.page_words import Words
from oracle.stat_inputs import CLASSES, Cell, Model

Document = dict[str, Any]


class ModelTables:
    """One model's own section."""

    def __init__(self, words: Words, model: Model, document: Document) -> None:
        self.words, self.model, self.document = words, model, document
        self.metric = model.metric
        self.said_metric = words.known[f"metric.{model.metric}"]

    def check_yardsticks(self, page: Element) -> int:
        """The simple baseline models."""
        words = self.words
        expected: list[list[Text]] = []
        name = words.known["model.yardsticks"]
        for each, own in self.document["yardsticks"].items():
            beside = own["best_against_it"]
            said = words.none("none.not_compared")
            if beside:
                said = words.say(
                    "yardstick.beside",
                    verdict=words.verdict(beside),
                    difference=words.number(self.metric, beside["difference"], True),
                    interval=words.interval(self.metric, beside["difference_interval"], True),
                    p=words.p(beside["p_adjusted"]),
                )
            expected.append(
                [
                    (words.known[f"yardstick.{each}"],),
                    (words.number(self.metric, own["mean"]),),
                    words.interval(self.metric, own["interval"]),
                    (Number(own["n"]),),
                    said,
                ]
            )
        found = table(by_id(page, self.model.name), name)
        level = words.say("table.interval", level=words.level(self.model.confidence))
        count = check_text(cells(head(found))[2], level, f"head of {name}")
        return count + check_rows(body(found), expected, name)

    def check_draws(self, page: Element, stored: Document | None) -> int:
        """Further test draws: shares from the confusion matrices, Wilson's intervals; 0 where there are none."""
        if stored is None:
            return 0
        words, expected = self.words, []
        key = self.document["best"]["key"]
        ok = self.model.ok(key)["replicate"]
        assert stored["replicate"] == ok.min(), "not the first replicate that did not diverge"
        for place, draw in enumerate(stored["draws"]):
            matrix = draw["confusion_matrix"]
            right = sum(matrix[digit][digit] for digit in range(CLASSES))
            count = sum(map(sum, matrix))
            wilson = stats.binomtest(right, count).proportion_ci(self.model.confidence, "wilson")
            shares = [
                words.number("accuracy", row[digit] / sum(row)) for digit, row in enumerate(matrix)
            ]
            expected.append(
                [
                    words.say("draws.number", number=place + 1),
                    (Number(count),),
                    (words.number("accuracy", right / count),),
                    words.interval("accuracy", [wilson.low, wilson.high]),
                    *[(share,) for share in shares],
                ]
            )
        name = words.plain("draws.caption")
        found = table(by_id(page, self.model.name), name)
        level = words.say("table.interval", level=words.level(self.model.confidence))
        total = check_text(cells(head(found))[3], level, f"head of {name}")
        return total + check_rows(body(found), expected, name)

    def check_cells(self, page: Element) -> int:
        """The drawers: the headline of each cell, and its replicates one by one."""
        return sum(self.check_cell(page, cell) for cell in self.model.cells.values())

    def check_cell(self, page: Element, cell: Cell) -> int:
        words = self.words
        drawer = by_id(page, f"cell-{self.model.name}-{cell.key}")
        described = words.described(self.model, cell)
        name = words.plain("cell.replicates", cell=described)
        rows = self.model.rows(cell.key)
        expected: list[list[Text]] = []
        absent = words.none("none.replicate_diverged")
        for row in rows.to_dict("records"):
            line: list[Text] = [
                (Number(row["replicate"]),),
                (words.known[f"fate.{row['status']}"],),
            ]
            ok = row["status"] == "ok"
            others = [metric for metric in self.model.metrics if metric != self.metric]
            for metric in (self.metric, *others):
                line.append((words.number(metric, row[metric]),) if ok else absent)
            for field in ("best_epoch", "val_loss"):
                line.append((Number(row[field]),) if ok else absent)
            expected.append(line)
        count = check_rows(body(table(drawer, name)), expected, name)
        return count + self.check_headline(drawer, cell, described)

    def check_headline(self, drawer: Element, cell: Cell, described: str) -> int:
        """What the closed drawer says."""
        words = self.words
        own = self.document["cells"][cell.key][self.metric]
        parts: list[Text] = [(described,)]
        if cell is words.baseline(self.model):
            parts.append((words.known["cell.baseline"],))
        if own["n"]:
            broken = self.model.broken(cell.key)
            middle = words.with_unit(self.metric, own["median" if broken else "centre"])
            message = "cell.headline_median" if broken else "cell.headline"
            parts.append(words.say(message, metric=self.said_metric, mean=middle))
        shown = drawer.all("summary")[0].text
        return check_text(shown, joined(" ", parts), f"drawer of {described}")
