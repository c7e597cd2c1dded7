"""The findings of a model: the table of all its effects, the headlines, the best setting."""

from __future__ import annotations

from typing import Any

from oracle.page import Element, Text, body, by_id, check_rows, joined, table, text
from oracle.page_prose import check_sentences
from oracle.page_tables import AxisTables
from oracle.page_words import Words
from oracle.stat_inputs import Cell, Model

Document = dict[str, Any]
NAMED_TIES = 5
VERDICTS = ("better", "worse", "practically equivalent", "inconclusive", "not tested", "failed")


class Findings:
    """One model among the findings, and its best setting."""

    def __init__(
        self, words: Words, model: Model, document: Document, tables: dict[str, AxisTables]
    ) -> None:
        self.words, self.model, self.document, self.tables = words, model, document, tables
        self.metric = model.metric
        self.said_metric = words.known[f"metric.{model.metric}"]

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

    # Headlines

    def headlines(self, facts: Document) -> list[list[Text]]:
        """The sentences of each headline."""
        words = self.words
        found = [
            [words.say("summary.broken", cell=self.setting(axis, label), flags=flags)]
            for axis, label, flags in self.broken()
        ]
        largest = self.largest()
        found.append([largest if largest else words.say("summary.no_effect")])
        found.append(self.best())
        counts = self.document["counts"]
        parts = [
            words.say("findings.count", n=counts[v], verdict=words.known[_verdict(v)])
            for v in VERDICTS
            if counts.get(v)
        ]
        every = words.listed(parts)
        found.append([words.say("findings.counts", n=sum(counts.values()), parts=every)])
        return [*found, self.single_runs(facts)]

    def setting(self, axis: str, label: str) -> str:
        """A cell with its factor."""
        own = self.tables[axis].axis
        return self.words.setting(own, own.cell(label))

    def broken(self) -> list[tuple[str, str, Text]]:
        """Broken cells in the order of the ranking, each once."""
        found: dict[str, tuple[str, str, Text]] = {}
        for each in self.document["ranking"]:
            for label in each["broken"]:
                row = self.tables[each["axis"]].rows[label]
                key = self.tables[each["axis"]].axis.cell(label).key
                found.setdefault(key, (each["axis"], label, self.words.flags(row)))
        return list(found.values())

    def largest(self) -> Text | None:
        """The largest effect of a sound cell of a simple factor."""
        simple = [each["axis"] for each in self.document["ranking"] if not each["factorial"]]
        rows = [
            (abs(row["difference"]), axis, label, row)
            for axis in simple
            for label, row in self.tables[axis].rows.items()
            if row["difference"] is not None and not row["broken"]
        ]
        if not rows:
            return None
        _, axis, label, row = max(rows, key=lambda each: each[0])
        own = self.tables[axis].axis
        return self.words.say(
            "summary.most",
            cell=self.setting(axis, label),
            reference=self.words.label(own.cell(own.reference)),
            metric=self.said_metric,
            difference=self.words.difference(self.metric, row),
            level=self.words.level(row["difference_level"]),
            verdict=self.words.verdict(row),
        )

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

    def check_headlines(self, page: Element, facts: Document) -> int:
        """All headlines of the findings, and the best setting again in the model's own section."""
        findings = by_id(page, "findings")
        order = findings.all("ul", "headlines")
        titles = [e.attributes.get("id") for e in findings.all("h3")]
        own = order[titles.index(f"{self.model.name}-findings")]
        lines, expected = [item.text for item in own.all("li")], self.headlines(facts)
        assert len(lines) == len(expected), f"{len(lines)} headlines, expected {len(expected)}"
        count = sum(
            check_sentences(line, sentences, f"headline of {self.model.name}")
            for line, sentences in zip(lines, expected, strict=True)
        )
        section = by_id(page, self.model.name)
        title = by_id(page, f"{self.model.name}-best")
        said = section.children[section.children.index(title) + 1 :]
        paragraph = next(e for e in said if isinstance(e, Element))
        count += check_sentences(paragraph.text, self.best(), f"best of {self.model.name}")
        listed = [e.text for e in section.all("ul", "inline")[:1] for e in e.all("li")]
        assert listed == self.tied(), f"listed beside the best of {self.model.name}: {listed}"
        return count


def _verdict(verdict: str) -> str:
    return f"verdict.{verdict.replace(' ', '-')}"
