"""Canonical text: what makes two specifications equal, and what a value is called."""

import json
import math
import random
from typing import Any

import pytest
from ablation.store.keys import (
    SAFE_LABEL,
    canonical_json,
    digest,
    key_of,
    label,
    normalise,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.one_of(st.booleans(), st.integers(), FINITE, st.none(), st.text(max_size=5))
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=6,
)


@given(st.one_of(st.booleans(), st.integers(), FINITE))
def test_a_label_names_its_value(value: Any) -> None:
    text = label(value)
    assert (
        text == {True: "on", False: "off"}[value]
        if isinstance(value, bool)
        else json.loads(text) == value
    )
    assert "e" not in text.lower() or isinstance(value, bool)


@given(st.one_of(st.booleans(), st.integers(min_value=0), st.floats(1e-9, 1e9)))
def test_a_label_is_a_safe_file_name(value: Any) -> None:
    assert SAFE_LABEL.fullmatch(label(value))


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
def test_other_numbers_have_other_labels(a: float, b: float) -> None:
    assume(a != b)
    assert label(a) != label(b)


@given(st.integers(-(2**53), 2**53))
def test_a_whole_float_is_its_integer(value: int) -> None:
    assert label(float(value)) == label(value)
    assert canonical_json(float(value)) == canonical_json(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0001, "0.0001"),
        (0.00001, "0.00001"),
        (1e-7, "0.0000001"),
        (5, "5"),
        (5.0, "5"),
        (-0.0, "0"),
        (-0.5, "-0.5"),
        (1e22, "10000000000000000000000"),
        (True, "on"),
        (False, "off"),
        ("relu", "relu"),
        ([16, 32.0], "16-32"),
    ],
)
def test_labels(value: Any, text: str) -> None:
    assert label(value) == text


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same document with its names in another order and whole numbers written as floats."""
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: shuffled(value[name], chance) for name in names}
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return float(value)
    return value


@settings(max_examples=40)
@given(DOCUMENTS, st.integers(0, 99))
def test_order_and_spelling_do_not_count(document: Any, seed: int) -> None:
    other = shuffled(document, random.Random(seed))
    assert canonical_json(other) == canonical_json(document)
    assert key_of(other) == key_of(document)


@settings(max_examples=40)
@given(DOCUMENTS)
def test_canonical_json_is_json_and_stable(document: Any) -> None:
    text = canonical_json(document)
    assert json.loads(text) == normalise(document)
    assert canonical_json(json.loads(text)) == text
    assert text.isascii()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),  # two fields swap their values
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": True}),
        ({"a": 0}, {"a": False}),
        ({"a": 0}, {"a": None}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": 1}, {"a": 1, "b": None}),
        ({"a": 0.1}, {"a": 0.1000000001}),
        ({"a": {"b": 1}}, {"a.b": 1}),
    ],
)
def test_what_differs_has_another_key(one: Any, other: Any) -> None:
    assert key_of(one) != key_of(other)


def test_a_key_is_the_start_of_a_sha256() -> None:
    assert canonical_json({"b": 5.0, "a": [0.1, "é"]}) == '{"a":[0.1,"\\u00e9"],"b":5}'
    assert digest("abc") == "ba7816bf8f01cfea"
    assert key_of("abc") == digest('"abc"')


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_carry_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        canonical_json({"a": [value]})
