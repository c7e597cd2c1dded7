"""The answers to the claims of the course report, by the rules as the head of ``claims.yaml`` and the report state them."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import yaml

from oracle.stat_courses import courses
from oracle.stat_inputs import Axis, Model, read_mixed
from oracle.stat_methods import t_test
from oracle.stat_paired import FEW_PAIRS
from oracle.stat_rows import row, summary
from oracle.stat_tests import (
    any_diverged,
    compare,
    concluded,
)
from oracle.statistics import Tally, inputs, same, tolerance
from oracle.study import Study

Part = dict[str, Any]
ECHOED = ("rule", "axis", "cell", "than", "says", "measure", "event", "at_least", "at_most")
ABSOLUTE_MEASURES = frozenset({"best_val_accuracy", "accuracy_change"})
# What each statement makes of a verdict.
SAYS = {
    "better": ({"better"}, {"worse", "practically equivalent"}),
    "worse": ({"worse"}, {"better", "practically equivalent"}),
    "equal": ({"practically equivalent"}, {"better", "worse"}),
    "not better": ({"worse", "practically equivalent"}, {"better"}),
}


def answered(confirmed: bool, contradicted: bool) -> str:
    """One part."""
    if confirmed:
        return "confirmed"
    return "contradicted" if contradicted else "inconclusive"


def together(answers: list[str]) -> str:
    """A claim holds if all of it does, and does not if one part does not."""
    for answer in ("contradicted", "not tested", "inconclusive"):
        if answer in answers:
            return answer
    return "confirmed"


class Claims:
    """The rules, on one study."""

    def __init__(self, study: Study) -> None:
        report = study.project / "workflow" / "report"
        self.document = yaml.safe_load((report / "claims.yaml").read_text("utf-8"))
        published = yaml.safe_load((report / "reference.yaml").read_text("utf-8"))
        self.published = published["models"]
        self.models = {model.name: model for model in inputs(study)}
        self.courses = courses(study)
        self.cells = read_mixed(study.tables / "cells.csv")
        self.share = self.document["share"]

    def all(self) -> dict[str, Any]:
        """What ``claims.json`` holds."""
        confidence = next(iter(self.models.values())).confidence
        claims = [self.claim(each) for each in self.document["claims"]]
        return {"confidence": confidence, "claims": claims}

    def claim(self, claim: dict[str, Any]) -> dict[str, Any]:
        """One claim with its parts."""
        if claim["model"] not in self.models:
            untested = [part | {"answer": "not tested"} for part in claim["parts"]]
            named = {"id": claim["id"], "model": claim["model"]}
            return named | {"answer": "not tested", "parts": untested}
        model = self.models[claim["model"]]
        tests = sum(self.own_tests(model, part) for part in claim["parts"])
        parts = [self.part(model, claim, part, max(1, tests)) for part in claim["parts"]]
        answer = together([part["answer"] for part in parts])
        return {"id": claim["id"], "model": model.name, "answer": answer, "parts": parts}

    def own_tests(self, model: Model, part: Part) -> int:
        """How many tests a part adds to those of the sections below."""
        if part["rule"] == "measured":
            return 1
        if part["rule"] == "ordered":
            return sum(self.own_tests(model, step) for step in steps(part))
        axis = self.axis(model, part)
        own = part["rule"] == "compared" and axis is not None and axis.reference != part["than"]
        return int(own)

    def axis(self, model: Model, part: Part) -> Axis | None:
        """The axis, if it has all cells that the part speaks of."""
        wanted = {part.get("cell", "every"), part.get("than", "every"), *part.get("cells", ())}
        for axis in model.axes:
            if axis.name == part["axis"] and wanted - {"every"} <= {c.label for c in axis.cells}:
                return axis
        return None

    def part(self, model: Model, claim: dict[str, Any], part: Part, tests: int) -> Part:
        """One part by its rule; not tested where the study lacks its cells or has another amount of data."""
        axis = self.axis(model, part)
        amount = part.get("data", claim.get("data", "any"))
        if part["rule"] == "ordered":
            every = [self.part(model, claim, step, tests) for step in steps(part)]
            answer = together([step["answer"] for step in every])
            return {"rule": "ordered", "axis": part["axis"], "answer": answer, "steps": every}
        if axis is None or not self.has(model, amount):
            return part | {"answer": "not tested"}
        rule = {
            "compared": self.compared,
            "measured": self.measured,
            "replicates": self.replicates,
            "published": self.fits,
        }
        echo = {name: part[name] for name in ECHOED if name in part}
        return echo | rule[part["rule"]](model, axis, part, tests)

    def has(self, model: Model, amount: str) -> bool:
        """Whether the replicates train on the amount of data that a claim speaks of."""
        low, high = model.data["n_train"]
        facts = self.published[model.name]
        wanted = {"part": "n_train", "whole": "n_train_whole"}
        return amount == "any" or low <= facts[wanted[amount]] <= high

    def compared(self, model: Model, axis: Axis, part: Part, tests: int) -> Part:
        """By the verdict: the row's own, or that of a test between two other cells."""
        cell, than = axis.cell(part["cell"]), axis.cell(part["than"])
        own = row(model, axis, cell)
        if than.label == axis.reference:
            found = own
        else:
            level, pair = 1 - (1 - model.confidence) / tests, (cell.key, than.key)
            test, again = (
                compare(model, pair, model.metric, level, None, scored=scored)
                for scored in (False, True)
            )
            checked = again.alone(tests) if any_diverged(model, pair) else None
            found = concluded(model, test.alone(tests), checked, model.metric)
        confirming, contradicting = SAYS[part["says"]]
        return {
            "answer": answered(found["verdict"] in confirming, found["verdict"] in contradicting),
            "verdict": found["verdict"],
            "reason": found["reason"],
            "difference": found["difference"],
            "interval": found["difference_interval"],
            "level": found["difference_level"],
            "n_diverged": own["n_diverged"],
            "n_collapsed": own["n_collapsed"],
            "n_total": own["n_total"],
            "cost_ratio": self.cost(model, axis, part) if part.get("cost") else None,
        }

    def cost(self, model: Model, axis: Axis, part: Part) -> float:
        """The ratio of training times."""
        own = (self.cells["model"] == model.name) & (self.cells["axis"] == axis.name)
        rows = self.cells[own].set_index("label")
        return float(rows.loc[part["cell"], "seconds"] / rows.loc[part["than"], "seconds"])

    def measure(self, model: Model, key: str, name: str) -> pd.Series:
        """A measure over the replicates that did not diverge."""
        return self.courses.loc[key].loc[model.ok(key)["replicate"], name]

    def measured(self, model: Model, axis: Axis, part: Part, tests: int) -> Part:
        """The corrected paired t-test of a measure, on the logarithm where it is a ratio or a loss."""
        name = part["measure"]
        sides = [self.measure(model, axis.cell(part[side]).key, name) for side in ("cell", "than")]
        left, right = (side if name in ABSOLUTE_MEASURES else np.log(side) for side in sides)
        values = (left - right).dropna().to_numpy(float)
        assert len(values) >= FEW_PAIRS
        variance = values.var(ddof=1) * (1 / len(values) + model.ratio)
        p = t_test(values.mean(), variance, len(values) - 1)
        found = p * tests < 1 - model.confidence
        agrees = (values.mean() > 0) == (part["says"] == "higher")
        return {
            "answer": answered(found and agrees, found and not agrees),
            "cell_value": sides[0].median(),
            "than_value": sides[1].median(),
            "p": p,
            "n": len(values),
        }

    def replicates(self, model: Model, axis: Axis, part: Part, tests: int) -> Part:
        """In how many replicates a statement holds."""
        assert part["cell"] != "every", "a claim on all cells of the whole data has no oracle"
        key = axis.cell(part["cell"]).key
        median = None
        if part.get("event") == "diverged":
            hits, count = model.diverged(key), model.total
        else:
            values = self.measure(model, key, part["measure"]).dropna()
            least, most = part.get("at_least", -np.inf), part.get("at_most", np.inf)
            hits, count = int(values.between(least, most).sum()), len(values)
            median = float(values.median())
        share = hits / count
        answer = answered(share >= self.share, share <= 1 - self.share)
        return {"answer": answer, "k": hits, "n": count, "median": median}

    def fits(self, model: Model, axis: Axis, part: Part, tests: int) -> Part:
        """Whether one run of theirs could be one of ours."""
        own = summary(model, axis.cell(part["cell"]).key, model.metric)
        same_data = self.published[model.name]["same_data"][model.data["dataset"]]
        low, high = own["prediction"]["same_data" if same_data else "other_data"]
        inside = low <= part["value"] <= high
        return {
            "answer": answered(inside, not inside),
            "value": part["value"],
            "prediction": [low, high],
            "centre": own["centre"],
        }


def steps(part: Part) -> list[Part]:
    """An order as comparisons of neighbours."""
    cells = part["cells"]
    return [
        {"rule": "compared", "axis": part["axis"], "cell": late, "than": early, "says": "worse"}
        for early, late in pairwise(cells)
    ]


@cache
def claims(study: Study) -> dict[str, Any]:
    """``claims.json`` by the oracle."""
    return Claims(study).all()


def check_claims(found: dict[str, Any], expected: dict[str, Any]) -> Tally:
    """Every answer and every number of every part."""
    return same(found, expected, (), tolerance)
