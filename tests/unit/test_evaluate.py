"""Evaluation: metrics against scikit-learn's, diverged replicates, sizes, further draws, yardsticks."""

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ablation.data import Data
from ablation.results import evaluation
from ablation.results.evaluation import replicate_rows, sizes, summarise
from ablation.tasks import classification, regression
from ablation.tasks.form import Form
from ablation.tasks.prepare import prepare
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from torch import Tensor, nn
from torch.nn import functional

TARGETS = st.lists(st.tuples(st.floats(0, 50), st.floats(-10, 60)), min_size=2, max_size=40)
CLASSES, SEED = 4, 20261
CHANCE = np.random.default_rng(0)
TABLE = Data(CHANCE.normal(size=(60, 3)), CHANCE.normal(size=60))
IMAGES = Data(CHANCE.integers(0, 256, (120, 4, 5), np.uint8), np.arange(120) % CLASSES)
NUMBERS = Form("regression", parts=6)
PICTURES = Form("classification", classes=CLASSES, images=True)
Parts = tuple[dict[str, Tensor], dict[str, Tensor]]


def facts(replicate: int, diverged: bool = False) -> dict[str, Any]:
    """What training says of a replicate."""
    return {"replicate": replicate, "diverged": diverged, "best_epoch": 3, "val_loss": 0.5}


def parts_of(data: Data, form: Form, replicates: int = 6, **changes: Any) -> Parts:
    parameters = {"share": 0.7, "test": "drawn", **changes}
    train, test = prepare(data, form, parameters, SEED, replicates)
    first, second = ({n: torch.from_numpy(a) for n, a in p.items()} for p in (train, test))
    return first, second


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """Weights of linear networks, which the evaluation reads through the engine's two functions."""
    torch.manual_seed(0)

    def network_of(spec: Any, tensors: Any, train: Any, replicate: int) -> nn.Module:
        network = nn.Sequential(nn.Flatten(), nn.Linear(*tensors["weight"].shape[:0:-1]))
        network[1].load_state_dict({name: own[replicate] for name, own in tensors.items()})
        return network.eval()

    @torch.no_grad()
    def outputs(
        spec: Any, tensors: Any, train: Any, test: Any, *, replicate: int, index: Tensor
    ) -> Tensor:
        inputs = test["inputs"][index].float()
        found: Tensor = network_of(spec, tensors, train, replicate)(inputs)
        return found.double()

    monkeypatch.setattr(evaluation, "network_of", network_of)
    monkeypatch.setattr(evaluation, "outputs", outputs)
    return {}


def weights(inputs: int, outputs: int, replicates: int = 6) -> dict[str, Tensor]:
    shape = (replicates, outputs, inputs)
    return {"weight": torch.randn(shape) / 100, "bias": torch.randn(replicates, outputs)}


@settings(max_examples=50)
@given(TARGETS)
def test_regression_metrics_are_scikit_learns(pairs: list[tuple[float, float]]) -> None:
    target, predicted = np.array(pairs).T
    if np.ptp(target) < 1e-3:
        return
    ours, columns = regression.score(target, predicted[:, None])
    assert ours["mse"] == pytest.approx(sklearn_metrics.mean_squared_error(target, predicted))
    assert ours["mae"] == pytest.approx(sklearn_metrics.mean_absolute_error(target, predicted))
    assert ours["r2"] == pytest.approx(sklearn_metrics.r2_score(target, predicted))
    assert np.array_equal(columns["prediction"], predicted)
    assert np.array_equal(columns["target"], target)


