"""The best cell of a model, what cannot be told from it, and how optimistic the choice is."""

import math
from typing import Any

import numpy as np
import pytest
from ablation.statistics.best import best_cell, expected_maximum
from ablation.statistics.compare import model_numbers
from ablation.statistics.model import Measured
from ablation.statistics.paired import holm
from ablation.store.document import StudyDocument
from scipy import stats
from test_statistics_compare import (
    DEPTH,
    LEARNT_NOTHING,
    NOISE,
    QUESTION,
    RATIO,
    TRIVIAL,
    VALUES,
    WIDTH,
    J,
    key,
    lost,
    make_axis,
    make_study,
    make_table,
    run,
)
from test_statistics_spread import limma_prior, limma_squeeze

LOSS = {"far": 9.0, "base": 2.0, "near": 1.0, "wide": 3.0, "wider": 4.0}


def best_of(values: dict[str, Any], loss: dict[str, float] = LOSS, **study: Any) -> dict[str, Any]:
    made = make_study(DEPTH, WIDTH, **study)
    best: dict[str, Any] = run(made, VALUES | values, val_loss=loss)["best"]
    return best


DISTINCT = StudyDocument.from_plain(make_study(DEPTH)).distinct()


def measured(values: dict[str, Any]) -> Measured:
    """The tested metric of a study of one axis."""
    study = make_study(DEPTH)
    return model_numbers(
        StudyDocument.from_plain(study).model("m"),
        make_table(study, values),
        QUESTION,
        {},
        confidence=0.95,
        seed=0,
    ).tested


def test_the_lowest_mean_validation_loss_whatever_the_test_says() -> None:
    best = best_of({})
    assert (best["cell"], best["key"], best["val_loss_mean"]) == ("m/depth_3", key("near"), 1.0)
    assert best["test"] == pytest.approx(stats.gmean(VALUES["near"]))
    assert stats.gmean(VALUES["wider"]) < best["test"]  # the test favours another
    assert (best["n_diverged"], best["n_total"]) == (0, J)
    # The baseline stands on both axes and is one candidate, named by its first cell.
    assert best["n_candidates"] == 5
    assert best_of({}, LOSS | {"base": 0.5})["cell"] == "m/depth_2"


def test_one_that_diverged_once_may_be_best_with_its_count_said() -> None:
    best = best_of({"near": lost(VALUES["near"], 4)})
    assert (best["cell"], best["n_diverged"], best["n_total"]) == ("m/depth_3", 1, J)
    assert best["test"] == pytest.approx(stats.gmean(np.delete(VALUES["near"], 4)))


@pytest.mark.parametrize("how", ["diverged", "collapsed", "failed"])
def test_a_broken_or_failed_cell_is_neither_best_nor_a_candidate(how: str) -> None:
    values: dict[str, Any] = dict(VALUES)
    if how == "failed":
        del values["near"]
    elif how == "diverged":
        values["near"] = lost(VALUES["near"], *range(6))
    else:
        values["near"] = [*TRIVIAL[:6], *VALUES["near"][6:]]
    study = make_study(DEPTH, WIDTH, yardsticks=LEARNT_NOTHING)
    best = run(study, values, val_loss=LOSS)["best"]
    assert best["cell"] == "m/depth_2"
    assert best["n_candidates"] == 4
    assert "m/depth_3" not in best["indistinguishable"]
    # One replicate less that is lost, and it is best again.
    if how == "diverged":
        nearly = run(study, values | {"near": lost(VALUES["near"], *range(5))}, val_loss=LOSS)
        assert nearly["best"]["cell"] == "m/depth_3"


def test_without_a_candidate_there_is_no_best() -> None:
    assert best_cell(DISTINCT, {}, measured({name: [None] * J for name in VALUES})) is None
    # Nor without a validation loss.
    assert best_cell(DISTINCT, {}, measured(VALUES)) is None


