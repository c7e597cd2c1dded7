"""The sentences of the report that hold numbers: each must be there once, and between them nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from oracle.page import Number, Text, check_text, escaped, joined, text
from oracle.page_tables import AxisTables, Row
from oracle.page_words import PERCENT

FELL = -0.01  # the validation loss still falls by more than 1 % per tenth of training


def check_sentences(
    shown: str, required: Sequence[Text], where: str, optional: Sequence[Text] = ()
) -> int:
    """Find each sentence in a paragraph and take it out; nothing may be left."""
    rest, count = shown, 0
    for expected in [*required, *optional]:
        match = re.search("".join(map(escaped, expected)), rest)
        if match is None and expected in optional:
            continue
        assert match, f"{where}: “{rest}” lacks “{expected}”"
        count += check_text(match.group(), expected, where)
        rest = rest[: match.start()] + rest[match.end() :]
    assert not rest.strip(), f"{where}: unexpected “{rest}”"
    return count


class AxisProse:
    """What the section of a factor says in sentences."""

    def __init__(self, tables: AxisTables, epochs: pd.DataFrame, courses: pd.DataFrame) -> None:
        self.tables, self.words = tables, tables.words
        self.model, self.axis, self.rows = tables.model, tables.axis, tables.rows
        self.epochs, self.courses = epochs, courses
        self.reference = self.words.named(self.axis, self.axis.cell(self.axis.reference))

    def in_words(self) -> list[Text]:
        """Verdicts, then what diverged or collapsed."""
        found: list[Text] = []
        for cell in self.axis.cells:
            row, label = self.rows[cell.label], self.words.named(self.axis, cell, begins=True)
            if not row["is_reference"]:
                found += self.verdict(label, row)
        for cell in self.axis.cells:
            row, label = self.rows[cell.label], self.words.named(self.axis, cell, begins=True)
            if row["n_diverged"]:
                found += self.divergence(cell.key, label, row)
            if row["n_collapsed"]:
                task = "regression" if self.model.lower_is_better else "classification"
                counts = {"value": label, "k": row["n_collapsed"], "n": row["n_total"]}
                found.append(self.words.say(f"axis.collapsed_{task}", **counts))
        return found

    def verdict(self, label: str, row: Row) -> list[Text]:
        """One row in words."""
        words, both = self.words, {"value": label, "reference": self.reference}
        if row["p"] is None:
            reason = row["reason"].replace(" ", "-")
            return [words.say(f"axis.not_tested.{reason}", **both)]
        if row["reason"] == "diverged":
            return [words.say("axis.only_without_diverged", **both)]
        margin = words.margin(self.model)
        kind = "broken" if row["difference_interval"] is None else "verdict"
        said = words.say(
            f"axis.{kind}.{row['verdict'].replace(' ', '-')}",
            **both,
            metric=words.known[f"metric.{self.model.metric}"],
            difference=words.difference(self.model.metric, row),
            level=words.level(row["difference_level"]),
            p=words.p(row["p_adjusted"]),
            margin=margin,
        )
        if row["within_margin"]:
            return [said, words.say("axis.within_margin", margin=margin)]
        if row["below_margin"]:
            return [said, words.say("axis.below_margin", margin=margin)]
        return [said]

    def divergence(self, key: str, label: str, row: Row) -> list[Text]:
        """How many replicates diverged, when, and what that does to the numbers."""
        words = self.words
        found = [words.say("axis.diverged", value=label, k=row["n_diverged"], n=row["n_total"])]
        own = self.epochs[self.epochs["key"] == key]
        lost = own[own[["train_loss", "val_loss"]].isna().any(axis=1)]
        if len(lost):
            epoch = lost.groupby("replicate")["epoch"].min().median()
            found.append(words.say("axis.broke_at", epoch=float(epoch)))
        if row["is_reference"]:
            found.append(words.say("axis.reference_diverged", m=row["n"]))
        elif row["n"]:
            found.append(words.say("axis.non_diverged", m=row["n"]))
        return found

    def scored(self) -> list[Text]:
        """With diverged replicates scored as trivial predictions."""
        words, parts = self.words, []
        for cell in self.axis.cells:
            own = self.rows[cell.label]["scored"]
            if own and own["difference"] is not None:
                parts.append(
                    words.say(
                        "axis.scored_one",
                        value=words.named(self.axis, cell),
                        difference=words.size(self.model.metric, own["difference"]),
                        verdict=words.known[f"verdict.{own['verdict'].replace(' ', '-')}"],
                    )
                )
        if not parts:
            return []
        task = "regression" if self.model.lower_is_better else "classification"
        every = joined(words.known["list.parts"], parts)
        return [words.say(f"axis.scored_{task}", differences=every)]

    def settle(self) -> list[Text]:
        """What would settle an undecided row."""
        words, never, found = self.words, [], []
        for cell in self.axis.cells:
            settle = self.rows[cell.label]["settle"]
            if settle and settle["replicates"] is None:
                never.append(text(words.named(self.axis, cell)))
            elif settle:
                needed = {"n": settle["replicates"], "value": words.named(self.axis, cell)}
                found.append(words.say("axis.settle", **needed))
        if never:
            found.append(
                words.say("axis.settle_never", values=joined(words.known["list.parts"], never))
            )
        return found

    def importance(self) -> list[Text]:
        """The share of the spread that the levels explain."""
        words, own = self.words, self.tables.own["importance"]
        if own is None:
            return []
        found = [
            words.say(
                "more.omega",
                omega2=own["omega2"],
                level=words.level(own["level"]),
                interval=words.interval("r2", own["interval"]),
            )
        ]
        if own["left_out"]:
            left = map(self.axis.cell, own["left_out"])
            labels = [text(words.named(self.axis, cell)) for cell in left]
            found.append(
                words.say("more.omega_left_out", values=joined(words.known["list.parts"], labels))
            )
        return found

    def grid(self) -> list[Text]:
        """The analysis of a grid."""
        words, own = self.words, self.tables.own["factorial"]
        alpha = 1 - self.model.confidence
        times = words.known["factorial.times"]
        terms = [
            text(times.join(words.known[f"parameter.{name}"] for name in term["factors"]))
            for term in own["terms"]
            if term["p_adjusted"] < alpha
        ]
        factors = words.listed([text(words.known[f"parameter.{f}"]) for f in own["factors"]])
        first = (
            words.say("factorial.found", terms=words.listed(terms))
            if terms
            else words.say("factorial.nothing", alpha=Number(alpha * PERCENT))
        )
        found = [first, words.say("factorial.text", factors=factors, n=own["n_replicates"])]
        if own["left_out"]:
            left = words.listed([(Number(number),) for number in own["left_out"]])
            found.append(words.say("factorial.left_out", replicates=left))
        return found

    # Learning curves

    def training(self) -> list[Text]:
        """Medians of measures, each sentence of which the report may leave out where there is nothing to say."""
        words = self.words
        found = []
        for name, measure, factor in (
            ("axis.speed", "epochs_to_final", 1),
            ("axis.oscillation", "early_change", PERCENT),
            ("axis.overfit", "final_ratio", 1),
        ):
            unit = " %" if factor == PERCENT else ""
            values = [
                words.say("text.of_value", value=label, number=text(Number(m * factor), unit))
                for label, m in self.medians(measure).items()
            ]
            found.append(words.say(name, values=joined(words.known["list.parts"], values)))
        ratios = self.medians("final_ratio").values()
        if ratios:
            found.append(words.say("axis.no_overfit", ratio=max(ratios)))
        slow = [text(label) for label, m in self.medians("end_change").items() if m < FELL]
        if slow:
            epochs = self.model.parameters["epochs"]
            said = words.say(
                "axis.not_converged", epochs=epochs, values=joined(words.known["list.parts"], slow)
            )
            found.append(said)
        return found

    def medians(self, measure: str) -> dict[str, float]:
        """By label, over the replicates that did not diverge."""
        found = {}
        for cell in self.axis.cells:
            ok = self.model.ok(cell.key)["replicate"]
            values = self.courses.loc[cell.key].loc[ok, measure]
            if values.notna().any():
                found[self.words.named(self.axis, cell)] = float(np.nanmedian(values))
        return found
