"""Words for names that come from data: values, parameters, cells; and what a network and its data say of themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from ablation.language.catalogue import load
from ablation.language.numbers import MINUS, TIED
from ablation.results.tables import metrics_on
from ablation.store.document import AxisDocument, ModelDocument
from ablation.store.keys import label as label_of
from ablation.tasks.task import METRICS

OWN = {"parameter": "parameters", "axis_title": "axes", "value": "values"}
"""Group of messages → the part of a model's own words that comes before it."""
TIMES = " × "
HAN, LATIN, STOPS = "\u3400-\u9fff", "A-Za-z0-9²%ω", "，。；：、（）“”"


def slug(text: str) -> str:
    """A text as an id: letters, digits, hyphen."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()


def chosen(words: str | Mapping[str, str] | None, language: str) -> str | None:
    """A text of a network, a data set or a configuration: in the language, else in English, else in any."""
    if words is None or isinstance(words, str):
        return words
    texts = (words[code] for code in (language, "en", *words) if code in words)
    return next(texts, None)


def spaced(text: str) -> str:
    """Chinese text with a space between its characters and Latin letters or numbers, and with none elsewhere."""
    text = re.sub(f"(?<=[{HAN}]) (?=[{HAN}])|(?<=[{STOPS}]) | (?=[{STOPS}])", "", text)
    return re.sub(f"(?<=[{HAN}])(?=[{LATIN}])|(?<=[{LATIN}])(?=[{HAN}])", " ", text)


class Words:
    """The words of a page in one language, asked by key: ``words("figure.epoch")``.

    Args:
        messages: the catalogue, key → text.
        language: which of a model's own words are taken.
        model: whose own words come before those of the catalogue; see :meth:`about`.
    """

    def __init__(
        self, messages: dict[str, str], language: str = "en", model: ModelDocument | None = None
    ) -> None:
        self.messages, self.language, self.model = messages, language, model
        self._levels = dict[str, str]()
        for axis in model.axes if model else ():
            for cell in axis.cells if axis.factors else ():
                parts = [self.fixed(name, label_of(value)) for name, value in cell.levels.items()]
                self._levels[cell.label] = self.join(parts)

    @classmethod
    def of(cls, language: str, part: str = "*") -> Words:
        """The words of a language, or of one file of its catalogue."""
        return cls(load(language, part), language)

    def about(self, model: ModelDocument) -> Words:
        """The words for a page's part on one model: its title, its parameters, its unit."""
        return Words(self.messages, self.language, model)

    def __call__(self, key: str, /, **values: object) -> str:
        """The message with its placeholders filled.

        Raises:
            KeyError: for an unknown key or a placeholder without a value.
        """
        text = self.messages[key] % values
        return spaced(text) if self.language == "zh" else text

    def declared(self, name: str) -> str | None:
        """What the model says of itself: ``title``, ``about``, ``source``; None where it says nothing."""
        text = chosen(self.model.words.get(name), self.language) if self.model else None
        return spaced(text) if text and re.search(f"[{HAN}]", text) else text

    def _titled(self, group: str, name: str) -> str | None:
        """The words for a name: the model's own, else the catalogue's."""
        own_words = self.model.words.get(OWN.get(group, "")) if self.model else None
        title = chosen((own_words or {}).get(name), self.language)
        return title if title is not None else self.messages.get(f"{group}.{name}")

    def named(self, group: str, name: str) -> str:
        """The words for a name that comes from data, or the name where there are none."""
        title = self._titled(group, name)
        return name if title is None else title

    @property
    def short(self) -> str:
        """The model in a table of several models."""
        assert self.model is not None
        return self.declared("short") or self.model.name

    @property
    def dataset(self) -> str:
        """The model's data set."""
        assert self.model is not None
        return self.declared("data") or str(self.model.data["dataset"])

    @property
    def heading(self) -> str:
        """The model over its part of a page."""
        assert self.model is not None
        title = self.declared("title") or self.model.name
        return self(f"model.heading_{self.model.task}", title=title, data=self.dataset)

    def value(self, label: str) -> str:
        """A value's label as a reader says it: ``on`` is a word of the language, ``5`` stays.

        A label of a factorial axis is a path (``kernel-3_dropout-0.4``); a reader gets ``kernel size 3, dropout 0.4``.
        """
        return self._levels.get(label) or self.named("value", label)

    def level(self, axis: AxisDocument, label: str, *, begins: bool = False) -> str:
        """A level inside a sentence, or at its beginning: ``no augmentation``, where ``none`` alone says too little."""
        own_values = (self.model.words.get("values") or {}) if self.model else {}
        if label not in ("on", "off", "none") or label in own_values or axis.parameter is None:
            return self.value(label)
        title = self._inside(self.named("parameter", axis.parameter))
        text = self(f"text.level_{label}", name=title)
        return text[0].upper() + text[1:] if begins else text

    def fixed(self, name: str, value: str) -> str:
        """A parameter with its value: ``learning rate 0.001``, ``with batch normalisation``."""
        if f"fixed.{name}" in self.messages:
            return self(f"fixed.{name}", value=self.value(value))
        title = self._inside(self.named("parameter", name))
        if value in ("on", "off"):
            return self(f"text.fixed_{value}", name=title)
        text = self.value(value)
        return self("text.fixed" if text.isascii() else "text.fixed_word", name=title, value=text)

    def _inside(self, title: str) -> str:
        """A title inside a sentence: a first letter that only begins it is small; that of ``MLP`` stays."""
        begins = self.language == "en" and title[1:2].islower()
        return title[0].lower() + title[1:] if begins else title

    def title(self, axis: AxisDocument) -> str:
        """An axis with what it fixes: ``Depth (learning rate 0.001)``."""
        name = self._titled("axis_title", axis.name) or self._derived(axis)
        fixed = [self.fixed(key, label_of(value)) for key, value in axis.fixed.items()]
        return self("text.axis_with", axis=name, fixed=self.join(fixed)) if fixed else name

    def _derived(self, axis: AxisDocument) -> str:
        """An axis without a title, by what it varies where no other axis varies the same; else its name."""
        varied = _varied(axis) or [
            axis.name
        ]  # labelled settings may be named like the parameter that they are about
        titles = [self._titled("parameter", name) for name in varied]
        others = [
            other for other in (self.model.axes if self.model else ()) if other.name != axis.name
        ]
        alike = any((_varied(other), other.fixed) == (varied, axis.fixed) for other in others)
        if None in titles or alike:
            return axis.name
        first, *rest = (str(title) for title in titles)
        return TIMES.join([first, *map(self._inside, rest)])

    def setting(self, axis: AxisDocument, label: str) -> str:
        """One value of one axis: ``Kernel size = 5``."""
        return self("text.setting", axis=self.title(axis), value=self.value(label))

    def unit(self, metric: str) -> str:
        """The unit that the data give to a metric; empty where they give none."""
        metrics = metrics_on(self.model) if self.model else ()
        declared = next(
            (known.unit for known in metrics if known.name == metric), METRICS[metric].unit
        )
        unit = declared.replace("^2", "²") if declared != METRICS[metric].unit else ""
        return unit.replace(" ", TIED)

    def in_unit(self, text: str, metric: str) -> str:
        """A head of a column or an axis with the unit that the data give to a metric: ``Test MAE, points``."""
        unit = self.unit(metric)
        return self("text.in_unit", name=text, unit=unit) if unit else text

    def head(self, metric: str) -> str:
        """A metric over its numbers, in two lines at most: ``Test MSE, (points)²``."""
        return _in_two_lines(self.in_unit(self(f"metric_unit.{metric}"), metric))

    def difference_head(self, metric: str) -> str:
        """A difference over its numbers, in two lines at most."""
        return _in_two_lines(self.in_unit(self(f"difference_unit.{metric}"), metric))

    def of_target(self, key: str) -> str:
        """A message about the values that a regression predicts, with their unit: ``True value, points``."""
        return self.in_unit(self(key), "mae")

    def number(self, metric: str, text: str) -> str:
        """A formatted number of a metric, with the unit that running text needs."""
        return self(f"with_unit.{metric}", number=text)

    def difference(self, metric: str, text: str) -> str:
        """A formatted difference of a metric, with its unit."""
        if self.unit(metric):
            return self.amount(text, metric)
        return self(f"difference_with_unit.{metric}", number=text)

    def amount(self, text: str, metric: str = "mae") -> str:
        """A formatted number in a metric's unit, of which that of ``mae`` is the target's; ``3 × 10 m`` has a sign between."""
        unit = self.unit(metric)
        if not unit:
            return text
        key = "text.number_times_unit" if unit[0].isdigit() else "text.number_in_unit"
        return self(key, number=text, unit=unit)

    def join(self, parts: Sequence[str]) -> str:
        """A list in running text."""
        return self("list.separator").join(parts) if parts else self("list.none")

    def listed(self, parts: Sequence[str]) -> str:
        """A list of parts that may hold commas."""
        return self("list.parts").join(parts)

    def sentences(self, parts: Sequence[str]) -> str:
        """Sentences as one paragraph; empty without any."""
        if not parts:
            return ""
        return reduce(
            lambda first, second: self("list.sentences", first=first, second=second), parts
        )

    def plain(self, value: Any) -> str:
        """A parameter's value, of whatever type, as a reader says it."""
        if isinstance(value, bool):
            return self("value.yes" if value else "value.no")
        if isinstance(value, list):
            return ", ".join(self.plain(item) for item in value)
        if value is None:
            return self("none.word")
        return f"{MINUS}{-value}" if isinstance(value, int | float) and value < 0 else str(value)


def _in_two_lines(head: str) -> str:
    """A head that can be broken before its unit alone."""
    name, comma, unit = head.replace(" ", TIED).partition(f",{TIED}")
    return f"{name}{comma and ', '}{unit}"


def _varied(axis: AxisDocument) -> list[str]:
    """The parameters that differ between the cells of an axis; none of an axis of labelled settings."""
    return list(axis.factors) or ([axis.parameter] if axis.parameter else [])
