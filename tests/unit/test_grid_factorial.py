"""A factorial axis: every combination of two or three parameters, and nothing else changed for it."""

import copy
from itertools import product
from typing import Any

import pytest
from ablation.store.keys import SAFE_LABEL, key_of, label
from ablation.study.config import resolve
from ablation.study.factors import GRID_LABEL_LENGTH, combinations, levels_label
from ablation.study.grid import Axis, Study, build
from ablation.study.plan import Plan
from hypothesis import given
from hypothesis import strategies as st

Config = dict[str, Any]
GRID = {"factorial": {"learning_rate": [0.01, 0.001], "hidden_layers": [1, 2]}}
THREE = {"factorial": {"activation": ["relu", "tanh"], "width": [64, 32], "epochs": [100, 50]}}


def with_axis(config: Config, model: str = "fnn", **axes: Any) -> Study:
    own = copy.deepcopy(config)
    own["models"][model]["axes"].update(axes)
    return build(resolve(own))


def axis_of(study: Study, name: str) -> Axis:
    return next(axis for part in study.models for axis in part.axes if axis.name == name)


def test_every_combination_is_a_cell(config: Config) -> None:
    axis = axis_of(with_axis(config, three=THREE), "three")
    assert axis.factors == {
        "width": [64, 32],
        "activation": ["relu", "tanh"],
        "epochs": [100, 50],
    }
    assert [cell.levels for cell in axis.cells] == [
        {"width": w, "activation": a, "epochs": e}
        for w, a, e in product([64, 32], ["relu", "tanh"], [100, 50])
    ]
    for cell in axis.cells:
        assert cell.value == cell.levels
        baseline = config["models"]["fnn"]["parameters"]
        assert cell.parameters == {**baseline, **(cell.levels or {})}


def test_labels_read_as_names_and_values(config: Config) -> None:
    assert [cell.label for cell in axis_of(with_axis(config, grid=GRID), "grid").cells] == [
        "hidden_layers-1_learning_rate-0.01",
        "hidden_layers-1_learning_rate-0.001",
        "hidden_layers-2_learning_rate-0.01",
        "hidden_layers-2_learning_rate-0.001",
    ]
    grid = {"factorial": {"channels": [[16, 32], [8, 8]], "batchnorm": [False, True]}}
    study = with_axis(config, "cnn", wide={**grid, "reference": "channels-16-32_batchnorm-off"})
    assert "cnn/wide_channels-8-8_batchnorm-on" in study.by_name


VALUES = st.one_of(
    st.booleans(), st.integers(0, 10**6), st.floats(1e-7, 1e3), st.sampled_from(["relu", "tanh"])
)


@given(
    st.lists(VALUES, min_size=2, max_size=4, unique_by=label),
    st.lists(VALUES, min_size=2, max_size=4, unique_by=label),
)
def test_labels_are_safe_and_each_names_one_combination(one: list[Any], other: list[Any]) -> None:
    labels = [levels_label(levels) for levels in combinations({"depth": one, "fc_width": other})]
    assert len(set(labels)) == len(one) * len(other)
    assert all(SAFE_LABEL.fullmatch(text) for text in labels)


def test_the_longest_names_make_a_path(config: Config) -> None:
    grid = {
        "factorial": {
            "rotation_degrees": [10, 22.5],
            "augmentation": ["none", "affine"],
            "learning_rate": [0.001, 0.00001],
        }
    }
    labels = [cell.label for cell in axis_of(with_axis(config, "cnn", long=grid), "long").cells]
    assert 60 < max(map(len, labels)) <= GRID_LABEL_LENGTH


def test_the_order_of_keys_means_nothing(config: Config) -> None:
    turned = {"factorial": dict(reversed(GRID["factorial"].items()))}
    one, other = with_axis(config, grid=GRID), with_axis(config, grid=turned)
    assert list(one.by_name) == list(other.by_name)
    assert list(axis_of(one, "grid").factors or ()) == ["hidden_layers", "learning_rate"]
    assert list(axis_of(other, "grid").factors or ()) == ["hidden_layers", "learning_rate"]


