"""``study.json``, read once: a study's models, their axes and the cells on them.

It lies beside the formats of all documents because statistics, the lowest of its readers, may import no layer above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self

from ablation.store.formats import InvalidDocumentError


@dataclass(frozen=True)
class _Part:
    @classmethod
    def read(cls, value: dict[str, Any]) -> Self:
        """From its plain value, which may hold more; a field with a default may be missing there, or null."""
        values: dict[str, Any] = {}
        for declared in fields(cls):
            name, part = declared.metadata.get("name", declared.name), declared.metadata.get("part")
            optional = (declared.default, declared.default_factory) != (MISSING, MISSING)
            if optional and value.get(name) is None:
                continue
            if name not in value:
                raise InvalidDocumentError(f"study: {name!r} is missing in {str(value)[:100]}")
            values[declared.name] = tuple(map(part.read, value[name])) if part else value[name]
        return cls(**values)


@dataclass(frozen=True)
class CellDocument(_Part):
    """A cell on an axis, and what became of it; ``key`` is that of the stored cell, which may stand on several axes."""

    name: str = field(metadata={"name": "cell"})
    label: str
    value: Any
    key: str
    evaluation: str
    prepared: str
    code: str
    target: str
    failed: str | None
    parameters: dict[str, Any]
    environment: dict[str, Any] = field(default_factory=dict)
    levels: dict[str, Any] = field(default_factory=dict)
    finished_at: str | None = None
    log: list[str] = field(default_factory=list)
    confusion_matrix: list[list[int]] | None = None


@dataclass(frozen=True)
class AxisDocument(_Part):
    """The cells that differ in one parameter, or in the ``factors`` of a factorial axis; ``reference`` is a label."""

    name: str = field(metadata={"name": "axis"})
    parameter: str | None
    fixed: dict[str, Any] = field(metadata={"name": "with"})
    reference: str
    cells: tuple[CellDocument, ...] = field(metadata={"part": CellDocument})
    factors: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        return [cell.label for cell in self.cells]

    @property
    def keys(self) -> dict[str, str]:
        """Label → key."""
        return {cell.label: cell.key for cell in self.cells}

    def cell(self, label: str) -> CellDocument:
        return next(cell for cell in self.cells if cell.label == label)


@dataclass(frozen=True)
class ModelDocument(_Part):
    """One model: a network, its data and its task.

    Attributes:
        task: the name of what it learns, ``regression`` or ``classification``.
        yardsticks: name → its numbers.
        unit: of a regression's target; empty for a number without one.
        classes: the names of a classification's classes.
        images: whether its samples are images.
        words: what the network and the data say of themselves (``title``, ``about``, ``source``, …); each a text, or a text by
            language.
    """

    name: str = field(metadata={"name": "model"})
    task: str
    replicates: int
    parameters: dict[str, Any]
    data: dict[str, Any]
    axes: tuple[AxisDocument, ...] = field(metadata={"part": AxisDocument})
    yardsticks: dict[str, Any]
    unit: str = ""
    classes: list[str] = field(default_factory=list)
    images: bool = False
    words: dict[str, Any] = field(default_factory=dict)

    @property
    def fixed_test_set(self) -> bool:
        return bool(self.data["fixed_test_set"])

    @property
    def overlap_ratio(self) -> float:
        """What corrects for overlapping splits; 0 with a fixed test set."""
        return 0.0 if self.fixed_test_set else float(self.data["overlap_ratio"])

    def axis(self, name: str) -> AxisDocument:
        return next(axis for axis in self.axes if axis.name == name)

    def places(self) -> Iterator[tuple[AxisDocument, CellDocument]]:
        """Every cell with its axis."""
        return ((axis, cell) for axis in self.axes for cell in axis.cells)

    def cells(self) -> list[CellDocument]:
        return [cell for _, cell in self.places()]

    def distinct(self) -> list[CellDocument]:
        """The stored cells, each where it stands first."""
        first: dict[str, CellDocument] = {}
        for cell in self.cells():
            first.setdefault(cell.key, cell)
        return list(first.values())

    def sound(self) -> list[CellDocument]:
        """The stored cells that did not fail."""
        return [cell for cell in self.distinct() if cell.failed is None]

    def environments(self) -> list[dict[str, Any]]:
        """What each stored cell ran on; a failed one has none."""
        return [cell.environment for cell in self.distinct() if cell.environment]


@dataclass(frozen=True)
class StudyDocument:
    """A study. plain: the value that it was read from."""

    name: str
    seed: int
    models: tuple[ModelDocument, ...]
    plain: dict[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_plain(cls, value: dict[str, Any]) -> Self:
        """Read the content of ``study.json``.

        Raises:
            InvalidDocumentError: if a field is missing.
        """
        try:
            yardsticks = value.get("yardsticks", {})
            models = [{**m, "yardsticks": yardsticks.get(m["model"], {})} for m in value["models"]]
            name, seed = value["study"]["name"], value["study"]["seed"]
        except KeyError as error:
            raise InvalidDocumentError(f"study: {error} is missing") from None
        return cls(name, seed, tuple(map(ModelDocument.read, models)), value)

    def model(self, name: str) -> ModelDocument:
        return next(model for model in self.models if model.name == name)

    def distinct(self) -> list[CellDocument]:
        """The stored cells of every model, each where it stands first."""
        return [cell for model in self.models for cell in model.distinct()]

    def environments(self) -> list[dict[str, Any]]:
        """What each stored cell of every model ran on."""
        return [facts for model in self.models for facts in model.environments()]

    def counted_environments(self) -> dict[str, Counter[Any]]:
        """Fact of the environment → value → number of stored cells."""
        counts: dict[str, Counter[Any]] = {}
        for facts in self.environments():
            for name, value in facts.items():
                counts.setdefault(name, Counter())[value] += 1
        return counts
