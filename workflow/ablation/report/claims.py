"""What the course report claims, beside what this study found."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ablation.claims.rules import Answer
from ablation.language import numbers as fmt
from ablation.language.metrics import possible_pair, scaled, with_interval
from ablation.language.verdicts import fates, worded
from ablation.language.words import Words, slug
from ablation.results import published as pub
from ablation.store.document import ModelDocument, StudyDocument

MARKS = {
    Answer.CONFIRMED: "✓",
    Answer.CONTRADICTED: "✗",
    Answer.INCONCLUSIVE: "?",
    Answer.NOT_TESTED: "–",
}
PERCENT = ("end_change", "early_change", "best_val_accuracy", "accuracy_change")


def claims_view(
    judged: dict[str, Any],
    study: StudyDocument,
    comparisons: dict[str, Any],
    words: Words,
    *,
    language: str,
) -> dict[str, Any] | None:
    """The table of claims about the models that redo the course report's; None for a study that has none of them.

    judged: the content of ``claims.json``.
    """
    redone = {model.name for model in study.models if pub.of_model(model)}
    judged_here = [claim for claim in judged["claims"] if claim["model"] in redone]
    if not judged_here:
        return None
    claims = pub.load_claims()
    texts = {claim["id"]: claim for claim in claims["claims"]}
    answers = Counter(claim["answer"] for claim in judged_here)
    counts = [
        words("claim.count", n=answers[answer], answer=words(f"answer.{slug(answer)}"))
        for answer in Answer
        if answers[answer]
    ]
    rows = [
        _row(claim, texts[claim["id"]], study, comparisons, words, language=language)
        for claim in judged_here
    ]
    return {
        "summary": words("claim.summary", n=len(judged_here), parts=words.join(counts)),
        "level": fmt.percent(judged["confidence"]),
        "share": fmt.percent(claims["share"], 0),
        "rows": rows,
        "contradicted": [
            {**row, "quoted": words("answer.quoted", claim=row["text"].rstrip(".。"))}
            for row in rows
            if row["answer"] == slug(Answer.CONTRADICTED)
        ],
    }


def _row(
    claim: dict[str, Any],
    text: dict[str, Any],
    study: StudyDocument,
    comparisons: dict[str, Any],
    words: Words,
    *,
    language: str,
) -> dict[str, Any]:
    answer = Answer(claim["answer"])
    model, compared = study.model(claim["model"]), comparisons["models"][claim["model"]]
    words = words.about(model)
    steps = [step for part in claim["parts"] for step in part.get("steps", [part])]
    tested = [step for step in steps if step["answer"] != Answer.NOT_TESTED]
    teller = Teller(model, compared["metric"], words)
    tell = teller.line if len(steps) > 1 else teller.text  # else its answer is the claim's
    return {
        "id": claim["id"],
        "model": words.short,
        "text": fmt.tied(text["text"][language]),
        "answer": slug(answer),
        "mark": MARKS[answer],
        "answer_text": words(f"answer.{slug(answer)}"),
        "evidence": [tell(step) for step in tested],
        "note": fmt.tied(text.get("note", {}).get(language, "")) if tested else "",
        "would": _would_test(text, words, language) if answer is Answer.NOT_TESTED else "",
    }


def _would_test(text: dict[str, Any], words: Words, language: str) -> str:
    if "untested" in text:
        return words("claim.would", what=text["untested"][language])
    data = {text.get("data"), *(part.get("data") for part in text["parts"])}
    message = "claim.whole" if "whole" in data else "claim.other_cells"
    return words("claim.would", what=words(message))


def cost_lines(judged: dict[str, Any], study: StudyDocument, words: Words) -> list[str]:
    """What the cells of some claims cost beside one another, measured; no answer depends on it."""
    return [
        model_words(
            "claim.cost",
            id=claim["id"],
            cell=model_words.setting(model.axis(step["axis"]), step["cell"]),
            than=model_words.value(step["than"]),
            ratio=fmt.significant(step["cost_ratio"], 2),
        )
        for model in study.models
        for model_words in [words.about(model)]
        for claim in judged["claims"]
        if claim["model"] == model.name
        for part in claim["parts"]
        for step in part.get("steps", [part])
        if step.get("cost_ratio")
    ]


class Teller:
    """Says what the numbers of a claim's parts are."""

    def __init__(self, model: ModelDocument, metric: str, words: Words) -> None:
        self.model, self.metric, self.words = model, metric, words

    def text(self, part: dict[str, Any]) -> str:
        """What was looked at, in numbers."""
        text: str = getattr(self, f"_{part['rule']}")(part)
        return text

    def line(self, part: dict[str, Any]) -> str:
        """The same with the answer that it gives."""
        text = self.text(part)
        if part.get("verdict") == part["answer"]:  # inconclusive is inconclusive
            return text
        answer = self.words(f"answer.{slug(part['answer'])}")
        return self.words("claim.line", text=text, answer=answer)

    def _place(self, part: dict[str, Any]) -> str:
        return self.words.setting(self.model.axis(part["axis"]), part["cell"])

    def _compared(self, part: dict[str, Any]) -> str:
        words = self.words
        number = with_interval(self.metric, part["difference"], part["interval"])
        if part["difference"] is not None:
            number = words.difference(self.metric, number)
        if part["interval"]:
            level = fmt.percent(part["level"])
            number = words("claim.at_level", difference=number, level=level)
        verdict = worded(part["verdict"], part["reason"], words)
        cell, than = self._place(part), words.value(part["than"])
        text = words("claim.compared", cell=cell, than=than, difference=number, verdict=verdict)
        return words.listed([text, *fates(part, words)])

    def _measured(self, part: dict[str, Any]) -> str:
        measure = part["measure"]
        return self.words(
            "claim.measured",
            measure=self.words(f"measure.{measure}"),
            axis=self.words.title(self.model.axis(part["axis"])),
            cell=self.words.value(part["cell"]),
            cell_value=measure_text(measure, part["cell_value"]),
            than=self.words.value(part["than"]),
            than_value=measure_text(measure, part["than_value"]),
            p=fmt.p_value(part["p"]) if part["p"] is not None else fmt.DASH,
        )

    def _replicates(self, part: dict[str, Any]) -> str:
        words, numbers = self.words, {"k": part["k"], "n": part["n"], "cell": self._place(part)}
        if part.get("event"):
            return words(f"claim.event.{part['event']}", **numbers)
        name = part.get("measure") or part["metric"]
        group = "measure" if "measure" in part else "metric"
        bound = "at_most" if "at_most" in part else "at_least"
        return words(
            f"claim.{bound}",
            measure=words(f"{group}.{name}"),
            bound=bound_text(name, part[bound]),
            median=measure_text(name, part["median"]),
            **numbers,
        )

    def _published(self, part: dict[str, Any]) -> str:
        bounds, value = possible_pair(self.metric, part["prediction"]), part["value"]
        places = fmt.column_decimals([bounds])
        return self.words(
            "claim.published",
            cell=self._place(part),
            value=self.words.number(
                self.metric, fmt.fixed(scaled(self.metric, value) or 0.0, places)
            ),
            interval=fmt.interval(bounds, places) if bounds else fmt.DASH,
        )


def bound_text(name: str, value: float) -> str:
    """A bound as it is declared, no digit more."""
    percent = name in (*PERCENT, "accuracy")
    number = 100 * value if percent else value
    text = f"{number:g}".replace("-", fmt.MINUS)
    return fmt.in_percent(text) if percent else text


def measure_text(name: str, value: float) -> str:
    """A measure of the learning curves, or a metric, as a reader wants it."""
    if name == "end_change":
        return fmt.in_percent(fmt.fixed(100 * value, 1, sign=True))
    if name in (*PERCENT, "accuracy"):
        digits = 3 if name in ("best_val_accuracy", "accuracy") else 2
        return fmt.in_percent(fmt.significant(100 * value, digits))
    if name == "epochs_to_final":
        return fmt.fixed(value, 1)
    return fmt.significant(value, 3 if name == "best_val_loss" else 2)
