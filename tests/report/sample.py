"""An invented study with everything a report can meet: all axes, divergence, a collapse, failure.

The numbers follow the size of real ones but are drawn at random; only their form matters.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from ablation.canonical import key_of, label
from ablation.factors import combinations, levels_label
from ablation.statistics.compare import compare

FNN = {
    "hidden_layers": 2, "width": 64, "activation": "relu", "learning_rate": 0.01,
    "batch_size": 32, "epochs": 100, "lr_factor": 0.1, "lr_patience": 10,
}  # fmt: skip
CNN = {
    "dataset": "mnist-5k", "share": 0.7, "test": "drawn", "depth": 2, "kernel": 5,
    "channels": [16, 32, 32, 32], "fc_width": 128,
    "pooling": "max", "batchnorm": False, "dropout": 0, "augmentation": "none",
    "rotation_degrees": 10, "translation": 0.1, "brightness": 0.2, "learning_rate": 0.001,
    "batch_size": 64, "epochs": 15,
}  # fmt: skip
AXES: dict[str, list[dict[str, Any]]] = {
    "fnn": [
        {"axis": "depth", "parameter": "hidden_layers", "values": [1, 2, 8],
         "with": {"learning_rate": 0.001}},
        {"axis": "depth_at_0.01", "parameter": "hidden_layers", "values": [1, 2, 8], "with": {}},
        {"axis": "learning_rate", "parameter": "learning_rate",
         "values": [0.1, 0.01, 0.001, 0.0001], "with": {}},
        {"axis": "activation", "parameter": "activation",
         "values": ["relu", "tanh", "sigmoid"], "with": {}},
        {"axis": "depth_by_learning_rate", "parameter": None, "with": {},
         "factors": {"hidden_layers": [1, 2], "learning_rate": [0.01, 0.001]}},
    ],
    "cnn": [
        {"axis": "depth", "parameter": "depth", "values": [1, 2, 4], "with": {}},
        {"axis": "kernel", "parameter": "kernel", "values": [3, 5, 7, 9], "with": {}},
        {"axis": "dropout", "parameter": "dropout", "values": [0, 0.2, 0.4, 0.6, 0.8], "with": {}},
        {"axis": "batchnorm", "parameter": "batchnorm", "values": [False, True], "with": {}},
        {"axis": "batchnorm_depth4", "parameter": "batchnorm", "values": [False, True],
         "with": {"depth": 4}},
        {"axis": "augmentation", "parameter": "augmentation", "values": ["none", "affine"],
         "with": {}},
        {"axis": "pooling", "parameter": "pooling", "values": ["max", "average"], "with": {}},
        {"axis": "dropout_by_batchnorm", "parameter": None, "with": {},
         "factors": {"dropout": [0, 0.4], "batchnorm": [False, True]}},
    ],
}  # fmt: skip
BASE = {"fnn": FNN, "cnn": CNN}
REPLICATES = {"fnn": 24, "cnn": 6}
DATA = {
    "fnn": {
        "dataset": "boston", "sha256": {"boston_data.csv": "3fa1" * 16},
        "n_train": 337, "n_validation": 84, "n_test": 84, "test_train_ratio": 0.25,
        "fixed_test_set": False,
    },
    "cnn": {
        "dataset": "mnist-5k", "sha256": {"mnist_5k.npz": "9b07" * 16},
        "n_train": 2400, "n_validation": 600, "n_test": 500, "test_train_ratio": 500 / 2400,
        "fixed_test_set": False,
    },
}  # fmt: skip
ENVIRONMENT = {
    "python": "3.11.7", "torch": "2.14.1", "snakemake": "9.27.1", "cpu": "Example CPU, 2 cores",
    "gpu": None, "precision": "bf16", "threads": 1, "git_commit": "0" * 39 + "a",
    "git_dirty": False,
}  # fmt: skip


@dataclass
class Sample:
    """All that ``draw_model`` and ``build`` take."""

    study: dict[str, Any]
    comparisons: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    predictions: dict[str, pd.DataFrame]
    config: dict[str, Any]


def sample(*, failed: tuple[str, ...] = (), broken_reference: bool = False) -> Sample:
    """A fresh sample. failed: cells such as ``cnn/kernel_9``; broken_reference: all replicates of
    the reference of ``fnn/activation`` (and of every axis that shares it) diverge."""
    return copy.deepcopy(_sample(failed, broken_reference))


@cache
def _sample(failed: tuple[str, ...], broken_reference: bool) -> Sample:
    study: dict[str, Any] = {
        "study": {"name": "default", "seed": 20261},
        "models": [],
    }
    replicates: list[dict[str, Any]] = []
    cells: list[dict[str, Any]] = []
    epochs: dict[str, pd.DataFrame] = {}
    predictions: dict[str, pd.DataFrame] = {}
    for model in ("fnn", "cnn"):
        axes = []
        for declared in AXES[model]:
            base = {**BASE[model], **declared["with"]}
            entries = []
            for text, value, overrides in _values(declared):
                parameters = {**base, **overrides}
                key = key_of({"model": model, "parameters": parameters})
                name = f"{model}/{declared['axis']}_{text}"
                reason = "Killed: out of memory (signal 9)." if name in failed else None
                rows = [] if reason else _replicates(model, parameters, broken_reference)
                head = {"model": model, "axis": declared["axis"], "label": text,
                        "cell": name, "key": key}  # fmt: skip
                replicates += [{**head, **row} for row in rows]
                is_reference = parameters == base
                cells.append(_cell_row(model, head, rows, parameters, is_reference))
                if not reason and key not in epochs:
                    epochs[key] = _epochs(model, key, parameters, rows)
                    predictions[key] = _predictions(model, rows)
                entries.append(
                    {"cell": name, "label": text, "value": value, "key": key,
                     "levels": overrides if declared.get("factors") else None,
                     "store": f"results/store/{model}/{key}",
                     "eval": "0123456789abcdef", "view": f"results/{name}/metrics.json",
                     "failed": reason,
                     "confusion_matrix": _confusion(rows) if model == "cnn" and rows else None,
                     "environment": {**ENVIRONMENT, "precision": "fp32"} if model == "fnn"
                     else dict(ENVIRONMENT),
                     "parameters": parameters}
                )  # fmt: skip
                if is_reference:
                    reference = text
            axes.append({key: declared.get(key) for key in ("axis", "parameter", "with", "factors")}
                        | {"reference": reference, "cells": entries})  # fmt: skip
        study["models"].append(
            {"model": model, "replicates": REPLICATES[model], "parameters": BASE[model],
             "data": DATA[model], "axes": axes}
        )  # fmt: skip
    study["yardsticks"] = _yardsticks()
    tables = {
        "cells": pd.DataFrame(cells),
        "replicates": _frame(replicates),
        "epochs": pd.concat(epochs.values(), ignore_index=True),
    }
    config = {
        "study": {"name": "default", "seed": 20261},
        "report": {
            "title": "Two ablation studies, in replicates",
            "language": "en",
            "palette": "colorblind",
        },
        "statistics": {"confidence": 0.95, "margin": {"fnn": 3.0, "cnn": 0.02}},
        "compute": {"device": "auto", "precision": "auto", "threads": 1},
        "models": {m: {"replicates": REPLICATES[m], "parameters": BASE[m]} for m in BASE},
    }
    return Sample(study, compared(study, tables), tables, predictions, config)


def _values(declared: dict[str, Any]) -> list[tuple[str, Any, dict[str, Any]]]:
    """Label, value and overrides of each cell of an axis."""
    if declared.get("factors"):
        grid = combinations(declared["factors"])
        return [(levels_label(levels), levels, levels) for levels in grid]
    name = declared["parameter"]
    return [(label(value), value, {name: value}) for value in declared["values"]]


def only(made: Sample, model: str, *axes: str) -> Sample:
    """A sample cut down to some axes of one model."""
    entry = next(entry for entry in made.study["models"] if entry["model"] == model)
    entry["axes"] = [axis for axis in entry["axes"] if axis["axis"] in axes]
    made.study["models"] = [entry]
    for name in ("cells", "replicates"):
        table = made.tables[name]
        made.tables[name] = table[(table["model"] == model) & table["axis"].isin(axes)]
    epochs = made.tables["epochs"]
    made.tables["epochs"] = epochs[epochs["key"].isin(made.tables["cells"]["key"])]
    made.comparisons = compared(made.study, made.tables)
    return made


@cache
def drawn(language: str = "en", failed: tuple[str, ...] = ()) -> dict[str, str]:
    """All figures of a sample: name → SVG."""
    from ablation.figures import draw_model
    from ablation.report.messages import load

    made = sample(failed=failed)
    figures: dict[str, str] = {}
    for model in ("fnn", "cnn"):
        found = draw_model(
            made.study, made.comparisons, made.tables, made.predictions, model=model,
            style={"palette": made.config["report"]["palette"]}, messages=load(language),
        )  # fmt: skip
        figures |= {name: svg.decode() for name, svg in found.items()}
    return figures


def blank(made: Sample) -> dict[str, str]:
    """An empty drawing for every figure, where only the text matters."""
    from ablation.figures import figure_names

    return {
        name: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'
        for model in made.study["models"]
        for name in figure_names(model["model"], model["axes"])
    }


def page(made: Sample, figures: dict[str, str] | None = None, **changes: Any) -> str:
    """The report of a sample."""
    from ablation.report import build

    settings = {"config": made.config, "language": "en", "title": made.config["report"]["title"]}
    return build(
        made.study, made.comparisons, made.tables, figures or blank(made), **{**settings, **changes}
    )


def fixed(made: Sample, n: int = 1000) -> Sample:
    """The same sample with one test set of n images for all replicates of the CNN."""
    (entry,) = (entry for entry in made.study["models"] if entry["model"] == "cnn")
    entry["data"] = {**entry["data"], "dataset": "mnist", "n_test": n, "test_train_ratio": 0.0,
                     "fixed_test_set": True}  # fmt: skip
    rows = made.tables["replicates"]
    samples: dict[str, dict[int, np.ndarray]] = {}
    for row in rows[(rows["model"] == "cnn") & (rows["status"] == "ok")].to_dict("records"):
        wrong = _rng("hard").permutation(n)[: round(n * (1 - row["accuracy"]))]
        own = np.ones(n, dtype=bool)
        own[(wrong + row["replicate"]) % n] = False
        samples.setdefault(row["cell"], {})[row["replicate"]] = own
    made.comparisons = compared(made.study, made.tables, samples)
    return made


def draws(cell: str) -> dict[str, Any]:
    """The models of ``draws.json``: one network of a cell on three test draws; none of the FNN."""
    matrix = [[48 if i == j else int((i + 1) % 10 == j) * 2 for j in range(10)] for i in range(10)]
    row = {"n": 500, "accuracy": 0.96, "loss": 0.11, "interval": [0.939, 0.974],
           "per_class_accuracy": [0.96] * 9 + [None], "confusion_matrix": matrix}  # fmt: skip
    own = {"cell": cell, "replicate": 3, "val_loss": 0.0512, "test_accuracy": 0.97}
    return {"fnn": None, "cnn": {**own, "draws": [row, {**row, "accuracy": 0.948}, row]}}


def compared(
    study: dict[str, Any], tables: dict[str, pd.DataFrame], samples: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The comparisons of a sample, made by the module that makes the real ones."""
    return compare(
        study, tables["replicates"], confidence=0.95, margins={"fnn": 3.0, "cnn": 0.02},
        metrics={"fnn": ("mse", "lower"), "cnn": ("accuracy", "higher")}, samples=samples,
        steps={"fnn": 6}, chance={"cnn": 0.1},
    )  # fmt: skip


