"""The document of an evaluation: numbers, diverged replicates, failures, and what it refuses."""

import json
import shutil
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.replicate import load_replicate
from ablation.store.entries import (
    Failure,
    StoreError,
    publish,
    require,
)
from ablation.store.formats import InvalidDocumentError, validate_document
from ablation.training.network import network_of
from report import invented
from sklearn import metrics as sklearn_metrics
from unit_stored import Make


@pytest.mark.parametrize("model", ["fnn", "cnn"])
def test_the_produced_document(stored: Make, model: str) -> None:
    own = stored(model, frozenset({3}))
    document = own.evaluate()
    validate_document(document, "metrics_file")
    assert (document["model"], document["key"]) == (model, own.cell.key)
    assert document["evaluation"] == own.stages[1].key
    assert document["spec"] == own.cell.spec
    assert document["environment"] == invented.ENVIRONMENT
    assert document["status"] == {"ok": 4, "diverged": 2}
    assert document["data"]["prepared"] == own.cell.data_key
    assert [row["status"] for row in document["replicates"]] == [
        *("ok", "diverged", "ok", "diverged", "ok", "ok")
    ]
    first = next(iter(document["metrics"]))
    assert document["replicates"][1][first] is None
    assert document["metrics"][first]["n"] == 4
    network = network_of(own.cell.spec, own.stack, own.train, 0)
    size = document["model_size"]
    assert size["parameters"] == sum(p.numel() for p in network.parameters())
    text = (own.output / "metrics.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    table = pd.read_csv(own.output / "predictions.csv")
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


def test_all_diverged_is_a_document_too(stored: Make) -> None:
    document = stored("cnn", frozenset(range(6))).evaluate()
    assert document["status"] == {"ok": 0, "diverged": 6}
    assert document["metrics"]["accuracy"] == {"mean": None, "sd": None, "n": 0}
    assert np.array(document["confusion_matrix"]).sum() == 0


def test_evaluating_twice_gives_the_same_bytes(stored: Make) -> None:
    own = stored("cnn")
    own.evaluate()
    first = require(own.output).files
    shutil.rmtree(own.output)
    own.evaluate()
    assert require(own.output).files == first


def test_a_damaged_entry_is_not_evaluated(stored: Make) -> None:
    own = stored("fnn")
    path = own.trained / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(StoreError, match=r"damaged \(model\.safetensors\): start the run again"):
        own.evaluate()
    assert not own.output.exists()


def test_a_failed_training_is_not_evaluated(stored: Make) -> None:
    """Its document says why, has no number, and is of the same form."""
    own = stored("fnn")
    shutil.rmtree(own.trained)
    why = Failure("killed by signal 9", ("epoch 1", "epoch 2"))
    with publish(own.trained, {f"train/{own.cell.key}": why}):
        pass
    document = own.evaluate()
    validate_document(document, "metrics_file")
    assert document["status"] == {
        **{"failed": "killed by signal 9", "ok": 0, "diverged": 0, "log": ["epoch 1", "epoch 2"]}
    }
    assert document["replicates"] == []
    assert {document[name] for name in ("metrics", "cost", "environment", "data")} == {None}
    assert document["spec"] == own.cell.spec
    entry = require(own.output)
    assert (entry.failures, entry.failure) == ({f"train/{own.cell.key}": why}, None)
    own.show()
    with pytest.raises(StoreError, match=f"{own.cell.name} failed: killed by signal 9"):
        load_replicate(own.cell.name, 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("extra", 1),
        ("key", "short"),
        ("status", {"ok": -1, "diverged": 0}),
        ("metrics", {"mse": {"mean": 1.0, "sd": None, "ci95": [0.0, 2.0], "n": 1}}),
        ("replicates", [{"replicate": 0, "status": "fine", "best_epoch": 1, "val_loss": 1}]),
        ("confusion_matrix", [[1]]),
        ("model_size", {"parameters": 1}),
    ],
)
def test_another_document_is_invalid(stored: Make, path: str, value: Any) -> None:
    document = stored("fnn").evaluate()
    validate_document(document, "metrics_file")
    with pytest.raises(InvalidDocumentError, match="metrics_file"):
        validate_document(json.loads(json.dumps({**document, path: value})), "metrics_file")
