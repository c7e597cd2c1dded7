"""Words for names that come from data: values of an axis, parameters, cells, ids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any

from ablation.language.catalogue import load
from ablation.language.numbers import MINUS
from ablation.store.document import AxisDocument, StudyDocument
from ablation.store.keys import label as label_of


def value_text(messages: dict[str, str], label: str) -> str:
    """A value's label as a reader says it: ``on`` is a word of the language, ``5`` stays."""
    return messages.get(f"value.{label}", label)


def slug(text: str) -> str:
    """A text as an id: letters, digits, hyphen."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()


class Words:
    """The catalogue of one language, asked by key: ``words("figure.epoch")``.

    Args:
        messages: key → text.
        studies: contents of ``study.json``. A label of a factorial axis is a path (``kernel-3_dropout-0.4``); a reader gets
            ``kernel size 3, dropout 0.4``.
    """

    def __init__(self, messages: dict[str, str], *studies: StudyDocument) -> None:
        self.messages = messages
        levels = {key: text for study in studies for key, text in self._levels(study)}
        self.messages = messages | levels

    @classmethod
    def of(cls, language: str, *studies: StudyDocument) -> Words:
        """The words of a language, for the values of these studies."""
        return cls(load(language), *studies)

    def _levels(self, study: StudyDocument) -> Iterator[tuple[str, str]]:
        for model in study.models:
            for axis in model.axes:
                for cell in axis.cells if axis.factors else []:
                    levels = cell.levels.items()
                    text = self.join([self.fixed(name, label_of(value)) for name, value in levels])
                    yield f"value.{cell.label}", text

    def __call__(self, key: str, /, **values: object) -> str:
        """The message with its placeholders filled.

        Raises:
            KeyError: for an unknown key or a placeholder without a value.
        """
        return self.messages[key] % values

    def named(self, group: str, name: str) -> str:
        """The words for a name that comes from data, or the name where the catalogue has none."""
        return self.messages.get(f"{group}.{name}", name)

    def value(self, label: str) -> str:
        """See :func:`value_text`."""
        return value_text(self.messages, label)

    def fixed(self, name: str, value: str) -> str:
        """A parameter that an axis fixes: ``learning rate 0.001``."""
        if f"fixed.{name}" in self.messages:
            return self(f"fixed.{name}", value=self.value(value))
        return self("text.fixed", name=name, value=self.value(value))

    def title(self, axis: AxisDocument) -> str:
        """An axis with what it fixes: ``Depth (learning rate 0.001)``."""
        name = self.named("axis_title", axis.name)
        fixed = [self.fixed(key, label_of(value)) for key, value in axis.fixed.items()]
        return self("text.axis_with", axis=name, fixed=self.join(fixed)) if fixed else name

    def setting(self, axis: AxisDocument, label: str) -> str:
        """One value of one axis: ``Kernel size = 5``."""
        return self("text.setting", axis=self.title(axis), value=self.value(label))

    def number(self, metric: str, text: str) -> str:
        """A formatted number of a metric, with the unit that running text needs."""
        return self(f"with_unit.{metric}", number=text)

    def difference(self, metric: str, text: str) -> str:
        """A formatted difference of a metric, with its unit."""
        return self(f"difference_with_unit.{metric}", number=text)

    def join(self, parts: Sequence[str]) -> str:
        """A list in running text."""
        return self("list.separator").join(parts) if parts else self("list.none")

    def listed(self, parts: Sequence[str]) -> str:
        """A list of parts that may hold commas."""
        return self("list.parts").join(parts)

    def sentences(self, parts: Sequence[str]) -> str:
        """Sentences as one paragraph."""
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
        return f"{MINUS}{-value}" if isinstance(value, float) and value < 0 else str(value)
