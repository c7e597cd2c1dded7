"""Numbers as text."""

from __future__ import annotations

import pytest
from ablation.language import numbers as fmt


@pytest.mark.parametrize(
    ("value", "decimals", "sign", "text"),
    [
        (11.518, 1, False, "11.5"),
        (-0.5, 1, False, "\u22120.5"),
        (-0.04, 1, False, "0.0"),
        (0.5, 2, True, "+0.50"),
        (-0.001, 2, True, "0.00"),
        (12345.6, 1, False, "12,345.6"),
        (8.5, 0, False, "9"),  # half up, and not to the even number
        (9.5, 0, False, "10"),
        (-2.5, 0, False, "\u22123"),
        (7.25, 1, False, "7.3"),
        (0.125, 2, True, "+0.13"),
        (2.675, 2, False, "2.68"),  # as it is written, though the number itself lies below
    ],
)
def test_fixed(value, decimals, sign, text):
    assert fmt.fixed(value, decimals, sign=sign) == text


@pytest.mark.parametrize(
    ("uncertainty", "decimals"),
    [(1.8, 1), (0.18, 2), (18, 0), (0.0, 2), (float("nan"), 2), (1e-9, 6)],
)
def test_decimals_follow_the_uncertainty(uncertainty, decimals):
    assert fmt.decimals_for(uncertainty) == decimals


def test_a_column_has_one_count_of_decimals():
    assert fmt.column_decimals([(9.7, 13.3), (0.0, 0.02), None, (60.0, 110.0)]) == 1
    assert fmt.column_decimals([None], [123.0]) == 0
    assert fmt.column_decimals([]) == 2


def test_intervals_are_as_wide_as_one_another():
    found = fmt.intervals([(9.7, 13.3), (-10.1, 3.3), None], 1)
    assert found[2] is None
    assert found[0] is not None
    assert len(found[0]) == len(found[1] or "")
    assert found[1] == "[\u221210.1, \u20073.3]"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "<0.001"),
        (0.0001, "<0.001"),
        (0.00049, "<0.001"),
        (0.0005, "0.001"),
        (0.0124, "0.012"),
        (0.0625, "0.063"),  # half up, as every other number
        (1.0, "1.000"),
    ],
)
def test_p(p, text):
    assert fmt.p_value(p) == text


def test_other_forms():
    assert fmt.count(1234567) == "1,234,567"
    assert fmt.count(-5) == "\u22125"
    assert fmt.percent(0.95) == "95"
    assert fmt.percent(0.975) == "97.5"
    assert fmt.percent(1 - 0.05 / 3) == "98.33"
    assert fmt.significant(0) == "0"
    assert fmt.significant(3.398) == "3.40"
    assert fmt.megabytes(4.1e8) == "410"
    assert not fmt.is_number(None)
    assert not fmt.is_number(float("nan"))


@pytest.mark.parametrize(
    ("pair", "text"),
    [((336, 338), "336–338"), ((500, 500), "500"), ((47999, 48000), "47,999–48,000")],
)
def test_a_count_that_differs_between_replicates_is_a_range(pair, text):
    assert fmt.counts(pair) == text


def test_no_number_is_a_dash_with_its_reason():
    found = fmt.entries(["1.0", None], ["", "it diverged"])
    assert found[1] == fmt.Entry("–", "it diverged")
