"""What ``make check`` says of a network: sound ones keep every promise, and each way of breaking one is named."""

from __future__ import annotations

import pytest
from ablation.training.conformance import check, fingerprint, other_values, unread
from test_engine_contracts import NETWORKS, part_of
from unit_engine import cell, table
from unit_networks import PARAMETERS


@pytest.mark.parametrize("name", NETWORKS)
def test_a_sound_network_has_no_wrong_finding(name: str) -> None:
    found = list(check(cell(name, part_of(name))))
    assert [each.text for each in found if each.wrong] == []
    assert len(found) == 6


def wrong(name: str) -> str:
    return "; ".join(each.text for each in check(cell(name, table())) if each.wrong)


def test_what_draws_elsewhere_is_named() -> None:
    text = wrong("DrawsOutside")
    assert "draws from numpy.random, outside the streams" in text
    assert "trained again it gives other numbers" in text


def test_what_remembers_is_named() -> None:
    assert "a replicate alone differs by" in wrong("MixesBatch")


def test_a_layer_without_a_gradient_is_named() -> None:
    parts = {"width": 4, "wasted": 3}
    text = "; ".join(f.text for f in check(cell("Idle", table(), **parts)) if f.wrong)
    assert text == (
        "idle.weight gets no gradient: no output depends on it; "
        "idle.bias gets no gradient: no output depends on it"
    )


def test_outputs_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"gives \(8, 2\) for a batch: allowed is \(8, 1\)"):
        list(check(cell("WrongShape", table())))


def test_a_parameter_that_changes_nothing_is_found() -> None:
    each = cell("Idle", table(), width=4, wasted=3)
    assert list(unread(each, PARAMETERS)) == ["wasted"]


def test_a_fingerprint_tells_networks_apart() -> None:
    prints = [fingerprint(cell(name, part_of(name))) for name in NETWORKS]
    assert len(set(prints)) == len(prints)
    assert prints == [fingerprint(cell(name, part_of(name))) for name in NETWORKS]


@pytest.mark.parametrize(
    ("rule", "value", "first"),
    [
        ({"enum": ["a", "b"]}, "a", "b"),
        ({"type": "boolean"}, True, False),
        ({"type": "integer", "maximum": 3}, 3, 2),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, 0.0, 0.25),
        ({"type": "array", "items": {"type": "integer"}}, [1, 2], [2, 3]),
    ],
)
def test_other_values(rule: dict[str, object], value: object, first: object) -> None:
    assert next(other_values(rule, value)) == first
