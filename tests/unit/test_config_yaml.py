"""What YAML 1.1 makes of values, and what is meant by them."""

from typing import Any

import pytest
import yaml
from ablation.study.config import merge, resolve
from ablation.study.grid import Study, build
from conftest import REPOSITORY


def study(text: str) -> Study:
    base = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    return build(resolve(merge(base, yaml.safe_load(text))))


def labels(built: Study, axis: str) -> dict[str, Any]:
    return {cell.label: cell.value for cell in built.cells if cell.axis == axis}


@pytest.mark.parametrize("written", ["1e-3", "1E-3", "1.e-3", "+1e-3", "1.0e-3", "0.001"])
def test_an_exponent_is_a_number(written: str) -> None:
    built = study(f"models: {{fnn: {{axes: {{learning_rate: {{values: [0.01, {written}]}}}}}}}}")
    assert labels(built, "learning_rate") == {"0.01": 0.01, "0.001": 0.001}


def test_a_whole_exponent_is_an_integer() -> None:
    config = study("models: {fnn: {parameters: {epochs: 1e2}}}").config
    assert config["models"]["fnn"]["parameters"]["epochs"] == 100
    assert isinstance(config["models"]["fnn"]["parameters"]["epochs"], int)


def test_a_whole_float_is_an_integer() -> None:
    built = study("models: {cnn: {parameters: {kernel: 3.0}, axes: {kernel: {values: [3.0, 5]}}}}")
    assert labels(built, "kernel") == {"3": 3, "5": 5}
    axis = next(axis for axis in built.models[1].axes if axis.name == "kernel")
    assert axis.reference == "3"


def test_on_and_off_are_labels() -> None:
    sets = "{off: {dropout: 0.0}, on: {dropout: 0.5}}"
    built = study(f"models: {{cnn: {{axes: {{noise: {{values: {sets}}}}}}}}}")
    assert labels(built, "noise") == {"off": {"dropout": 0}, "on": {"dropout": 0.5}}
    written = study("models: {cnn: {axes: {batchnorm: {values: [off, yes]}}}}")
    assert labels(written, "batchnorm") == {"off": False, "on": True}


@pytest.mark.parametrize(("written", "label"), [("yes", "on"), ("false", "off"), ("'on'", "on")])
def test_a_reference_is_a_label(written: str, label: str) -> None:
    built = study(f"models: {{cnn: {{axes: {{batchnorm: {{reference: {written}}}}}}}}}")
    assert next(a for a in built.models[1].axes if a.name == "batchnorm").reference == label


def test_numbers_name_labelled_sets() -> None:
    sets = "{3: {width: 64}, 0.5: {width: 32}, 1e-5: {width: 16}}"
    built = study(f"models: {{fnn: {{axes: {{wide: {{values: {sets}}}}}}}}}")
    assert set(labels(built, "wide")) == {"3", "0.5", "1e-5"}


def test_small_numbers_have_plain_labels() -> None:
    values = "[0.01, 0.00001, 1.5e-7]"
    built = study(f"models: {{fnn: {{axes: {{learning_rate: {{values: {values}}}}}}}}}")
    assert list(labels(built, "learning_rate")) == ["0.01", "0.00001", "0.00000015"]


def test_lists_are_values_too() -> None:
    values = "[[16, 32, 32, 32], [8, 16]]"
    text = f"models: {{cnn: {{axes: {{width: {{parameter: channels, values: {values}}}}}}}}}"
    assert list(labels(study(text), "width")) == ["16-32-32-32", "8-16"]


def test_a_title_stays_a_text() -> None:
    assert study("report: {title: '2026: a study'}").config["report"]["title"] == "2026: a study"


def test_null_drops_an_axis_a_value_and_a_model() -> None:
    built = study("models: {fnn: {axes: {depth: null}}}")
    assert "depth" not in {cell.axis for cell in built.cells if cell.model == "fnn"}
    built = study("models: {fnn: null}")
    assert {cell.model for cell in built.cells} == {"cnn"}
    sets = "{base: {}, wide: {width: 128}, none: null}"
    built = study(f"models: {{fnn: {{axes: {{size: {{values: {sets}}}}}}}}}")
    assert set(labels(built, "size")) == {"base", "wide"}
