"""What stands beside the verdicts of an axis, explains them and decides nothing."""

from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ablation.statistics.importance import axis_importance, factorial_terms
from ablation.statistics.judge import Outcome
from ablation.statistics.model import Measured
from ablation.statistics.paired import hedges_factor, sign_flip_test, smallest_detectable
from ablation.statistics.replicates_needed import replicates_needed
from ablation.statistics.spread import noise_of
from ablation.statistics.verdicts import MINIMUM_PAIRS, Verdict
from ablation.store.document import AxisDocument


def with_checks(entry: dict[str, Any], axis: AxisDocument, measured: Measured) -> dict[str, Any]:
    """An axis of ``comparisons.json`` with all that only explains its verdicts, in the tested metric.

    Args:
        entry: of ``axis_entry``.
        axis: whose it is.
        measured: the tested metric.

    Returns:
        The entry with "importance" and "factorial"; its rows with "effect_size", "sign_flip", "settle", "detectable" and
        "noise", each None where it does not apply.
    """
    keys = axis.keys
    reference = keys[axis.reference]
    names = ("effect_size", "sign_flip", "settle", "detectable")
    rows = {}
    for label, row in entry["rows"].items():
        checks: dict[str, Any] = dict.fromkeys(names)
        if Verdict(row["verdict"]).tested:
            outcome = measured.outcome(keys[label], reference)
            assert outcome is not None
            checks = _row_checks(outcome, measured)
        rows[label] = row | checks | {"noise": _noise(keys[label], measured)}
    return {
        **entry,
        "rows": rows,
        "importance": _importance(axis, measured),
        "factorial": _factorial(axis, measured),
    }


def _row_checks(outcome: Outcome, measured: Measured) -> dict[str, Any]:
    """Of a comparison that was tested."""
    spread, mean, n_pairs = outcome.spread, outcome.difference, len(outcome.differences)
    assert spread is not None
    assert mean is not None
    setting, judged = measured.setting, outcome.judged
    effect_size = settled = None
    if spread.observed > 0:
        effect_size = float(mean / spread.observed**0.5 * hedges_factor(n_pairs - 1))
    # One that is inconclusive for another reason lacks no precision.
    if judged.verdict is Verdict.INCONCLUSIVE and judged.reason is None:
        settled = replicates_needed(
            mean,
            spread.used**0.5,
            n_pairs=n_pairs,
            degrees=spread.degrees,
            level=outcome.level,
            margin=setting.margin,
            overlap_ratio=setting.overlap_ratio,
            step=setting.step,
        )
    # The smallest true difference that the first step of this family finds.
    in_sd = _smallest(
        n_pairs,
        setting.overlap_ratio,
        round(1 - outcome.level, 9),
        setting.power,
        round(spread.degrees, 3),
    )
    centre = measured.cells[outcome.comparison.reference]["centre"]
    return {
        "effect_size": effect_size,
        "sign_flip": sign_flip_test(outcome.differences, seed=setting.seed),
        "settle": settled,
        "detectable": abs(setting.scale.effect(in_sd * spread.used**0.5, centre)),
    }


# Rows share these few numbers, and each is a search.
@lru_cache
def _smallest(n_pairs: int, ratio: float, alpha: float, power: float, degrees: float) -> float:
    return smallest_detectable(
        n_pairs, overlap_ratio=ratio, alpha=alpha, power=power, degrees=degrees
    )


def _noise(key: str, measured: Measured) -> dict[str, Any] | None:
    setting, samples = measured.setting, measured.samples.get(key)
    if not samples or setting.fixed_test_set:
        return None
    return noise_of(samples, overlap_ratio=setting.overlap_ratio, step=setting.step)


def _importance(axis: AxisDocument, measured: Measured) -> dict[str, Any] | None:
    """Partial ω² on the metric's scale, without the cells that are broken."""
    keys = axis.keys
    cells = {label: measured.numbers.values.get(key, {}) for label, key in keys.items()}
    kept = {
        label: values
        for label, values in cells.items()
        if values and not measured.fate(keys[label]).broken
    }
    table = _table(list(kept.values()))
    if len(kept) < 2 or len(table) < MINIMUM_PAIRS or not np.isfinite(table).all():
        return None
    setting = measured.setting
    share = axis_importance(
        table, overlap_ratio=setting.overlap_ratio, confidence=setting.confidence
    )
    if share is None:
        return None
    return {
        "omega2": share.omega2,
        "interval": share.interval,
        "level": setting.confidence,
        "f": share.f,
        "p": share.p,
        "n_replicates": len(table),
        "cells": list(kept),
        "left_out": [label for label in cells if label not in kept],
        "non_diverged_only": any(measured.fate(keys[label]).n_diverged for label in kept),
    }


def _factorial(axis: AxisDocument, measured: Measured) -> dict[str, Any] | None:
    if not axis.factors:
        return None
    keys = [cell.key for cell in axis.cells]
    values = {key: measured.numbers.values.get(key, {}) for key in keys}
    table = _table([values[key] for key in keys])
    ran = [{*by_replicate, *measured.fate(key).diverged} for key, by_replicate in values.items()]
    usable = set.intersection(*map(set, values.values()))
    reason, terms = _why_no_terms(keys, table, measured), None
    if reason is None:
        terms = factorial_terms(
            pd.DataFrame(table),
            axis.factors,
            [cell.levels for cell in axis.cells],
            overlap_ratio=measured.setting.overlap_ratio,
            confidence=measured.setting.confidence,
        )
        reason = "no spread" if terms is None else None
    return {
        "factors": list(axis.factors),
        "n_replicates": len(table),
        "left_out": sorted(set().union(*ran) - usable),
        "reason": reason,
        "terms": [
            {"factors": list(term.factors), **asdict(term.share), "p_adjusted": term.p_adjusted}
            for term in terms or []
        ],
    }


def _why_no_terms(keys: list[str], table: np.ndarray, measured: Measured) -> str | None:
    fates = [measured.fate(key) for key in keys]
    if any(fate.failed for fate in fates):
        return "failed"
    if len(table) >= MINIMUM_PAIRS:
        return None if np.isfinite(table).all() else "zero"
    enough = min(fate.n_total for fate in fates) >= MINIMUM_PAIRS
    return "diverged" if enough and any(fate.n_diverged for fate in fates) else "few replicates"


def _table(cells: list[Any]) -> np.ndarray:
    """Shape [replicate, cell], of the replicates that are usable in all cells."""
    common = sorted(set.intersection(*map(set, cells))) if cells else []
    table = np.array([[values[r] for values in cells] for r in common])
    return table.reshape(len(common), len(cells))
