"""One configuration over another: what is merged, and what is replaced because it would mean something else."""

from typing import Any

import pytest
from ablation.study.merging import expand, merge

BASE: dict[str, Any] = {
    "models": {
        "fnn": {
            "network": "mlp",
            "recipe": {"epochs": 5, "batch_size": 32},
            "parameters": {"width": 64},
            "axes": {
                "depth": {"parameter": "hidden_layers", "values": [1, 2], "with": {"width": 8}},
                "width": {"values": [64, 8]},
            },
        }
    }
}


def merged(override: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = merge(BASE, {"models": {"fnn": override}})["models"]["fnn"]
    return found


@pytest.mark.parametrize(
    "axis",
    [
        {"values": [1, 4], "parameter": "hidden_layers"},
        {"values": [1, 4]},
        {"parameter": "epochs"},
        {"factorial": {"width": [1, 2], "epochs": [1, 2]}},
    ],
)
def test_an_axis_with_values_replaces_the_inherited_one(axis: dict[str, Any]) -> None:
    axes = merged({"axes": {"depth": axis}})["axes"]
    assert axes == {"depth": axis, "width": {"values": [64, 8]}}


@pytest.mark.parametrize("axis", [{"reference": 2}, {"title": "Depth"}, {"with": {"epochs": 1}}])
def test_any_other_part_of_an_axis_is_merged(axis: dict[str, Any]) -> None:
    before = BASE["models"]["fnn"]["axes"]["depth"]
    found = merged({"axes": {"depth": axis}})["axes"]["depth"]
    assert found == {**before, **axis, "with": {**before["with"], **axis.get("with", {})}}


@pytest.mark.parametrize("title", ["Own", {"en": "Own"}, None])
def test_a_title_replaces_the_inherited_one_in_all_languages(title: Any) -> None:
    base = {"report": {"title": {"en": "Theirs", "zh": "他人"}, "language": "zh"}}
    assert merge(base, {"report": {"title": title}})["report"] == {"title": title, "language": "zh"}
    assert merge(base, {"report": {"language": "en"}})["report"]["title"] == base["report"]["title"]


def test_a_name_moves_between_recipe_and_parameters() -> None:
    found = merged({"parameters": {"epochs": 9}})
    assert found["recipe"] == {"batch_size": 32}
    assert found["parameters"] == {"width": 64, "epochs": 9}
    again = merge({"models": {"fnn": found}}, {"models": {"fnn": {"recipe": {"epochs": 1}}}})
    assert again["models"]["fnn"]["parameters"] == {"width": 64}
    assert again["models"]["fnn"]["recipe"] == {"batch_size": 32, "epochs": 1}


def test_nothing_that_is_merged_is_changed() -> None:
    before = repr(BASE)
    merged({"axes": {"depth": {"values": [1]}}, "parameters": {"epochs": 1}})
    assert repr(BASE) == before


@pytest.mark.parametrize("override", [{"models": None}, {"models": {"fnn": None}}, {"models": 3}])
def test_what_is_no_mapping_replaces(override: dict[str, Any]) -> None:
    assert merge(BASE, override) == override


def test_dots_are_of_a_name_where_the_configuration_knows_it() -> None:
    config = {"axes": {"at_0.01": {"with": {}}, "at": {}}}
    assert expand({"axes.at_0.01.with.a": 1}, config) == {"axes": {"at_0.01": {"with": {"a": 1}}}}
    assert expand({"axes.at.0": 1}, config) == {"axes": {"at": {"0": 1}}}
    assert expand({"a.b": 1, "a.c": 2, "a": {"d": 3}}, {}) == {"a": {"b": 1, "c": 2, "d": 3}}
    nested = {"axes": {"at": {}, "at.0": {}}}
    assert expand({"axes.at.0.a": 1}, nested) == {"axes": {"at.0": {"a": 1}}}
