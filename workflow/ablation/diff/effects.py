"""The effect of all that changed on each cell that two studies share, with the project's corrected intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

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


Sides = dict[str, Side]  # by cell


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
    by_model = {}
    for name, compared in b["comparisons"]["models"].items():
        theirs = a["comparisons"]["models"].get(name)
        if theirs is not None and theirs["metric"] == compared["metric"]:
            metric = Metric(compared["metric"], compared["better"], log=compared["log"])
            ours, others = (_sides(bundle, name, metric) for bundle in (b, a))
            confidence = float(b["comparisons"]["confidence"])
            trivial = trivial_values(study_of(b).model(name), metric)
            by_model[name] = _model(others, ours, compared, trivial, confidence)
    return by_model


def _sides(bundle: Bundle, name: str, metric: Metric) -> Sides:
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
    a: Sides, b: Sides, compared: dict[str, Any], trivial: Values, confidence: float
) -> dict[str, Any]:
    keys = {name: (a[name].cell.key, b[name].cell.key) for name in b if name in a}
    first = {pair: name for name, pair in reversed(keys.items())}  # of keys → the first cell
    tested = [name for pair, name in first.items() if pair[0] != pair[1]]
    reasons = {name: why_unpaired(a[name], b[name]) for name in keys}
    measured = _measured(
        a,
        b,
        sorted(name for name in tested if not reasons[name]),
        _setting([*a.values(), *b.values()], compared, trivial, confidence),
    )
    entries = _unpaired(a, b, sorted(name for name in tested if reasons[name]), measured)
    rows = []
    for name, pair in keys.items():
        chosen = first[pair]
        if pair[0] == pair[1]:
            row = _same_key(a[name], b[name])
        elif reasons[chosen]:
            row = {**entries[chosen], "reasons": reasons[chosen]}
        else:
            row = _paired(chosen, measured)
        rows.append({**_place(b[name]), **_centres(name, a, b, measured), **row})
    return {
        **{name: compared[name] for name in ("metric", "better", "log", "margin")},
        "n_compared": len(tested),
        "cells": rows,
        "new": [_alone(f"b:{name}", b[name], measured) for name in b if name not in a],
        "gone": [_alone(f"a:{name}", a[name], measured) for name in a if name not in b],
    }


def _setting(
    sides: list[Side], compared: dict[str, Any], trivial: Values, confidence: float
) -> Setting:
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


def _measured(a: Sides, b: Sides, paired: list[str], setting: Setting) -> Measured:
    """Both studies in one, each cell named by its study."""
    sides = {f"a:{name}": side for name, side in a.items()}
    sides |= {f"b:{name}": side for name, side in b.items()}
    comparisons = [Comparison(f"b:{name}", f"a:{name}", "paired") for name in paired]
    return Measured(
        setting,
        {key: side.values for key, side in sides.items()},
        {key: side.fate for key, side in sides.items()},
        {},
        {comparison.name: comparison for comparison in comparisons},
    )


def _place(side: Side) -> dict[str, Any]:
    cell = side.cell
    return {"cell": cell.name, "axis": side.axis, "label": cell.label, "key": cell.key}


def _alone(key: str, side: Side, measured: Measured) -> dict[str, Any]:
    return {**_place(side), "mean": measured.cells[key]["centre"]}


def why_unpaired(a: Side, b: Side) -> list[str]:
    """Why replicate r of A does not have the split of replicate r of B: ``seed``, ``data``, ``code``; none where it has.

    The code counts where neither the prepared data nor the digest of the code show that the splits were made alike.
    """
    reasons = ["seed"] if a.seed != b.seed else []
    drawn = b.model.data.get("parameters", ())  # those that decide which data are prepared
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


def _centres(name: str, a: Sides, b: Sides, measured: Measured) -> dict[str, Any]:
    sides = {"a": a[name], "b": b[name]}
    return {
        **{letter: measured.cells[f"{letter}:{name}"]["centre"] for letter in sides},
        **{f"n_{letter}": len(side.values) for letter, side in sides.items()},
        **{f"diverged_{letter}": side.fate.n_diverged for letter, side in sides.items()},
    }


def _row(
    kind: str, n_pairs: int, judged: Judged | None = None, **numbers: float | Interval | None
) -> dict[str, Any]:
    return {
        "kind": kind,
        "reasons": [],
        "n_pairs": n_pairs,
        **dict.fromkeys(("moved", "difference", "interval", "level", "p_adjusted")),
        **numbers,
        "verdict": judged.verdict.value if judged else None,
        "reason": judged.reason.value if judged and judged.reason else None,
    }


def _same_key(a: Side, b: Side) -> dict[str, Any]:
    moved = [abs(b.values[r] - a.values[r]) for r in sorted(a.values.keys() & b.values.keys())]
    return _row("same key", len(moved), moved=max(moved, default=None))


def _paired(name: str, measured: Measured) -> dict[str, Any]:
    outcome = measured.outcome(f"b:{name}", f"a:{name}")
    assert outcome is not None
    difference, interval = effect_in_unit(outcome, measured)
    return _row(
        "paired",
        len(outcome.differences),
        outcome.judged,
        difference=difference,
        interval=interval,
        level=outcome.level,
        p_adjusted=outcome.p_adjusted,
    )


def _unpaired(a: Sides, b: Sides, names: list[str], measured: Measured) -> dict[str, Any]:
    """The rows of the cells whose replicates share no splits: Welch's test on the metric's scale."""
    setting, rows = measured.setting, {}
    tests = {name: _welch(a[name], b[name], measured) for name in names}
    ps = {
        name: test.p
        for name, test in tests.items()
        if test is not None and test.p is not None and test.n >= MINIMUM_PAIRS
    }
    adjusted = dict(zip(ps, holm(list(ps.values()), max(len(names), 1)), strict=True))
    for name, test in tests.items():
        level = bonferroni_level(setting.confidence, len(names))
        interval, p = test.interval(level) if test else None, adjusted.get(name)
        centre = measured.cells[f"a:{name}"]["centre"]
        difference = shown = None
        if test is not None and centre is not None:
            difference = setting.scale.effect(test.difference, centre)
            shown = setting.scale.effect_interval(interval, centre)
        rows[name] = _row(
            "unpaired",
            test.n if test else 0,
            difference=difference,
            interval=shown,
            level=level,
            p_adjusted=p,
            judged=_welch_verdict(a[name], b[name], test, p=p, interval=interval, setting=setting),
        )
    return rows


def _welch(a: Side, b: Side, measured: Measured) -> UnpairedTest | None:
    keys = (f"{letter}:{side.cell.name}" for letter, side in (("a", a), ("b", b)))
    groups = [list(measured.numbers.values[key].values()) for key in keys]
    if min(map(len, groups)) < 2 or not all(np.isfinite(group).all() for group in groups):
        return None
    ratios = (a.model.overlap_ratio, b.model.overlap_ratio)
    return corrected_welch_test(*groups, overlap_ratios=ratios)


def _welch_verdict(
    a: Side,
    b: Side,
    test: UnpairedTest | None,
    *,
    p: float | None,
    interval: Interval | None,
    setting: Setting,
) -> Judged:
    if b.fate.failed:
        return Judged(Verdict.FAILED)
    if a.fate.failed:
        return Judged(Verdict.NOT_TESTED, Reason.NO_REFERENCE)
    if test is None or p is None or interval is None:
        return Judged(Verdict.NOT_TESTED, Reason.FEW_PAIRS)
    verdict = verdict_of(
        test.difference,
        p,
        interval,
        margin=setting.margin,
        alpha=setting.alpha,
        better=setting.better,
    )
    if verdict.conclusive and (a.fate.n_diverged or b.fate.n_diverged):
        return Judged(Verdict.INCONCLUSIVE, Reason.DIVERGED)
    return Judged(verdict)
