"""The oracles of statistics, learning curves and claims turn red when one thing is wrong in what they look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from oracle.stat_claims import check_claims, claims
from oracle.stat_courses import check_courses, courses
from oracle.stat_inputs import read_mixed
from oracle.statistics import check_comparisons, recomputed
from oracle.study import Study

Document = dict[str, Any]
Damage = Callable[[Document], None]


def as_stored(document: Document) -> Document:
    """The oracle's own document as the package would store it: what damages it, damages a sound one."""
    return dict(json.loads(json.dumps(document, default=lambda value: value.item())))


def put(path: str, value: Any) -> Damage:
    """Another value; a function is given the old one. Steps into a list are numbers."""

    def damage(document: Document) -> None:
        *way, last = (int(step) if step.isdecimal() else step for step in path.split(" "))
        held: Any = document["models"]
        for step in way:
            held = held[str(step)] if isinstance(held, dict) else held[step]
        last = str(last) if isinstance(held, dict) else last
        held[last] = value(held[last]) if callable(value) else value

    return damage


ROW = "fnn axes depth_at_0.01 rows 1"
BROKEN = "fnn axes depth_at_0.01 rows 8"
GRID = "fnn axes depth_by_learning_rate"


def times(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor


def plus(number: int) -> Callable[[int], int]:
    return lambda value: value + number


def at_level(level: float) -> Damage:
    """The interval of a difference, made at another level than its label says."""

    def damage(document: Document) -> None:
        row = document["models"]["cnn"]["axes"]["kernel"]["rows"]["3"]
        degrees, old = row["spread"]["degrees"], row["difference_level"]
        wider = stats.t.ppf((1 + level) / 2, degrees) / stats.t.ppf((1 + old) / 2, degrees)
        middle = row["difference"]
        row["difference_interval"] = [
            middle + wider * (end - middle) for end in row["difference_interval"]
        ]

    return damage


def without_overlap(document: Document) -> None:
    """The interval of a mean as if splits were independent."""
    model = document["models"]["cnn"]
    cell = next(iter(model["cells"].values()))["accuracy"]
    narrow = np.sqrt(1 / cell["n"] / (1 / cell["n"] + model["overlap_ratio"]))
    middle = cell["mean"]
    cell["interval"] = [middle + narrow * (end - middle) for end in cell["interval"]]


def swapped_sign(document: Document) -> None:
    row = document["models"]["cnn"]["axes"]["kernel"]["rows"]["3"]
    row["difference"] *= -1
    row["difference_interval"] = [-end for end in row["difference_interval"]][::-1]


def by_one(document: Document) -> None:
    """Two axes of the ranking exchanged."""
    ranking = document["models"]["cnn"]["ranking"]
    ranking[0], ranking[1] = ranking[1], ranking[0]


def drop(path: str, name: str) -> Damage:
    return put(path, lambda held: {key: value for key, value in held.items() if key != name})


STATISTICS: dict[str, Damage] = {
    "overlap ratio of another number of parts": put("fnn overlap_ratio", 1 / 6),
    "interval of a mean without the overlap": without_overlap,
    "interval of a difference at another level": at_level(0.975),
    "label of the level": put(f"{ROW} difference_level", 0.95),
    "difference with swapped sign": swapped_sign,
    "ratio upside down": put(f"{ROW} ratio", lambda ratio: 1 / ratio),
    "margin as a difference": put("fnn margin", 0.2),
    "p adjusted in a family of three": put(f"{BROKEN} p_adjusted", times(1.5)),
    "p of the uncorrected test": put(f"{ROW} p", times(0.5)),
    "no floor": put(f"{ROW} spread floor", 0.0),
    "floor not scaled": put(f"{ROW} spread floor", times(np.sqrt(11 / 10))),
    "degrees of freedom not moderated": put(f"{ROW} spread degrees", 11.0),
    "spread of the pairs for the moderated one": put(f"{ROW} spread pooled", 0.2251227),
    "broken cell with an interval": put(f"{BROKEN} difference_interval", [1.0, 2.0]),
    "broken cell not broken": put(f"{BROKEN} broken", False),
    "count of diverged": put("fnn axes learning_rate rows 0.1 n_diverged", plus(1)),
    "count of collapsed": put(f"{BROKEN} n_collapsed", plus(1)),
    "verdict": put("cnn axes kernel rows 3 verdict", "practically equivalent"),
    "reason": put("fnn axes learning_rate rows 0.1 reason", "identical"),
    "judged by the grid": put(
        f"{GRID} rows hidden_layers-1_learning_rate-0.01 judged_on", "depth_by_learning_rate"
    ),
    "effect size without Hedges' factor": put(f"{ROW} effect_size", times(1.0753)),
    "one-sided randomisation test": put(f"{ROW} sign_flip p", times(0.5)),
    "replicates to settle what is settled": put(
        "cnn axes kernel rows 3 settle", {"replicates": 18, "as": "difference"}
    ),
    "detectable difference at a power of 90 %": put(f"{ROW} detectable", times(1.15)),
    "noise of the squared errors not scaled": put(f"{ROW} noise sd_test", times(1.0488)),
    "diverged replicates scored as another": put(
        "fnn axes learning_rate rows 0.1 scored ratio", times(1.01)
    ),
    "F not corrected": put(f"{GRID} factorial terms 0 f", times(1 + 12 / 5)),
    "pooled error degrees": put(f"{GRID} factorial terms 0 df_error", 33),
    "ω²": put("cnn axes batchnorm importance omega2", times(1.001)),
    "count of a verdict": put("fnn counts inconclusive", 4),
    "ranking off by one": by_one,
    "best by the test": put("cnn best val_loss_mean", times(1.01)),
    "optimism of a whole difference": put("fnn best optimism", times(np.sqrt(2))),
    "one tie forgotten": put("fnn best indistinguishable", lambda ties: ties[1:]),
    "simple model not adjusted": put("fnn yardsticks ridge best_against_it p_adjusted", times(0.5)),
    "prediction for the other data": put(
        "cnn cells", lambda cells: {key: _swapped_predictions(c) for key, c in cells.items()}
    ),
    "a secondary metric missing": drop(f"{ROW} others", "mae"),
    "a row missing": drop("cnn axes dropout rows", "0.4"),
}


def _swapped_predictions(cell: Document) -> Document:
    both = cell["accuracy"]["prediction"]
    swapped = {"same_data": both["other_data"], "other_data": both["same_data"]}
    return cell | {"accuracy": cell["accuracy"] | {"prediction": swapped}}


@pytest.mark.parametrize("name", STATISTICS)
def test_broken_statistics_are_seen(study: Study, name: str) -> None:
    sound = recomputed(study)
    stored = as_stored(sound)
    check_comparisons(stored, sound)
    STATISTICS[name](stored)
    with pytest.raises(AssertionError):
        check_comparisons(stored, sound)


def measure(name: str, change: Callable[[pd.Series], Any]) -> Callable[[pd.DataFrame], None]:
    """One measure of one replicate."""

    def damage(frame: pd.DataFrame) -> None:
        place = frame.index[frame[name].notna()][3]
        frame.loc[place, name] = change(frame.loc[place])

    return damage


COURSES = {
    "speed from 0": measure("epochs_to_final", lambda row: row["epochs_to_final"] - 1),
    "slope of an epoch": measure("end_change", lambda row: row["end_change"] / 4),
    "ratio upside down": measure("final_ratio", lambda row: 1 / row["final_ratio"]),
    "best loss of the last epoch": measure("best_val_loss", lambda r: r["best_val_loss"] * 1.01),
    "a diverged replicate's measure": measure("gradient_ratio", lambda row: np.nan),
}


@pytest.mark.parametrize("name", COURSES)
def test_broken_measures_are_seen(study: Study, name: str) -> None:
    stored = read_mixed(study.tables / "courses.csv")
    check_courses(stored, courses(study))
    COURSES[name](stored)
    with pytest.raises(AssertionError):
        check_courses(stored, courses(study))


def part(number: int, place: int, name: str, value: Any) -> Damage:
    def damage(document: Document) -> None:
        claim = next(each for each in document["claims"] if each["id"] == number)
        claim["parts"][place][name] = value(claim["parts"][place][name])

    return damage


def answer(number: int, value: str) -> Damage:
    def damage(document: Document) -> None:
        next(each for each in document["claims"] if each["id"] == number)["answer"] = value

    return damage


CLAIMS: dict[str, Damage] = {
    "an answer": answer(5, "contradicted"),
    "an answer that this study cannot give": answer(12, "confirmed"),
    "answer of a part": part(1, 1, "answer", lambda old: "confirmed"),
    "level of a part": part(1, 1, "level", lambda old: 0.95),
    "interval of a part": part(1, 1, "interval", lambda ends: [0.9 * end for end in ends]),
    "replicates that agree": part(12, 2, "k", lambda k: k + 1),
    "replicates that there are": part(5, 0, "n", lambda n: n - 1),
    "median of a measure": part(12, 2, "median", lambda m: -m),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_broken_claims_are_seen(study: Study, name: str) -> None:
    stored = as_stored(claims(study))
    check_claims(stored, claims(study))
    CLAIMS[name](stored)
    with pytest.raises(AssertionError):
        check_claims(stored, claims(study))
