"""The findings of a model: the table of all its effects, the best setting; the answer is in a module of its own."""

from __future__ import annotations

from typing import Any

from oracle.page import Element, Text, body, by_id, check_rows, check_text, joined, table, text
from oracle.page_answer import Answer
from oracle.page_prose import check_sentences
from oracle.stat_inputs import Cell

Document = dict[str, Any]
NAMED_TIES = 5


class Findings(Answer):
    """One model among the findings, and its best setting."""

    # The table of all effects

    def check_effects(self, page: Element) -> int:
        """The findings' table of every value against its reference, factors and values in order of size."""
        findings = by_id(page, "findings")
        title = by_id(page, f"{self.model.name}-findings").text
        name = self.words.plain("summary.caption", model=title)
        expected = [row for each in self.document["ranking"] for row in self.group(each)]
        return check_rows(body(table(findings, name)), expected, name)

    def group(self, ranked: Document) -> list[list[Text]]:
        """The rows of one factor."""
        tables, words = self.tables[ranked["axis"]], self.words
        axis, rows = tables.axis, tables.rows
        reference = words.label(axis.cell(axis.reference))
        against = words.plain("summary.against", reference=reference)
        largest: Text = ()
        if ranked["largest"] is not None:
            row = rows[ranked["largest"]]
            largest = words.say(
                "summary.largest",
                difference=words.size(self.metric, row["difference"]),
                value=words.label(axis.cell(ranked["largest"])),
            )
        found = [[(f"{tables.title} {against}",), largest]]
        others = [cell for cell in axis.cells if cell.label != axis.reference]
        for cell in sorted(others, key=lambda cell: self.order(rows[cell.label])):
            row = rows[cell.label]
            difference, ends = tables.against(row)[:2]
            said = words.conclusion(self.model, axis, row)
            found.append([(words.label(cell),), said, (), difference, ends])
        return found

    @staticmethod
    def order(row: Document) -> float:
        """The largest first, those without a number last."""
        return -abs(row["difference"]) if row["difference"] is not None else 1

    def best(self) -> list[Text]:
        """The best setting, what cannot be told from it, and how optimistic the choice is."""
        words, own = self.words, self.document["best"]
        described = words.described(self.model, self.model.cells[own["key"]])
        found = [
            words.say(
                "best.sentence",
                val_loss=own["val_loss_mean"],
                setting=described,
                metric=self.said_metric,
                mean=words.with_unit(self.metric, own["test"]),
                level=words.level(self.model.confidence),
                interval=words.interval(self.metric, own["interval"]),
            )
        ]
        if own["n_diverged"]:
            found.append(words.say("best.diverged", k=own["n_diverged"], n=own["n_total"]))
        found.append(self.ties())
        if own["optimism"] is not None:
            size = words.size(self.metric, own["optimism"], signed=False)
            found.append(words.say("best.optimism", n=own["n_candidates"], size=size))
        return found

    def tied(self) -> list[str]:
        """The indistinguishable settings in words."""
        named = {cell.name: cell for cell in self.model.cells.values()}
        names = self.document["best"]["indistinguishable"]
        return [self.words.described(self.model, named[name]) for name in names]

    def ties(self) -> Text:
        """Which settings cannot be told from the best one."""
        words, tied = self.words, self.tied()
        if not tied:
            return words.say("best.alone")
        if len(tied) == self.document["best"]["n_candidates"] - 1:
            every = len(tied) == len(self.model.cells) - 1
            return words.say("best.all" if every else "best.all_sound")
        values = joined(words.known["list.parts"], [text(each) for each in tied[:NAMED_TIES]])
        if len(tied) <= NAMED_TIES:
            return words.say("best.ties", values=values)
        return words.say("best.more_ties", values=values, n=len(tied) - NAMED_TIES)

    def comparable(self, facts: Document) -> bool:
        """Whether the course report trained on as much data, of the same kind."""
        low, high = self.model.data["n_train"]
        known = self.model.data["dataset"] in facts["same_data"]
        return known and low <= facts["n_train"] <= high

    def single_runs(self, facts: Document) -> list[Text]:
        """Where one run would lie, and where those of the course report lay."""
        words, cell = self.words, self.words.baseline(self.model)
        assert cell is not None
        own = self.document["cells"][cell.key][self.metric]
        values = self.model.values(cell.key, self.metric).dropna()
        same = facts["same_data"].get(self.model.data["dataset"], False)
        low, high = own["prediction"]["same_data" if same else "other_data"]
        unit = {"low": low, "high": high, "least": values.min(), "most": values.max()}
        said = words.say(
            "findings.one_run",
            **{name: words.with_unit(self.metric, float(v)) for name, v in unit.items()},
            metric=self.said_metric,
            level=words.level(self.model.confidence),
        )
        found = [said, words.say("findings.single_runs")]
        if self.model.diverged(cell.key):
            counts = {"k": self.model.diverged(cell.key), "n": self.model.total}
            found.append(words.say("flag.diverged_sentence", **counts))
        theirs = self.their_runs(cell, facts) if self.comparable(facts) else []
        if theirs:
            every = words.listed([words.with_unit(self.metric, v) for v in sorted(theirs)])
            found.append(words.say("findings.their_runs", n=len(theirs), values=every))
        return found

    def their_runs(self, cell: Cell, facts: Document) -> list[float]:
        """Their runs of the baseline, on any axis."""
        place = facts["metrics"].index(self.metric)
        return [
            run["axes"][axis.name][own.label][place]
            for run in facts["runs"]
            for axis in self.model.axes
            for own in axis.cells
            if own.key == cell.key
            and own.label in run["axes"].get(axis.name, {})
            and run["axes"][axis.name][own.label] != "diverged"
        ]

    def check_answer(self, page: Element, facts: Document) -> int:
        """The two lines of the answer; the best setting and single runs in the model's own section."""
        where, model = f"answer of {self.model.name}", self.model.name
        box = by_id(page, "answer")
        titles = [link.attributes["href"] for title in box.all("h3") for link in title.all("a")]
        lines = [e.text for e in box.all("ul")[titles.index(f"#{model}")].all("li")]
        assert len(lines) == len(self.answer()), where
        count = sum(
            check_sentences(line, sentences, where)
            for line, sentences in zip(lines, self.answer(), strict=True)
        )
        count += self.check_names(box, where)
        section = by_id(page, model)
        begin = section.children.index(by_id(page, f"{model}-best")) + 1
        best, single = [e for e in section.children[begin:] if isinstance(e, Element)][:2]
        count += check_sentences(best.text, self.best(), f"best of {model}")
        count += check_sentences(single.text, self.single_runs(facts), f"single runs of {model}")
        margin = self.words.say("model.margin", margin=self.words.margin(self.model))
        (line,) = [e.text for e in section.all("p") if e.text.startswith(str(margin[0]))]
        count += check_text(line, margin, f"margin of {model}")
        listed = [e.text for e in section.all("ul", "inline")[:1] for e in e.all("li")]
        assert listed == self.tied(), f"listed beside the best of {model}: {listed}"
        return count
