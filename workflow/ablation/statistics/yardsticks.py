"""The best cell beside simple models on the same splits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ablation.statistics.axes import compared
from ablation.statistics.cells import cell_summary
from ablation.statistics.families import Comparison
from ablation.statistics.model import Measured
from ablation.statistics.replicates import Fate, Values

TRIVIAL = "predict_mean"
"""The yardstick that has learnt nothing of the features; nothing is compared with it."""
COMPARED = (
    "difference",
    "difference_interval",
    "difference_level",
    "p_adjusted",
    "verdict",
    "reason",
)


def yardstick_entries(
    values: Mapping[str, Values], best: str | None, measured: Measured
) -> dict[str, dict[str, Any]]:
    """Every yardstick in the tested metric, and the best cell compared with it, all of them as one family.

    Args:
        values: by yardstick and replicate.
        best: the key of the best cell. The verdict is the cell's: ``better`` says that it is better than the yardstick.
        measured: the tested metric.
    """
    keys = {name: f"yardstick {name}" for name in values}
    comparisons = [
        Comparison(best, key, "yardsticks")
        for name, key in keys.items()
        if best is not None and name != TRIVIAL
    ]
    fates = {key: Fate(n_total=len(values[name])) for name, key in keys.items()}
    joined = replace(
        measured,
        values={
            **measured.values,
            **{keys[name]: by_replicate for name, by_replicate in values.items()},
        },
        fates={**measured.fates, **fates},
        comparisons={comparison.name: comparison for comparison in comparisons},
    )
    entries = {}
    for name, by_replicate in values.items():
        summary = cell_summary(by_replicate, fates[keys[name]], measured.setting)
        outcome = None if best is None else joined.outcome(best, keys[name])
        row = compared(outcome, joined)
        entries[name] = {
            "n": summary["n"],
            "mean": summary["centre"],
            "interval": summary["interval"],
            "best_against_it": outcome and {part: row[part] for part in COMPARED},
        }
    return entries
