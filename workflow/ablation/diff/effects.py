"""The effect of all that changed on each cell that two studies share, with the project's corrected intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ablation.networks.registry import MODELS
from ablation.results.bundle import frame, study_of
from ablation.statistics.compare import trivial_values
from ablation.statistics.families import Comparison
from ablation.statistics.intervals import Interval
from ablation.statistics.judge import Setting
from ablation.statistics.metric import Metric
from ablation.statistics.model import Measured, effect_in_unit
from ablation.statistics.paired import holm
from ablation.statistics.replicates import Fate, Values, fates_by_key, values_by_key
from ablation.statistics.scale import Scale
from ablation.statistics.unpaired import UnpairedTest, corrected_welch_test
from ablation.statistics.verdicts import (
    MINIMUM_PAIRS,
    Judged,
    Reason,
    Verdict,
    bonferroni_level,
    verdict_of,
)
from ablation.store.document import AxisDocument, CellDocument, ModelDocument

Bundle = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """One cell of one study. values: of the tested metric, by replicate."""

    model: ModelDocument
    axis: AxisDocument
    cell: CellDocument
    values: Values
    fate: Fate
    seed: int


def effects(a: Bundle, b: Bundle) -> dict[str, Any]:
    """Model → the cells of both studies, B minus A, and those that only one has.

    The pairs of keys that are compared replicate by replicate are one family, those whose replicates share no splits another:
    Holm over their p, intervals at their Bonferroni level, with the confidence and the margin of B. Verdicts are those of
    :mod:`ablation.statistics.verdicts`, A in the part of the reference.

    Returns:
        For every model of both that test one metric: ``metric``, ``better``, ``log``, ``margin``, ``n_compared``, ``cells``,
        ``new``, ``gone``. A row of ``cells`` has ``cell``, ``axis``, ``label``, ``key``,
        ``kind`` (``same key``, ``paired``, ``unpaired``), ``reasons`` (why not paired), the centres ``a`` and ``b``,
        ``n_a``, ``n_b``, ``diverged_a``, ``diverged_b``, ``n_pairs``, ``moved`` (of a same key, the largest difference of
        a replicate), ``difference``, ``interval``, ``level``, ``p_adjusted``, ``verdict``, ``reason``.
    """
    found = {}
    for name, compared in b["comparisons"]["models"].items():
        theirs = a["comparisons"]["models"].get(name)
        if theirs is not None and theirs["metric"] == compared["metric"]:
            metric = Metric(compared["metric"], compared["better"], log=compared["log"])
            ours, others = (_sides(bundle, name, metric) for bundle in (b, a))
            confidence = float(b["comparisons"]["confidence"])
            trivial = trivial_values(study_of(b).model(name), metric)
            found[name] = _model(others, ours, compared, trivial, confidence)
    return found


def _sides(bundle: Bundle, name: str, metric: Metric) -> dict[str, Side]:
    study = study_of(bundle)
    model = study.model(name)
    table = frame(bundle)
    if metric.name not in table:  # left out where no replicate has a number
        table[metric.name] = np.nan
    # A cell is what two studies share; its keys differ.
    table = table.assign(key=table["cell"])
    values = values_by_key(table, name, metric.name)
    fates = fates_by_key(table, name, values, trivial_values(model, metric), metric.better)
    return {
        cell.name: Side(
            model,
            axis,
            cell,
            values.get(cell.name, {}),
            fates.get(cell.name, Fate(failed=True)),
            study.seed,
        )
        for axis, cell in model.places()
    }


def _model(
    a: dict[str, Side],
    b: dict[str, Side],
    compared: dict[str, Any],
    trivial: Values,
    confidence: float,
) -> dict[str, Any]:
    shared = [name for name in b if name in a]
    first: dict[tuple[str, str], str] = {}  # of keys → the first cell that has them
    for name in shared:
        first.setdefault((a[name].cell.key, b[name].cell.key), name)
    pairs = {name for keys, name in first.items() if keys[0] != keys[1]}
    setting = _setting(a, b, compared, trivial, confidence)
    measured = _measured(a, b, pairs, setting)
    welch = _unpaired(a, b, {name for name in pairs if why_unpaired(a[name], b[name])}, measured)
    rows = []
    for name in shared:
        place = {**_place(b[name]), **_centres(name, a, b, measured)}
        chosen = first[a[name].cell.key, b[name].cell.key]
        if chosen not in pairs:
            rows.append({**place, **_same_key(a[name], b[name])})
        else:
            rows.append({**place, **(welch.get(chosen) or _paired(chosen, measured))})
    alone = {"new": (b, a, "b"), "gone": (a, b, "a")}
    return {
        **{name: compared[name] for name in ("metric", "better", "log", "margin")},
        "n_compared": len(pairs),
        "cells": rows,
        **{
            word: [
                {**_place(side), "mean": measured.cells[f"{letter}:{name}"]["centre"]}
                for name, side in own.items()
                if name not in other
            ]
            for word, (own, other, letter) in alone.items()
        },
    }


def _setting(
    a: dict[str, Side],
    b: dict[str, Side],
    compared: dict[str, Any],
    trivial: Values,
    confidence: float,
) -> Setting:
    sides = [*a.values(), *b.values()]
    scale = Scale(compared["log"])
    return Setting(
        metric=compared["metric"],
        better=compared["better"],
        scale=scale,
        margin=scale.margin(float(compared["margin"])),
        overlap_ratio=max(side.model.overlap_ratio for side in sides),
        fixed_test_set=all(side.model.fixed_test_set for side in sides),
        confidence=confidence,
        trivial=trivial,
    )


def _measured(
    a: dict[str, Side], b: dict[str, Side], pairs: set[str], setting: Setting
) -> Measured:
    """Both studies in one, each cell named by its study; the comparisons are those in pairs."""
    sides = {
        f"{letter}:{name}": side
        for letter, own in (("a", a), ("b", b))
        for name, side in own.items()
    }
    comparisons = [
        Comparison(f"b:{name}", f"a:{name}", "paired")
        for name in sorted(pairs)
        if not why_unpaired(a[name], b[name])
    ]
    return Measured(
        setting,
        {key: side.values for key, side in sides.items()},
        {key: side.fate for key, side in sides.items()},
        {},
        {one.name: one for one in comparisons},
    )


def _place(side: Side) -> dict[str, Any]:
    cell = side.cell
    return {"cell": cell.name, "axis": side.axis, "label": cell.label, "key": cell.key}


def why_unpaired(a: Side, b: Side) -> list[str]:
    """Why replicate r of A does not have the split of replicate r of B: ``seed``, ``data``, ``code``; none where it has.

    The code counts where neither the prepared data nor the digest of the code show that the splits were made alike.
    """
    reasons = ["seed"] if a.seed != b.seed else []
    drawn = MODELS[a.model.name].data_parameters if a.model.name in MODELS else ()
    facts = [
        [side.model.data["dataset"], side.model.data["sha256"]]
        + [side.cell.parameters.get(name) for name in drawn]
        for side in (a, b)
    ]
    if facts[0] != facts[1]:
        reasons.append("data")
    prepared = [side.model.data.get("prepared") for side in (a, b)]
    if not reasons and prepared[0] != prepared[1] and a.cell.code != b.cell.code:
        reasons.append("code")
    return reasons


def _centres(
    name: str, a: dict[str, Side], b: dict[str, Side], measured: Measured
) -> dict[str, Any]:
    sides = {"a": a[name], "b": b[name]}
    return {
        **{letter: measured.cells[f"{letter}:{name}"]["centre"] for letter in sides},
        **{f"n_{letter}": len(side.values) for letter, side in sides.items()},
        **{f"diverged_{letter}": side.fate.n_diverged for letter, side in sides.items()},
    }


def _same_key(a: Side, b: Side) -> dict[str, Any]:
    moved = [abs(b.values[r] - a.values[r]) for r in sorted(a.values.keys() & b.values.keys())]
    return {
        **{"kind": "same key", "reasons": [], "moved": max(moved, default=None)},
        **dict.fromkeys(("difference", "interval", "level", "p_adjusted", "verdict", "reason")),
        "n_pairs": len(moved),
    }


def _paired(name: str, measured: Measured) -> dict[str, Any]:
    outcome = measured.outcome(f"b:{name}", f"a:{name}")
    assert outcome is not None
    difference, interval = effect_in_unit(outcome, measured)
    return {
        "kind": "paired",
        "reasons": [],
        "moved": None,
        "n_pairs": len(outcome.differences),
        "difference": difference,
        "interval": None if interval is None else list(interval),
        "level": outcome.level,
        "p_adjusted": outcome.p_adjusted,
        **_words(outcome.judged),
    }


def _words(judged: Judged) -> dict[str, str | None]:
    reason = judged.reason.value if judged.reason else None
    return {"verdict": judged.verdict.value, "reason": reason}


def _unpaired(
    a: dict[str, Side], b: dict[str, Side], names: set[str], measured: Measured
) -> dict[str, dict[str, Any]]:
    """The rows of the cells whose replicates share no splits: Welch's test on the metric's scale."""
    tests = {
        name: test for name in sorted(names) if (test := _welch(name, a, b, measured)) is not None
    }
    ps = {
        name: test.p
        for name, test in tests.items()
        if test.p is not None and test.n >= MINIMUM_PAIRS
    }
    adjusted = dict(zip(ps, holm(list(ps.values()), max(len(names), 1)), strict=True))
    return {
        name: _welch_row(
            name,
            a,
            b,
            tests.get(name),
            p_adjusted=adjusted.get(name),
            level=bonferroni_level(measured.setting.confidence, len(names)),
            measured=measured,
        )
        for name in names
    }


def _welch(
    name: str, a: dict[str, Side], b: dict[str, Side], measured: Measured
) -> UnpairedTest | None:
    groups = [list(measured.numbers.values[f"{letter}:{name}"].values()) for letter in ("a", "b")]
    if min(map(len, groups)) < 2 or not all(np.isfinite(group).all() for group in groups):
        return None
    ratios = (a[name].model.overlap_ratio, b[name].model.overlap_ratio)
    return corrected_welch_test(*groups, overlap_ratios=ratios)


def _welch_row(
    name: str,
    a: dict[str, Side],
    b: dict[str, Side],
    test: UnpairedTest | None,
    *,
    p_adjusted: float | None,
    level: float,
    measured: Measured,
) -> dict[str, Any]:
    setting = measured.setting
    interval: Interval | None = test.interval(level) if test else None
    judged = _welch_verdict(
        a[name], b[name], test, p_adjusted=p_adjusted, interval=interval, setting=setting
    )
    centre = measured.cells[f"a:{name}"]["centre"]
    difference = shown = None
    if test is not None and centre is not None:
        difference = setting.scale.effect(test.difference, centre)
        shown = setting.scale.effect_interval(interval, centre)
    return {
        "kind": "unpaired",
        "reasons": why_unpaired(a[name], b[name]),
        "moved": None,
        "n_pairs": test.n if test else 0,
        "difference": difference,
        "interval": None if shown is None else list(shown),
        "level": level,
        "p_adjusted": p_adjusted,
        **_words(judged),
    }


def _welch_verdict(
    a: Side,
    b: Side,
    test: UnpairedTest | None,
    *,
    p_adjusted: float | None,
    interval: Interval | None,
    setting: Setting,
) -> Judged:
    if b.fate.failed:
        return Judged(Verdict.FAILED)
    if a.fate.failed:
        return Judged(Verdict.NOT_TESTED, Reason.NO_REFERENCE)
    if test is None or p_adjusted is None or interval is None:
        return Judged(Verdict.NOT_TESTED, Reason.FEW_PAIRS)
    verdict = verdict_of(
        test.difference,
        p_adjusted,
        interval,
        margin=setting.margin,
        alpha=setting.alpha,
        better=setting.better,
    )
    if verdict.conclusive and (a.fate.n_diverged or b.fate.n_diverged):
        return Judged(Verdict.INCONCLUSIVE, Reason.DIVERGED)
    return Judged(verdict)
