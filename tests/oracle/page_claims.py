"""The table of claims: answers, and every number of the evidence."""

from __future__ import annotations

from typing import Any

from oracle.page import Element, Number, Text, by_id, cells, check_text, joined, table
from oracle.page_prose import check_sentences
from oracle.page_words import MARK, PERCENT, Words
from oracle.stat_claims import Claims, Part
from oracle.stat_inputs import Axis, Model

ANSWERS = ("confirmed", "contradicted", "inconclusive", "not tested")
IN_PERCENT = frozenset({"early_change", "end_change", "best_val_accuracy", "accuracy_change"})


class ClaimsPage:
    """The claims on the page."""

    def __init__(self, words: Words, claims: Claims, answers: dict[str, Any]) -> None:
        self.words, self.claims = words, claims
        # The page has the claims about the models of the study.
        present = {model["model"] for model in words.models}
        models = {claim["id"]: claim["model"] for claim in claims.document["claims"]}
        shown = [claim for claim in answers["claims"] if models[claim["id"]] in present]
        self.answers = {**answers, "claims": shown}

    def check(self, page: Element) -> int:
        """The summary, every row, and the rule below."""
        known = self.words.known
        if all(each["answer"] == "not tested" for each in self.answers["claims"]):
            assert not [e for e in page.all("section") if e.attributes.get("id") == "claims"]
            return 0
        section = by_id(page, "claims")
        found = table(section, known["claim.caption"])
        rows = [row for part in found.all("tbody") for row in part.all("tr")]
        texts = {each["id"]: each for each in self.claims.document["claims"]}
        every = self.answers["claims"]
        assert len(rows) == len(every)
        count = sum(
            self.row(row, texts[answer["id"]], answer)
            for row, answer in zip(rows, every, strict=True)
        )
        paragraphs = [e for e in section.children if isinstance(e, Element) and e.tag == "p"]
        counted, link = by_id(page, "answer-claims"), (f" {known['answer.claims']}",)
        count += check_text(counted.text, (*self.summary(), *link), "summary of the claims")
        self.check_contradicted(by_id(page, "answer"), texts)
        level = self.words.level(self.answers["confidence"])
        reading = self.words.say(
            "claim.reading", level=level, share=Number(self.claims.share * PERCENT)
        )
        return count + check_text(paragraphs[0].text, reading, "reading of the claims")

    def check_contradicted(self, box: Element, texts: dict[int, dict[str, Any]]) -> None:
        """The contradicted claims are named in the box, each with a link to its row."""
        links = [(e.attributes["href"], e.text) for e in box.all("a")]
        assert [link for link in links if link[0].startswith("#claim-")] == [
            (f"#claim-{a['id']}", f"“{texts[a['id']]['text']['en'].rstrip('.')}”")
            for a in self.answers["claims"]
            if a["answer"] == "contradicted"
        ], "contradicted claims in the box"

    def summary(self) -> Text:
        """How many of each answer."""
        found = [each["answer"] for each in self.answers["claims"]]
        parts = [
            self.words.say("claim.count", n=found.count(a), answer=self.answer(a))
            for a in ANSWERS
            if a in found
        ]
        return self.words.say("claim.summary", n=len(found), parts=self.words.listed(parts))

    def answer(self, answer: str) -> str:
        """An answer in words."""
        return self.words.known[f"answer.{answer.replace(' ', '-')}"]

    def row(self, row: Element, claim: dict[str, Any], answer: dict[str, Any]) -> int:
        """One claim."""
        shown = cells(row)
        model = self.words.known[f"model_short.{claim['model']}"]
        said = MARK[answer["answer"]] + self.answer(answer["answer"])
        assert shown[:4] == [str(claim["id"]), model, claim["text"]["en"], said], shown
        where = f"claim {claim['id']}"
        lines = [line.text for line in row.all("span", "line")]
        expected = [*self.evidence(claim, answer), *self.notes(claim, answer)]
        assert len(lines) == len(expected), f"{where}: {lines}"
        pairs = zip(lines, expected, strict=True)
        return 1 + sum(check_text(line, each, where) for line, each in pairs)

    def evidence(self, claim: dict[str, Any], answer: dict[str, Any]) -> list[Text]:
        """A line for each tested part; with its answer where there are several and the line does not say it."""
        found = []
        steps = [step for part in answer["parts"] for step in part.get("steps", [part])]
        model = self.claims.models[claim["model"]]
        for part in steps:
            if part["answer"] == "not tested":
                continue
            line = self.line(model, part)
            if len(steps) > 1 and part["answer"] != part.get("verdict"):
                line = self.words.say("claim.line", text=line, answer=self.answer(part["answer"]))
            found.append(line)
        return found

    def line(self, model: Model, part: Part) -> Text:
        """One part by its rule."""
        axis = next(each for each in model.axes if each.name == part["axis"])
        rules = {
            "compared": self.compared,
            "measured": self.measured,
            "replicates": self.replicates,
            "published": self.published,
        }
        return rules[part["rule"]](model, axis, part)

    def compared(self, model: Model, axis: Axis, part: Part) -> Text:
        words = self.words
        both = {"difference": part["difference"], "difference_interval": part["interval"]}
        difference = words.difference(model.metric, both, percent=False)
        if part["interval"] is not None:
            level = words.level(part["level"])
            difference = words.say("claim.at_level", difference=difference, level=level)
        said = words.say(
            "claim.compared",
            cell=words.setting(axis, axis.cell(part["cell"])),
            than=words.label(axis.cell(part["than"])),
            difference=difference,
            verdict=words.verdict(part),
        )
        parts = [said, *words.fates(part)]
        return joined(words.known["list.parts"], parts)

    def measured(self, model: Model, axis: Axis, part: Part) -> Text:
        words = self.words
        return words.say(
            "claim.measured",
            measure=words.plain(f"measure.{part['measure']}"),
            axis=words.title(axis),
            cell=words.label(axis.cell(part["cell"])),
            than=words.label(axis.cell(part["than"])),
            cell_value=self.value(part["measure"], part["cell_value"]),
            than_value=self.value(part["measure"], part["than_value"]),
            p=words.p(part["p"]),
        )

    def value(self, measure: str, value: float) -> Text:
        """A measure."""
        if measure in IN_PERCENT:
            return (Number(value * PERCENT, signed=measure == "end_change"), " %")
        return (Number(value),)

    def replicates(self, model: Model, axis: Axis, part: Part) -> Text:
        words = self.words
        counts = {"k": part["k"], "n": part["n"]}
        cell = words.setting(axis, axis.cell(part["cell"]))
        if "event" in part:
            return words.say(f"claim.event.{part['event']}", cell=cell, **counts)
        side = "at_least" if "at_least" in part else "at_most"
        return words.say(
            f"claim.{side}",
            measure=words.plain(f"measure.{part['measure']}"),
            bound=self.value(part["measure"], part[side]),
            cell=cell,
            median=self.value(part["measure"], part["median"]),
            **counts,
        )

    def published(self, model: Model, axis: Axis, part: Part) -> Text:
        words = self.words
        return words.say(
            "claim.published",
            cell=words.setting(axis, axis.cell(part["cell"])),
            value=words.with_unit(model.metric, part["value"]),
            interval=words.interval(model.metric, part["prediction"]),
        )

    def notes(self, claim: dict[str, Any], answer: dict[str, Any]) -> list[Text]:
        """The claim's own note, and what would test what this study cannot."""
        known = self.words.known
        found: list[Text] = []
        if "note" in claim and self.evidence(claim, answer):
            found.append((claim["note"]["en"],))
        untested = [part for part in answer["parts"] if part["answer"] == "not tested"]
        if untested:
            amounts = {part.get("data", claim.get("data")) for part in untested}
            what = claim.get("untested", {}).get("en")
            what = what or known["claim.whole" if "whole" in amounts else "claim.other_cells"]
            found.append(self.words.say("claim.would", what=what))
        return found


