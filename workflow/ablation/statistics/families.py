"""Which comparisons a model has, and on which axis each is judged."""

from collections.abc import Iterable
from dataclasses import dataclass

from ablation.store.document import AxisDocument


@dataclass(frozen=True)
class Comparison:
    """A stored cell against another, both named by key; ``axis`` is where it is judged."""

    cell: str
    reference: str
    axis: str

    @property
    def name(self) -> str:
        return pair_name(self.cell, self.reference)


def pair_name(cell: str, reference: str) -> str:
    """One name for a pair of keys, in whichever direction it is asked for."""
    return "|".join(sorted((cell, reference)))


def comparisons_of(axes: Iterable[AxisDocument]) -> dict[str, Comparison]:
    """Every distinct comparison of a model's axes, by name.

    A pair of cells that stands on several axes is one comparison. The first of them judges it, the simple axes before the
    grids of several parameters, as they are ordered in ``study.json``; the others show what it found. A cell that is the
    reference under another label is no comparison.

    Raises:
        ValueError: when the reference of an axis is not among its cells.
    """
    comparisons: dict[str, Comparison] = {}
    for axis in axes:
        keys = axis.keys
        if axis.reference not in keys:
            raise ValueError(
                f"axis {axis.name!r}: the reference {axis.reference!r} is none of its cells"
            )
        reference = keys[axis.reference]
        for label, key in keys.items():
            if label != axis.reference and key != reference:
                name = pair_name(key, reference)
                comparisons.setdefault(name, Comparison(key, reference, axis.name))
    return comparisons
