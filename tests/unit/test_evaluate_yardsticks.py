"""Yardsticks: the simple models of a task, on the same splits."""

import numpy as np
import pytest
from ablation.data import Data
from ablation.tasks.form import Form
from ablation.tasks.prepare import prepare
from ablation.tasks.yardsticks import yardsticks
from sklearn import metrics as sklearn_metrics
from sklearn.linear_model import LogisticRegression, RidgeCV

CLASSES, SEED = 4, 20261
CHANCE = np.random.default_rng(0)
TABLE = Data(CHANCE.normal(size=(60, 3)), CHANCE.normal(size=60))
IMAGES = Data(CHANCE.integers(0, 256, (120, 4, 5), np.uint8), np.arange(120) % CLASSES)
NUMBERS = Form("regression", parts=6)
PICTURES = Form("classification", classes=CLASSES, images=True)


def test_yardsticks_of_a_table_of_numbers() -> None:
    train, test = prepare(TABLE, NUMBERS, {}, SEED, 2)
    found = yardsticks("regression", train, test, 0)
    assert list(found) == ["predict_mean", "ridge", "gradient_boosting"]
    assert [row["replicate"] for row in found["ridge"]] == [0, 1]
    rows = {
        name: arrays["row"][arrays[f"{name}_index"][1, : arrays[f"{name}_n"][1]]]
        for name, arrays in (("train", train), ("test", test))
    }
    x, y = TABLE.inputs, TABLE.target
    mean, scale = x[rows["train"]].mean(0), x[rows["train"]].std(0)
    model = RidgeCV(np.logspace(-2, 3, 11)).fit((x[rows["train"]] - mean) / scale, y[rows["train"]])
    predicted = model.predict((x[rows["test"]] - mean) / scale)
    assert found["ridge"][1]["mse"] == pytest.approx(((predicted - y[rows["test"]]) ** 2).mean())
    guess = ((y[rows["test"]] - y[rows["train"]].mean()) ** 2).mean()
    assert found["predict_mean"][1]["mse"] == pytest.approx(guess)


@pytest.mark.parametrize("images", [True, False])
def test_yardsticks_of_classes(images: bool) -> None:
    features = IMAGES.inputs if images else IMAGES.inputs.reshape(120, -1)[:, :5] * 1.0
    form = Form("classification", classes=CLASSES, images=images)
    data = Data(features, IMAGES.target)
    train, test = prepare(data, form, {"share": 1.0, "test": "drawn"}, SEED, 1)
    (row,) = yardsticks("classification", train, test, 0)["logistic_regression"]
    assert set(row) == {"replicate", "accuracy", "loss"}
    seen, kept = (
        (data.inputs[rows].reshape(len(rows), -1), data.target[rows])
        for rows in (train["row"][train["train_index"][0]], test["row"][test["test_index"][0]])
    )
    if images:
        model = LogisticRegression(C=0.05, max_iter=200).fit(seen[0] / 255, seen[1])
        chances = model.predict_proba(kept[0] / 255)
    else:
        mean, scale = seen[0].mean(0), seen[0].std(0)
        model = LogisticRegression(max_iter=1000).fit((seen[0] - mean) / scale, seen[1])
        chances = model.predict_proba((kept[0] - mean) / scale)
    assert row["loss"] == pytest.approx(
        sklearn_metrics.log_loss(kept[1], chances, labels=range(CLASSES)), rel=1e-3
    )
    assert row["accuracy"] == (chances.argmax(1) == kept[1]).mean()


def test_a_class_that_a_yardstick_never_saw_has_a_finite_loss() -> None:
    train, test = prepare(IMAGES, PICTURES, {"share": 1.0, "test": "drawn"}, SEED, 1)
    train["target"] = np.where(train["target"] == 3, 0, train["target"])
    (row,) = yardsticks("classification", train, test, 0)["logistic_regression"]
    assert 5 < row["loss"] < 40