def _rng(*parts: object) -> np.random.Generator:
    return np.random.default_rng(int(key_of([str(part) for part in parts]), 16) % 2**32)


def _level(model: str, p: dict[str, Any]) -> float:
    """The expected test MSE or the expected error rate of a setting."""
    if model == "fnn":
        level = {1: 13.2, 2: 11.6, 8: 12.0}.get(p["hidden_layers"], 12.0)
        level += {"relu": 0, "tanh": 1.0, "sigmoid": 3.6}[p["activation"]]
        level += {0.01: 0, 0.001: 1.4, 0.0001: 9.5}.get(p["learning_rate"], 0)
        return 81.0 if p["hidden_layers"] == 8 and p["learning_rate"] == 0.01 else level
    error = 0.034 + {1: 0.012, 2: 0, 4: 0.001}[p["depth"]]
    error += {3: 0.006, 5: 0, 7: -0.001, 9: 0.001}[p["kernel"]]
    error += 0.02 * max(p["dropout"] - 0.5, 0) - 0.006 * p["batchnorm"]
    return error + 0.004 * (p["augmentation"] == "affine") + 0.003 * (p["pooling"] == "average")


def _diverges(p: dict[str, Any], replicate: int, broken_reference: bool) -> bool:
    if p.get("learning_rate") == 0.1:
        return True
    if p.get("hidden_layers") == 8 and p["learning_rate"] == 0.01:
        return replicate % 6 == 3
    return broken_reference and p.get("activation") == "relu" and p.get("hidden_layers") == 2


