"""What the cells of an invented study gave: views, curves, gradients, predictions, all drawn at random.

Their form and size are those of real ones. A split is as lucky for one cell as for another, and the samples of a test part
are as hard for one network as for another, so that pairs agree as real ones do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from ablation.results.evaluation import summarise
from ablation.store.keys import key_of
from ablation.tasks.task import CLASSIFICATION, REGRESSION

REPLICATES = {"fnn": 24, "cnn": 12}
DATA: dict[str, dict[str, Any]] = {
    "fnn": {
        "dataset": "boston", "source": "embedded", "sha256": {"boston_data.csv": "3fa1" * 16},
        "prepared": "0123456789abcdef",
    },
    "cnn": {
        "dataset": "mnist-5k", "source": "embedded", "sha256": {"mnist_5k.npz": "9b07" * 16},
        "prepared": "fedcba9876543210",
    },
}  # fmt: skip
SIZES: dict[str, dict[str, Any]] = {
    "fnn": {
        "n_train": [336, 338], "n_validation": [84, 85], "n_test": [84, 85],
        "overlap_ratio": 0.2, "fixed_test_set": False,
    },
    "cnn": {
        "n_train": [2400, 2400], "n_validation": [600, 600], "n_test": [500, 500],
        "overlap_ratio": 500 / 4500, "fixed_test_set": False,
    },
}  # fmt: skip
ENVIRONMENT = {
    "python": "3.11.7", "torch": "2.14.1", "snakemake": "9.27.1", "numpy": "2.4.0",
    "platform": "Linux", "cpu": "Example CPU, 2 cores", "cpus": 2, "gpu": None, "gpu_uuid": None,
    "device": "cpu", "precision": "bf16", "git_commit": "0" * 39 + "a",
    "git_dirty": False,
}  # fmt: skip
METRICS = {
    "fnn": [metric.name for metric in REGRESSION.metrics],
    "cnn": [metric.name for metric in CLASSIFICATION.metrics],
}
AFFINE = ("rotation_degrees", "translation", "brightness")
ROWS = 506
LAYERS = 3


def rng(*parts: object) -> np.random.Generator:
    """Random numbers that are always the same for the same parts."""
    return np.random.default_rng(int(key_of([str(part) for part in parts]), 16) % 2**32)


def read_by_cell(p: dict[str, Any]) -> dict[str, Any]:
    """The parameters that a cell reads: of all channels those of its blocks, and how images are turned only where they are."""
    plain = p.get("augmentation") == "none"
    read = {name: value for name, value in p.items() if not (plain and name in AFFINE)}
    return read | ({"channels": p["channels"][: p["depth"]]} if "channels" in p else {})


def view(
    place: dict[str, Any],
    parameters: dict[str, Any],
    failed: str | None,
    rows: list[dict[str, Any]],
) -> dict[str, Any]:
    """A cell's ``metrics.json``. place: model, axis, label, cell, key, value and evaluation."""
    model = place["model"]
    shared = {**place, "spec": {"parameters": read_by_cell(parameters)}}
    empty = ("metrics", "confusion_matrix", "model_size", "cost", "environment", "data")
    if failed is not None:
        status = {"ok": 0, "diverged": 0, "failed": failed, "log": ["epoch 1/100", failed]}
        return {**shared, "status": status, "replicates": [], **dict.fromkeys(empty)}
    n_ok = sum(row["status"] == "ok" for row in rows)
    sizes = {name: DATA[model][name] for name in ("sha256", "prepared")} | SIZES[model]
    return {
        **shared,
        "status": {"ok": n_ok, "diverged": len(rows) - n_ok},
        "replicates": rows,
        "metrics": summarise(rows, METRICS[model]),
        "confusion_matrix": _confusion(rows) if model == "cnn" else None,
        "environment": {**ENVIRONMENT, **({"precision": "fp32"} if model == "fnn" else {})},
        "data": sizes,
        **_cost(model, place["key"], parameters),
    }


def _cost(model: str, key: str, p: dict[str, Any]) -> dict[str, Any]:
    size = 64 * 64 * p["hidden_layers"] if model == "fnn" else 9000 * p["kernel"] * p["depth"]
    seconds = float(rng(key).uniform(20, 160))
    return {
        "model_size": {"parameters": size + 897, "multiply_adds": 3 * size},
        "cost": {
            "seconds": seconds, "cpu_seconds": 1.02 * seconds, "peak_memory_bytes": 410_000_000,
            "gpu_memory_bytes": None, "device": "cpu", "replicates_at_once": REPLICATES[model],
            "samples_per_second": 2.2e5 / seconds, "finished_at": "2026-01-30T12:00:00Z",
        },
    }  # fmt: skip


