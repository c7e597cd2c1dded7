"""Diverged replicates counted as the trivial predictor."""

import numpy as np
import pytest
from ablation.statistics.intervals import mean_interval
from ablation.statistics.paired import corrected_paired_test
from ablation.statistics.replicates import CellNumbers
from ablation.statistics.sensitivity import Trivial, counted_as_trivial

J = 8
RNG = np.random.default_rng(0)
OWN, OTHER = RNG.normal(10, 1, J), RNG.normal(12, 1, J)
MEAN = Trivial("predict_mean", dict(enumerate(80 + RNG.normal(size=J))))


def cell(values: np.ndarray, *diverged: int) -> CellNumbers:
    kept = {r: float(v) for r, v in enumerate(values) if r not in diverged}
    return CellNumbers(metric=kept, n_total=J, diverged=set(diverged))


def test_a_lost_replicate_counts_as_its_own_trivial_value() -> None:
    found = counted_as_trivial(
        cell(OWN, 1, 4), cell(OTHER), MEAN, level=0.975, test_train_ratio=0.25
    )
    values = OWN.copy()
    values[[1, 4]] = [MEAN.values[1], MEAN.values[4]]
    differences = values - OTHER
    assert found is not None
    assert (found.counted_as, found.n_counted) == ("predict_mean", 2)
    assert found.difference == pytest.approx(differences.mean())
    expected = mean_interval(differences, test_train_ratio=0.25, confidence=0.975)
    assert found.interval == pytest.approx(expected)
    assert found.p == pytest.approx(corrected_paired_test(differences, test_train_ratio=0.25).p)
    # The survivors alone are better than the reference, the cell is not.
    assert np.delete(OWN - OTHER, [1, 4]).mean() < 0 < found.difference


def test_the_reference_counts_too_and_a_pair_once() -> None:
    found = counted_as_trivial(
        cell(OWN, 1), cell(OTHER, 1, 2), MEAN, level=0.95, test_train_ratio=0.25
    )
    assert found is not None
    assert found.n_counted == 2
    differences = OWN - OTHER
    differences[1], differences[2] = 0, OWN[2] - MEAN.values[2]
    assert found.difference == pytest.approx(differences.mean())


def test_all_diverged_is_a_difference_all_the_same() -> None:
    chance = Trivial("chance", dict.fromkeys(range(J), 0.1))
    found = counted_as_trivial(
        cell(OWN, *range(J)), cell(OTHER), chance, level=0.95, test_train_ratio=0
    )
    assert found is not None
    assert found.n_counted == J
    assert found.difference == pytest.approx(0.1 - OTHER.mean())


def test_nothing_to_count() -> None:
    options = {"level": 0.95, "test_train_ratio": 0.25}
    assert counted_as_trivial(cell(OWN), cell(OTHER), MEAN, **options) is None
    unknown = Trivial("predict_mean", {})
    assert counted_as_trivial(cell(OWN, 1), cell(OTHER), unknown, **options) is None


def test_few_pairs_and_no_spread_give_no_p() -> None:
    few = counted_as_trivial(
        CellNumbers({0: 1.0, 1: 2.0}, n_total=3, diverged={2}),
        CellNumbers({0: 1.5, 1: 1.0, 2: 3.0}, n_total=3),
        MEAN, level=0.95, test_train_ratio=0.25,
    )  # fmt: skip
    assert few is not None
    assert few.p is None
    assert few.interval is not None
    same = Trivial("chance", dict.fromkeys(range(J), 0.1))
    flat = counted_as_trivial(
        cell(OWN, *range(J)), cell(np.full(J, 0.9)), same, level=0.95, test_train_ratio=0.25
    )
    assert flat is not None
    assert flat.p is flat.interval is None
    assert flat.difference == pytest.approx(-0.8)
