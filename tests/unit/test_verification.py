"""The judgement over a repeated training, and its record."""

from __future__ import annotations

import copy
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.commands.agreement import COMPARED, Trained, changed_facts, judge
from ablation.commands.verify import sentence, verify
from ablation.results import verification
from ablation.store.entries import StoreError
from ablation.store.files import read_json, write_json
from ablation.store.formats import InvalidDocumentError
from ablation.store.keys import key_of


def classifier() -> Trained:
    """Two replicates on 500 images each, all right."""
    labels = np.tile(np.arange(10), 100)
    predictions = pd.DataFrame(
        {"replicate": np.repeat([0, 1], 500), "index": np.arange(1000), "label": labels,
         "predicted": labels.astype(float), "loss": 0.1}
    )  # fmt: skip
    rows = [{"replicate": r, "status": "ok", "accuracy": 0.96, "loss": 0.1} for r in (0, 1)]
    metrics = {"status": {"ok": 2, "diverged": 0}, "replicates": rows,
               "metrics": {"accuracy": {"mean": 0.96}, "loss": {"mean": 0.1}}}  # fmt: skip
    history = pd.DataFrame({"replicate": [0, 1], "epoch": [1, 1], "val_loss": [0.2, 0.3]})
    weights = {"w": np.array([[1.0, 2.0], [3.0, 4.0]])}
    return Trained(dict.fromkeys(COMPARED, "0"), weights, history, predictions, metrics)


def changed(trained: Trained, **numbers: Any) -> Trained:
    """The same training with other bytes and some other content."""
    kept = {
        n: copy.deepcopy(getattr(trained, n))
        for n in ("weights", "history", "predictions", "metrics")
    }
    return Trained(digests=dict.fromkeys(COMPARED, "1"), **{**kept, **numbers})


def metrics(trained: Trained, name: str, mean: float, replicate: float) -> dict[str, Any]:
    found = copy.deepcopy(dict(trained.metrics))
    found["metrics"][name]["mean"] += mean
    found["replicates"][1][name] += replicate
    return found


def flipped(trained: Trained, n: int) -> pd.DataFrame:
    found = trained.predictions.copy()
    found.loc[: n - 1, "predicted"] = (found.loc[: n - 1, "label"] + 1) % 10
    return found


def test_the_same_bytes_are_identical() -> None:
    found = judge(classifier(), classifier())
    assert (found["outcome"], found["broken"]) == ("identical", [])
    assert found["deviations"]["predictions"] == {"equal": 1.0}


@pytest.mark.parametrize("name", COMPARED)
def test_one_file_with_other_bytes_is_not_identical(name: str) -> None:
    again = classifier()
    other = Trained(
        {**again.digests, name: "1"}, again.weights, again.history, again.predictions, again.metrics
    )
    assert judge(classifier(), other)["outcome"] == "within tolerance"


@pytest.mark.parametrize(("flips", "outcome"), [(20, "within tolerance"), (21, "different")])
def test_the_bound_on_predictions(flips: int, outcome: str) -> None:
    stored = classifier()
    found = judge(stored, changed(stored, predictions=flipped(stored, flips)))
    assert found["outcome"] == outcome
    assert found["deviations"]["predictions"]["equal"] == pytest.approx(1 - flips / 1000)


@pytest.mark.parametrize(
    ("name", "mean", "replicate", "broken"),
    [
        ("accuracy", 0.0049, 0.0209, []),
        ("accuracy", 0.0051, 0.0, ["accuracy (mean)"]),
        ("accuracy", 0.0, -0.022, ["accuracy (replicate)"]),
        ("loss", 0.0059, 0.0249, []),
        ("loss", 0.0061, 0.0, ["loss (mean)"]),
    ],
)
def test_the_bounds_on_metrics(name: str, mean: float, replicate: float, broken: list[str]) -> None:
    stored = classifier()
    found = judge(stored, changed(stored, metrics=metrics(stored, name, mean, replicate)))
    assert [item["what"] for item in found["broken"]] == broken
    assert found["outcome"] == ("different" if broken else "within tolerance")


def test_a_replicate_that_diverged_once_is_different() -> None:
    stored = classifier()
    other = copy.deepcopy(dict(stored.metrics))
    other["replicates"][0].update(status="diverged", accuracy=None, loss=None)
    found = judge(stored, changed(stored, metrics=other))
    assert found["broken"][0]["what"] == "replicates that diverged in one training alone"


def test_other_samples_or_shapes_are_different() -> None:
    stored = classifier()
    shorter = changed(stored, weights={"w": np.ones((2, 3))}, predictions=stored.predictions[:-1])
    assert {item["what"] for item in judge(stored, shorter)["broken"]} == {
        "the shape of weights or history",
        "the test samples",
    }


def test_what_is_broken_is_told() -> None:
    stored = classifier()
    found = judge(stored, changed(stored, metrics=metrics(stored, "loss", 0.0061, 0.0)))
    said = sentence({**found, "cell": "cnn/x", "changed": {"torch": ["1", "2"]}})
    assert said == "cnn/x: different (loss (mean) 0.061, allowed 0.06); environment: torch 1 → 2"


