"""The share of the spread that a small test part gives by itself."""

import numpy as np
import pytest
from ablation.statistics.spread import noise_of


def test_recomputed() -> None:
    parts = {r: np.random.default_rng(r).random(40 + r) for r in range(8)}
    found = noise_of(parts, overlap_ratio=0.2, step=6)
    assert found is not None
    assert found["sd"] == pytest.approx(np.std([p.mean() for p in parts.values()], ddof=1))
    errors = [p.std(ddof=1) / np.sqrt(len(p)) for p in parts.values()]
    # A sixth of the pool tests; of eight replicates a pair is of two blocks in 2 of 7 cases.
    shown = 1 - 1 / 6 * 2 / 7
    assert found["sd_test"] == pytest.approx(np.sqrt(shown * np.mean(np.square(errors))))
    assert found["share"] == pytest.approx((found["sd_test"] / found["sd"]) ** 2)


def test_known_parts_come_out() -> None:
    # A true spread of 0.03 between replicates, beside test parts of 100 with s.d. 0.3: 0.03 as well.
    rng = np.random.default_rng(0)
    parts = {r: rng.normal(rng.normal(0, 0.03), 0.3, 100) for r in range(2000)}
    found = noise_of(parts, overlap_ratio=0.0, step=1)
    assert found is not None
    assert found["sd_test"] == pytest.approx(0.03, rel=0.02)
    assert found["sd"] == pytest.approx(0.03 * np.sqrt(2), rel=0.06)
    assert found["share"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(("n_replicates", "step"), [(6, 6), (12, 6), (6, 1)])
def test_parts_of_one_pool_are_as_noisy_as_it_says(n_replicates: int, step: int) -> None:
    """All of the spread is the chance of the test parts, shared out in blocks of six or drawn one by one."""
    rng = np.random.default_rng(n_replicates + step)
    found = []
    for _ in range(600):
        pool, parts = rng.normal(size=300), []
        while len(parts) < n_replicates:
            parts += np.array_split(rng.permutation(pool), 6)[:step]
        noise = noise_of(dict(enumerate(parts)), overlap_ratio=0.2, step=step)
        assert noise is not None
        found.append((noise["sd"] ** 2, noise["sd_test"] ** 2))
    seen, said = np.mean(found, axis=0)
    assert said == pytest.approx(seen, rel=0.09)


def test_a_share_above_one_stays_above_one() -> None:
    # Means 0.4, 0.5 and 0.6 lie closer together than ten right or wrong answers each let them.
    parts = {r: np.repeat([1.0, 0.0], [4 + r, 6 - r]) for r in range(3)}
    found = noise_of(parts, overlap_ratio=0.0, step=1)
    assert found is not None
    assert found["sd"] == pytest.approx(0.1)
    # s²/n: 0.24/9, 0.25/9, 0.24/9.
    assert found["sd_test"] == pytest.approx(np.sqrt(0.73 / 27))
    assert found["share"] == pytest.approx(0.73 / 27 / 0.01)
    assert found["share"] > 2.7


def test_nothing_varies_and_too_little_to_say() -> None:
    alike = noise_of({r: np.array([0.0, 1.0]) for r in range(3)}, overlap_ratio=0.0, step=1)
    assert alike is not None
    assert (alike["sd"], alike["share"]) == (0, None)
    assert alike["sd_test"] == pytest.approx(0.5)
    assert noise_of({0: np.arange(5)}, overlap_ratio=0.0, step=1) is None
    assert noise_of({0: np.arange(5), 1: np.array([1])}, overlap_ratio=0.0, step=1) is None
    assert noise_of({}, overlap_ratio=0.0, step=1) is None
