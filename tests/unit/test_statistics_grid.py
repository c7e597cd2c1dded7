"""A grid of several parameters in comparisons.json: its terms, or why there are none."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from test_statistics_compare import BASE, DEPTH, RATIO, VALUES, J, lost, make_axis, make_study, run

FACTORS = {"depth": [1, 2], "kernel": [3, 5]}
GRID = make_axis("grid", "a", _a="base", _b="far", _c="near", _d="wide") | {"factors": FACTORS}
for _cell, _levels in zip(GRID["cells"], product(*FACTORS.values()), strict=True):
    _cell["levels"] = dict(zip(FACTORS, _levels, strict=True))
CELLS = ("base", "far", "near", "wide")


def factorial(values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = run(make_study(GRID), values)["axes"]["grid"]["factorial"]
    return found


def contrast_f(signs: list[int], kept: list[int]) -> float:
    """F of one contrast of the four cells against its own scatter over replicates."""
    table = np.log(np.column_stack([VALUES[name][kept] for name in CELLS])) @ np.array(signs)
    n = len(kept)
    return float(table.mean() ** 2 / table.var(ddof=1) / (1 / n + RATIO))


def test_a_grid_has_its_terms_on_the_metrics_scale_and_other_axes_have_none() -> None:
    assert run(make_study(DEPTH), VALUES)["axes"]["depth"]["factorial"] is None
    found = factorial(VALUES)
    assert (found["factors"], found["n_replicates"], found["left_out"], found["reason"]) == (
        ["depth", "kernel"], J, [], None,
    )  # fmt: skip
    signs = {
        ("depth",): [-1, -1, 1, 1],
        ("kernel",): [-1, 1, -1, 1],
        ("depth", "kernel"): [1, -1, -1, 1],
    }
    assert [tuple(term["factors"]) for term in found["terms"]] == list(signs)
    for term, each in zip(found["terms"], signs.values(), strict=True):
        assert term["f"] == pytest.approx(contrast_f(each, list(range(J))))
        assert (term["df"], term["df_error"]) == (1, J - 1)


def test_a_grid_uses_the_replicates_that_all_cells_have() -> None:
    found = factorial(VALUES | {"near": lost(VALUES["near"], 4, 6), "far": lost(VALUES["far"], 0)})
    assert (found["n_replicates"], found["left_out"], found["reason"]) == (9, [0, 4, 6], None)
    kept = [r for r in range(J) if r not in (0, 4, 6)]
    assert found["terms"][0]["f"] == pytest.approx(contrast_f([-1, -1, 1, 1], kept))


@pytest.mark.parametrize(
    ("changes", "failed", "reason"),
    [
        ({"near": [None] * J}, None, "diverged"),
        ({"near": lost(VALUES["near"], *range(8))}, None, "diverged"),
        ({}, "wide", "failed"),
        ({"near": lost(VALUES["near"], 2)}, "wide", "failed"),
        ({name: own[:4] for name, own in VALUES.items()}, None, "few replicates"),
        ({"wide": [0.0, *BASE[1:]]}, None, "zero"),
        ({name: BASE * i for i, name in enumerate(CELLS, 1)}, None, "no spread"),
    ],
)
def test_why_a_grid_has_no_terms(changes: dict[str, Any], failed: str | None, reason: str) -> None:
    values = {name: own for name, own in (VALUES | changes).items() if name != failed}
    found = factorial(values)
    assert (found["reason"], found["terms"]) == (reason, [])
