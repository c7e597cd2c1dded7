"""What stands beside the verdicts of an axis and decides none of them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from ablation.statistics.axes import Setting, numbers_of
from ablation.statistics.crossed import Samples
from ablation.statistics.factorial import factorial_terms
from ablation.statistics.importance import axis_importance
from ablation.statistics.noise import noise_of
from ablation.statistics.replicates import CellNumbers, paired_differences
from ablation.statistics.sensitivity import counted_as_trivial
from ablation.statistics.settle import replicates_to_settle
from ablation.statistics.signflip import sign_flip_test
from ablation.statistics.verdicts import MINIMUM_PAIRS

TESTED = ("better", "worse", "equivalent", "no detectable difference", "cannot tell")


def with_details(
    entry: dict[str, Any],
    axis: dict[str, Any],
    numbers: dict[str, CellNumbers],
    setting: Setting,
    samples: Mapping[str, Samples],
) -> dict[str, Any]:
    """An axis of ``comparisons.json`` with all that only explains its verdicts.

    entry: of ``compare_axis``. axis: as in ``study.json``. samples: by cell name, the metric of
    every test sample and replicate; a cell without them has no "noise".
    Adds "importance" and "factorial", and to every row "sign_flip", "settle", "sensitivity" and
    "noise", each None where it does not apply.
    """
    found = {cell["label"]: numbers_of(cell, numbers) for cell in axis["cells"]}
    names = {cell["label"]: cell["cell"] for cell in axis["cells"]}
    reference = found[entry["reference"]]
    rows = {}
    for label, row in entry["rows"].items():
        differences = paired_differences(found[label], reference)
        rows[label] = row | {
            "sign_flip": _sign_flip(row, differences, setting),
            "settle": _settle(row, differences, setting),
            "sensitivity": _sensitivity(row, found[label], reference, setting),
            "noise": _noise(samples.get(names[label]), setting),
        }
    return {
        **entry,
        "rows": rows,
        "importance": _importance(found, setting),
        "factorial": _factorial(axis, found, setting),
    }


def _sign_flip(
    row: dict[str, Any], differences: list[float], setting: Setting
) -> dict[str, Any] | None:
    if row["verdict"] not in TESTED or len(differences) < MINIMUM_PAIRS:
        return None
    return asdict(sign_flip_test(differences, seed=setting.seed))


def _settle(
    row: dict[str, Any], differences: list[float], setting: Setting
) -> dict[str, Any] | None:
    if row["verdict"] != "no detectable difference" and row["reason"] != "wide interval":
        return None
    settled = replicates_to_settle(
        row["difference"],
        float(np.std(differences, ddof=1)),
        n_pairs=len(differences),
        level=row["difference_level"],
        margin=setting.margin,
        test_train_ratio=setting.ratio,
        step=setting.step,
    )
    return {"replicates": settled.replicates, "as": settled.as_}


def _sensitivity(
    row: dict[str, Any], own: CellNumbers, reference: CellNumbers, setting: Setting
) -> dict[str, Any] | None:
    if row["is_reference"] or row["verdict"] == "failed" or setting.trivial is None:
        return None
    counted = counted_as_trivial(
        own,
        reference,
        setting.trivial,
        level=row["difference_level"],
        test_train_ratio=setting.ratio,
    )
    return asdict(counted) if counted else None


def _noise(samples: Samples | None, setting: Setting) -> dict[str, Any] | None:
    if not samples or setting.fixed_test_set:
        return None
    noise = noise_of(samples)
    return asdict(noise) if noise else None


def _importance(found: dict[str, CellNumbers], setting: Setting) -> dict[str, Any] | None:
    # Where half diverged or more, the survivors no longer stand for the setting.
    kept = {label: n for label, n in found.items() if len(n.metric) > len(n.diverged)}
    if len(kept) < 2:
        return None
    replicates = _common(list(kept.values()))
    if len(replicates) < MINIMUM_PAIRS:
        return None
    share = axis_importance(
        _table(list(kept.values()), replicates),
        test_train_ratio=setting.ratio,
        confidence=setting.confidence,
    )
    if share is None:
        return None
    return {
        "omega2": share.omega2,
        "interval": share.interval,
        "level": setting.confidence,
        "f": share.f,
        "p": share.p,
        "n_replicates": len(replicates),
        "cells": list(kept),
        "left_out": [label for label in found if label not in kept],
        "survivors_only": any(n.diverged for n in kept.values()),
    }


def _factorial(
    axis: dict[str, Any], found: dict[str, CellNumbers], setting: Setting
) -> dict[str, Any] | None:
    factors: dict[str, list[Any]] | None = axis.get("factors")
    if not factors:
        return None
    cells = list(found.values())
    replicates = _common(cells)
    left_out = sorted({r for n in cells for r in n.metric.keys() | n.diverged} - set(replicates))
    terms, reason = None, _why_no_terms(axis, cells, replicates)
    if reason is None:
        terms = factorial_terms(
            pd.DataFrame(_table(cells, replicates)),
            factors,
            [cell["levels"] for cell in axis["cells"]],
            test_train_ratio=setting.ratio,
            confidence=setting.confidence,
        )
        reason = "no spread" if terms is None else None
    described = [
        {"factors": list(term.factors), **asdict(term.share), "p_adjusted": term.p_adjusted}
        for term in terms or []
    ]
    return {
        "factors": list(factors),
        "n_replicates": len(replicates),
        "left_out": left_out,
        "reason": reason,
        "terms": described,
    }


def _why_no_terms(
    axis: dict[str, Any], cells: list[CellNumbers], replicates: list[int]
) -> str | None:
    if any(cell["failed"] is not None for cell in axis["cells"]):
        return "failed"
    if len(replicates) >= MINIMUM_PAIRS:
        return None
    enough = min(numbers.n_total for numbers in cells) >= MINIMUM_PAIRS
    return "diverged" if enough and any(numbers.diverged for numbers in cells) else "few replicates"


def _common(cells: list[CellNumbers]) -> list[int]:
    """The replicates that are usable in all cells."""
    return sorted(set.intersection(*(set(numbers.metric) for numbers in cells)))


def _table(cells: list[CellNumbers], replicates: list[int]) -> np.ndarray:
    """Shape [replicate, cell]."""
    return np.array([[numbers.metric[r] for numbers in cells] for r in replicates])