def test_classification_metrics_are_scikit_learns() -> None:
    labels = CHANCE.integers(0, 10, 300)
    labels = np.where(labels == 7, 1, labels)  # a class that is not in the test part
    logits = CHANCE.normal(size=(300, 10))
    ours, columns = classification.score(labels, logits)
    predicted = logits.argmax(1)
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert ours["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(labels, predicted))
    assert ours["loss"] == pytest.approx(
        sklearn_metrics.log_loss(labels, chances, labels=range(10))
    )
    assert columns["loss"].mean() == pytest.approx(ours["loss"])
    assert columns["confidence"] == pytest.approx(chances.max(1))
    assert np.array_equal(columns["predicted"], predicted)
    matrix = sklearn_metrics.confusion_matrix(labels, predicted, labels=range(10))
    assert np.array_equal(classification.confusion_matrix(labels, predicted, 10), matrix)
    recall = sklearn_metrics.recall_score(
        labels, predicted, labels=range(10), average=None, zero_division=0
    )
    assert ours["per_class_accuracy"][7] is None
    own = [value for i, value in enumerate(ours["per_class_accuracy"]) if i != 7]
    assert own == pytest.approx(np.delete(recall, 7).tolist())


@pytest.mark.parametrize("shape", [(7,), (3, 7)])
def test_losses_and_figures_are_of_each_sample(shape: tuple[int, ...]) -> None:
    output, labels = torch.randn(*shape, CLASSES), torch.randint(0, CLASSES, shape)
    found = classification.loss(output, labels)
    assert found.shape == shape
    expected = -output.log_softmax(-1).gather(-1, labels[..., None])[..., 0]
    assert torch.allclose(found, expected)
    right = classification.figures(output, labels)["accuracy"]
    assert right.shape == shape
    accuracy = sklearn_metrics.accuracy_score(labels.flatten(), output.argmax(-1).flatten())
    assert right.mean().item() == pytest.approx(accuracy)
    numbers = torch.randn(*shape, 1)
    assert torch.allclose(regression.loss(numbers, torch.ones(shape)), (numbers[..., 0] - 1) ** 2)
    assert regression.figures(numbers, labels) == {}


def test_what_a_guess_loses() -> None:
    target = torch.tensor([1.0, 2.0, 6.0])
    assert regression.guess_loss(target, 1) == pytest.approx(((target - 3) ** 2).mean().item())
    labels = torch.tensor([0, 2, 3, 1, 3])
    assert classification.guess_loss(labels, 4) == pytest.approx(
        functional.cross_entropy(torch.zeros(5, 4), labels).item()
    )


def evaluate(task: str, tensors: dict[str, Tensor], parts: Parts) -> tuple[Any, pd.DataFrame]:
    training = [facts(r, diverged=r == 1) for r in range(6)]
    found, rows = evaluation.evaluate({"task": task}, tensors, parts, replicates=training)
    return found, pd.DataFrame(rows[1:], columns=rows[0])


def test_a_regression_is_tested(engine: Any) -> None:
    parts = parts_of(TABLE, NUMBERS)
    tensors = weights(3, 1)
    tensors["bias"][4] = torch.nan
    found, table = evaluate("regression", tensors, parts)
    assert list(table) == ["replicate", "index", "target", "prediction"]
    assert sorted(table["index"]) == list(range(60))  # a block of six tests on each row once
    assert np.array_equal(table["target"], TABLE.target[table["index"]])
    assert found["status"] == {"ok": 4, "diverged": 2}
    assert found["confusion_matrix"] is None
    assert found["model_size"] == {"parameters": 4, "multiply_adds": 3}
    assert list(found["metrics"]) == ["mse", "mae", "r2"]
    for row in found["replicates"]:
        r = row["replicate"]
        own = table[table["replicate"] == r]
        if r in (1, 4):
            assert row["mse"] is None
            assert set(own["prediction"]) == {""}
            continue
        inputs = torch.from_numpy(TABLE.inputs[own["index"]]).float()
        expected = inputs @ tensors["weight"][r].T + tensors["bias"][r]
        assert own["prediction"].astype(float).to_numpy() == pytest.approx(expected[:, 0].numpy())
        error = own["prediction"].astype(float) - own["target"]
        assert row["mse"] == pytest.approx((error**2).mean())


def test_a_classification_is_tested(engine: Any) -> None:
    parts = parts_of(IMAGES, PICTURES)
    tensors = weights(20, CLASSES)
    tensors["weight"][4] = torch.inf
    found, table = evaluate("classification", tensors, parts)
    assert list(table) == ["replicate", "index", "label", "predicted", "confidence", "loss"]
    assert np.array_equal(table["label"], IMAGES.target[table["index"]])
    assert found["status"] == {"ok": 4, "diverged": 2}
    assert found["model_size"] == {"parameters": 84, "multiply_adds": 80}
    usable = table[~table["replicate"].isin([1, 4])]
    matrix = sklearn_metrics.confusion_matrix(
        usable["label"], usable["predicted"].astype(int), labels=range(CLASSES)
    )
    assert np.array_equal(found["confusion_matrix"], matrix)
    for row in found["replicates"]:
        if row["status"] == "ok":
            own = table[table["replicate"] == row["replicate"]]
            assert row["accuracy"] == (own["label"] == own["predicted"]).mean()
            assert len(row["per_class_accuracy"]) == CLASSES


def test_all_diverged_is_a_result_too(engine: Any) -> None:
    tensors = {name: tensor * torch.nan for name, tensor in weights(20, CLASSES).items()}
    found, table = evaluate("classification", tensors, parts_of(IMAGES, PICTURES))
    assert found["status"] == {"ok": 0, "diverged": 6}
    assert found["metrics"]["accuracy"] == {"mean": None, "sd": None, "n": 0}
    assert np.array(found["confusion_matrix"]).sum() == 0
    assert set(table["predicted"]) == {""}


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


def test_parts_are_counted_by_the_fewest_and_the_most_of_any_replicate() -> None:
    data = Data(TABLE.inputs[:50], TABLE.target[:50])
    assert sizes(*parts_of(data, NUMBERS)) == {
        "n_train": [32, 34],
        "n_validation": [8, 9],
        "n_test": [8, 9],
        "overlap_ratio": 0.2,  # one of six parts tests, the other five can train
        "fixed_test_set": False,
    }


def test_a_fixed_test_set_overlaps_with_none() -> None:
    found = sizes(*parts_of(IMAGES, PICTURES))
    parts = ("n_train", "n_validation", "n_test")
    assert [found[name] for name in parts] == [[58, 58], [14, 14], [12, 12]]
    assert found["overlap_ratio"] == pytest.approx(12 / 108)
    official = Data(IMAGES.inputs, IMAGES.target, IMAGES.inputs[:30], IMAGES.target[:30])
    found = sizes(*parts_of(official, PICTURES, test="official"))
    assert (found["overlap_ratio"], found["fixed_test_set"]) == (0.0, True)
    assert found["n_test"] == [30, 30]


def test_further_draws_are_tested_as_the_test_part_is(engine: Any) -> None:
    """Drawn from the test part itself, a draw gives the metrics of the evaluation."""
    train, test = parts_of(IMAGES, PICTURES)
    tensors, index = weights(20, CLASSES), test["test_index"]
    test["draw_index"] = torch.stack([index, index, index.flip(1)], 1)
    test["draw_n"] = torch.tensor([[12, 6, 12]] * 6)
    test["draw_n"][2] = torch.tensor([0, 0, 5])
    expected, _ = evaluate("classification", tensors, (train, test))
    for r in (0, 5):
        draws = evaluation.evaluate_draws({}, tensors, (train, test), r)
        assert [draw["n"] for draw in draws] == [12, 6, 12]
        for draw in (draws[0], draws[2]):
            row = expected["replicates"][r]
            assert draw["accuracy"] == row["accuracy"]
            assert draw["loss"] == pytest.approx(row["loss"])
            assert np.array(draw["confusion_matrix"]).sum() == 12

    assert [draw["n"] for draw in evaluation.evaluate_draws({}, tensors, (train, test), 2)] == [5]


def test_counting_operations_leaves_the_compiler_out() -> None:
    code = (
        "import sys, torch; from torch import nn; from ablation.results import evaluation; "
        "net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 3)); "
        "size = evaluation._model_size(net, torch.zeros(5, 8, 8)); "
        "print(size['multiply_adds'], 'torch._dynamo' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.stdout.split() == [str(2 * 36 * 9 + 72 * 3), "False"]
