"""What a study tests: the metric of each model and its margin, and one sentence for what is not allowed."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ablation.study import grid  # pytest takes an imported class Tested for a test
from ablation.study.config import ConfigError, merge, resolve
from ablation.study.reading import load
from conftest import REPOSITORY

OLD = (
    "an old spelling: errors are now compared as ratios. Allowed is the margin of a model, as in "
    "fnn: {margin: {metric: mse, margin_ratio: 1.2}} (20 % more matters) and cnn: {margin: {metric: accuracy, margin: 0.01}}."
)
RATIO = (
    "compared as a ratio: allowed is margin_ratio, a number above 1 (a variant drops the other "
    "with null)."
)
DIFFERENCE = (
    "compared as a difference: allowed is margin, a number above 0 (a variant drops the other "
    "with null)."
)
SENTENCES = {
    "margin: {fnn: 3.0}": f"statistics.margin is {{'fnn': 3.0}}, {OLD}",
    "margin: 3": f"statistics.margin is 3, {OLD}",
    "margin: null": f"statistics.margin is None, {OLD}",
    "tested: {fnn: {metric: accuracy}}": (
        "statistics.tested.fnn.metric is 'accuracy': allowed is one of mse, mae, r2."
    ),
    "tested: {cnn: {metric: mse}}": (
        "statistics.tested.cnn.metric is 'mse': allowed is one of accuracy, loss."
    ),
    "tested: {fnn: {margin: 0.1}}": f"statistics.tested.fnn.margin is 0.1, but mse is {RATIO}",
    "tested: {fnn: {metric: r2}}": (
        f"statistics.tested.fnn.margin_ratio is 1.2, but r2 is {DIFFERENCE}"
    ),
    "tested: {cnn: {metric: loss}}": f"statistics.tested.cnn.margin is 0.01, but loss is {RATIO}",
    "tested: {cnn: {margin: null, margin_ratio: 1.2}}": (
        f"statistics.tested.cnn.margin_ratio is 1.2, but accuracy is {DIFFERENCE}"
    ),
    "tested: {fnn: {margin_ratio: null}}": (
        "statistics.tested.fnn.margin_ratio is missing: mse is compared as a ratio, "
        "so it must be a number above 1."
    ),
    "tested: {cnn: {margin: null}}": (
        "statistics.tested.cnn.margin is missing: accuracy is compared as a difference, "
        "so it must be a number above 0."
    ),
    "tested: {fnn: {margin_ratio: 1}}": (
        "statistics.tested.fnn.margin_ratio is 1: allowed is a number greater than 1, at most 100."
    ),
    "tested: {cnn: {margin: 0}}": (
        "statistics.tested.cnn.margin is 0: allowed is a number greater than 0, at most 1."
    ),
    "tested: {cnn: {margin: .nan}}": (
        "statistics.tested.cnn.margin is nan: allowed is a finite number."
    ),
    "tested: {cnn: {metric: null}}": (
        "statistics.tested.cnn.metric is missing: it must be one of mse, mae, r2, accuracy, loss."
    ),
    "tested: {rnn: {metric: mse}}": (
        "statistics.tested.rnn is not a known key: allowed here are cnn, fnn."
    ),
    "tested: {fnn: {margn: 3}}": (
        "statistics.tested.fnn.margn is not a known key: allowed here are margin, margin_ratio, metric."
    ),
    "tested: null": "statistics.tested is None: allowed is a mapping.",
}


MARGINS = {
    "fnn: {margin: 0.9}": (
        "models.fnn.margin is 0.9, but mse is compared as a ratio: allowed is a number greater than 1, at most 100."
    ),
    "cnn: {margin: 2}": (
        "models.cnn.margin is 2, but accuracy is compared as a difference: allowed is a number greater than 0, at most 1."
    ),
    "cnn: {margin: {metric: mse, margin: 0.1}}": (
        "models.cnn.margin.metric is 'mse': allowed is one of accuracy, loss."
    ),
    "fnn: {margin: {margin: 0.1}}": f"models.fnn.margin.margin is 0.1, but mse is {RATIO}",
    "fnn: {margin: wide}": ("models.fnn.margin is 'wide': allowed is a number or a mapping."),
}


def variant(text: str) -> dict[str, Any]:
    """The shipped configuration with a change of its statistics, as YAML reads it."""
    base = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    return merge(base, yaml.safe_load(f"statistics: {{{text}}}"))


def questions(config: dict[str, Any]) -> dict[str, grid.Tested]:
    return {part.model.name: part.tested for part in grid.build(config).models}


@pytest.mark.parametrize("change", SENTENCES)
def test_one_sentence(change: str) -> None:
    with pytest.raises(ConfigError) as refused:
        grid.build(resolve(variant(change)))
    assert str(refused.value) == SENTENCES[change]
    assert "\n" not in SENTENCES[change]


@pytest.mark.parametrize("change", MARGINS)
def test_one_sentence_for_a_margin(change: str) -> None:
    base = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    with pytest.raises(ConfigError) as refused:
        resolve(merge(base, yaml.safe_load(f"models: {{{change}}}")))
    assert str(refused.value) == MARGINS[change]


def test_a_margin_stands_in_one_place() -> None:
    document = variant("confidence: 0.9")
    document["statistics"]["tested"] = {"fnn": {"metric": "mse", "margin_ratio": 1.5}}
    with pytest.raises(ConfigError) as refused:
        resolve(document)
    assert str(refused.value) == (
        "models.fnn.margin and statistics.tested.fnn are both there: allowed is one of the two."
    )


@pytest.mark.parametrize(
    ("margin", "found"),
    [
        (1.5, grid.Tested("mse", 1.5)),
        ("1.5", grid.Tested("mse", 1.5)),
        ({"metric": "r2", "margin": 0.05, "margin_ratio": None}, grid.Tested("r2", 0.05)),
        ({"metric": "mae"}, grid.Tested("mae", 1.2)),  # the rest is inherited
        (None, grid.Tested("mse", 1.2)),  # the default
    ],
)
def test_a_margin_of_a_model(margin: Any, found: grid.Tested) -> None:
    changed = merge(variant("confidence: 0.9"), {"models": {"fnn": {"margin": margin}}})
    assert questions(resolve(changed))["fnn"] == found


def test_a_margin_of_a_model_goes_over_an_inherited_one_of_the_statistics() -> None:
    base = variant("tested: {fnn: {metric: mae}}")
    assert questions(resolve(base))["fnn"] == grid.Tested("mae", 1.2)
    assert questions(resolve(merge(base, {"models": {"fnn": {"margin": 1.3}}})))["fnn"] == (
        grid.Tested("mse", 1.3)
    )


def test_the_shipped_study_tests_an_error_as_a_ratio_and_an_accuracy_as_a_difference() -> None:
    assert questions(load(REPOSITORY / "config.yaml")) == {
        "fnn": grid.Tested("mse", 1.2),
        "cnn": grid.Tested("accuracy", 0.01),
    }


@pytest.mark.parametrize(
    ("change", "model", "found"),
    [
        ("fnn: {margin_ratio: 1.5}", "fnn", grid.Tested("mse", 1.5)),
        ("fnn: {metric: mae}", "fnn", grid.Tested("mae", 1.2)),
        ("fnn: {metric: r2, margin_ratio: null, margin: 0.05}", "fnn", grid.Tested("r2", 0.05)),
        ("cnn: {metric: loss, margin: null, margin_ratio: 2}", "cnn", grid.Tested("loss", 2.0)),
        ("cnn: {margin: 1e-3}", "cnn", grid.Tested("accuracy", 0.001)),
        ("fnn: null", "fnn", grid.Tested("mse", 1.2)),  # falls back on the default
    ],
)
def test_a_variant_tests_another_metric_or_another_margin(
    change: str, model: str, found: grid.Tested
) -> None:
    assert questions(resolve(variant(f"tested: {{{change}}}")))[model] == found


def test_a_model_that_is_left_out_needs_no_metric() -> None:
    config = resolve(merge(variant("tested: {fnn: null}"), {"models": {"fnn": None}}))
    assert set(questions(config)) == {"cnn"}


def test_a_margin_changes_no_key() -> None:
    """It is a question asked of the numbers; nothing is trained anew for it."""
    keys = [
        [cell.key for cell in grid.build(resolve(variant(change))).cells]
        for change in ("confidence: 0.95", "tested: {fnn: {metric: mae}, cnn: {margin: 0.05}}")
    ]
    assert keys[0] == keys[1]