def test_what_cannot_be_told_from_it_is_one_family_recomputed() -> None:
    # A cell that alone would be told apart and that the family of four does not tell apart.
    pattern = np.log(NOISE[3]) - np.log(NOISE[3]).mean()
    near = np.log(VALUES["near"])

    def found(shift: float) -> tuple[list[str], dict[str, tuple[float, float]]]:
        values = VALUES | {"wide": np.exp(near + pattern + shift)}
        others = ["far", "base", "wide", "wider"]
        logs = {name: np.log(values[name]) - near for name in others}
        observed = [float(d.var(ddof=1)) for d in logs.values()]
        prior = limma_prior(observed, [J - 1] * 4)
        degrees = min(prior[1] + J - 1, 4 * (J - 1))
        ps = []
        for d, own in zip(logs.values(), observed, strict=True):
            error = math.sqrt((1 / J + RATIO) * limma_squeeze(own, J - 1, prior))
            ps.append(float(2 * stats.t.sf(abs(d.mean()) / error, degrees)))
        pairs = dict(zip(others, zip(ps, holm(ps), strict=True), strict=True))
        return best_of({"wide": values["wide"]})["indistinguishable"], pairs

    places = {"far": "m/depth_1", "base": "m/depth_2", "wide": "m/width_9", "wider": "m/width_512"}
    seen = set()
    for shift in (0.03, 0.075, 0.12):
        listed, pairs = found(shift)
        assert listed == [places[name] for name, (_, adjusted) in pairs.items() if adjusted >= 0.05]
        seen.add((pairs["wide"][0] < 0.05, pairs["wide"][1] < 0.05))
    assert seen == {(False, False), (True, False), (True, True)}


def test_the_practically_equivalent_is_listed_and_the_told_apart_is_not() -> None:
    listed = best_of({})["indistinguishable"]
    assert "m/depth_2" in listed  # ± 20 % holds all of it
    assert "m/depth_1" not in listed  # 80 % worse
    assert "m/depth_3" not in listed  # itself


def equals(n_cells: int, sd: float = 0.1) -> dict[str, np.ndarray]:
    """Cells of one geometric mean, whose logarithms scatter each by exactly ``sd`` and independently."""
    columns = np.random.default_rng(0).normal(size=(J, n_cells))
    patterns = np.linalg.qr(columns - columns.mean(axis=0))[0] * math.sqrt(J - 1)
    return {f"c{k}": 10 * np.exp(sd * patterns[:, k]) for k in range(n_cells)}


def optimism(values: dict[str, Any], **study: Any) -> float | None:
    axis = make_axis("a", "c0", **{f"_{name}": name for name in values})
    found: float | None = run(make_study(axis, **study), values)["best"]["optimism"]
    return found


def test_the_best_of_equals_looks_better_by_as_much_as_is_said() -> None:
    # Each mean misses by its own luck: of J replicates, and of the pool that all of them share.
    values = equals(3)
    rng = np.random.default_rng(1)
    studies = 40_000
    luck = 0.1 * math.sqrt(RATIO) * rng.normal(size=(studies, 3))
    luck += 0.1 * rng.normal(size=(studies, 3, J)).mean(axis=2)
    gain = float(luck.max(axis=1).mean())
    said = optimism(values)
    assert said == pytest.approx(10 * math.expm1(gain), rel=0.02)
    # By hand: of three E[max] = 3/(2 √π), of variance (1/12 + 1/5) 0.01.
    size = 1.5 / math.sqrt(math.pi) * math.sqrt((1 / J + RATIO) * 0.01)
    assert said == pytest.approx(10 * math.expm1(size), rel=1e-6)


def test_more_to_choose_from_is_more_optimistic() -> None:
    # Ten equal spreads are pooled with infinite weight: each counts exp(log 5.5 − ψ(5.5)) = 1.0983 times.
    size = 1.538753 * math.sqrt((1 / J + RATIO) * 0.01 * 1.0983)
    assert optimism(equals(10)) == pytest.approx(10 * math.expm1(size), rel=1e-3)


def test_spreads_of_broken_cells_say_nothing_of_optimism() -> None:
    values = equals(3)
    heaps = np.where(np.arange(J) < 6, np.array(TRIVIAL), 10.0)
    with_broken = optimism(values | {"broken": heaps}, yardsticks=LEARNT_NOTHING)
    assert with_broken == pytest.approx(optimism(values))


def test_nothing_to_say_of_a_fixed_test_set_or_of_one_candidate() -> None:
    assert optimism(equals(3), fixed=True) is None
    one = {name: own if name == "c0" else [None] * J for name, own in equals(3).items()}
    assert optimism(one) is None


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, 0.0), (2, 1 / math.sqrt(math.pi)), (3, 1.5 / math.sqrt(math.pi)), (10, 1.538753)],
)
def test_the_expected_maximum_of_normal_numbers(n: int, expected: float) -> None:
    assert expected_maximum(n) == pytest.approx(expected, abs=1e-6)
    drawn = np.random.default_rng(n).normal(size=(100_000, n)).max(axis=1).mean()
    assert expected_maximum(n) == pytest.approx(drawn, abs=0.015)
