"""Axes become cells; a cell's key covers what changes its numbers and nothing else."""

import copy
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ablation.store.code import code_digest
from ablation.store.keys import canonical_json
from ablation.study.config import ConfigError, resolve
from ablation.study.grid import Cell, Study, build

Config = dict[str, Any]
Change = Callable[[Config], None]


def changed(config: Config, *changes: Change) -> Study:
    own = copy.deepcopy(config)
    for change in changes:
        change(own)
    return build(resolve(own))


def setting(path: str, value: Any) -> Change:
    """Set one key of a configuration."""

    def change(config: Config) -> None:
        *parents, last = path.split(".")
        for name in parents:
            config = config[name]
        config[last] = value

    return change


def keys(study: Study, model: str) -> dict[str, str]:
    return {cell.name: cell.key for cell in study.cells if cell.model == model}


def test_one_cell_per_declared_value(config: Config) -> None:
    study = build(config)
    declared = {
        f"{model}/{axis}": len(body["values"])
        if "values" in body
        else math.prod(map(len, body["factorial"].values()))
        for model, part in config["models"].items()
        for axis, body in part["axes"].items()
    }
    assert Counter(f"{cell.model}/{cell.axis}" for cell in study.cells) == declared
    assert len(study.by_name) == len(study.cells) == sum(declared.values())


def test_a_specification_on_several_axes_has_one_key(config: Config) -> None:
    study = build(config)
    same = ["depth_2", "kernel_5", "dropout_0", "batchnorm_off", "augmentation_none", "pooling_max"]
    assert len({study.by_name[f"cnn/{name}"].key for name in same}) == 1
    names = ["depth_at_0.01_2", "learning_rate_0.01", "activation_relu"]
    assert len({study.by_name[f"fnn/{name}"].key for name in names}) == 1
    specs = {canonical_json(cell.spec) for cell in study.cells}
    assert len(study.by_key) == len(specs) < len(study.cells)
    assert study.by_name["fnn/depth_2"].key == study.by_name["fnn/learning_rate_0.001"].key
    assert study.by_name["cnn/batchnorm_depth4_off"].key == study.by_name["cnn/depth_4"].key


def test_resolved_parameters(config: Config) -> None:
    study = build(config)
    cell = study.by_name["cnn/batchnorm_depth4_on"]
    baseline = config["models"]["cnn"]["parameters"]
    assert cell.parameters == {**baseline, "depth": 4, "batchnorm": True}
    assert study.by_name["fnn/depth_8"].parameters["learning_rate"] == 0.001
    assert cell.spec["seed"] == config["study"]["seed"]
    assert cell.spec["replicates"] == config["models"]["cnn"]["replicates"]
    assert list(cell.spec["data"]["files"].values()) == [
        "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
    ]
    modules = [
        "ablation.training.run",
        "ablation.training.records",
        "ablation.training.optimisers.adam",
        "ablation.tasks.classification",
        "ablation.networks.convnet",
        "ablation.tasks.prepare",
        "ablation.data.mnist",
        "ablation.store.tensors",
    ]
    assert cell.spec["code"] == {"modules": modules, "digest": code_digest(*modules)}
    assert cell.data_spec["code"] == {"modules": modules[5:], "digest": code_digest(*modules[5:])}
    assert cell.spec["network"] == {"file": "ablation/networks/convnet.py", "entry": "ConvNet"}
    assert cell.spec["replicates_at_once"] == "auto"
    assert cell.data_spec["split"] == {"drawn": [4.8, 1.2, 1]}
    assert cell.data_spec["parameters"] == {"dataset": "mnist-5k", "share": 0.7, "test": "drawn"}
    assert study.by_name["fnn/depth_8"].data_spec["split"] == {"parts": 6}
    assert "threads" not in cell.spec
    assert cell.spec["inputs"] == {"prepare": [cell.data_key]}


def test_references(config: Config) -> None:
    references = {
        f"{part.model.name}/{axis.name}": axis.reference
        for part in build(config).models
        for axis in part.axes
    }
    assert references == {
        "fnn/depth": "2",
        "fnn/depth_at_0.01": "2",
        "fnn/learning_rate": "0.01",
        "fnn/activation": "relu",
        "fnn/optimizer": "sgd",
        "fnn/depth_by_learning_rate": "hidden_layers-2_learning_rate-0.01",
        "cnn/depth": "2",
        "cnn/kernel": "5",
        "cnn/dropout": "0",
        "cnn/batchnorm": "off",
        "cnn/batchnorm_depth4": "off",
        "cnn/augmentation": "none",
        "cnn/pooling": "max",
        "cnn/optimizer": "adam",
        "cnn/dropout_by_batchnorm": "dropout-0_batchnorm-off",
    }


