"""The box at the top of the page: two lines on a model, and the names folded below them."""

from __future__ import annotations

from typing import Any

from oracle.page import Element, Text, joined, text
from oracle.page_prose import check_sentences
from oracle.page_tables import AxisTables
from oracle.page_words import Words
from oracle.stat_inputs import Axis, Cell, Model

Document = dict[str, Any]
SHOWN = 3
UNDECIDED = ("practically equivalent", "inconclusive", "not tested")


class Answer:
    """What the box says of one model."""

    def __init__(
        self, words: Words, model: Model, document: Document, tables: dict[str, AxisTables]
    ) -> None:
        self.words, self.model, self.document, self.tables = words, model, document, tables
        self.metric = model.metric
        self.said_metric = words.known[f"metric.{model.metric}"]

    def answer(self) -> list[list[Text]]:
        """The sentences of each of the two lines that are not folded."""
        return [[self.significant()], self.rest() or [self.words.say("answer.nothing_open")]]

    def simple(self) -> list[AxisTables]:
        """The factors that are no grids, in the order of the ranking; of a study of grids alone all."""
        ranked = self.document["ranking"]
        chosen = [each for each in ranked if not each["factorial"]] or ranked
        return [self.tables[each["axis"]] for each in chosen]

    def every(self) -> list[AxisTables]:
        """All factors, the grids last."""
        ranked = sorted(self.document["ranking"], key=lambda each: bool(each["factorial"]))
        return [self.tables[each["axis"]] for each in ranked]

    def pairs(self, of: list[AxisTables]) -> list[tuple[AxisTables, Cell, Document]]:
        """Every level beside its reference level, each pair of cells once."""
        seen, found = set(), []
        for tables in of:
            reference = tables.axis.cell(tables.axis.reference)
            for cell in tables.axis.cells:
                if cell.label != reference.label and (cell.key, reference.key) not in seen:
                    seen.add((cell.key, reference.key))
                    found.append((tables, cell, tables.rows[cell.label]))
        return found

    def against(self, tables: AxisTables, cell: Cell) -> dict[str, str]:
        """A level and its reference level in words."""
        reference = tables.axis.cell(tables.axis.reference)
        words = self.words
        return {"cell": words.setting(tables.axis, cell), "reference": words.label(reference)}

    def significant(self) -> Text:
        """The largest significant effects with their intervals."""
        words, pairs = self.words, self.pairs(self.simple())
        found = [
            each
            for each in pairs
            if each[2]["verdict"] in ("better", "worse") and each[2]["difference_interval"]
        ]
        if not found:
            tested = [row for *_, row in pairs if row["p"] is not None and not row["broken"]]
            if not tested:
                return words.say("summary.no_effect")
            others = "_trained" if any(row["broken"] for *_, row in pairs) else ""
            if len(tested) == 1:
                return words.say(f"answer.not_significant{others}", metric=self.said_metric)
            return words.say(
                f"answer.nothing_significant{others}", metric=self.said_metric, n=len(tested)
            )
        found.sort(key=lambda each: -abs(each[2]["difference"]))
        named = joined(words.known["list.parts"], [self.effect(*each) for each in found[:SHOWN]])
        if len(found) <= SHOWN:
            return words.say("answer.matters", metric=self.said_metric, effects=named)
        return words.say(
            "answer.matters_most", metric=self.said_metric, effects=named, n=len(found) - SHOWN
        )

    def effect(self, tables: AxisTables, cell: Cell, row: Document) -> Text:
        """One effect with its interval."""
        words = self.words
        if row.get("ratio") is None:
            number = words.difference(self.metric, row)
        else:
            number = words.say("answer.percent", number=words.percent(row))
        said = words.say(
            "answer.effect",
            **self.against(tables, cell),
            verdict=words.known[_verdict(row["verdict"])],
            difference=number,
        )
        return words.say("answer.irrelevant", effect=said) if row["within_margin"] else said

    def rest(self) -> list[Text]:
        """What broke, how many comparisons are undecided, and which simple model is better."""
        words, between = self.words, self.words.known["list.parts"]
        found = []
        broken = [
            words.say("answer.noted", cell=self.words.setting(*place), note=words.flags(row))
            for place, row in self.broken()
        ]
        if broken:
            found.append(words.say("answer.broken", cells=joined(between, broken)))
        return [*found, *self.counted(), *self.better_models()]

    def counted(self) -> list[Text]:
        """How many comparisons are of each kind that says of no effect that it is there."""
        words, verdicts = self.words, [row["verdict"] for *_, row in self.pairs(self.every())]
        kinds = [kind for kind in UNDECIDED if kind in verdicts]
        if not kinds:
            return []
        if len(verdicts) == 1:
            return [words.say(f"answer.only_{kinds[0].replace(' ', '-')}")]
        parts = [
            words.say("answer.count", n=verdicts.count(kind), verdict=words.known[_verdict(kind)])
            for kind in kinds
        ]
        return [words.say("answer.counted", total=len(verdicts), parts=words.listed(parts))]

    def names(self) -> list[Text]:
        """The folded sentences: which levels are equivalent, which factors are open."""
        words, pairs, between = self.words, self.pairs(self.every()), self.words.known["list.parts"]
        found = []
        equal = [
            words.say("answer.pair", **self.against(tables, cell))
            for tables, cell, row in pairs
            if row["verdict"] == "practically equivalent"
        ]
        if equal:
            found.append(words.say("answer.equivalent", pairs=joined(between, equal)))
        unsure = dict.fromkeys(t.title for t, _, row in pairs if row["verdict"] == "inconclusive")
        if unsure:
            factors = joined(between, [text(title) for title in unsure])
            found.append(words.say("answer.open", factors=factors))
        return found

    def broken(self) -> list[tuple[tuple[Axis, Cell], Document]]:
        """Cells of which half of the replicates or more diverged or collapsed, each once."""
        found: dict[str, tuple[tuple[Axis, Cell], Document]] = {}
        for tables in self.every():
            for cell in tables.axis.cells:
                row = tables.rows[cell.label]
                if row["broken"]:
                    found.setdefault(cell.key, ((tables.axis, cell), row))
        return list(found.values())

    def better_models(self) -> list[Text]:
        """Simple baseline models that the best setting is significantly worse than."""
        words, best = self.words, self.document["best"]
        return [
            words.say(
                "answer.yardstick",
                yardstick=words.known[f"yardstick.{name}"],
                metric=self.said_metric,
                ours=words.with_unit(self.metric, best["test"]),
                theirs=words.with_unit(self.metric, own["mean"]),
            )
            for name, own in self.document["yardsticks"].items()
            if own["best_against_it"] and own["best_against_it"]["verdict"] == "worse"
        ]

    def check_names(self, box: Element, where: str) -> int:
        """The folded line on this model; there is none without equivalent or inconclusive comparisons."""
        short = self.words.known[f"model_short.{self.model.name}"]
        begin = f"{short} "
        folded = [e.text for fold in box.all("details") for e in fold.all("li")]
        lines = [line for line in folded if line.startswith(begin)]
        assert len(lines) == bool(self.names()), where
        return sum(check_sentences(line.removeprefix(begin), self.names(), where) for line in lines)


def _verdict(verdict: str) -> str:
    return f"verdict.{verdict.replace(' ', '-')}"
