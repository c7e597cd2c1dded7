"""From a study's files to its comparisons, and from predictions to the metric of every test sample."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.machine.logs import LOG
from ablation.results.evaluation import summarise
from ablation.results.tables import per_sample_metric
from ablation.stages.collect import collect
from ablation.store.entries import publish, require
from ablation.store.files import read_json, write_json
from ablation.store.formats import columns_of
from ablation.tasks.task import CLASSIFICATION, REGRESSION

REPLICATES, ROWS, EPOCHS = 6, 40, 8
KEYS = {name: f"{i}" * 16 for i, name in enumerate(("relu", "tanh", "sigmoid"))}
TESTED = {name: f"e{key[1:]}" for name, key in KEYS.items()}
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


METRICS = {
    "accuracy": {0: [1, 1, 0], 2: [1, 0, 0]},
    "loss": {0: [0.1, 0.1, 3], 2: [0.1, 2, 2]},
    "mse": {0: [1, 9]},
    "mae": {0: [1, 3]},
}


@pytest.mark.parametrize("metric", METRICS)
def test_every_sample_has_its_metric_and_diverged_replicates_are_left_out(metric: str) -> None:
    table = CLASSES if metric in ("accuracy", "loss") else NUMBERS
    found = per_sample_metric(table, metric)
    assert list(found) == list(METRICS[metric])
    for r, expected in METRICS[metric].items():
        assert found[r].tolist() == pytest.approx(expected)


def test_a_metric_that_is_no_mean_over_samples_has_none() -> None:
    assert per_sample_metric(NUMBERS, "r2") == {}


def test_errors_are_compared_on_the_logarithm_and_guessing_is_known() -> None:
    known = (*REGRESSION.metrics_on(unit="m"), *CLASSIFICATION.metrics_on(classes=10))
    metrics = {metric.name: metric for metric in known}
    assert {name for name, metric in metrics.items() if metric.log} == {"mse", "mae", "loss"}
    assert metrics["accuracy"].chance == pytest.approx(0.1)
    assert metrics["loss"].chance == pytest.approx(np.log(10))
    assert metrics["mse"].chance is None


def make_cell(folder: Path, label: str, shift: float, diverged: int | None) -> dict[str, Any]:
    """A trained and tested cell of the FNN in the store; one replicate may have diverged."""
    rng = np.random.default_rng(0)
    target = rng.normal(22, 9, (REPLICATES, ROWS))
    error = rng.normal(0, 3, (REPLICATES, ROWS)) + shift * rng.normal(0, 3, (REPLICATES, ROWS))
    rows, parts = [], []
    for r in range(REPLICATES):
        lost = r == diverged
        mse = None if lost else float(np.mean(error[r] ** 2))
        mae = None if lost else float(np.mean(abs(error[r])))
        rows.append({"replicate": r, "status": "diverged" if lost else "ok", "mse": mse, "mae": mae,
                     "r2": mse, "best_epoch": None if lost else 1, "val_loss": mse})  # fmt: skip
        guess = np.full(ROWS, np.nan) if lost else target[r] + error[r]
        parts.append(pd.DataFrame({"replicate": r, "index": range(ROWS), "target": target[r],
                                   "prediction": guess}))  # fmt: skip
    epochs = range(1, EPOCHS + 1)
    history = pd.DataFrame(
        [{"replicate": r, "epoch": e, "train_loss": 9 / e, "val_loss": 10 / e, "learning_rate": 0.1}
         for r in range(REPLICATES) for e in epochs], columns=columns_of("history_regression")
    )  # fmt: skip
    norms = [{"replicate": r, "epoch": e, "layer": layer, "norm": layer * (1 + e)}
             for r in range(REPLICATES) for e in (0, EPOCHS) for layer in (1, 2)]  # fmt: skip
    with publish(folder / "train" / KEYS[label]) as draft:
        history.to_csv(draft / "history.csv", index=False)
        pd.DataFrame(norms).to_csv(draft / "gradients.csv", index=False)
        (draft / LOG).write_text(f"{label} begins\n", "utf-8")
    n_ok = REPLICATES - (diverged is not None)
    document = {
        "model": "fnn",
        "key": KEYS[label],
        "evaluation": TESTED[label],
        "status": {"ok": n_ok, "diverged": REPLICATES - n_ok},
        "replicates": rows,
        "metrics": summarise(rows, ["mse", "mae", "r2"]),
        "spec": {"parameters": {}},
        "data": {"prepared": "p", "overlap_ratio": 0.25, "fixed_test_set": False},
        **dict.fromkeys(("model_size", "cost", "environment", "confusion_matrix")),
    }
    with publish(folder / "evaluate" / TESTED[label]) as draft:
        pd.concat(parts).to_csv(draft / "predictions.csv", index=False)
        write_json(draft / "metrics.json", document)
    return {
        "cell": f"fnn/activation_{label}",
        "model": "fnn",
        "axis": "activation",
        "label": label,
        "value": label,
        "levels": None,
        "key": KEYS[label],
        "evaluation": TESTED[label],
        "prepared": "p",
        "code": "c",
        "target": f"results/fnn/activation_{label}/metrics.json",
    }


def collected(folder: Path, yardsticks: dict[str, Any], margin: float = 1.2) -> dict[str, Any]:
    """The FNN's part of the comparisons of one axis: tanh is left open, sigmoid lost a replicate."""
    cells = [
        make_cell(folder, *each)
        for each in (("relu", 0.0, None), ("tanh", 0.4, None), ("sigmoid", 0.0, 2))
    ]
    with publish(folder / "yardsticks" / "y") as draft:
        write_json(draft / "yardsticks.json", yardsticks)
    axis = {
        "axis": "activation",
        "parameter": None,
        "factors": None,
        "with": {},
        "reference": "relu",
        "cells": cells,
    }
    data = {"dataset": "boston", "source": "embedded", "sha256": {}, "prepared": "p"}
    spec = {
        "study": {"name": "default", "seed": 1},
        "statistics": {"confidence": 0.95},
        "models": [{"model": "fnn", "task": "regression", "unit": "1000 USD", "classes": [],
                    "images": False, "words": {}, "replicates": REPLICATES, "parameters": {}, "data": data,
                    "tested": {"metric": "mse", "margin": margin, "step": 6},
                    "yardsticks": "y", "axes": [axis]}],
    }  # fmt: skip
    inputs = {
        stage.name: {entry.name: require(entry) for entry in stage.iterdir()}
        for stage in folder.iterdir()
    }
    (folder / "tables").mkdir()
    collect(spec, inputs, folder / "tables", {})
    found: dict[str, Any] = read_json(folder / "tables" / "comparisons.json")["models"]["fnn"]
    return found