def test_a_named_reference(config: Config) -> None:
    axis = {"parameter": "width", "values": [8, 16], "reference": 8.0}
    study = changed(config, setting("models.fnn.axes.wide", axis))
    assert next(a for a in study.models[0].axes if a.name == "wide").reference == "8"


def test_labelled_sets_of_overrides(config: Config) -> None:
    axis = {
        "values": {"plain": {}, "big": {"width": 128, "epochs": 50}},
        "with": {"batch_size": 16},
    }
    study = changed(config, setting("models.fnn.axes.size", axis))
    big = study.by_name["fnn/size_big"]
    assert {name: big.parameters[name] for name in ("width", "epochs", "batch_size")} == {
        "width": 128,
        "epochs": 50,
        "batch_size": 16,
    }
    built = next(a for a in study.models[0].axes if a.name == "size")
    assert (built.parameter, built.reference, built.fixed) == (None, "plain", {"batch_size": 16})


@pytest.mark.parametrize(
    "change",
    [
        setting("report.title", "Another"),
        setting("report.palette", "deep"),
        setting("report.language", "zh"),
        setting("statistics.confidence", 0.9),
        setting("statistics.tested.fnn.margin_ratio", 2),
        setting("compute.device", "cpu"),
        setting("compute.checkpoint_seconds", 1),
        setting("data.mirrors.mnist", ["file:///mirror"]),
        setting("study.name", "another"),
        setting("models.cnn.parameters.rotation_degrees", 45),  # used by affine alone
    ],
)
def test_what_changes_no_number_is_not_in_the_key(config: Config, change: Change) -> None:
    before, after = build(config), changed(config, change)
    affine = {name for name in before.by_name if name.endswith("_affine")}
    for model in ("fnn", "cnn"):
        old, new = keys(before, model), keys(after, model)
        assert {n: k for n, k in old.items() if n not in affine} == {
            n: k for n, k in new.items() if n not in affine
        }


@pytest.mark.parametrize(
    "change",
    [
        setting("study.seed", 1),
        setting("compute.replicates_at_once", 2),
    ],
)
def test_what_changes_every_number_is_in_every_key(config: Config, change: Change) -> None:
    before, after = build(config), changed(config, change)
    for model in ("fnn", "cnn"):
        old, new = keys(before, model), keys(after, model)
        assert not set(old.values()) & set(new.values())


@pytest.mark.parametrize("model", ["fnn", "cnn"])
def test_a_setting_of_one_model_is_in_that_models_keys(config: Config, model: str) -> None:
    other = {"fnn": "cnn", "cnn": "fnn"}[model]
    before = build(config)
    for path, value in (("parameters.epochs", 7), ("replicates", 18)):
        after = changed(config, setting(f"models.{model}.{path}", value))
        assert not set(keys(before, model).values()) & set(keys(after, model).values())
        assert keys(before, other) == keys(after, other)


def test_the_code_of_an_optimiser_and_of_augmentation_counts_where_it_runs(config: Config) -> None:
    study = build(config)
    for cell in study.cells:
        modules, adam = cell.spec["code"]["modules"], cell.parameters["optimizer"] == "adam"
        assert ("ablation.training.optimisers.adam" in modules) is adam
        assert ("ablation.training.optimisers.sgd" in modules) is not adam
        moved = cell.parameters.get("augmentation") == "affine"
        assert ("ablation.training.augmentation" in modules) is moved
    names = {cell.axis for cell in study.cells if cell.parameters["optimizer"] == "adam"}
    assert "optimizer" in names


def test_models_on_the_same_data_share_what_is_prepared(config: Config) -> None:
    own = copy.deepcopy(config)
    body = copy.deepcopy(own["models"]["fnn"])
    own["models"]["wide"] = {**body, "axes": {"width": {"values": [64, 128]}}}
    own["statistics"]["tested"]["wide"] = own["statistics"]["tested"]["fnn"]
    study = build(resolve(own))
    assert [part.model.name for part in study.models] == ["fnn", "wide", "cnn"]
    assert study.by_name["wide/width_64"].data_key == study.by_name["fnn/depth_2"].data_key
    assert study.by_name["wide/width_64"].key != study.by_name["fnn/depth_at_0.01_2"].key


def test_precision_is_the_cnns_alone(config: Config) -> None:
    before, after = build(config), changed(config, setting("compute.precision", "fp32"))
    assert keys(before, "fnn") == keys(after, "fnn")
    assert not set(keys(before, "cnn").values()) & set(keys(after, "cnn").values())


