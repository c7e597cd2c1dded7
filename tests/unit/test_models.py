"""A network on data: its parameters, which of them a cell reads, the sizes of its parts, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from ablation.study.models import Model, joined, model_of

FNN, CNN = model_of("fnn", "mlp", "boston"), model_of("cnn", "convnet", "mnist")
DIGITS, DIABETES = model_of("digits", "convnet", "digits"), model_of("d", "mlp", "diabetes")
AFFINE = {"rotation_degrees", "translation", "brightness"}
PLATEAU = {"lr_factor", "lr_patience"}


def defaults(model: Model, **changed: Any) -> dict[str, Any]:
    return {**{name: rule["default"] for name, rule in model.rules.items()}, **changed}


def test_parameters_are_those_of_data_split_network_and_recipe() -> None:
    assert list(CNN.rules)[:5] == ["dataset", "share", "test", "depth", "kernel"]
    assert CNN.data_parameters == ("dataset", "share", "test")
    assert FNN.data_parameters == ()
    assert set(CNN.rules) >= AFFINE and "target" not in CNN.rules
    assert not AFFINE & set(FNN.rules) and "target" in FNN.rules
    assert set(FNN.recipe) | set(CNN.recipe) == set(FNN.recipe) | AFFINE | {"augmentation"}


@pytest.mark.parametrize(
    ("model", "changed", "unread"),
    [
        (FNN, {}, PLATEAU),
        (FNN, {"schedule": "plateau"}, set()),
        (CNN, {}, PLATEAU | AFFINE),
        (CNN, {"augmentation": "affine"}, PLATEAU),
        (CNN, {"augmentation": "affine", "schedule": "plateau"}, set()),
    ],
)
def test_what_a_cell_never_reads_is_irrelevant(
    model: Model, changed: dict[str, Any], unread: set[str]
) -> None:
    parameters = defaults(model, **changed)
    assert parameters.keys() - model.relevant(parameters).keys() == unread


@pytest.mark.parametrize(("depth", "channels"), [(1, [16]), (2, [16, 32]), (4, [16, 32, 32, 32])])
def test_only_the_first_entries_of_a_list_are_read(depth: int, channels: list[int]) -> None:
    assert CNN.relevant(defaults(CNN, depth=depth))["channels"] == channels


@pytest.mark.parametrize(
    ("model", "changed", "sizes"),
    [
        (FNN, {}, {"train": 338, "validation": 84, "test": 84}),
        (DIABETES, {}, {"train": 296, "validation": 73, "test": 73}),
        (CNN, {"share": 0.7}, {"train": 2400, "validation": 600, "test": 500}),
        (CNN, {"dataset": "mnist", "share": 0.05}, {"train": 2400, "validation": 600, "test": 500}),
        (CNN, {"dataset": "kmnist", "test": "official"}, {"train": 48000, "validation": 12000}),
        (CNN, {"dataset": "mnist", "test": "official", "share": 0.1}, {"train": 4800, "validation": 1200}),
        (DIGITS, {}, {"train": 1232, "validation": 308, "test": 257}),
    ],
)  # fmt: skip
def test_sizes_of_parts(model: Model, changed: dict[str, Any], sizes: dict[str, int]) -> None:
    parameters = defaults(model, **changed)
    assert model.part_sizes(parameters) == sizes
    assert model.train_size(parameters) == sizes["train"]


def test_metrics_know_the_data() -> None:
    assert [metric.name for metric in FNN.metrics] == ["mse", "mae", "r2"]
    assert FNN.metric("mae").unit == "1000 USD"
    assert DIABETES.metric("mae").unit == "1"
    assert CNN.metric("accuracy").chance == 0.1
    assert (FNN.replicate_step, CNN.replicate_step) == (6, 1)
    assert (FNN.has_precision, CNN.has_precision) == (False, True)


@pytest.mark.parametrize(
    ("model", "changed", "sentence"),
    [
        (CNN, {"depth": 4, "channels": [8, 8]}, "channels has 2 entries, but depth 4 needs at least 4"),
        (CNN, {"test": "official"}, "test is 'official', but mnist-5k has no test set of its own: allowed is drawn"),
        (DIGITS, {"test": "official"}, "test is 'official', but digits has no test set of its own: allowed is drawn"),
        (CNN, {"share": 0.001}, "share is 0.001, which leaves a part of 1 images: allowed is a share that leaves at least 10 "
         "in each"),
        (FNN, {"batch_size": 339}, "batch_size is 339, but a replicate trains on 338 samples: allowed is at most 338"),
    ],
)  # fmt: skip
def test_parameters_that_contradict_one_another(
    model: Model, changed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError) as refused:
        model.check(defaults(model, **changed))
    assert str(refused.value) == sentence
    model.check(defaults(model))


@pytest.mark.parametrize(
    ("model", "baseline", "changed", "sentence"),
    [
        (CNN, {}, {"dataset": "mnist"}, "dataset is 'mnist', so it would be tested on other images than the baseline: allowed "
         "is the baseline's 'mnist-5k'"),
        (CNN, {"dataset": "mnist"}, {"test": "official"}, "test is 'official', so it would be tested on other images than the "
         "baseline: allowed is the baseline's 'drawn'"),
        (CNN, {}, {"share": 0.5}, "share is 0.5, so it would be tested on other images than the baseline: allowed is the "
         "baseline's 1"),
        (CNN, {"dataset": "mnist"}, {"share": 0.5}, "share is 0.5, so it would be tested on other images than the baseline: "
         "allowed is the baseline's 1, or any share with test: official"),
    ],
)  # fmt: skip
def test_cells_that_cannot_be_compared(
    model: Model, baseline: dict[str, Any], changed: dict[str, Any], sentence: str
) -> None:
    base = defaults(model, **baseline)
    with pytest.raises(ValueError) as refused:
        model.check_comparable({**base, **changed}, base)
    assert str(refused.value) == sentence


def test_a_subset_of_an_official_training_set_can_be_compared() -> None:
    base = defaults(CNN, dataset="mnist", test="official")
    CNN.check_comparable({**base, "share": 0.05}, base)


def test_words_are_of_network_data_and_parameters() -> None:
    words = CNN.words(defaults(CNN, dataset="kmnist"))
    assert words["title"]["en"] == "Convolutional network"
    assert words["data"] == "KMNIST"
    assert len(words["notes"]) == 1
    assert set(words["parameters"]) == set(CNN.rules)
    assert words["values"]["max"] == {"en": "max", "zh": "最大"}
    told = FNN.words(defaults(FNN))
    assert told["target"]["en"] == "median house value"
    assert told["about"]["en"].startswith(
        "The network predicts the median house value of a census tract. Each"
    )
    assert set(told) == {
        *("title", "short", "about", "data", "target", "source", "notes", "parameters", "values"),
    }


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ((None, None), None),
        (("a.", None), "a."),
        (({"en": "a."}, None), {"en": "a."}),
        (("a.", "b."), "a. b."),
        (({"en": "a.", "zh": "甲。"}, "b."), {"en": "a. b.", "zh": "甲。 b."}),
        (({"en": "a."}, {"zh": "乙。", "en": "b."}), {"en": "a. b.", "zh": "a. 乙。"}),
        (({"fr": "a."}, {"zh": "乙。"}), {"fr": "a. 乙。", "zh": "a. 乙。"}),
    ],
)
def test_words_are_joined_in_each_language(texts: tuple[Any, ...], found: Any) -> None:
    assert joined(*texts) == found