def _replicates(model: str, p: dict[str, Any], broken_reference: bool) -> list[dict[str, Any]]:
    rows = []
    level = _level(model, p)
    for replicate in range(REPLICATES[model]):
        split = _rng(model, replicate).normal()
        noise = _rng(model, p, replicate)
        row: dict[str, Any] = {"replicate": replicate, "status": "ok"}
        if model == "fnn" and _diverges(p, replicate, broken_reference):
            rows.append({"replicate": replicate, "status": "diverged"})
            continue
        if model == "fnn":
            mse = level * float(np.exp(0.26 * split + 0.07 * noise.normal()))
            row |= {"mse": mse, "mae": 0.66 * mse**0.5 * (1.1 if level > 50 else 1),
                    "r2": 1 - mse / 84.0 - 0.004 * abs(split), "val_loss": mse * 0.94}  # fmt: skip
            middle = {"relu": 34, "tanh": 62, "sigmoid": 98}[p["activation"]]
            if p["learning_rate"] < 0.001:
                middle = 99
            row["best_epoch"] = int(np.clip(noise.normal(middle, 9), 2, p["epochs"]))
        else:
            error = level * float(np.exp(0.12 * split + 0.1 * noise.normal()))
            digits = np.clip(1 - error * noise.uniform(0.2, 1.8, 10), 0, 1)
            digits = np.round(digits * 50) / 50
            row |= {"accuracy": float(digits.mean()), "loss": 3.4 * float(1 - digits.mean()),
                    "val_loss": 3.2 * error}  # fmt: skip
            row |= {f"class_{digit}": float(digits[digit]) for digit in range(10)}
            row["best_epoch"] = int(np.clip(noise.normal(11, 2), 2, p["epochs"]))
        rows.append(row)
    return rows