def test_the_reference_is_the_baselines_combination_or_the_one_named(config: Config) -> None:
    named = {**GRID, "reference": "hidden_layers-1_learning_rate-0.01"}
    study = with_axis(config, grid=GRID, named=named)
    assert axis_of(study, "grid").reference == "hidden_layers-2_learning_rate-0.01"
    assert axis_of(study, "named").reference == "hidden_layers-1_learning_rate-0.01"
    fixed = {**GRID, "with": {"width": 8}}
    axis = axis_of(with_axis(config, grid=fixed), "grid")
    assert axis.reference == "hidden_layers-2_learning_rate-0.01"
    assert {cell.parameters["width"] for cell in axis.cells} == {8}


def test_factorial_axes_come_last(config: Config) -> None:
    sets = {"values": {"base": {}, "wide": {"width": 128}}}
    study = with_axis(config, a_grid=GRID, b_sets=sets)
    assert [axis.name for axis in study.models[0].axes][-5:] == [
        "learning_rate",
        "b_sets",
        "optimizer",
        "a_grid",
        "depth_by_learning_rate",
    ]


def test_the_shipped_grids_share_their_cells(config: Config) -> None:
    own = copy.deepcopy(config)
    for model, name in (("fnn", "depth_by_learning_rate"), ("cnn", "dropout_by_batchnorm")):
        del own["models"][model]["axes"][name]
    without, shipped = build(resolve(own)), build(config)
    new = set(shipped.by_key) - set(without.by_key)
    assert [shipped.by_key[key].name for key in new] == [
        "cnn/dropout_by_batchnorm_dropout-0.4_batchnorm-on"
    ]
    assert len(shipped.cells) == len(without.cells) + 8


def test_other_axes_keep_their_cells_keys_and_paths(config: Config) -> None:
    own = copy.deepcopy(config)
    for part in own["models"].values():
        part["axes"] = {n: a for n, a in part["axes"].items() if "factorial" not in a}
    before, after = Plan(build(resolve(own))), Plan(build(config))
    for cell in before.study.cells:
        same = after.study.by_name[cell.name]
        assert (same.key, same.spec, same.data_key) == (cell.key, cell.spec, cell.data_key)
        assert after.view(same) == before.view(cell)
        assert after.evaluated[same.key] == before.evaluated[cell.key]


def test_the_tables_are_told_factors_and_levels(config: Config) -> None:
    spec = Plan(build(config)).collected.spec
    axes = {f"{m['model']}/{axis['axis']}": axis for m in spec["models"] for axis in m["axes"]}
    grid = axes["cnn/dropout_by_batchnorm"]
    assert grid["factors"] == {"dropout": [0, 0.4], "batchnorm": [False, True]}
    assert grid["parameter"] is None
    assert grid["cells"][3]["levels"] == grid["cells"][3]["value"]
    assert grid["cells"][3]["levels"] == {"dropout": 0.4, "batchnorm": True}
    for name, axis in axes.items():
        if axis["factors"] is None:
            assert all(cell["levels"] is None for cell in axis["cells"]), name
    assert [name for name, axis in axes.items() if axis["factors"]] == [
        "fnn/depth_by_learning_rate",
        "cnn/dropout_by_batchnorm",
    ]


def test_a_variant_drops_a_factor_by_null(config: Config) -> None:
    own = copy.deepcopy(config)
    own["models"]["fnn"]["axes"]["three"] = copy.deepcopy(THREE)
    own["models"]["fnn"]["axes"]["three"]["factorial"]["epochs"] = None
    assert list(axis_of(build(resolve(own)), "three").factors or ()) == ["width", "activation"]


@pytest.mark.parametrize("level", [0.001, "1e-3"])
def test_a_level_is_read_as_a_value_is(config: Config, level: Any) -> None:
    grid = {"factorial": {"hidden_layers": [1, 2.0], "learning_rate": [0.01, level]}}
    study = with_axis(config, grid=grid)
    keys = {cell.key for cell in axis_of(study, "grid").cells}
    assert keys == {cell.key for cell in axis_of(study, "depth_by_learning_rate").cells}
    assert key_of(study.by_name["fnn/grid_hidden_layers-2_learning_rate-0.001"].spec) in keys
