"""Evaluation: metrics against scikit-learn's, diverged replicates, the produced files and their way back."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ablation import evaluate_job
from ablation.canonical import key_of
from ablation.cnn import evaluate as cnn_evaluate
from ablation.cnn.network import StackedCNN
from ablation.fnn import evaluate as fnn_evaluate
from ablation.fnn.network import StackedFNN
from ablation.grid import Cell, Study, build
from ablation.plan import Plan
from ablation.registry import MODELS
from ablation.replicate import load_replicate, load_test_part
from ablation.schemas import InvalidDocumentError, validate_document
from ablation.store import StoreError, publish, read_json, write_json
from ablation.summary import replicate_rows, summarise
from conftest import Part, Parts
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from sklearn import metrics as sklearn_metrics
from torch.nn import functional

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
            expected = fnn_evaluate.plain(fnn_parameters, stack, r)(test["test_x"][r, :count])
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
            logits = cnn_evaluate.plain(parameters, stack, r)(x)
        labels = test["labels"][index]
        assert own["label"].tolist() == labels.tolist()
        assert (own["predicted"].to_numpy() == logits.argmax(1).numpy()).mean() > 0.99
        expected = functional.cross_entropy(logits, labels, reduction="none")
        assert own["loss"].to_numpy() == pytest.approx(expected.numpy(), rel=1e-4)
        sure = logits.softmax(1).max(1).values
        assert own["confidence"].to_numpy() == pytest.approx(sure.numpy(), rel=1e-4)
        assert rows[r]["loss"] == pytest.approx(own["loss"].mean())


def facts(replicate: int, diverged: bool = False) -> dict[str, Any]:
    return {"replicate": replicate, "diverged": diverged, "best_epoch": 3, "val_loss": 0.5}


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


class Stored:
    """A trained cell on disk as the trainer leaves it, with the prepared parts beside."""

    def __init__(
        self, cell: Cell, folder: Path, train: Part, test: Part, diverged: frozenset[int]
    ) -> None:
        network: Any = {"fnn": StackedFNN, "cnn": StackedCNN}[cell.model]
        replicates = len(train["mean"])
        self.cell, self.entry = cell, folder / "results" / "store" / cell.model / cell.key
        self.stack = dict(network(cell.spec["parameters"], 5, range(replicates)).state_dict())
        for tensor in self.stack.values():
            for r in diverged:
                tensor[r] = float("nan")
        with publish(self.entry / "train") as draft:
            save_file(self.stack, draft / "model.safetensors")
            write_json(draft / "spec.json", cell.spec)
            # The second one is known to have diverged from its losses; its parameters are finite.
            rows = [facts(r, r in diverged or r == 1) for r in range(replicates)]
            write_json(draft / "replicates.json", rows)
        self.data = self.entry.parents[1] / "data" / f"{cell.model}-{cell.data_key}"
        self.data.mkdir(parents=True)
        self.parts = [self.data / f"{name}.safetensors" for name in ("train", "test")]
        for part, path in zip((train, test), self.parts, strict=True):
            save_file({name: t.contiguous().clone() for name, t in part.items()}, path)
        self.output = self.entry / "eval-0123456789abcdef" / "metrics.json"
        self.job = {
            "key": cell.key,
            "eval": "0123456789abcdef",
            "module": MODELS[cell.model].module("evaluate"),
            "metrics": [metric.name for metric in MODELS[cell.model].metrics],
        }

    def evaluate(self) -> dict[str, Any]:
        evaluate_job.evaluate(self.job, self.entry, *self.parts, self.output)
        found: dict[str, Any] = read_json(self.output)
        return found


@pytest.fixture
def small_study(
    config: dict[str, Any], fnn_parameters: dict[str, Any], cnn_parameters: dict[str, Any]
) -> Study:
    """The shipped study with narrow networks."""
    config["models"]["fnn"]["parameters"] = fnn_parameters
    config["models"]["cnn"]["parameters"] = cnn_parameters
    return build(config)


@pytest.fixture
def stored(
    small_study: Study, boston_parts: Parts, digit_parts: Parts, tmp_path: Path
) -> Callable[..., Stored]:
    """``stored(model, diverged)``: a trained cell on disk."""

    def make(model: str, diverged: frozenset[int] = frozenset()) -> Stored:
        train, test = {"fnn": boston_parts, "cnn": digit_parts}[model](6)
        name = {"fnn": "fnn/activation_relu", "cnn": "cnn/pooling_max"}[model]
        return Stored(small_study.by_name[name], tmp_path, train, test, diverged)

    return make


@pytest.mark.parametrize(("model", "module"), [("fnn", fnn_evaluate), ("cnn", cnn_evaluate)])
def test_the_produced_document(
    stored: Callable[..., Stored], model: str, module: ModuleType
) -> None:
    own = stored(model, frozenset({3}))
    document = own.evaluate()
    validate_document(document, "store_metrics")
    assert document["key"] == own.cell.key
    assert document["fingerprint"] == document["eval"] == "0123456789abcdef"
    assert document["status"] == {"ok": 4, "diverged": 2}
    assert document["data"]["prepared"] == own.data.name
    assert [row["status"] for row in document["replicates"]] == [
        *("ok", "diverged", "ok", "diverged", "ok", "ok")
    ]
    first = next(iter(document["metrics"]))
    assert document["replicates"][1][first] is None
    assert document["metrics"][first]["n"] == 4
    network = module.plain(own.cell.spec["parameters"], own.stack, 0)
    size = document["model_size"]
    assert size["parameters"] == sum(p.numel() for p in network.parameters())
    text = own.output.read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    table = pd.read_csv(own.output.parent / "predictions.csv")
    assert set(table["replicate"]) == set(range(6))
    outcomes = {"fnn": ["prediction"], "cnn": ["predicted", "confidence", "loss"]}[model]
    empty = table.set_index("replicate")[outcomes].isna()
    assert empty.loc[[1, 3]].all(axis=None)
    assert not empty.loc[[0, 2, 4, 5]].any(axis=None)
    if model == "cnn":
        matrix = np.array(document["confusion_matrix"])
        usable = table[table["replicate"].isin([0, 2, 4, 5])]
        assert matrix.sum() == len(usable)
        assert np.array_equal(
            matrix,
            sklearn_metrics.confusion_matrix(
                usable["label"], usable["predicted"], labels=range(10)
            ),
        )
        channels, width = own.cell.parameters["channels"], own.cell.parameters["fc_width"]
        first_block = channels[0] * 25 * 28 * 28
        second_block = channels[0] * channels[1] * 25 * 14 * 14
        dense = channels[1] * 49 * width + width * 10
        assert size["multiply_adds"] == first_block + second_block + dense
    else:
        assert document["confusion_matrix"] is None
        assert size["multiply_adds"] == 13 * 16 + 16 * 16 + 16
        assert document["data"]["n_train"][1] + document["data"]["n_test"][1] < 506
        assert document["data"]["overlap_ratio"] == 0.2


def test_all_diverged_is_a_document_too(stored: Callable[..., Stored]) -> None:
    document = stored("cnn", frozenset(range(6))).evaluate()
    assert document["status"] == {"ok": 0, "diverged": 6}
    assert document["metrics"]["accuracy"] == {"mean": None, "sd": None, "n": 0}
    assert np.array(document["confusion_matrix"]).sum() == 0


def test_evaluating_twice_gives_the_same_bytes(
    stored: Callable[..., Stored], tmp_path: Path
) -> None:
    own = stored("cnn")
    own.evaluate()
    first = own.output.read_bytes()
    own.output = own.output.parent.with_name("eval-again") / "metrics.json"
    own.evaluate()
    assert own.output.read_bytes() == first


def test_a_damaged_entry_is_not_evaluated(stored: Callable[..., Stored]) -> None:
    own = stored("fnn")
    path = own.entry / "train" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(StoreError, match="damaged and is put aside"):
        own.evaluate()
    assert not own.output.parent.exists()
    assert not path.exists()
    assert len(list(own.entry.glob(".train-damaged-*/model.safetensors"))) == 1


def test_an_entry_of_another_key_is_not_evaluated(stored: Callable[..., Stored]) -> None:
    own = stored("fnn")
    own.job["key"] = key_of("another")
    with pytest.raises(StoreError, match="another specification"):
        own.evaluate()


def test_a_failed_training_is_not_evaluated(stored: Callable[..., Stored]) -> None:
    own = stored("fnn")
    write_json(own.entry / "status.json", {"failed": "killed by signal 9"})
    with pytest.raises(StoreError, match="training failed: killed by signal 9"):
        own.evaluate()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("extra", 1),
        ("key", "short"),
        ("status", {"ok": -1, "diverged": 0}),
        ("metrics", {"mse": {"mean": 1.0, "sd": None, "ci95": [0.0, 2.0], "n": 1}}),
        ("replicates", [{"replicate": 0, "status": "fine", "best_epoch": 1, "val_loss": 1}]),
        ("confusion_matrix", [[1]]),
        ("model_size", None),
    ],
)
def test_another_document_is_invalid(stored: Callable[..., Stored], path: str, value: Any) -> None:
    document = stored("fnn").evaluate()
    validate_document(document, "store_metrics")
    with pytest.raises(InvalidDocumentError, match="store_metrics"):
        validate_document(json.loads(json.dumps({**document, path: value})), "store_metrics")


@pytest.mark.parametrize("model", ["fnn", "cnn"])
@pytest.mark.parametrize("study", ["", "smoke"])
def test_a_replicate_that_is_taken_home(
    stored: Callable[..., Stored], tmp_path: Path, model: str, study: str
) -> None:
    """It predicts on its own test part what the study wrote down, whichever study's folder it comes from."""
    own = stored(model)
    document = own.evaluate()
    results = tmp_path / "results" / study
    view = {**document, "model": model, "spec": own.cell.spec}
    write_json(results / own.cell.name / "metrics.json", view)
    table = pd.read_csv(own.output.parent / "predictions.csv")
    for r in (0, 5):
        network = load_replicate(own.cell.name, r, results)
        assert type(network) is torch.nn.Sequential
        assert not network.training
        inputs, targets = load_test_part(own.cell.name, r, results)
        with torch.no_grad():
            outputs = network(inputs)
        rows = table[table["replicate"] == r]
        if model == "fnn":
            assert targets.tolist() == pytest.approx(rows["target"].tolist())
            predicted = outputs.flatten().tolist()
            assert predicted == pytest.approx(rows["prediction"].tolist(), rel=1e-4)
        else:
            assert targets.tolist() == rows["label"].tolist()
            assert (outputs.argmax(1).numpy() == rows["predicted"].to_numpy()).mean() > 0.97


