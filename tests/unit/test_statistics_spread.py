"""The spread of few pairs: drawn towards those of other comparisons, never below what the test samples give."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from ablation.statistics.spread import (
    Prior,
    Spread,
    moderated,
    sampling_floor,
    spread_factor,
    spreads,
    variance_prior,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

EULER = 0.5772156649015329


def limma_prior(variances: Sequence[float], degrees: Sequence[int]) -> tuple[float, float]:
    """s0² and d0 as limma's ``fitFDist`` and ``trigammaInverse`` make them (Smyth 2004, section 6.2)."""
    half = np.asarray(degrees) / 2
    e = np.log(variances) - special.psi(half) + np.log(half)
    n = len(e)
    evar = float(np.mean(n / (n - 1) * (e - e.mean()) ** 2 - special.polygamma(1, half)))
    if evar <= 0:
        return math.exp(e.mean()), math.inf
    y = 0.5 + 1 / evar
    for _ in range(100):
        tri = special.polygamma(1, y)
        step = tri * (1 - tri / evar) / special.polygamma(2, y)
        y += step
        if -step / y < 1e-12:
            break
    return math.exp(e.mean() + special.psi(y) - math.log(y)), float(2 * y)


def limma_squeeze(variance: float, degrees: int, prior: tuple[float, float]) -> float:
    """The moderated variance (Smyth 2004, equation 3)."""
    typical, weight = prior
    if math.isinf(weight):
        return typical
    return (weight * typical + degrees * variance) / (weight + degrees)


@given(st.integers(0, 10_000), st.integers(3, 30), st.floats(0.5, 3), st.integers(4, 23))
def test_the_prior_is_limmas(seed: int, n: int, spread: float, least: int) -> None:
    rng = np.random.default_rng(seed)
    degrees = rng.integers(least, least + 3, n)
    variances = rng.lognormal(0, spread, n) * rng.chisquare(degrees) / degrees
    found = variance_prior(list(variances), list(degrees))
    assert found is not None
    typical, weight = limma_prior(list(variances), list(degrees))
    assert found.degrees == pytest.approx(weight, rel=1e-6)
    assert found.variance == pytest.approx(typical, rel=1e-6)


def test_the_prior_finds_what_variances_were_drawn_from() -> None:
    # True variances from a scaled inverse χ² of 8 degrees around 3, each seen with 11 degrees.
    rng = np.random.default_rng(0)
    true = 3 * 8 / rng.chisquare(8, 20_000)
    found = variance_prior(list(true * rng.chisquare(11, 20_000) / 11), [11] * 20_000)
    assert found is not None
    assert found.degrees == pytest.approx(8, rel=0.05)
    assert found.variance == pytest.approx(3, rel=0.02)


def test_equal_variances_have_a_prior_of_infinite_weight_by_hand() -> None:
    # With 2 degrees each logarithm lies ψ(1) − log 1 = −γ too low on average: 2 e^γ = 3.562144.
    found = variance_prior([2.0] * 4, [2] * 4)
    assert found is not None
    assert math.isinf(found.degrees)
    assert found.variance == pytest.approx(2 * math.exp(EULER))
    assert moderated(0.01, 2, found, most=8) == (found.variance, 8.0)


@pytest.mark.parametrize("variances", [[], [1.0], [1.0, 9.0]])
def test_too_few_variances_teach_nothing(variances: list[float]) -> None:
    assert variance_prior(variances, [11] * len(variances)) is None
    assert moderated(4.0, 11, None, most=99) == (4.0, 11.0)


def test_a_variance_is_drawn_towards_the_prior_by_hand() -> None:
    # (6 · 2 + 4 · 7)/(6 + 4) = 4, with 10 degrees; of all comparisons together there are 9.
    assert moderated(7.0, 4, Prior(2.0, 6.0), most=40) == (4.0, 10.0)
    assert moderated(7.0, 4, Prior(2.0, 6.0), most=9) == (4.0, 9.0)


ANSWERS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40)


@given(st.lists(ANSWERS, min_size=1, max_size=4), st.floats(0.5, 1))
def test_the_floor_of_right_and_wrong_answers_is_mcnemars_variance(
    parts: list[list[tuple[bool, bool]]], factor: float
) -> None:
    # b and c samples that one alone gets right: the difference (b − c)/n has the variance
    # (b + c − (b − c)²/n)/n², n − 1 for one n where it is estimated.
    expected = []
    for part in parts:
        n, b = len(part), sum(x and not y for x, y in part)
        c = sum(y and not x for x, y in part)
        expected.append((b + c - (b - c) ** 2 / n) / (n * (n - 1)))
    cell = {r: np.array([x for x, _ in part]) for r, part in enumerate(parts)}
    reference = {r: np.array([y for _, y in part]) for r, part in enumerate(parts)}
    found = sampling_floor(cell, reference, factor)
    assert found == pytest.approx(factor * sum(expected) / len(expected), abs=1e-12)


def test_the_floor_is_of_the_replicates_in_common() -> None:
    one, two = np.array([1.0, 3.0, 8.0]), np.array([0.0, 0.0, 3.0])
    # Differences 1, 3, 5: variance 4, of a mean of three 4/3.
    assert sampling_floor({0: one, 1: two}, {0: two, 2: one}, 1.0) == pytest.approx(4 / 3)
    assert sampling_floor({0: one}, {1: two}, 1.0) == 0
    assert sampling_floor({}, {}, 1.0) == 0
    assert sampling_floor({0: one[:1]}, {0: two[:1]}, 1.0) == 0