def check_threats(
    words: Words, page: Element, models: dict[str, Any], bases: dict[str, Any]
) -> int:
    """The numbers among the threats: noise at the baseline, and how many factors may err."""
    lines = [line.text for line in by_id(page, "threats").all("li")]
    count = 0
    for name, row in bases.items():
        noise, metric = row["noise"], models[name].metric
        if noise is None:
            continue
        said = words.say(
            "threat.noise",
            sd=words.size(metric, noise["sd"], False),
            sd_test=words.size(metric, noise["sd_test"], False),
            share=words.share(noise["share"]),
        )
        begin = words.say(
            "threat.small_test",
            model=words.known[f"model_short.{name}"],
            n=joined("–", [(Number(n),) for n in sorted(set(models[name].data["n_test"]))]),
        )
        own = next(line for line in lines if line.startswith("".join(map(str, begin[:2]))))
        count += check_sentences(own, [begin, said], "noise")
    alpha = 1 - next(iter(models.values())).confidence
    factors = sum(len(model.axes) for model in models.values())
    families = words.say(
        "threat.families",
        level=Number(alpha * PERCENT),
        n=factors,
        expected=Number(factors * alpha),
    )
    return count + check_text(
        next(line for line in lines if line.startswith("The error rate")), families, "families"
    )
