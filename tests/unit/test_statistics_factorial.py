"""Main effects and interactions of a full factorial design, each against its own error term."""

import subprocess
import sys
from dataclasses import asdict
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.statistics.importance import Term, axis_importance, factorial_terms
from ablation.statistics.paired import holm, p_value
from numpy.typing import NDArray
from scipy import stats

J = 8
FACTORS: dict[str, list[Any]] = {"depth": [1, 2], "kernel size": [3, 5, 7]}
LEVELS = [dict(zip(FACTORS, cell, strict=True)) for cell in product(*FACTORS.values())]
TWO: dict[str, list[Any]] = {"a": [0, 1], "b": [False, True]}
TWO_LEVELS = [{"a": a, "b": b} for a, b in product(*TWO.values())]
CONTRASTS = {("a",): [-1, -1, 1, 1], ("b",): [-1, 1, -1, 1], ("a", "b"): [1, -1, -1, 1]}


def table(effect: Any, levels: list[dict[str, Any]] = LEVELS, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = rng.normal(10, 3, (J, 1)) + np.array([effect(cell) for cell in levels])
    return pd.DataFrame(rows + rng.normal(0, 0.3, (J, len(levels))))


def terms(values: pd.DataFrame, ratio: float = 0.25, **changes: Any) -> dict[tuple, Term]:
    given: dict[str, Any] = {"factors": FACTORS, "levels": LEVELS, **changes}
    found = factorial_terms(
        values, given["factors"], given["levels"], overlap_ratio=ratio, confidence=0.95
    )
    assert found is not None
    return {term.factors: term for term in found}


def test_one_factor_is_the_axis() -> None:
    # The factor with a single level has no effect and no term.
    factors = {"depth": [1], "kernel size": [3, 5, 7]}
    values = table(lambda c: 0.1 * c["kernel size"], LEVELS[:3])
    (found,) = terms(values, levels=LEVELS[:3], factors=factors).values()
    expected = axis_importance(values, overlap_ratio=0.25, confidence=0.95)
    assert expected is not None
    assert asdict(found.share) | {"interval": None} == pytest.approx(
        asdict(expected) | {"interval": None}
    )
    assert found.share.interval == pytest.approx(expected.interval)
    assert 0 < found.share.omega2 < 1


def test_every_term_with_its_own_degrees() -> None:
    found = terms(table(lambda c: c["depth"]))
    assert list(found) == [("depth",), ("kernel size",), ("depth", "kernel size")]
    degrees = [(t.share.df, t.share.df_error) for t in found.values()]
    assert degrees == [(1, 7), (2, 14), (2, 14)]
    ps = [t.share.p for t in found.values()]
    assert [t.p_adjusted for t in found.values()] == pytest.approx(holm(ps))
    assert found["depth",].share.p < 1e-3
    assert found["kernel size",].share.p > 0.05


def own_error(cube: NDArray[np.float64], axes: tuple[int, ...]) -> tuple[float, int, int]:
    """F of one effect of ``[J, A, B]``: its sum of squares over that of its interaction with the replicates."""
    others = tuple(i for i in (1, 2) if i not in axes)
    means = cube.mean(axis=others, keepdims=True)
    effect = means - means.mean(axis=axes, keepdims=True)
    if len(axes) == 2:
        effect = effect - (cube.mean(axis=2, keepdims=True) - cube.mean(axis=(1, 2), keepdims=True))
        effect = effect - (cube.mean(axis=1, keepdims=True) - cube.mean(axis=(1, 2), keepdims=True))
    between = effect.mean(axis=0, keepdims=True)
    df = int(np.prod([cube.shape[i] - 1 for i in axes]))
    of_effect = len(cube) * float(np.sum(between**2)) / df
    df_error = df * (len(cube) - 1)
    of_error = float(np.sum((effect - between) ** 2)) / df_error
    return of_effect / of_error, df, df_error


@pytest.mark.parametrize("ratio", [0.0, 0.25])
def test_sums_of_squares_by_hand(ratio: float) -> None:
    values = table(lambda c: 0.3 * c["depth"] + 0.05 * c["kernel size"] * c["depth"])
    # The depth scatters much more than the rest from replicate to replicate: pooling would spoil all.
    values += np.random.default_rng(5).normal(0, 1, (J, 1)) * [0, 0, 0, 1, 1, 1]
    cube = values.to_numpy().reshape(J, 2, 3)
    found = terms(values, ratio)
    for name, axes in ((("depth",), (1,)), (("kernel size",), (2,)), (tuple(FACTORS), (1, 2))):
        f, df, df_error = own_error(cube, axes)
        f /= 1 + J * ratio
        share = found[name].share
        assert (share.df, share.df_error) == (df, df_error)
        assert share.f == pytest.approx(f)
        assert share.p == pytest.approx(stats.f.sf(f, df, df_error))
        effect = max(df * (f - 1), 0) * (1 / J + ratio)
        assert share.omega2 == pytest.approx(effect / (effect + 6))


def test_an_interaction_alone_is_found_as_one() -> None:
    # Depth helps with kernel 3 and harms with 7: no main effect at all.
    found = terms(table(lambda c: (c["depth"] - 1.5) * (c["kernel size"] - 5)))
    assert found["depth", "kernel size"].p_adjusted < 1e-6
    assert found["depth",].p_adjusted > 0.05
    assert found["kernel size",].p_adjusted > 0.05


@pytest.mark.parametrize("ratio", [0.0, 0.25])
def test_a_two_by_two_is_three_paired_tests(ratio: float) -> None:
    values = table(lambda c: 0.3 * c["a"] + 0.1 * c["b"], TWO_LEVELS)
    found = terms(values, ratio, factors=TWO, levels=TWO_LEVELS)
    for name, signs in CONTRASTS.items():
        own = values.to_numpy() @ np.array(signs)
        t = own.mean() / np.sqrt(own.var(ddof=1) * (1 / J + ratio))
        share = found[name].share
        assert share.f == pytest.approx(t**2)
        assert share.p == pytest.approx(2 * stats.t.sf(abs(t), J - 1))


def test_effects_that_scatter_differently_do_not_share_an_error() -> None:
    # The effect of a varies widely, that of b hardly: b is sure, a is not, and neither borrows.
    rng = np.random.default_rng(2)
    wide, narrow = rng.normal(0.5, 2, (J, 1)), rng.normal(0.5, 0.05, (J, 1))
    noise = rng.normal(0, 0.05, (J, 4))
    values = pd.DataFrame(wide * [0, 0, 1, 1] + narrow * [0, 1, 0, 1] + noise)
    found = terms(values, factors=TWO, levels=TWO_LEVELS)
    assert found["b",].share.p < 1e-4
    assert found["a",].share.p > 0.05


def test_two_cells_are_the_paired_test() -> None:
    factors = {"a": ["x", "y"]}
    levels = [{"a": "x"}, {"a": "y"}]
    values = table(lambda c: 0.2 * (c["a"] == "y"), levels)
    (found,) = terms(values, factors=factors, levels=levels).values()
    difference = values[1] - values[0]
    p = p_value(difference.mean(), J, difference.var(ddof=1), J - 1, 0.25)
    assert found.share.p == pytest.approx(p)


def test_three_factors_have_seven_terms() -> None:
    factors = {"a": [0, 1], "b": [0, 1], "c": [0, 1]}
    levels = [dict(zip("abc", cell, strict=True)) for cell in product((0, 1), repeat=3)]
    found = terms(table(lambda c: c["a"], levels), factors=factors, levels=levels)
    assert len(found) == 7
    assert list(found)[-1] == ("a", "b", "c")


def test_no_spread_and_incomplete_designs() -> None:
    flat = pd.DataFrame(np.arange(J)[:, None] + np.arange(6.0))
    options: dict[str, Any] = {"overlap_ratio": 0.25, "confidence": 0.95}
    assert factorial_terms(flat, FACTORS, LEVELS, **options) is None
    with pytest.raises(ValueError, match="6 combinations of levels are needed, got 5"):
        factorial_terms(flat.iloc[:, :5], FACTORS, LEVELS[:5], **options)
    with pytest.raises(ValueError, match="6 combinations"):
        factorial_terms(flat, FACTORS, [*LEVELS[:5], LEVELS[0]], **options)
    with pytest.raises(ValueError, match="two levels"):
        factorial_terms(flat.iloc[:, :1], {"depth": [1]}, [{"depth": 1}], **options)


@pytest.mark.parametrize("still", [("a",), ("b",)])
def test_a_main_effect_without_spread_leaves_no_analysis(still: tuple[str]) -> None:
    # One effect is the same in every replicate; the rest varies.
    rng = np.random.default_rng(0)
    moving = [signs for name, signs in CONTRASTS.items() if name != still]
    values = (
        10
        + np.array(CONTRASTS[still])
        + sum(rng.normal(size=(J, 1)) * np.array(signs) for signs in moving)
    )
    found = factorial_terms(
        pd.DataFrame(values), TWO, TWO_LEVELS, overlap_ratio=0.25, confidence=0.95
    )
    assert found is None


def test_an_interaction_without_spread_leaves_no_analysis() -> None:
    # Both main effects vary from replicate to replicate and simply add up.
    rng = np.random.default_rng(0)
    values = 10 + rng.normal(size=(J, 1)) * [0, 0, 1, 1] + rng.normal(size=(J, 1)) * [0, 1, 0, 1]
    found = factorial_terms(
        pd.DataFrame(values), TWO, TWO_LEVELS, overlap_ratio=0.25, confidence=0.95
    )
    assert found is None


def test_nothing_imports_statsmodels_before_it_is_needed() -> None:
    code = "import sys, ablation.statistics.compare; print('statsmodels' in sys.modules)"
    path = {"PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"
