"""The effect of all that changed on each cell that two studies share, with the project's corrected intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ablation.bundle import frame
from ablation.registry import MODELS
from ablation.statistics.intervals import Interval, mean_interval
from ablation.statistics.paired import PairedTest, corrected_paired_test, holm
from ablation.statistics.replicates import CellNumbers, numbers_by_cell, paired_differences
from ablation.statistics.unpaired import UnpairedTest, corrected_welch_test
from ablation.statistics.verdicts import MINIMUM_PAIRS, Fate, bonferroni_level, decide

Bundle = dict[str, Any]
Test = PairedTest | UnpairedTest


@dataclass(frozen=True)
class Side:
    """One cell of one study."""

    model: dict[str, Any]
    axis: dict[str, Any]
    cell: dict[str, Any]
    numbers: CellNumbers
    seed: int

    @property
    def ratio(self) -> float:
        """n_test / n_train; 0 with a fixed test set."""
        data = self.model["data"]
        return 0.0 if data["fixed_test_set"] else float(data["test_train_ratio"])

    @property
    def fate(self) -> Fate:
        numbers, failed = self.numbers, self.cell["failed"] is not None
        return Fate(failed, numbers.n_total, len(numbers.metric), numbers.n_diverged)

    @property
    def mean(self) -> float | None:
        values = list(self.numbers.metric.values())
        return float(np.mean(values)) if values else None


def effects(a: Bundle, b: Bundle) -> dict[str, Any]:
    """Model → the cells of both studies, B minus A, and those that only one has.

    The family of a model is all pairs of keys that are compared: Holm over their p, intervals at their Bonferroni level, with
    the confidence and the margin of B. The words of ``verdict`` are those of :mod:`ablation.statistics.verdicts`, A in the
    part of the reference.

    Returns:
        For every model of both with one metric: ``metric``, ``margin``, ``level`` (None where nothing is compared),
        ``n_compared``, ``cells``, ``new``, ``gone``. A row of ``cells`` has ``cell``, ``axis``, ``label``, ``key``,
        ``kind`` (``same key``, ``paired``, ``unpaired``), ``reasons`` (why not paired), the means ``a`` and ``b``,
        ``n_a``, ``n_b``, ``diverged_a``, ``diverged_b``, ``n_pairs``, ``moved`` (of a same key, the largest difference of
        a replicate), ``difference``, ``interval``, ``p_adjusted``, ``verdict``, ``reason``.
    """
    found = {}
    for name, compared in b["comparisons"]["models"].items():
        theirs = a["comparisons"]["models"].get(name)
        if theirs is not None and theirs["metric"] == compared["metric"]:
            metric, confidence = compared["metric"], float(b["comparisons"]["confidence"])
            ours, others = (_sides(bundle, name, metric) for bundle in (b, a))
            found[name] = _model(others, ours, compared, confidence)
    return found


def _sides(bundle: Bundle, name: str, metric: str) -> dict[str, Side]:
    model = next(model for model in bundle["study"]["models"] if model["model"] == name)
    table = frame(bundle)
    for column in (metric, "val_loss"):  # left out where no replicate has a number
        table[column] = table.get(column, np.nan)
    numbers = numbers_by_cell(table, name, metric)
    seed = int(bundle["study"]["study"]["seed"])
    return {
        cell["cell"]: Side(model, axis, cell, numbers.get(cell["cell"], CellNumbers()), seed)
        for axis in model["axes"]
        for cell in axis["cells"]
    }


def _model(
    a: dict[str, Side], b: dict[str, Side], compared: dict[str, Any], confidence: float
) -> dict[str, Any]:
    shared = [name for name in b if name in a]
    tests: dict[str, Test] = {}
    pairs: dict[tuple[str, str], str] = {}  # of keys → the first cell that has them
    for name in shared:
        keys = (a[name].cell["key"], b[name].cell["key"])
        if keys[0] != keys[1] and keys not in pairs:
            pairs[keys] = name
            test = _test(a[name], b[name])
            if test is not None:
                tests[name] = test
    tested = [name for name, test in tests.items() if _counts(test, a[name], b[name])]
    p_values = [p for name in tested if (p := tests[name].p) is not None]
    adjusted = dict(zip(tested, holm(p_values, max(len(pairs), 1)), strict=True)) if tested else {}
    level = bonferroni_level(confidence, len(pairs)) if pairs else None
    rows = []
    for name in shared:
        first = pairs.get((a[name].cell["key"], b[name].cell["key"]))
        row = _place(b[name])
        if first is None:
            row |= _same_key(a[name], b[name])
        else:
            row |= _compared(
                a[name],
                b[name],
                tests.get(first),
                adjusted.get(first),
                level=level,
                compared=compared,
                confidence=confidence,
            )
        rows.append(row)
    return {
        **{name: compared[name] for name in ("metric", "better", "margin")},
        "confidence": confidence,
        "level": level,
        "n_compared": len(pairs),
        "cells": rows,
        "new": [{**_place(side), "mean": side.mean} for name, side in b.items() if name not in a],
        "gone": [{**_place(side), "mean": side.mean} for name, side in a.items() if name not in b],
    }


def _place(side: Side) -> dict[str, Any]:
    cell = side.cell
    return {"cell": cell["cell"], "axis": side.axis, "label": cell["label"], "key": cell["key"]}


def why_unpaired(a: Side, b: Side) -> list[str]:
    """Why replicate r of A does not have the split of replicate r of B: ``seed``, ``data``, ``code``; none where it has.

    The code counts where neither the prepared data nor the digest of the code show that the splits were made alike.
    """
    reasons = ["seed"] if a.seed != b.seed else []
    drawn = MODELS[a.model["model"]].data_parameters if a.model["model"] in MODELS else ()
    facts = [
        [side.model["data"]["dataset"], side.model["data"]["sha256"]]
        + [side.cell["parameters"].get(name) for name in drawn]
        for side in (a, b)
    ]
    if facts[0] != facts[1]:
        reasons.append("data")
    prepared = [side.model["data"].get("prepared") for side in (a, b)]
    codes = [(side.cell.get("spec") or {}).get("code") for side in (a, b)]
    if not reasons and prepared[0] != prepared[1] and codes[0] != codes[1]:
        reasons.append("code")
    return reasons


def _test(a: Side, b: Side) -> Test | None:
    if why_unpaired(a, b):
        values = [list(side.numbers.metric.values()) for side in (a, b)]
        if min(len(group) for group in values) < 2:
            return None
        return corrected_welch_test(*values, test_train_ratios=(a.ratio, b.ratio))
    differences = paired_differences(b.numbers, a.numbers)
    if len(differences) < 2:
        return None
    return corrected_paired_test(differences, test_train_ratio=max(a.ratio, b.ratio))


def _counts(test: Test, a: Side, b: Side) -> bool:
    """Whether a test's p counts: enough replicates, a spread, and no replicate that diverged on either side."""
    n = test.n_pairs if isinstance(test, PairedTest) else test.n
    alive = not any(side.fate.failed or side.fate.n_diverged for side in (a, b))
    return n >= MINIMUM_PAIRS and test.p is not None and alive