def test_one_more_value_is_one_more_key(config: Config) -> None:
    before = build(config)
    values = [*config["models"]["cnn"]["axes"]["kernel"]["values"], 11]
    after = changed(config, setting("models.cnn.axes.kernel.values", values))
    assert len(set(after.by_key) - set(before.by_key)) == 1
    assert set(before.by_key) < set(after.by_key)


def test_order_and_spelling_do_not_count(config: Config) -> None:
    def backwards(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: backwards(value[name]) for name in reversed(value)}
        return float(value) if type(value) is int else value

    assert keys(build(resolve(backwards(config))), "cnn") == keys(build(config), "cnn")


def test_two_fields_that_swap_their_values_change_the_key(config: Config) -> None:
    def with_values(kernel: int, batch_size: int) -> Cell:
        own = copy.deepcopy(config)
        own["models"]["cnn"]["parameters"] |= {"kernel": kernel, "batch_size": batch_size}
        own["models"]["cnn"]["axes"]["kernel"]["values"] = [kernel]
        return build(resolve(own)).by_name["cnn/pooling_max"]

    assert with_values(5, 7).key != with_values(7, 5).key


def test_irrelevant_parameters_are_not_in_the_key(config: Config) -> None:
    before = build(config)
    for name, value in (("rotation_degrees", 20), ("translation", 0.3), ("brightness", 0.5)):
        after = changed(config, setting(f"models.cnn.parameters.{name}", value))
        assert after.by_name["cnn/augmentation_none"].key == before.by_name["cnn/pooling_max"].key
        for cell in ("cnn/augmentation_affine",):
            assert after.by_name[cell].key != before.by_name[cell].key
    after = changed(config, setting("models.cnn.parameters.channels", [16, 32, 64, 64]))
    assert after.by_name["cnn/depth_2"].key == before.by_name["cnn/depth_2"].key
    assert after.by_name["cnn/depth_4"].key != before.by_name["cnn/depth_4"].key
    shorter = changed(config, setting("models.cnn.parameters.channels", [16, 64, 32, 32]))
    assert shorter.by_name["cnn/depth_2"].key != before.by_name["cnn/depth_2"].key
    assert shorter.by_name["cnn/depth_1"].key == before.by_name["cnn/depth_1"].key


def test_data_are_prepared_once_per_model_and_share(config: Config) -> None:
    study = build(config)
    assert len({cell.data_key for cell in study.cells if cell.model == "cnn"}) == 1
    assert set(study.by_data_key) == {part.data_key for part in study.models}
    baseline = config["models"]["cnn"]["parameters"]
    whole = setting(
        "models.cnn.parameters", {**baseline, "dataset": "mnist", "share": 1, "test": "official"}
    )
    axis = setting("models.cnn.axes.share", {"parameter": "share", "values": [0.05, 1]})
    shared = changed(config, whole, axis)
    found = {cell.data_key for cell in shared.cells if cell.model == "cnn"}
    assert len(found) == 2
    assert shared.by_name["cnn/share_0.05"].spec["data"]["dataset"] == "mnist"
    # Yardsticks and sizes are the baseline's, though the subset is the model's first cell.
    (part,) = (part for part in shared.models if part.model.name == "cnn")
    assert next(iter(part.cells)).name == "cnn/share_0.05"
    assert part.data_key == shared.by_name["cnn/kernel_5"].data_key


@pytest.mark.parametrize(
    ("parameters", "axis", "said"),
    [
        ({}, {"parameter": "share", "values": [0.5, 0.7]}, "share is 0.5, so it would be tested on other"),
        ({"dataset": "mnist", "share": 0.05}, {"parameter": "dataset", "values": ["mnist", "kmnist"]},
         "dataset is 'kmnist', so it would be tested on other images than the baseline: "
         "allowed is the baseline's 'mnist'"),
        ({"dataset": "mnist", "share": 0.05}, {"parameter": "test", "values": ["drawn", "official"]},
         "test is 'official', so it would be tested on other images"),
        ({"test": "official"}, {}, "test is 'official', but mnist-5k has no test set of its own"),
        ({"share": 0.001}, {}, "share is 0.001, which leaves a part of 1 images"),
    ],
)  # fmt: skip
def test_cells_that_cannot_be_compared_are_refused(
    config: Config, parameters: Config, axis: Config, said: str
) -> None:
    changes = [
        setting("models.cnn.parameters", {**config["models"]["cnn"]["parameters"], **parameters})
    ]
    if axis:
        changes.append(setting("models.cnn.axes.extra", axis))
    with pytest.raises(ConfigError, match=re.escape(said)):
        changed(config, *changes)


def test_a_key_is_sixteen_hex_digits(config: Config) -> None:
    for cell in build(config).cells:
        assert len(cell.key) == 16
        int(cell.key, 16)
        assert cell.key != cell.data_key
