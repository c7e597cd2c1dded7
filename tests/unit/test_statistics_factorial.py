"""Main effects and interactions of a full factorial design."""

from dataclasses import asdict
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.statistics.factorial import Term, factorial_terms
from ablation.statistics.importance import axis_importance
from ablation.statistics.paired import corrected_paired_test, holm

J = 8
FACTORS: dict[str, list[Any]] = {"depth": [1, 2], "kernel size": [3, 5, 7]}
LEVELS = [dict(zip(FACTORS, cell, strict=True)) for cell in product(*FACTORS.values())]


def table(effect: Any, levels: list[dict[str, Any]] = LEVELS, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = rng.normal(10, 3, (J, 1)) + np.array([effect(cell) for cell in levels])
    return pd.DataFrame(rows + rng.normal(0, 0.3, (J, len(levels))))


def terms(values: pd.DataFrame, ratio: float = 0.25, **changes: Any) -> dict[tuple, Term]:
    given: dict[str, Any] = {"factors": FACTORS, "levels": LEVELS, **changes}
    found = factorial_terms(
        values, given["factors"], given["levels"], test_train_ratio=ratio, confidence=0.95
    )
    assert found is not None
    return {term.factors: term for term in found}


def test_one_factor_is_the_axis() -> None:
    # The factor with a single level has no effect and no term.
    factors = {"depth": [1], "kernel size": [3, 5, 7]}
    values = table(lambda c: 0.1 * c["kernel size"], LEVELS[:3])
    (found,) = terms(values, levels=LEVELS[:3], factors=factors).values()
    expected = axis_importance(values, test_train_ratio=0.25, confidence=0.95)
    assert expected is not None
    assert asdict(found.share) | {"interval": None} == pytest.approx(
        asdict(expected) | {"interval": None}
    )
    assert found.share.interval == pytest.approx(expected.interval)
    assert 0 < found.share.omega2 < 1


def test_every_term_with_its_degrees() -> None:
    found = terms(table(lambda c: c["depth"]))
    assert list(found) == [("depth",), ("kernel size",), ("depth", "kernel size")]
    degrees = [(t.share.df, t.share.df_error) for t in found.values()]
    assert degrees == [(1, 35), (2, 35), (2, 35)]
    ps = [t.share.p for t in found.values()]
    assert [t.p_adjusted for t in found.values()] == pytest.approx(holm(ps))
    assert found["depth",].share.p < 1e-6
    assert found["kernel size",].share.p > 0.05


def test_an_interaction_alone_is_found_as_one() -> None:
    # Depth helps with kernel 3 and harms with 7: no main effect at all.
    found = terms(table(lambda c: (c["depth"] - 1.5) * (c["kernel size"] - 5)))
    assert found["depth", "kernel size"].p_adjusted < 1e-6
    assert found["depth",].p_adjusted > 0.05
    assert found["kernel size",].p_adjusted > 0.05


@pytest.mark.parametrize("ratio", [0.0, 0.25])
def test_a_two_by_two_is_three_contrasts(ratio: float) -> None:
    # Sums of squares by hand: each effect of a 2 × 2 is one contrast of four cell means.
    factors = {"a": [0, 1], "b": [False, True]}
    levels = [{"a": a, "b": b} for a, b in product(*factors.values())]
    values = table(lambda c: 0.3 * c["a"] + 0.1 * c["b"], levels)
    found = terms(values, ratio, factors=factors, levels=levels)
    numbers = values.to_numpy()
    centred = numbers - numbers.mean(1, keepdims=True) - numbers.mean(0) + numbers.mean()
    mse = np.sum(centred**2) / (3 * (J - 1))
    contrasts = {("a",): [-1, -1, 1, 1], ("b",): [-1, 1, -1, 1], ("a", "b"): [1, -1, -1, 1]}
    for name, signs in contrasts.items():
        gap = numbers.mean(0) @ np.array(signs)
        f = gap**2 / 4 / mse / (1 / J + ratio)
        share = found[name].share
        assert share.f == pytest.approx(f)
        effect = max(f - 1, 0) * (1 / J + ratio)
        assert share.omega2 == pytest.approx(effect / (effect + 4))


def test_two_cells_are_the_paired_test() -> None:
    factors = {"a": ["x", "y"]}
    levels = [{"a": "x"}, {"a": "y"}]
    values = table(lambda c: 0.2 * (c["a"] == "y"), levels)
    (found,) = terms(values, factors=factors, levels=levels).values()
    test = corrected_paired_test(values[1] - values[0], test_train_ratio=0.25)
    assert found.share.p == pytest.approx(test.p)


def test_three_factors_have_seven_terms() -> None:
    factors = {"a": [0, 1], "b": [0, 1], "c": [0, 1]}
    levels = [dict(zip("abc", cell, strict=True)) for cell in product((0, 1), repeat=3)]
    found = terms(table(lambda c: c["a"], levels), factors=factors, levels=levels)
    assert len(found) == 7
    assert list(found)[-1] == ("a", "b", "c")


def test_no_spread_and_incomplete_designs() -> None:
    flat = pd.DataFrame(np.arange(J)[:, None] + np.arange(6.0))
    options: dict[str, Any] = {"test_train_ratio": 0.25, "confidence": 0.95}
    assert factorial_terms(flat, FACTORS, LEVELS, **options) is None
    with pytest.raises(ValueError, match="6 combinations of levels are needed, got 5"):
        factorial_terms(flat.iloc[:, :5], FACTORS, LEVELS[:5], **options)
    with pytest.raises(ValueError, match="6 combinations"):
        factorial_terms(flat, FACTORS, [*LEVELS[:5], LEVELS[0]], **options)
    with pytest.raises(ValueError, match="two levels"):
        factorial_terms(flat.iloc[:, :1], {"depth": [1]}, [{"depth": 1}], **options)


def test_nothing_imports_statsmodels_before_it_is_needed() -> None:
    import subprocess
    import sys

    code = "import sys, ablation.statistics.compare; print('statsmodels' in sys.modules)"
    path = {"PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"