def variances_of_blocks(n_parts: int, size: int, n_replicates: int) -> NDArray[np.float64]:
    """S² of replicates whose test parts share out a pool, block by block, in units of that of one part; 6,000 pools."""
    rng = np.random.default_rng(n_replicates)
    pools = rng.normal(size=(6000, n_parts * size))
    blocks = []
    for _ in range(n_replicates // n_parts):
        shuffled = rng.permuted(pools, axis=1).reshape(6000, n_parts, size)
        blocks.append(shuffled.mean(axis=2))
    return np.concatenate(blocks, axis=1).var(axis=1, ddof=1) * size


def variances_of_draws(pool: int, size: int, n_replicates: int) -> NDArray[np.float64]:
    """The same for test parts that are drawn from a pool independently."""
    rng = np.random.default_rng(n_replicates)
    pools = rng.normal(size=(6000, pool))
    means = [rng.permuted(pools, axis=1)[:, :size].mean(axis=1) for _ in range(n_replicates)]
    return np.stack(means, axis=1).var(axis=1, ddof=1) * size


@pytest.mark.parametrize(("n_replicates", "expected"), [(6, 1.0), (12, 0.909091), (24, 0.869565)])
def test_blocks_of_disjoint_parts_hide_as_much_luck_as_is_said(
    n_replicates: int, expected: float
) -> None:
    found = spread_factor(n_replicates, 1 / 5, 6)
    assert found == pytest.approx(expected, abs=1e-6)  # 1 − (J − 6)/(6 (J − 1))
    assert variances_of_blocks(6, 10, n_replicates).mean() == pytest.approx(found, rel=0.025)


@pytest.mark.parametrize("n_replicates", [6, 12])
def test_independent_draws_hide_the_share_of_the_pool_that_tests(n_replicates: int) -> None:
    found = spread_factor(n_replicates, 1 / 3, 1)  # a quarter of the pool tests
    assert found == pytest.approx(0.75)
    assert variances_of_draws(40, 10, n_replicates).mean() == pytest.approx(found, rel=0.025)


def test_a_fixed_test_set_and_less_than_a_block_hide_nothing() -> None:
    assert spread_factor(12, 0.0, 1) == 1
    assert spread_factor(4, 1 / 5, 6) == 1


def sample(sd: float, seed: int, n: int = 12) -> list[float]:
    return list(np.random.default_rng(seed).normal(1, sd, n))


def test_the_spreads_of_a_model_recomputed() -> None:
    differences = {f"c{i}": sample(sd, i) for i, sd in enumerate((0.5, 1, 2, 3, 4))}
    differences["short"] = sample(1, 9, n=7)
    differences["heaps"] = sample(30, 10)
    poolable = {name: name != "heaps" for name in differences}
    found = spreads(differences, {"c0": 50.0, "heaps": 1.0}, poolable)
    pool = [name for name in differences if name != "heaps"]
    observed = {name: float(np.var(differences[name], ddof=1)) for name in differences}
    degrees = {name: len(differences[name]) - 1 for name in differences}
    prior = limma_prior([observed[n] for n in pool], [degrees[n] for n in pool])
    assert 0 < prior[1] < 30  # else there is nothing to tell apart
    for name in pool:
        own = found[name]
        assert own.observed == pytest.approx(observed[name])
        assert own.pooled == pytest.approx(limma_squeeze(observed[name], degrees[name], prior))
        assert own.degrees == pytest.approx(prior[1] + degrees[name])
    assert (found["c0"].floor, found["c0"].used) == (50.0, 50.0)
    assert (found["c1"].floor, found["c1"].used) == (0.0, found["c1"].pooled)
    heaps = found["heaps"]
    assert heaps == Spread(observed["heaps"], observed["heaps"], 1.0, 11.0)


def test_degrees_are_at_most_those_of_all_that_were_pooled() -> None:
    # The same differences in another order: variances are all alike, and the prior weighs without end.
    base = sample(1, 0)
    found = spreads(
        {name: base[i:] + base[:i] for i, name in enumerate("abcd")},
        {},
        dict.fromkeys("abcd", True),
    )
    assert [one.degrees for one in found.values()] == [44.0] * 4
    # Each logarithm lies ψ(5.5) − log(5.5) too low on average.
    expected = np.var(base, ddof=1) * math.exp(math.log(5.5) - special.psi(5.5))
    assert found["a"].used == pytest.approx(expected)


def test_a_comparison_without_spread_neither_gives_nor_takes() -> None:
    differences = {"a": sample(1, 0), "b": sample(2, 1), "c": sample(3, 2), "flat": [0.5] * 12}
    found = spreads(differences, {}, dict.fromkeys(differences, True))
    assert found["flat"] == Spread(0.0, 0.0, 0.0, 11.0)
    alone = spreads({k: differences[k] for k in "ab"}, {}, dict.fromkeys("ab", True))
    assert [one.pooled for one in alone.values()] == [one.observed for one in alone.values()]
    assert found["a"].pooled != found["a"].observed
