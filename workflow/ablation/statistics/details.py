"""What stands beside the verdicts of an axis and decides none of them."""

from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ablation.statistics.factorial import factorial_terms
from ablation.statistics.importance import axis_importance
from ablation.statistics.judge import Outcome
from ablation.statistics.model import Measured
from ablation.statistics.noise import noise_of
from ablation.statistics.paired import hedges_factor, smallest_detectable
from ablation.statistics.settle import replicates_to_settle
from ablation.statistics.signflip import sign_flip_test
from ablation.statistics.verdicts import MINIMUM_PAIRS, Verdict
from ablation.store.document import AxisDocument


def with_details(entry: dict[str, Any], axis: AxisDocument, measured: Measured) -> dict[str, Any]:
    """An axis of ``comparisons.json`` with all that only explains its verdicts, in the tested metric.

    entry: of ``axis_entry``.
    Adds "importance" and "factorial", and to every row "effect_size", "sign_flip", "settle", "detectable" and "noise", each
    None where it does not apply.
    """
    keys = axis.keys
    reference = keys[axis.reference]
    rows = {}
    for label, row in entry["rows"].items():
        outcome = None
        if Verdict(row["verdict"]).tested:
            outcome = measured.outcome(keys[label], reference)
        rows[label] = row | {
            "effect_size": _effect_size(outcome),
            "sign_flip": _sign_flip(outcome, measured),
            "settle": _settle(outcome, measured),
            "detectable": _detectable(outcome, measured),
            "noise": _noise(keys[label], measured),
        }
    return {
        **entry,
        "rows": rows,
        "importance": _importance(axis, measured),
        "factorial": _factorial(axis, measured),
    }


def _effect_size(outcome: Outcome | None) -> float | None:
    """Hedges' d_z of the paired differences on the metric's scale."""
    if outcome is None or outcome.spread is None or outcome.spread.observed == 0:
        return None
    n_pairs = len(outcome.differences)
    standardised = float(np.mean(outcome.differences)) / outcome.spread.observed**0.5
    return float(standardised * hedges_factor(n_pairs - 1))


def _sign_flip(outcome: Outcome | None, measured: Measured) -> dict[str, Any] | None:
    if outcome is None:
        return None
    return asdict(sign_flip_test(outcome.differences, seed=measured.setting.seed))


def _settle(outcome: Outcome | None, measured: Measured) -> dict[str, Any] | None:
    if outcome is None or outcome.judged.verdict is not Verdict.INCONCLUSIVE:
        return None
    if outcome.judged.reason is not None or outcome.spread is None:  # not for want of precision
        return None
    setting = measured.setting
    settled = replicates_to_settle(
        float(np.mean(outcome.differences)),
        outcome.spread.used**0.5,
        n_pairs=len(outcome.differences),
        degrees=outcome.spread.degrees,
        level=outcome.level,
        margin=setting.margin,
        overlap_ratio=setting.overlap_ratio,
        step=setting.step,
    )
    return {"replicates": settled.replicates, "as": settled.as_}


def _detectable(outcome: Outcome | None, measured: Measured) -> float | None:
    """The smallest true difference that the first step of this family finds with 80 % power, in the metric's unit."""
    if outcome is None or outcome.spread is None:
        return None
    setting, reference = measured.setting, measured.cells[outcome.comparison.reference]
    in_sd = _smallest(
        len(outcome.differences),
        setting.overlap_ratio,
        round(1 - outcome.level, 9),
        setting.power,
        round(outcome.spread.degrees, 3),
    )
    size = in_sd * outcome.spread.used**0.5
    return abs(setting.scale.effect(size, reference["centre"]))


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
    noise = noise_of(samples, overlap_ratio=setting.overlap_ratio, step=setting.step)
    return asdict(noise) if noise else None


def _importance(axis: AxisDocument, measured: Measured) -> dict[str, Any] | None:
    """Partial ω² on the metric's scale, without the cells that are broken."""
    keys = axis.keys
    found = {label: measured.numbers.values.get(key, {}) for label, key in keys.items()}
    kept = {
        label: values
        for label, values in found.items()
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
        "left_out": [label for label in found if label not in kept],
        "non_diverged_only": any(measured.fate(keys[label]).n_diverged for label in kept),
    }


def _factorial(axis: AxisDocument, measured: Measured) -> dict[str, Any] | None:
    if not axis.factors:
        return None
    keys = [cell.key for cell in axis.cells]
    values = [measured.numbers.values.get(key, {}) for key in keys]
    table, common = _table(values), set.intersection(*map(set, values))
    ran = {
        r
        for key, own in zip(keys, values, strict=True)
        for r in [*own, *measured.fate(key).diverged]
    }
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
        "left_out": sorted(ran - common),
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