def metrics_of(folder: Path, label: str) -> dict[str, Any]:
    found: dict[str, Any] = read_json(folder / "evaluate" / TESTED[label] / "metrics.json")
    return found


MEAN = {
    "predict_mean": [
        {"replicate": r, "mse": 80.0, "mae": 7.0, "r2": 0.0} for r in range(REPLICATES)
    ]
}


def test_collecting_gives_the_statistics_all_that_they_need(tmp_path: Path) -> None:
    rows = collected(tmp_path, MEAN, margin=1.3)["axes"]["activation"]["rows"]
    values = [r["mse"] for r in metrics_of(tmp_path, "relu")["replicates"]]
    assert rows["relu"]["noise"]["sd"] == pytest.approx(np.std(values, ddof=1))
    assert all(row["noise"] is not None for row in rows.values())
    assert rows["tanh"]["spread"]["floor"] > 0
    assert rows["tanh"]["settle"]["replicates"] % 6 == 0
    assert rows["sigmoid"]["scored"]["n_scored"] == 1


def test_without_that_yardstick_no_diverged_replicate_is_scored(tmp_path: Path) -> None:
    assert collected(tmp_path, {})["axes"]["activation"]["rows"]["sigmoid"]["scored"] is None


def test_the_margin_is_that_of_the_metric_that_is_tested(tmp_path: Path) -> None:
    found = collected(tmp_path, MEAN, margin=1.5)
    assert (found["metric"], found["margin"], found["log"]) == ("mse", 1.5, True)


def test_a_collection_is_whole(tmp_path: Path) -> None:
    """Every table with the columns that are promised; the intervals of a cell stand beside what they are about."""
    found = collected(tmp_path, MEAN)
    tables = {path.stem: pd.read_csv(path) for path in (tmp_path / "tables").glob("*.csv")}
    assert set(tables) == {"cells", "replicates", "epochs", "gradients", "courses"}
    assert all(list(table) == columns_of(name) for name, table in tables.items())
    cells, relu = tables["cells"].set_index("label"), found["cells"][KEYS["relu"]]["mse"]
    assert cells.loc["relu", "mse_centre"] == pytest.approx(relu["centre"])
    assert cells.loc["relu", ["mse_low", "mse_high"]].tolist() == pytest.approx(relu["interval"])
    assert relu["centre"] < cells.loc["relu", "mse_mean"]
    assert cells["n_diverged"].tolist() == [0, 0, 1]
    assert len(tables["courses"]) == 3 * REPLICATES
    assert tables["courses"]["gradient_ratio"].tolist() == [0.5] * len(tables["courses"])
    (axis,) = read_json(tmp_path / "tables" / "study.json")["models"][0]["axes"]
    assert [cell["log"] for cell in axis["cells"]] == [[f"{n} begins"] for n in KEYS]
    claims = read_json(tmp_path / "tables" / "claims.json")
    assert [claim["id"] for claim in claims["claims"]] == list(range(1, 29))
    answers = {claim["id"]: claim["answer"] for claim in claims["claims"]}
    assert answers[9] == "confirmed" if EPOCHS < 10 else "contradicted"
    assert answers[13] == "not tested"  # there is no CNN


def test_cells_count_the_replicates_that_learnt_nothing(tmp_path: Path) -> None:
    mean = [{**one, "mse": 9.0} for one in MEAN["predict_mean"]]
    mean[0]["mse"] = mean[1]["mse"] = 80.0
    found = collected(tmp_path, {"predict_mean": mean[:4]})["axes"]["activation"]["rows"]
    cells = pd.read_csv(tmp_path / "tables" / "cells.csv").set_index("label")
    counted = {label: row["n_collapsed"] for label, row in found.items()}
    assert cells["n_collapsed"].to_dict() == counted
    assert 0 < counted["tanh"] < REPLICATES / 2


def test_a_study_in_which_nothing_was_learnt_is_collected(tmp_path: Path) -> None:
    mean = [{**one, "mse": 1.0} for one in MEAN["predict_mean"]]
    found = collected(tmp_path, {"predict_mean": mean})["axes"]["activation"]
    assert all(row["broken"] for row in found["rows"].values())
    assert found["importance"] is None