def test_a_replicate_that_is_not_there(stored: Callable[..., Stored], tmp_path: Path) -> None:
    own, results = stored("fnn"), tmp_path / "results"
    with pytest.raises(StoreError, match=r"has no metrics\.json"):
        load_replicate(own.cell.name, 0, results)
    path = results / own.cell.name / "metrics.json"
    view = {**own.evaluate(), "model": "fnn", "spec": own.cell.spec}
    write_json(path, view)
    for replicate in (6, -1):
        with pytest.raises(IndexError, match="there are 0 to 5"):
            load_replicate(own.cell.name, replicate, results)
    write_json(path, {**view, "status": {"failed": "killed", "ok": 0, "diverged": 0}})
    with pytest.raises(StoreError, match="failed: killed"):
        load_replicate(own.cell.name, 0, results)
    write_json(path, view)
    (own.entry / "train" / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(StoreError, match="incomplete or damaged"):
        load_replicate(own.cell.name, 0, results)


def test_a_plan_names_where_the_document_lies(config: dict[str, Any]) -> None:
    plan = Plan(build(config))
    cell = plan.study.by_name["cnn/kernel_5"]
    assert plan.metrics(cell) == (
        f"results/store/cnn/{cell.key}/eval-{plan.evaluation('cnn')}/metrics.json"
    )
    assert plan.view(cell) == "results/cnn/kernel_5/metrics.json"


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