def test_weights_that_are_nowhere_finite_do_not_count() -> None:
    stored = changed(classifier(), weights={"w": np.array([np.nan, 2.0])})
    found = judge(stored, changed(stored, weights={"w": np.array([np.nan, 2.5])}))
    assert found["deviations"]["weights"] == pytest.approx(0.25)


def test_regression_is_bounded_relatively() -> None:
    rows = [{"replicate": r, "status": "ok", "mse": 10.0} for r in range(2)]
    base = {
        "status": {"ok": 2, "diverged": 0},
        "replicates": rows,
        "metrics": {"mse": {"mean": 10.0}},
    }
    predictions = pd.DataFrame({"replicate": [0, 1], "index": [0, 1], "target": [20.0, 30.0],
                                "prediction": [21.0, 29.0]})  # fmt: skip
    stored = changed(classifier(), metrics=base, predictions=predictions)
    stored = replace(stored, digests=dict.fromkeys(COMPARED, "0"))
    near, far = (changed(stored, metrics=metrics(stored, "mse", by, 0.0)) for by in (0.19, 0.21))
    assert judge(stored, near)["outcome"] == "within tolerance"
    assert judge(stored, far)["outcome"] == "different"
    assert judge(stored, near)["deviations"]["predictions"] == {"largest": 0.0}


def test_facts_that_changed_are_named() -> None:
    then, now = {"torch": "1", "cpu": "x"}, {"torch": "2", "cpu": "x", "gpu": "y"}
    assert changed_facts(then, now) == {"torch": ["1", "2"], "gpu": [None, "y"]}


def record(outcome: str = "identical", key: str = "0" * 16) -> dict[str, Any]:
    found = judge(classifier(), classifier())
    cell = {"cell": "cnn/kernel_5", "model": "cnn", "key": key, **found, "outcome": outcome,
            "changed": {}, "seconds": 1.5}  # fmt: skip
    return {
        "format": 1, "when": "2026-01-02T03:04:05+00:00", "study": "default", "outcome": outcome,
        "k": 1, "n_cells": 4, "chosen": "random", "seed": 7, "bounds": {}, "cells": [cell],
        "environment": {}, "commit": None,
    }  # fmt: skip


def test_the_record_comes_back_and_keeps_earlier_outcomes(tmp_path: Path) -> None:
    assert verification.read(tmp_path) is None
    verification.write(tmp_path, record("different"))
    verification.write(tmp_path, record())
    found = verification.read(tmp_path)
    assert found is not None
    assert found == {**record(), "earlier": found["earlier"]}
    assert [earlier["outcome"] for earlier in found["earlier"]] == ["different"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"outcome": "different"', '"outcome": "identical"'),
        ('"seed": 7', '"seed": 8'),
        ('"cell": "cnn/kernel_5"', '"cell": "cnn/kernel_7"'),
        ('"digest": "', '"digest": "x'),
        ('"commit": null', '"commit": ""'),
    ],
)
def test_a_record_that_was_changed_is_none(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / verification.FILE
    verification.write(tmp_path, record("different"))
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    assert verification.read(tmp_path) is None
    path.write_text(text, "utf-8")
    assert verification.read(tmp_path) is not None


def test_a_record_without_its_digest_or_of_no_form_is_none(tmp_path: Path) -> None:
    path = tmp_path / verification.FILE
    verification.write(tmp_path, record())
    document = read_json(path)
    for changed_document in ({k: v for k, v in document.items() if k != "digest"}, [], None, "x"):
        write_json(path, changed_document)
        assert verification.read(tmp_path) is None
    unknown = {k: v for k, v in document.items() if k != "digest"} | {"more": 1}
    write_json(path, {**unknown, "digest": key_of(unknown)})
    assert verification.read(tmp_path) is None


def test_after_a_damaged_record_a_new_one_begins(tmp_path: Path) -> None:
    verification.write(tmp_path, record("different"))
    (tmp_path / verification.FILE).write_text("{", "utf-8")
    verification.write(tmp_path, record())
    found = verification.read(tmp_path)
    assert found is not None
    assert (found["outcome"], found["earlier"]) == ("identical", [])


@pytest.mark.parametrize("change", [{"when": "yesterday"}, {"cells": []}, {"outcome": "fine"}])
def test_what_is_no_record_is_not_written_and_not_read(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(InvalidDocumentError):
        verification.write(tmp_path, {**record(), **change})
    assert not (tmp_path / verification.FILE).exists()
    (tmp_path / verification.FILE).write_text("{}", encoding="utf-8")
    assert verification.read(tmp_path) is None


def test_the_worst_outcome_counts() -> None:
    assert verification.worst(["identical", "different", "within tolerance"]) == "different"


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(json.dumps(config), "utf-8")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    choice: dict[str, Any] = {"cells": None, "named": [], "seed": 1, "cores": 1}
    with pytest.raises(StoreError, match="cannot be written by this user"):
        verify([], [], **choice, keep=False, report=False)