METRICS = ("mse", "mae", "r2", "accuracy", "loss")


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["model", "axis", "label", "cell", "key", "replicate", "status", *METRICS,
               "best_epoch", "val_loss", *(f"class_{digit}" for digit in range(10))]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=columns)


def _cell_row(
    model: str, head: dict[str, Any], rows: list[dict[str, Any]], p: dict[str, Any], is_ref: bool
) -> dict[str, Any]:
    frame = _frame([{**head, **row} for row in rows])
    ok = frame[frame["status"] == "ok"]
    row: dict[str, Any] = {
        **head, "is_reference": is_ref, "status": "ok" if rows else "failed", "n_ok": len(ok),
        "n_diverged": len(frame) - len(ok),
    }  # fmt: skip
    for metric in METRICS:
        values = ok[metric].dropna().astype(float)
        half = (
            2.1 * values.std() * (1 / max(len(values), 1) + DATA[model]["test_train_ratio"]) ** 0.5
        )
        row |= {f"{metric}_mean": values.mean(), f"{metric}_sd": values.std(),
                f"{metric}_low": values.mean() - half, f"{metric}_high": values.mean() + half}  # fmt: skip
    size = 64 * 64 * p["hidden_layers"] if model == "fnn" else 9000 * p["kernel"] * p["depth"]
    empty = float("nan")
    seconds = _rng(head["key"]).uniform(20, 160)
    return row | {
        "val_loss_mean": ok["val_loss"].astype(float).mean(),
        "parameters": size + 897 if rows else empty,
        "multiply_adds": 3 * size if rows else empty,
        "seconds": seconds if rows else empty,
        "cpu_seconds": 1.02 * seconds if rows else empty,
        "peak_memory_bytes": 4.1e8 if rows else empty,
        "samples_per_second": 2.2e5 / seconds if rows else empty,
        "device": "cpu" if rows else None,
        "precision": ("fp32" if model == "fnn" else "bf16") if rows else None,
        "torch": "2.14.1" if rows else None,
    }


