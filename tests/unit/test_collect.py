"""From stored predictions to the metric of every test sample."""

from typing import Any

import pandas as pd
import pytest
from ablation.collect import per_sample_metric
from ablation.config import schema
from ablation.registry import MODELS


def test_a_class_is_right_or_wrong_and_diverged_replicates_are_left_out() -> None:
    predictions = pd.DataFrame(
        {"replicate": [0, 0, 0, 1, 1, 1, 2, 2, 2], "index": [5, 6, 7] * 3, "label": [1, 2, 3] * 3,
         "predicted": [1, 2, 9, None, None, None, 1, 9, 9], "loss": [0.1, 0.1, 3, None, None, None, 0.1, 2, 2]}
    )  # fmt: skip
    found = per_sample_metric(predictions)
    assert {r: own.tolist() for r, own in found.items()} == {
        0: [True, True, False],
        2: [True, False, False],
    }


def test_a_number_has_its_squared_error_whose_mean_is_the_mse() -> None:
    predictions = pd.DataFrame(
        {"replicate": [0, 0, 1, 1], "index": [5, 6, 5, 6], "target": [10.0, 20, 30, 40],
         "prediction": [11.0, 17, None, None]}
    )  # fmt: skip
    found = per_sample_metric(predictions)
    assert list(found) == [0]
    assert found[0] == pytest.approx([1, 9])


def test_the_step_of_replicates_is_the_one_that_the_configuration_asks_for() -> None:
    models: dict[str, Any] = schema()["properties"]["models"]["properties"]
    for name, model in MODELS.items():
        declared = models[name]["properties"]["replicates"]
        assert model.replicate_step == declared.get("multipleOf", 1)
    assert MODELS["cnn"].chance == pytest.approx(0.1)
