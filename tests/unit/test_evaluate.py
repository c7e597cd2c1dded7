"""Evaluation: metrics against scikit-learn's, diverged replicates, further draws."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ablation.networks.cnn import evaluate as cnn_evaluate
from ablation.networks.cnn.network import StackedCNN
from ablation.networks.fnn import evaluate as fnn_evaluate
from ablation.networks.fnn.network import StackedFNN
from ablation.results.evaluation import replicate_rows, summarise
from conftest import Parts
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from torch.nn import functional
from unit_stored import facts

TARGETS = st.lists(st.tuples(st.floats(0, 50), st.floats(-10, 60)), min_size=2, max_size=40)


@settings(max_examples=50)
@given(TARGETS)
def test_regression_metrics_are_scikit_learns(pairs: list[tuple[float, float]]) -> None:
    target, predicted = np.array(pairs).T
    if np.ptp(target) < 1e-3:
        return
    ours = fnn_evaluate.metrics(target, predicted)
    assert ours["mse"] == pytest.approx(sklearn_metrics.mean_squared_error(target, predicted))
    assert ours["mae"] == pytest.approx(sklearn_metrics.mean_absolute_error(target, predicted))
    assert ours["r2"] == pytest.approx(sklearn_metrics.r2_score(target, predicted))


def test_classification_metrics_are_scikit_learns() -> None:
    chance = np.random.default_rng(0)
    labels, predicted = chance.integers(0, 10, 300), chance.integers(0, 10, 300)
    labels = np.where(labels == 7, 1, labels)  # a digit that is not in the test part
    loss = chance.exponential(size=300)
    ours = cnn_evaluate.metrics(labels, predicted, loss)
    assert ours["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(labels, predicted))
    assert ours["loss"] == pytest.approx(loss.mean())
    matrix = sklearn_metrics.confusion_matrix(labels, predicted, labels=range(10))
    assert np.array_equal(cnn_evaluate.confusion_matrix(labels, predicted), matrix)
    recall = sklearn_metrics.recall_score(
        labels, predicted, labels=range(10), average=None, zero_division=0
    )
    assert ours["per_class_accuracy"][7] is None
    own = [value for i, value in enumerate(ours["per_class_accuracy"]) if i != 7]
    assert own == pytest.approx(np.delete(recall, 7).tolist())


def test_fnn_predictions_are_those_of_the_plain_networks(
    fnn_parameters: dict[str, Any], boston_parts: Parts
) -> None:
    _, test = boston_parts(6)
    stack = dict(StackedFNN(fnn_parameters, 5, range(6)).state_dict())
    rows, columns = fnn_evaluate.evaluate(fnn_parameters, stack, test)
    assert len(rows) == 6
    table = pd.DataFrame(columns)
    assert list(table) == ["replicate", "index", "target", "prediction"]
    assert sorted(table["index"]) == list(range(506))  # a block of six tests on each row once
    for r in range(6):
        own, count = table[table["replicate"] == r], int(test["test_n"][r])
        assert len(own) == count
        with torch.no_grad():
            expected = fnn_evaluate.sequential(fnn_parameters, stack, r)(test["test_x"][r, :count])
        assert own["prediction"].to_numpy() == pytest.approx(
            expected[:, 0].numpy(), rel=1e-5, abs=1e-6
        )
        assert rows[r]["mse"] == pytest.approx(((own["prediction"] - own["target"]) ** 2).mean())


def test_cnn_predictions_are_those_of_the_plain_networks(
    cnn_parameters: dict[str, Any], digit_parts: Parts
) -> None:
    parameters = {**cnn_parameters, "batchnorm": True, "dropout": 0.5}
    train, test = digit_parts(3, test=270)  # more than one batch
    stack = dict(StackedCNN(parameters, 5, range(3)).state_dict())
    seen = {name: train[name] for name in ("mean", "scale")}
    rows, columns = cnn_evaluate.evaluate(parameters, stack, {**test, **seen})
    table = pd.DataFrame(columns)
    assert list(table) == ["replicate", "index", "label", "predicted", "confidence", "loss"]
    for r in range(3):
        own, index = table[table["replicate"] == r], test["test_index"][r]
        assert own["index"].tolist() == index.tolist()
        pixels = test["images"][index].unsqueeze(1).float() / 255
        with torch.no_grad():
            x = (pixels - train["mean"][r].float()) / train["scale"][r].float()
            logits = cnn_evaluate.sequential(parameters, stack, r)(x)
        labels = test["labels"][index]
        assert own["label"].tolist() == labels.tolist()
        assert (own["predicted"].to_numpy() == logits.argmax(1).numpy()).mean() > 0.99
        expected = functional.cross_entropy(logits, labels, reduction="none")
        assert own["loss"].to_numpy() == pytest.approx(expected.numpy(), rel=1e-4)
        sure = logits.softmax(1).max(1).values
        assert own["confidence"].to_numpy() == pytest.approx(sure.numpy(), rel=1e-4)
        assert rows[r]["loss"] == pytest.approx(own["loss"].mean())


def test_a_diverged_replicate_has_null_metrics() -> None:
    metrics = [{"accuracy": a, "loss": loss} for a, loss in [(0.9, 0.1), (0.8, 0.2), (0.7, np.nan)]]
    rows = replicate_rows(metrics, [facts(0), facts(1, diverged=True), facts(2)], "loss")
    assert [row["status"] for row in rows] == ["ok", "diverged", "diverged"]
    assert rows[0] == {
        **metrics[0],
        "replicate": 0,
        "status": "ok",
        "best_epoch": 3,
        "val_loss": 0.5,
    }
    for row in rows[1:]:
        assert {row[name] for name in ("accuracy", "loss", "best_epoch", "val_loss")} == {None}


def test_summary_is_over_the_ok_replicates() -> None:
    values = [1.0, 2.0, 4.0]
    rows = [{"status": "ok", "mse": value} for value in values]
    rows.insert(1, {"status": "diverged", "mse": None})
    found = summarise(rows, ["mse"])["mse"]
    assert set(found) == {"mean", "sd", "n"}  # intervals are the study's
    assert found["n"] == 3
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["sd"] == pytest.approx(np.std(values, ddof=1))
    assert summarise(rows[:2], ["mse"])["mse"] == {"mean": 1.0, "sd": None, "n": 1}
    assert summarise(rows[1:2], ["mse"])["mse"] == {"mean": None, "sd": None, "n": 0}


def test_parts_are_counted_by_the_fewest_and_the_most_of_any_replicate(boston_parts: Parts) -> None:
    assert fnn_evaluate.sizes(*boston_parts(6), "boston") == {
        "n_train": [336, 338],
        "n_validation": [84, 85],
        "n_test": [84, 85],
        "overlap_ratio": 0.2,  # one of six parts tests, the other five can train
        "fixed_test_set": False,
    }


def test_images_are_counted_and_a_fixed_test_set_overlaps_with_none(digit_parts: Parts) -> None:
    train, test = digit_parts(3, train=96, validation=40, test=50)
    found = cnn_evaluate.sizes(train, test, "mnist-5k")
    parts = ("n_train", "n_validation", "n_test")
    assert [found[name] for name in parts] == [[96, 96], [40, 40], [50, 50]]
    assert found["overlap_ratio"] == pytest.approx(50 / 4950)
    assert cnn_evaluate.sizes(train, test, "mnist")["overlap_ratio"] == pytest.approx(50 / 69950)
    fixed = {**test, "fixed": torch.tensor(True)}
    found = cnn_evaluate.sizes(train, fixed, "mnist")
    assert (found["overlap_ratio"], found["fixed_test_set"]) == (0.0, True)


def test_draws_are_read_by_the_plain_network_of_one_replicate(
    cnn_parameters: dict[str, Any], digit_parts: Parts
) -> None:
    """Drawn from the test part itself, a draw gives the metrics of the evaluation."""
    train, test = digit_parts(3, test=40)
    network = StackedCNN(cnn_parameters, 5, range(3))
    tensors = {name: tensor.detach() for name, tensor in network.state_dict().items()}
    index = test["test_index"]
    part = {**test, "mean": train["mean"], "scale": train["scale"]}
    part["draw_index"] = torch.stack([index, index[:, :20].repeat(1, 2), index.flip(1)], 1)
    expected, columns = cnn_evaluate.evaluate(cnn_parameters, tensors, part)
    for r in range(3):
        first, _, last = cnn_evaluate.evaluate_draws(cnn_parameters, tensors, part, r)
        assert first["n"] == 40
        assert first["accuracy"] == expected[r]["accuracy"] == last["accuracy"]
        assert first["loss"] == pytest.approx(expected[r]["loss"], rel=1e-4)
        own = columns["replicate"] == r
        matrix = cnn_evaluate.confusion_matrix(columns["label"][own], columns["predicted"][own])
        assert first["confusion_matrix"] == matrix.tolist()
