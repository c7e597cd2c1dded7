"""A model of a study with all that its comparisons are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ablation.statistics.cells import cell_summary
from ablation.statistics.crossed import Samples
from ablation.statistics.families import Comparison, pair_name
from ablation.statistics.judge import Numbers, Outcome, Setting, judge
from ablation.statistics.replicates import Fate, Values


@dataclass(frozen=True)
class Measured:
    """One metric of a model: how it is compared, and its numbers by key, in the metric's unit."""

    setting: Setting
    values: Mapping[str, Values]
    fates: Mapping[str, Fate]
    samples: Mapping[str, Samples]  # of single test samples; none of a metric that is no mean
    comparisons: Mapping[str, Comparison]

    @cached_property
    def numbers(self) -> Numbers:
        """The same on the metric's scale."""
        scale = self.setting.scale
        values = {
            key: dict(
                zip(
                    by_replicate,
                    map(float, scale.forward(list(by_replicate.values()))),
                    strict=True,
                )
            )
            for key, by_replicate in self.values.items()
        }
        samples = {
            key: scale.of_samples(by_replicate) for key, by_replicate in self.samples.items()
        }
        return Numbers(values, self.fates, samples)

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """Every comparison of the model, by name."""
        return judge(self.comparisons, self.numbers, self.setting)

    @cached_property
    def cells(self) -> dict[str, dict[str, Any]]:
        """Every stored cell, by key."""
        return {
            key: cell_summary(
                by_replicate, self.fate(key), self.setting, self.numbers.samples.get(key)
            )
            for key, by_replicate in self.values.items()
        }

    def fate(self, key: str) -> Fate:
        """Of a cell without any replicate: failed."""
        return self.numbers.fate(key)

    def outcome(self, cell: str, reference: str) -> Outcome | None:
        """A comparison by the keys of its cells, as the first is seen from the second; None of a cell with itself."""
        outcome = self.outcomes.get(pair_name(cell, reference))
        return None if outcome is None else outcome.seen_from(cell)


@dataclass(frozen=True)
class ModelNumbers:
    """The tested metric of a model, and the others."""

    tested: Measured
    others: Mapping[str, Measured]
    margin: float  # of the tested metric, as it is configured
    val_loss: Mapping[str, Values]  # by key

    @property
    def all(self) -> dict[str, Measured]:
        """Every metric, the tested one first."""
        return {self.tested.setting.metric: self.tested, **self.others}


def middle_of(outcome: Outcome, measured: Measured) -> float:
    """The middle of a comparison's differences on the metric's scale: their mean, or their median where a cell is broken."""
    middle = np.median if measured.numbers.is_broken(outcome.comparison) else np.mean
    return float(middle(outcome.differences))


def effect_in_unit(
    outcome: Outcome, measured: Measured
) -> tuple[float | None, tuple[float, float] | None]:
    """The difference of a comparison and its interval, in the metric's unit.

    On the logarithm it is the reference's centre times (ratio − 1). Where the cell or the reference is broken, medians take
    the place of means and there is no interval. A single pair, fewer than five of a broken cell, or an exact 0 on the
    logarithm leaves nothing to say.
    """
    scale = measured.setting.scale
    broken = measured.numbers.is_broken(outcome.comparison)
    centre = measured.cells.get(outcome.comparison.reference, {}).get(
        "median" if broken else "centre"
    )
    if outcome.spread is None or centre is None or (scale.log and centre == 0):
        return None, None
    if not np.isfinite(outcome.differences).all():
        return None, None
    difference = scale.effect(middle_of(outcome, measured), centre)
    return difference, None if broken else scale.effect_interval(outcome.interval, centre)
