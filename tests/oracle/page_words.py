"""The report's words, from its English messages, and how it writes settings, metrics and differences."""

from __future__ import annotations

import math
import re
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Any

from oracle.page import Level, Number, P, Text, filled, joined, text
from oracle.stat_inputs import LOGGED, Axis, Cell, Model
from oracle.stat_methods import Near
from oracle.study import Study, read_json

MESSAGE = re.compile(r'^msgid "([^"]*)"\nmsgstr "(.*)"$', re.MULTILINE)
PERCENT = 100
MARK = {
    **{"better": "▲", "worse": "▼", "practically equivalent": "=", "inconclusive": "?"},
    **{"not tested": "–", "reference": "●", "confirmed": "✓", "contradicted": "✗"},
}
NOTHING = "– "
RANGES = {"accuracy": (0.0, 1.0), "r2": (-math.inf, 1.0)}


def messages(folder: Path) -> dict[str, str]:
    """All messages of a language; none is longer than a line."""
    found = {}
    for path in sorted(folder.glob("*.po")):
        for name, said in MESSAGE.findall(path.read_text("utf-8")):
            found[name] = said.replace('\\"', '"').replace("\\n", " ")
    return found


class Words:
    """What is said, and how."""

    def __init__(self, study: Study) -> None:
        self.folder = study.project / "workflow" / "report" / "locale" / "en"
        self.models = read_json(study.tables / "study.json")["models"]

    @cached_property
    def known(self) -> dict[str, str]:
        """Message by name, those of the networks and data among them: no name here has two meanings."""
        found = messages(self.folder)
        for model in self.models:
            own, unit = model["words"], model["unit"]
            found[f"model_short.{model['model']}"] = own["short"]["en"]
            for group, part in (("parameter", "parameters"), ("axis_title", "axes")):
                for name, said in own.get(part, {}).items():
                    found[f"{group}.{name}"] = said["en"]
            if unit:
                found["difference_with_unit.mse"] = f"%(number)s ({unit})²"
                found["difference_with_unit.mae"] = f"%(number)s × {unit}"
        return found

    def say(self, name: str, **values: Any) -> Text:
        """A message with its places filled by texts and numbers."""
        return filled(self.known[name], {k: self._as_text(v) for k, v in values.items()})

    def _as_text(self, value: Any) -> Text:
        if isinstance(value, str | Number):
            return (value,)
        if isinstance(value, Real):
            return (Number(float(value)),)
        return tuple(value)

    def plain(self, name: str, **values: str) -> str:
        """A message without numbers."""
        return "".join(map(str, self.say(name, **values)))

    def none(self, name: str) -> Text:
        """Why there is no number."""
        return (NOTHING + self.known[name],)

    def reason(self, reason: str) -> Text:
        """Why a comparison was not made."""
        return self.none(f"reason.{reason.replace(' ', '-')}")

    def listed(self, parts: list[Text]) -> Text:
        """A list with commas."""
        return joined(self.known["list.separator"], parts)

    # Settings

    def value(self, value: Any) -> str:
        """One value of a parameter."""
        if isinstance(value, bool):
            value = "on" if value else "off"
        return self.known.get(f"value.{value}", f"{value}")

    def fixed(self, parameter: str, value: Any) -> str:
        """A parameter with its value, in words."""
        if f"fixed.{parameter}" in self.known:
            return self.plain(f"fixed.{parameter}", value=self.value(value))
        own = self.known[f"parameter.{parameter}"]
        own = own[0].lower() + own[1:]
        if isinstance(value, bool):
            return ("with " if value else "without ") + own
        return f"{own} {value}"

    def label(self, cell: Cell) -> str:
        """A cell on its axis."""
        if cell.levels is None:
            return self.value(cell.label)
        return ", ".join(self.fixed(name, value) for name, value in cell.levels.items())

    def named(self, axis: Axis, cell: Cell, begins: bool = False) -> str:
        """A level inside a sentence or at its beginning, where “off” or “none” alone would say too little."""
        if cell.label not in ("on", "off", "none"):
            return self.label(cell)
        own = self.known[f"parameter.{axis.parameter}"]
        said = ("" if cell.label == "on" else "no ") + own[0].lower() + own[1:]
        return said[0].upper() + said[1:] if begins else said

    def title(self, axis: Axis) -> str:
        """A factor, with what is fixed at all its levels where its own title does not say so."""
        own = self.known.get(f"axis_title.{axis.name}") or self.known[f"parameter.{axis.parameter}"]
        if not axis.fixed:
            return own
        fixed = ", ".join(self.fixed(name, value) for name, value in axis.fixed.items())
        return self.plain("text.axis_with", axis=own, fixed=fixed)

    def setting(self, axis: Axis, cell: Cell) -> str:
        """A cell with its axis."""
        return self.plain("text.setting", axis=self.title(axis), value=self.label(cell))

    def described(self, model: Model, cell: Cell) -> str:
        """A cell by what differs from the baseline."""
        changed = {
            name: value
            for name, value in sorted(cell.parameters.items())
            if value != _as_long(model.parameters[name], value)
        }
        if not changed:
            return self.known["cell.the_baseline"]
        return ", ".join(self.fixed(name, value) for name, value in changed.items())

    def baseline(self, model: Model) -> Cell | None:
        """The cell that has all of the baseline's parameters."""
        said = self.known["cell.the_baseline"]
        return next((c for c in model.cells.values() if self.described(model, c) == said), None)

    # Numbers

    def factor(self, metric: str) -> float:
        """Accuracy is printed in percent."""
        return PERCENT if metric == "accuracy" else 1

    def number(self, metric: str, value: float, signed: bool = False) -> Number:
        """A metric, or a difference in it."""
        factor = self.factor(metric)
        return Number(value * factor, signed, error_of(value) * factor)

    def interval(self, metric: str, ends: list[float] | None, signed: bool = False) -> Text:
        """An interval; one of a metric itself ends where the metric does."""
        assert ends is not None
        if not signed:
            lowest, highest = RANGES.get(metric, (-math.inf, math.inf))
            ends = [min(max(end, lowest), highest) for end in ends]
        low, high = (self.number(metric, end, signed) for end in ends)
        return ("[", low, ", ", high, "]")

    def with_unit(self, metric: str, value: float) -> Text:
        """A metric with its unit."""
        return self.say(f"with_unit.{metric}", number=self.number(metric, value))

    def difference(self, metric: str, row: dict[str, Any], percent: bool = True) -> Text:
        """A difference with its interval, if it has one, in the unit; a ratio in percent before it."""
        number = text(self.number(metric, row["difference"], True))
        if row["difference_interval"]:
            ends = self.interval(metric, row["difference_interval"], True)
            number = text(number, " ", ends)
        unit = self.say(f"difference_with_unit.{metric}", number=number)
        if row.get("ratio") is None or not percent:
            return unit
        return self.say("text.percent_and_unit", percent=self.percent(row), unit=unit)

    def size(self, metric: str, value: float, signed: bool = True) -> Text:
        """A difference without its interval, in its unit."""
        return self.say(f"difference_with_unit.{metric}", number=self.number(metric, value, signed))

    def percent(self, row: dict[str, Any]) -> Text:
        """A ratio as a change in percent."""
        ratios = [row["ratio"], *(row["ratio_interval"] or ())]
        change, *ends = (Number((ratio - 1) * PERCENT, True) for ratio in ratios)
        return text(change, " [", ends[0], ", ", ends[1], "]") if ends else (change,)

    def level(self, level: float) -> Level:
        """A confidence level in percent."""
        return Level(level * PERCENT)

    def p(self, value: float) -> P:
        """A p-value."""
        return P(value, error=error_of(value))

    def share(self, value: float) -> Text:
        """A share of the variance."""
        if value >= 1:
            return (self.known["more.at_least_all"],)
        return (Number(value * PERCENT), " %")

    def margin(self, model: Model) -> Text:
        """The equivalence margin."""
        if model.metric in LOGGED:
            low, high = (Number((ratio - 1) * 100, True) for ratio in _ends(model.margin))
            return self.say("text.margin_ratio", low=low, high=high)
        return self.say("text.margin", margin=self.size(model.metric, model.margin, False))

    # Verdicts

    def verdict(self, row: dict[str, Any]) -> str:
        """A verdict with its reason."""
        said = self.known[f"verdict.{row['verdict'].replace(' ', '-')}"]
        if not row["reason"]:
            return said
        reason = self.known[f"reason.{row['reason'].replace(' ', '-')}"]
        return self.plain("verdict.because", verdict=said, reason=reason)

    def flags(self, row: dict[str, Any]) -> Text:
        """Counts of diverged and collapsed replicates."""
        return self.listed(self.fates(row))

    def fates(self, row: dict[str, Any]) -> list[Text]:
        """The counts one by one, those that are not zero."""
        return [
            self.say(f"flag.{fate}", k=row[f"n_{fate}"], n=row["n_total"])
            for fate in ("diverged", "collapsed")
            if row[f"n_{fate}"]
        ]

    def conclusion(self, model: Model, axis: Axis, row: dict[str, Any]) -> Text:
        """A verdict in a table: its mark, its words, counts, notes."""
        notes = []
        if row["within_margin"]:
            notes.append(self.known["flag.within_margin"])
        elif row["below_margin"]:
            notes.append(self.known["flag.below_margin"])
        if row["judged_on"] not in (None, axis.name):
            judge = next(each for each in model.axes if each.name == row["judged_on"])
            level = self.level(row["difference_level"])
            notes += self.say("axis.judged_on", axis=self.title(judge), level=level)
        return text(MARK[row["verdict"]], self.verdict(row), self.flags(row), *notes)


def error_of(value: float) -> float:
    """How far a number that random numbers made may be off."""
    return value.error if isinstance(value, Near) else 0.0


def _ends(ratio: float) -> tuple[float, float]:
    return 1 / ratio, ratio


def _as_long(whole: Any, part: Any) -> Any:
    """A baseline's list, as far as a cell reads it."""
    if isinstance(whole, list) and isinstance(part, list):
        return whole[: len(part)]
    return whole