def _level(model: str, p: dict[str, Any]) -> float:
    """The typical test MSE or the typical error rate of a setting."""
    if model == "fnn":
        level = {1: 13.2, 2: 11.6, 8: 12.0}.get(p["hidden_layers"], 12.0)
        level += {"relu": 0, "tanh": 1.0, "sigmoid": 3.6}[p["activation"]]
        return level + {0.01: 0, 0.001: 1.4, 0.0001: 9.5}.get(p["learning_rate"], 0)
    error = 0.034 + {1: 0.012, 2: 0, 4: 0.001}[p["depth"]]
    error += {3: 0.006, 5: 0, 7: -0.001, 9: 0.001}[p["kernel"]]
    error += 0.02 * max(p["dropout"] - 0.5, 0) - 0.006 * p["batchnorm"]
    return error + 0.004 * (p["augmentation"] == "affine") + 0.003 * (p["pooling"] == "average")


def _fate(model: str, p: dict[str, Any], replicate: int) -> str:
    """``ok``, ``diverged``, or ``collapsed``: trained, and no better than predicting the mean."""
    if model == "cnn":
        return "ok"
    if p["learning_rate"] == 0.1:
        return "diverged"
    if p["hidden_layers"] == 8:
        if p["learning_rate"] == 0.01:
            return {3: "diverged", 0: "collapsed", 1: "collapsed", 4: "collapsed"}.get(
                replicate % 6, "ok"
            )
        return "diverged" if replicate == 7 else "ok"
    return "ok"


def _mean_mse(replicate: int) -> float:
    """The test MSE of predicting the mean of the train part."""
    return 84.5 * float(np.exp(0.2 * rng("fnn", replicate).normal()))


def replicates(model: str, p: dict[str, Any]) -> list[dict[str, Any]]:
    """Every replicate of a setting, as a view has them."""
    none = dict.fromkeys((*METRICS[model], "best_epoch", "val_loss"))
    rows = []
    for replicate in range(REPLICATES[model]):
        fate = _fate(model, p, replicate)
        row: dict[str, Any] = {"replicate": replicate, "status": "ok"}
        if fate == "diverged":
            rows.append({**row, "status": "diverged", **none})
            continue
        split, noise = rng(model, replicate).normal(), rng(model, p, replicate)
        if model == "fnn":
            mse = _level(model, p) * float(np.exp(0.26 * split + 0.07 * noise.normal()))
            if fate == "collapsed":
                mse = _mean_mse(replicate) * float(noise.uniform(0.99, 1.02))
            row |= {"mse": mse, "mae": 0.66 * mse**0.5, "r2": 1 - mse / 84 - 0.004 * abs(split),
                    "val_loss": mse * 0.94}  # fmt: skip
            middle = {"relu": 34, "tanh": 62, "sigmoid": 98}[p["activation"]]
            middle = 99 if p["learning_rate"] < 0.001 else middle
            row["best_epoch"] = int(np.clip(noise.normal(middle, 9), 2, p["epochs"]))
        else:
            error = _level(model, p) * float(np.exp(0.12 * split + 0.1 * noise.normal()))
            digits = np.clip(1 - error * noise.uniform(0.2, 1.8, 10), 0, 1)
            digits = np.round(digits * 50) / 50
            row |= {"accuracy": float(digits.mean()), "loss": 3.4 * float(1 - digits.mean()),
                    "val_loss": 3.2 * error}  # fmt: skip
            row["per_class_accuracy"] = [float(digit) for digit in digits]
            row["best_epoch"] = int(np.clip(noise.normal(11, 2), 2, p["epochs"]))
        rows.append(row)
    return rows


def _confusion(rows: list[dict[str, Any]]) -> list[list[int]]:
    matrix = np.zeros((10, 10), dtype=int)
    for row in rows:
        for digit in range(10):
            right = round(50 * row["per_class_accuracy"][digit])
            matrix[digit, digit] += right
            wrong = rng("wrong", row["replicate"], digit).integers(1, 10, 50 - right)
            np.add.at(matrix[digit], (digit + wrong) % 10, 1)
    return [[int(number) for number in line] for line in matrix]


