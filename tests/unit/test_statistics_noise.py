"""The share of the spread that a small test part gives by itself."""

import numpy as np
import pytest
from ablation.statistics.noise import noise_of


def test_recomputed() -> None:
    parts = {r: np.random.default_rng(r).random(40 + r) for r in range(5)}
    found = noise_of(parts)
    assert found is not None
    assert found.sd == pytest.approx(np.std([p.mean() for p in parts.values()], ddof=1))
    errors = [p.std(ddof=1) / np.sqrt(len(p)) for p in parts.values()]
    assert found.sd_test == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert found.share == pytest.approx(min((found.sd_test / found.sd) ** 2, 1))


def test_known_parts_come_out() -> None:
    # A true spread of 0.03 between replicates, beside test parts of 100 with s.d. 0.3: 0.03 as well.
    rng = np.random.default_rng(0)
    parts = {r: rng.normal(rng.normal(0, 0.03), 0.3, 100) for r in range(2000)}
    found = noise_of(parts)
    assert found is not None
    assert found.sd_test == pytest.approx(0.03, rel=0.02)
    assert found.sd == pytest.approx(0.03 * np.sqrt(2), rel=0.06)
    assert found.share == pytest.approx(0.5, abs=0.06)


def test_parts_of_one_pool_are_as_noisy_as_it_says() -> None:
    # Test parts that share out one pool: the spread of their means is s/√n on average, no less.
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(400):
        shares = np.array_split(rng.permutation(rng.normal(size=504)), 6)
        found = noise_of(dict(enumerate(shares)))
        assert found is not None
        ratios.append(found.sd**2 / found.sd_test**2)
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)


def test_a_share_is_at_most_one_and_nothing_varies() -> None:
    alike = {r: np.array([0.0, 1.0, 0.0, 1.0]) for r in range(3)}
    found = noise_of(alike)
    assert found is not None
    assert (found.sd, found.share) == (0, 1)
    constant = noise_of({0: np.ones(5), 1: np.ones(5)})
    assert constant is not None
    assert constant.share is None
    assert noise_of({0: np.arange(5)}) is None
    assert noise_of({0: np.arange(5), 1: np.array([1])}) is None
