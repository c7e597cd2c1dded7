"""Prepared data, as they lie on disk, against the raw bytes: every replicate of both data sets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oracle.data_checks import (
    check_boston_indices,
    check_boston_promises,
    check_boston_values,
    check_digit_indices,
    check_digit_moments,
    check_digit_promises,
)
from oracle.study import Cell, Study

BOSTON = (check_boston_promises, check_boston_indices, check_boston_values)
DIGITS = (check_digit_promises, check_digit_indices, check_digit_moments)


def each_data(study: Study, model: str) -> list[Cell]:
    """One cell for each folder of prepared data."""
    found = {cell.data: cell for cell in study.of(model)}
    assert found
    return list(found.values())


@pytest.mark.promise(20)
@pytest.mark.promise(19)
@pytest.mark.parametrize("check", BOSTON)
def test_boston_housing(study: Study, check: Callable[[Cell], None]) -> None:
    for cell in each_data(study, "fnn"):
        check(cell)


@pytest.mark.promise(20)
@pytest.mark.promise(19)
@pytest.mark.parametrize("check", DIGITS)
def test_digits(study: Study, check: Callable[[Cell], None]) -> None:
    for cell in each_data(study, "cnn"):
        check(cell)