def history(model: str, key: str, p: dict[str, Any], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A cell's ``history.csv``: the learning rate falls once, late."""
    count = p["epochs"]
    epoch = np.arange(1, count + 1)
    rate = np.where(epoch > 0.8 * count, 0.1, 1.0) * p["learning_rate"]
    frames = []
    for row in rows:
        own = rng(key, row["replicate"], "curve")
        frame = pd.DataFrame({"replicate": row["replicate"], "epoch": epoch})
        if row["status"] == "diverged":
            explodes = p["learning_rate"] == 0.1
            stop = int(own.integers(1, 6) if explodes else own.integers(9, 60))
            train = np.where(epoch < stop, 90 * np.exp(0.2 * epoch * explodes), np.nan)
            frames.append(frame.assign(train_loss=train, val_loss=train * 1.1, learning_rate=rate))
            continue
        best, end = row["best_epoch"], row["val_loss"]
        if model == "fnn":
            start = 560 * np.exp(-6 * epoch / best)
            frame["val_loss"] = (start + end) * np.exp(own.normal(0, 0.04, count))
            frame["train_loss"] = start + end * (0.45 + 0.5 * np.exp(-epoch / 30))
        else:
            decay = np.exp(-epoch / 2.2)
            after = 0.02 * np.maximum(epoch - best, 0) * end
            wobble = np.exp(own.normal(0, 0.05, count))
            frame["val_loss"] = (end + 0.9 * decay + after) * wobble
            slowly = 1.3 * decay + 0.09 * np.exp(-epoch / 4) + 0.2 * p["dropout"]
            frame["train_loss"] = slowly * np.exp(own.normal(0, 0.03, count))
            frame["val_accuracy"] = 1 - 0.28 * frame["val_loss"]
        frames.append(frame.assign(learning_rate=rate))
    return pd.concat(frames, ignore_index=True)


def gradients(key: str, p: dict[str, Any], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A cell's ``gradients.csv``, of the initial weights: those of a sigmoid fade on their way back."""
    shrink = {"relu": 0.8, "tanh": 0.6, "sigmoid": 0.1}[p.get("activation", "relu")]
    return pd.DataFrame(
        [
            {"replicate": row["replicate"], "epoch": 0, "layer": layer,
             "norm": shrink ** (LAYERS - layer) * rng(key, row["replicate"], layer).uniform(0.9, 1.1)}
            for row in rows
            for layer in range(1, LAYERS + 1)
        ]
    )  # fmt: skip


def predictions(model: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A cell's ``predictions.csv``; those of the CNN are not drawn, only which of them are right."""
    if model == "cnn":
        return pd.DataFrame(
            columns=["replicate", "index", "label", "predicted", "confidence", "loss"]
        )
    price = np.clip(rng("price").gamma(5.0, 4.5, ROWS), 5, 50)
    frames = []
    for row in rows:
        if row["status"] != "ok":
            continue
        own = rng("part", row["replicate"])
        index = np.sort(own.choice(ROWS, SIZES[model]["n_test"][0], replace=False))
        flat = row["mse"] > 50
        mean = np.full(len(index), 22.5) if flat else price[index]
        guess = mean + own.normal(0, 0.4 if flat else row["mse"] ** 0.5, len(index))
        frames.append(pd.DataFrame({"replicate": row["replicate"], "index": index,
                                    "target": price[index], "prediction": guess}))  # fmt: skip
    empty = pd.DataFrame({"replicate": [], "index": [], "target": [], "prediction": []})
    return pd.concat(frames, ignore_index=True) if frames else empty


def samples(model: str, key: str, rows: list[dict[str, Any]]) -> dict[int, np.ndarray]:
    """The tested metric of every test sample, by replicate; its mean is the replicate's metric."""
    found = {}
    n = SIZES[model]["n_test"][0]
    for row in rows:
        if row["status"] != "ok":
            continue
        hard, own = rng(model, "hard", row["replicate"]), rng(key, "sample", row["replicate"])
        if model == "fnn":
            squares = hard.chisquare(1, n) * np.exp(own.normal(0, 0.1, n))
            found[row["replicate"]] = squares * row["mse"] / squares.mean()
        else:
            order = np.argsort(hard.uniform(size=n) + own.normal(0, 0.005, n))
            found[row["replicate"]] = order >= round(n * (1 - row["accuracy"]))
    return found


def yardsticks() -> dict[str, Any]:
    """Model → name → metrics per replicate."""

    def fnn(level: float) -> list[dict[str, Any]]:
        rows = []
        for replicate in range(REPLICATES["fnn"]):
            mse = _mean_mse(replicate) * level / 84.5
            rows.append({"replicate": replicate, "mse": mse, "mae": 0.66 * mse**0.5,
                         "r2": 1 - mse / 84})  # fmt: skip
        return rows

    logistic = [{"replicate": r, "accuracy": 0.905 + 0.004 * float(rng("cnn", r).normal()),
                 "loss": 0.34} for r in range(REPLICATES["cnn"])]  # fmt: skip
    return {
        "fnn": {"predict_mean": fnn(84.5), "ridge": fnn(24.0), "gradient_boosting": fnn(10.4)},
        "cnn": {"logistic_regression": logistic},
    }