def _epochs(model: str, key: str, p: dict[str, Any], rows: list[dict[str, Any]]) -> pd.DataFrame:
    frames = []
    count = p["epochs"]
    epoch = np.arange(1, count + 1)
    for row in rows:
        rng = _rng(key, row["replicate"], "curve")
        frame = pd.DataFrame(
            {"model": model, "key": key, "replicate": row["replicate"], "epoch": epoch}
        )
        if row["status"] == "diverged":
            stop = (
                int(rng.integers(1, 6)) if p["learning_rate"] == 0.1 else int(rng.integers(9, 60))
            )
            train = np.where(
                epoch < stop, 90 * np.exp(0.2 * epoch * (p["learning_rate"] > 0.05)), np.nan
            )
            frames.append(frame.assign(train_loss=train, val_loss=train * 1.1))
            continue
        if model == "fnn":
            speed = row["best_epoch"] / 6
            start = 560 * np.exp(-epoch / speed)
            end = row["val_loss"]
            wobble = np.exp(rng.normal(0, 0.04, count))
            frame["val_loss"] = (start + end) * wobble
            frame["train_loss"] = start + end * (0.45 + 0.5 * np.exp(-epoch / 30))
            frame["learning_rate"] = p["learning_rate"]
        else:
            decay = np.exp(-epoch / 2.2)
            after = 0.02 * np.maximum(epoch - row["best_epoch"], 0) * row["val_loss"]
            frame["val_loss"] = (row["val_loss"] + 0.9 * decay + after) * np.exp(
                rng.normal(0, 0.05, count)
            )
            frame["train_loss"] = 1.3 * decay + 0.09 * np.exp(-epoch / 4)
            frame["val_accuracy"] = 1 - 0.28 * frame["val_loss"]
            frame["learning_rate"] = p["learning_rate"]
        frames.append(frame)
    columns = ["model", "key", "replicate", "epoch", "train_loss", "val_loss", "val_accuracy",
               "learning_rate"]  # fmt: skip
    return pd.concat(frames, ignore_index=True).reindex(columns=columns)


def _predictions(model: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    if model == "cnn":
        return pd.DataFrame(
            columns=["replicate", "index", "label", "predicted", "confidence", "loss"]
        )
    price = np.clip(_rng("price").gamma(5.0, 4.5, 506), 5, 50)
    frames = []
    for row in rows:
        if row["status"] != "ok":
            continue
        rng = _rng("part", row["replicate"])
        index = np.sort(rng.choice(506, 84, replace=False))
        sd = row["mse"] ** 0.5
        mean = price[index] if row["mse"] < 50 else np.full(84, 22.5)
        guess = mean + rng.normal(0, sd if row["mse"] < 50 else 0.4, 84)
        frames.append(pd.DataFrame({"replicate": row["replicate"], "index": index,
                                    "target": price[index], "prediction": guess}))  # fmt: skip
    empty = pd.DataFrame({"replicate": [], "index": [], "target": [], "prediction": []})
    return pd.concat(frames, ignore_index=True) if frames else empty


def _confusion(rows: list[dict[str, Any]]) -> list[list[int]]:
    matrix = np.zeros((10, 10), dtype=int)
    for row in rows:
        for digit in range(10):
            right = round(50 * row[f"class_{digit}"])
            matrix[digit, digit] += right
            wrong = _rng("wrong", row["replicate"], digit).integers(1, 10, 50 - right)
            np.add.at(matrix[digit], (digit + wrong) % 10, 1)
    return [[int(number) for number in line] for line in matrix]


def _yardsticks() -> dict[str, Any]:
    def fnn(level: float) -> dict[str, Any]:
        rows = []
        for replicate in range(REPLICATES["fnn"]):
            mse = level * float(np.exp(0.2 * _rng("fnn", replicate).normal()))
            rows.append({"replicate": replicate, "mse": mse, "mae": 0.66 * mse**0.5,
                         "r2": 1 - mse / 84})  # fmt: skip
        return {"label": "", "replicates": rows}

    logistic = [{"replicate": r, "accuracy": 0.905 + 0.004 * float(_rng("cnn", r).normal()),
                 "loss": 0.34} for r in range(REPLICATES["cnn"])]  # fmt: skip
    return {
        "fnn": {"predict_mean": fnn(84.5), "ridge": fnn(24.0), "gradient_boosting": fnn(10.4)},
        "cnn": {"logistic_regression": {"label": "", "replicates": logistic}},
    }
