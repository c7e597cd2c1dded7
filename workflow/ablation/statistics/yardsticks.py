"""The best cell beside simple models on the same splits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ablation.statistics.cells import cell_summary
from ablation.statistics.families import Comparison
from ablation.statistics.model import Measured, effect_in_unit
from ablation.statistics.replicates import Fate, Values

TRIVIAL = "predict_mean"
"""The yardstick that has learnt nothing of the features; nothing is compared with it."""


def yardstick_entries(
    values: Mapping[str, Values], best: str | None, measured: Measured
) -> dict[str, dict[str, Any]]:
    """Every yardstick in the tested metric, and the best cell compared with it, all of them as one family.

    values: by yardstick and replicate. best: the key of the best cell. The verdict is the cell's: ``better`` says that the
    cell is better than the yardstick.
    """
    names = {name: f"yardstick {name}" for name in values}
    comparisons = {
        name: Comparison(best, key, "yardsticks")
        for name, key in names.items()
        if best is not None and name != TRIVIAL
    }
    fates = {key: Fate(n_total=len(values[name])) for name, key in names.items()}
    joined = replace(
        measured,
        values={**measured.values, **{names[name]: own for name, own in values.items()}},
        fates={**measured.fates, **fates},
        comparisons={one.name: one for one in comparisons.values()},
    )
    found = {}
    for name, own in values.items():
        entry = cell_summary(own, fates[names[name]], measured.setting)
        compared = None
        if best is not None and name in comparisons:
            outcome = joined.outcomes[comparisons[name].name].seen_from(best)
            difference, interval = effect_in_unit(outcome, joined)
            compared = {
                "difference": difference,
                "difference_interval": interval,
                "difference_level": outcome.level,
                "p_adjusted": outcome.p_adjusted,
                "verdict": outcome.judged.verdict.value,
                "reason": outcome.judged.reason and outcome.judged.reason.value,
            }
        found[name] = {
            "n": entry["n"],
            "mean": entry["centre"],
            "interval": entry["interval"],
            "best_against_it": compared,
        }
    return found
