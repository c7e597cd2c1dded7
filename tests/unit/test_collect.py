"""From a study's files to its comparisons, and from predictions to the metric of every test sample."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.collect import per_sample_metric
from ablation.collect_job import collect
from ablation.config import schema
from ablation.registry import MODELS
from ablation.schemas import columns_of
from ablation.store import read_json, write_json

REPLICATES, ROWS = 6, 40
CLASSES = pd.DataFrame(
    {
        "replicate": [0, 0, 0, 1, 1, 1, 2, 2, 2],
        "index": [5, 6, 7] * 3,
        "label": [1, 2, 3] * 3,
        "predicted": [1, 2, 9, None, None, None, 1, 9, 9],
        "loss": [0.1, 0.1, 3, None, None, None, 0.1, 2, 2],
    }
)
NUMBERS = pd.DataFrame(
    {
        "replicate": [0, 0, 1, 1],
        "index": [5, 6, 5, 6],
        "target": [10.0, 20, 30, 40],
        "prediction": [11.0, 17, None, None],
    }
)


def test_a_class_is_right_or_wrong_and_diverged_replicates_are_left_out() -> None:
    found = {r: own.tolist() for r, own in per_sample_metric(CLASSES, "accuracy").items()}
    assert found == {0: [True, True, False], 2: [True, False, False]}


def test_a_number_has_its_squared_error_whose_mean_is_the_mse() -> None:
    found = per_sample_metric(NUMBERS, "mse")
    assert list(found) == [0]
    assert found[0] == pytest.approx([1, 9])


def test_a_metric_that_is_no_mean_over_samples_has_none() -> None:
    assert per_sample_metric(NUMBERS, "r2") == {}


def test_the_step_of_replicates_is_the_one_that_the_configuration_asks_for() -> None:
    models: dict[str, Any] = schema()["properties"]["models"]["properties"]
    for name, model in MODELS.items():
        declared = models[name]["properties"]["replicates"]
        assert model.replicate_step == declared.get("multipleOf", 1)
    assert MODELS["cnn"].chance == pytest.approx(0.1)


def make_cell(folder: Path, label: str, shift: float, diverged: int | None) -> dict[str, Any]:
    """A stored cell of the FNN with its view; one replicate may have diverged."""
    rng = np.random.default_rng(0)
    target = rng.normal(22, 9, (REPLICATES, ROWS))
    error = rng.normal(0, 3, (REPLICATES, ROWS)) * (1 + shift * rng.random((REPLICATES, 1)))
    store = folder / "store" / label
    rows, parts = [], []
    for r in range(REPLICATES):
        lost = r == diverged
        mse = None if lost else float(np.mean(error[r] ** 2))
        rows.append({"replicate": r, "status": "diverged" if lost else "ok", "mse": mse, "mae": mse,
                     "r2": mse, "best_epoch": None if lost else 1, "val_loss": mse})  # fmt: skip
        guess = np.full(ROWS, np.nan) if lost else target[r] + error[r]
        parts.append(pd.DataFrame({"replicate": r, "index": range(ROWS), "target": target[r],
                                   "prediction": guess}))  # fmt: skip
    for name in ("train", "eval-e"):
        (store / name).mkdir(parents=True)
    pd.concat(parts).to_csv(store / "eval-e" / "predictions.csv", index=False)
    history = pd.DataFrame(columns=columns_of("history_fnn"))
    history.to_csv(store / "train" / "history.csv", index=False)
    place = {
        "cell": f"fnn/axis_{label}",
        "model": "fnn",
        "axis": "axis",
        "label": label,
        "key": label,
    }
    view = {
        **place,
        "status": {
            "ok": REPLICATES - (diverged is not None),
            "diverged": int(diverged is not None),
        },
        "replicates": rows,
        "spec": {"parameters": {}},
        "data": {"prepared": "p", "test_train_ratio": 0.25, "fixed_test_set": False},
        **dict.fromkeys(("metrics", "model_size", "cost", "environment", "confusion_matrix")),
    }
    write_json(folder / f"{label}.json", view)
    return {
        **place,
        "value": label,
        "eval": "e",
        "levels": None,
        "store": str(store),
        "view": str(folder / f"{label}.json"),
    }


def collected(folder: Path, yardsticks: dict[str, Any]) -> dict[str, Any]:
    """The rows of one axis: "b" is left open, "c" lost a replicate."""
    cells = [
        make_cell(folder, *each) for each in (("a", 0.0, None), ("b", 0.4, None), ("c", 0.0, 2))
    ]
    write_json(folder / "yardsticks.json", {"yardsticks": yardsticks})
    axis = {
        "axis": "axis",
        "parameter": None,
        "factors": None,
        "with": {},
        "reference": "a",
        "cells": cells,
    }
    data = {"dataset": "boston", "source": "embedded", "sha256": {}, "prepared": "p"}
    spec = {
        "study": {"name": "default", "seed": 1},
        "statistics": {"confidence": 0.95, "margin": {"fnn": 1.0, "cnn": 0.02}},
        "models": [{"model": "fnn", "replicates": REPLICATES, "parameters": {}, "data": data,
                    "yardsticks_file": str(folder / "yardsticks.json"), "axes": [axis]}],
    }  # fmt: skip
    collect(spec, folder / "tables")
    found = read_json(folder / "tables" / "comparisons.json")["models"]["fnn"]["axes"]["axis"]
    rows: dict[str, Any] = found["rows"]
    return rows


def test_collecting_gives_the_statistics_all_that_they_need(tmp_path: Path) -> None:
    yardstick = [{"replicate": r, "mse": 80.0, "mae": 7.0, "r2": 0.0} for r in range(REPLICATES)]
    rows = collected(tmp_path, {"predict_mean": yardstick})
    values = [r["mse"] for r in read_json(tmp_path / "a.json")["replicates"]]
    assert rows["a"]["noise"]["sd"] == pytest.approx(np.std(values, ddof=1))
    assert all(row["noise"] is not None for row in rows.values())
    assert rows["b"]["settle"]["replicates"] % 6 == 0
    assert rows["c"]["sensitivity"]["counted_as"] == "predict_mean"
    assert rows["c"]["sensitivity"]["n_counted"] == 1


def test_without_that_yardstick_a_diverged_replicate_counts_as_guessing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "fnn", replace(MODELS["fnn"], chance=50.0))
    assert collected(tmp_path, {})["c"]["sensitivity"]["counted_as"] == "chance"