def _same_key(a: Side, b: Side) -> dict[str, Any]:
    moved = [abs(value) for value in paired_differences(b.numbers, a.numbers)]
    return {
        **_means(a, b),
        **{"kind": "same key", "reasons": [], "moved": max(moved, default=None)},
        **dict.fromkeys(("difference", "interval", "p_adjusted", "verdict", "reason")),
        "n_pairs": len(moved),
    }


def _means(a: Side, b: Side) -> dict[str, Any]:
    sides = {"a": a, "b": b}
    means = {name: side.mean for name, side in sides.items()}
    counts = {f"n_{name}": side.fate.n_ok for name, side in sides.items()}
    diverged = {f"diverged_{name}": side.fate.n_diverged for name, side in sides.items()}
    return {**means, **counts, **diverged}


def _compared(
    a: Side,
    b: Side,
    test: Test | None,
    p_adjusted: float | None,
    *,
    level: float | None,
    compared: dict[str, Any],
    confidence: float,
) -> dict[str, Any]:
    interval: Interval | None = None
    if test is not None and test.p is not None and level is not None:
        interval = _interval(a, b, test, level)
    n = 0 if test is None else test.n_pairs if isinstance(test, PairedTest) else test.n
    alike = None if test is None else _as_paired(test)
    verdict = decide(
        fate=b.fate,
        reference=a.fate,
        is_reference=False,
        n_pairs=n,
        test=alike,
        p_adjusted=p_adjusted,
        interval=interval,
        margin=float(compared["margin"]),
        alpha=1 - confidence,
        better=compared["better"],
    )
    reasons = why_unpaired(a, b)
    return {
        **_means(a, b),
        "kind": "unpaired" if reasons else "paired",
        "reasons": reasons,
        "moved": None,
        "n_pairs": n,
        "difference": None if test is None else test.difference,
        "interval": None if interval is None else list(interval),
        "p_adjusted": p_adjusted,
        "verdict": verdict.word,
        "reason": verdict.reason,
    }


def _interval(a: Side, b: Side, test: Test, level: float) -> Interval | None:
    if isinstance(test, UnpairedTest):
        return test.interval(level)
    differences = paired_differences(b.numbers, a.numbers)
    return mean_interval(differences, test_train_ratio=max(a.ratio, b.ratio), confidence=level)


def _as_paired(test: Test) -> PairedTest:
    """A test as the verdict reads it: the difference and its p."""
    if isinstance(test, PairedTest):
        return test
    return PairedTest(test.n, test.difference, test.error, test.p, None)
