"""Whether stored metrics are what the stored predictions, weights and histories say."""

from __future__ import annotations

import math
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import confusion_matrix, mean_absolute_error, mean_squared_error, r2_score
from torch.nn import functional

from oracle.data_checks import first_test_row
from oracle.networks import multiply_adds, stored, trained_numbers
from oracle.parts import digit_parts, image_rows, loss_of_mean_prediction, parts_of
from oracle.raw import boston, digits
from oracle.recipe import CLASSES, boston_split
from oracle.study import Cell, Study, read_json
from oracle.training_checks import predicted, weights

EXACT, NETWORK = 1e-9, 1e-4
KEY = 16  # hex digits
METRICS = {"fnn": ("mse", "mae", "r2"), "cnn": ("accuracy", "loss")}
OUTCOMES = {"fnn": ["prediction"], "cnn": ["predicted", "confidence", "loss"]}


def recomputed(model: str, own: pd.DataFrame) -> dict[str, Any]:
    """The metrics of one replicate's predictions."""
    if model == "fnn":
        target, prediction = own["target"], own["prediction"]
        return {
            "mse": mean_squared_error(target, prediction),
            "mae": mean_absolute_error(target, prediction),
            "r2": r2_score(target, prediction),
        }
    right = own["label"] == own["predicted"]
    by_class = right.groupby(own["label"]).mean().reindex(range(CLASSES))
    return {
        "accuracy": right.mean(),
        "loss": own["loss"].mean(),
        "per_class_accuracy": [None if math.isnan(each) else each for each in by_class],
    }


def check_metrics(cell: Cell) -> None:
    """Every metric of every replicate and of the cell follows from ``predictions.csv``."""
    document, predictions = cell.metrics, cell.predictions
    rows, usable = document["replicates"], []
    assert [row["replicate"] for row in rows] == list(range(cell.spec["replicates"]))
    for row in rows:
        own = predictions[predictions["replicate"] == row["replicate"]]
        note = f"{cell}, replicate {row['replicate']}"
        if row["status"] != "ok":
            assert own[OUTCOMES[cell.model]].isna().all(axis=None), f"{note}: predictions are kept"
            names = {*row} - {"replicate", "status"}
            assert all(row[name] is None for name in names), f"{note}: {row}"
            continue
        usable.append(row)
        for name, value in recomputed(cell.model, own).items():
            assert_same(row[name], value, f"{note}: {name}")
    assert document["status"] == {"ok": len(usable), "diverged": len(rows) - len(usable)}
    for name in METRICS[cell.model]:
        values = [row[name] for row in usable]
        facts, note = document["metrics"][name], f"{cell}: {name} over replicates"
        assert facts["n"] == len(values), note
        assert_same(facts["mean"], np.mean(values) if values else None, note)
        assert_same(facts["sd"], np.std(values, ddof=1) if len(values) > 1 else None, note)
    check_confusion(cell, {row["replicate"] for row in usable})


def assert_same(found: Any, expected: Any, note: str, tolerance: float = EXACT) -> None:
    """Two numbers or lists of numbers agree; None agrees with None alone."""
    first, second = (
        [
            np.nan if value is None else value
            for value in (each if isinstance(each, list) else [each])
        ]
        for each in (found, expected)
    )
    assert_allclose(first, second, rtol=tolerance, atol=tolerance, err_msg=note)


def check_confusion(cell: Cell, usable: set[int]) -> None:
    """The confusion matrix counts the predictions of the usable replicates."""
    found = cell.metrics["confusion_matrix"]
    if cell.model == "fnn":
        assert found is None
        return
    own = cell.predictions[cell.predictions["replicate"].isin(usable)]
    expected = confusion_matrix(own["label"], own["predicted"].astype(int), labels=range(CLASSES))
    assert_array_equal(found, expected, f"{cell}: confusion matrix")


def check_samples(cell: Cell) -> None:
    """``predictions.csv`` lists each replicate's test rows with their true targets or labels; sizes are those of the parts."""
    predictions, sizes = cell.predictions, []
    for replicate in range(cell.spec["replicates"]):
        own, parts = predictions[predictions["replicate"] == replicate], parts_of(cell, replicate)
        note = f"{cell}, replicate {replicate}"
        if cell.model == "fnn":
            raw = boston(cell.resources)
            rows = boston_split(len(raw.target), cell.spec["seed"], replicate)["test"]
            assert_array_equal(own["index"], rows, note)
            assert_array_equal(own["target"], raw.target[rows], note)
        else:
            rows = image_rows(cell, replicate)["test"]
            assert_array_equal(own["index"], rows + first_test_row(cell), note)
            assert_array_equal(own["label"], parts["test"].targets, note)
        sizes.append({name: len(part.targets) for name, part in parts.items()})
    for name in ("train", "validation", "test"):
        counts = [each[name] for each in sizes]
        assert cell.metrics["data"][f"n_{name}"] == [min(counts), max(counts)], f"{cell}: n_{name}"


def check_status(cell: Cell) -> None:
    """Which replicates diverged follows from the history by the written rule."""
    facts, rows = read_json(cell.train / "replicates.json"), cell.metrics["replicates"]
    history = cell.history
    for replicate in range(cell.spec["replicates"]):
        own = history[history["replicate"] == replicate]
        assert own["epoch"].tolist() == list(range(1, cell.parameters["epochs"] + 1))
        losses = own[["train_loss", "val_loss"]].to_numpy()
        limit = 10 * loss_of_mean_prediction(cell, replicate)
        diverged = not np.isfinite(losses).all() or losses[-1, 0] > limit
        note = f"{cell}, replicate {replicate}: diverged is {diverged} by the history"
        assert facts[replicate]["diverged"] == diverged, note
        # Nothing but a test loss that is not finite turns a replicate away that did not diverge.
        if not diverged and rows[replicate]["status"] != "ok":
            output = predicted(cell, weights(cell), replicate, parts_of(cell, replicate))
            diverged = not bool(torch.isfinite(output).all())
        assert rows[replicate]["status"] == ("diverged" if diverged else "ok"), note


def check_best_epochs(cell: Cell) -> None:
    """The best epoch is the first of the smallest validation loss."""
    facts, rows = read_json(cell.train / "replicates.json"), cell.metrics["replicates"]
    for replicate, own in cell.history.groupby("replicate"):
        best = own.sort_values(["val_loss", "epoch"]).dropna(subset="val_loss").head(1)
        epoch = int(best["epoch"].iloc[0]) if len(best) else 0
        loss = float(best["val_loss"].iloc[0]) if len(best) else None
        note = f"{cell}, replicate {replicate}: best epoch {epoch} of loss {loss} by the history"
        fact, row = facts[replicate], rows[replicate]
        assert (fact["replicate"], fact["best_epoch"], fact["val_loss"]) == (
            replicate,
            epoch,
            loss,
        ), note
        if row["status"] == "ok":
            assert (row["best_epoch"], row["val_loss"]) == (epoch, loss), note


def check_predictions(cell: Cell, replicates: Iterable[int]) -> float:
    """A plain network with the stored weights, on data from the raw bytes, predicts what is stored.

    Returns:
        The largest deviation, relative where it is of a number over 1.
    """
    tensors, predictions, largest = weights(cell), cell.predictions, 0.0
    rows = cell.metrics["replicates"]
    for replicate in replicates:
        if rows[replicate]["status"] != "ok":
            continue
        own = predictions[predictions["replicate"] == replicate]
        parts, note = parts_of(cell, replicate), f"{cell}, replicate {replicate}"
        output = predicted(cell, tensors, replicate, parts)
        if cell.model == "fnn":
            columns = {"prediction": output.numpy()}
        else:
            labels = torch.from_numpy(parts["test"].targets)
            logs = output.log_softmax(1)
            columns = {
                "loss": -logs[torch.arange(len(labels)), labels].numpy(),
                "confidence": logs.exp().amax(1).numpy(),
            }
            top = output.topk(2, 1).values
            clear = ((top[:, 0] - top[:, 1]) > NETWORK).numpy()
            assert_array_equal(own["predicted"][clear], output.argmax(1).numpy()[clear], note)
        for name, values in columns.items():
            assert_allclose(
                own[name], values, rtol=NETWORK, atol=NETWORK, err_msg=f"{note}: {name}"
            )
            off = np.abs(own[name] - values) / np.maximum(1, np.abs(values))
            largest = max(largest, float(off.max()))
    return largest


def check_size(cell: Cell) -> None:
    """Trained numbers and multiply-adds of one replicate."""
    network = stored(cell.model, cell.parameters, weights(cell), 0)
    expected = {"parameters": trained_numbers(network), "multiply_adds": multiply_adds(network)}
    assert cell.metrics["model_size"] == expected, f"{cell}: {expected}"


def check_shown(study: Study, cell: Cell) -> None:
    """What people read of a cell is, byte for byte, what was measured."""
    measured, shown = (cell.evaluation / "metrics.json").read_bytes(), study.shown(cell.model)
    for name in cell.names:
        assert shown[name].read_bytes() == measured, f"{cell.model}/{name}"


def check_entries(cell: Cell) -> None:
    """A key is the digest of a specification, and every file is the one that was written."""
    specification = cell.specification.read_bytes()
    assert sha256(specification).hexdigest()[:KEY] == cell.specification.stem == cell.key
    for folder in (cell.train, cell.evaluation, cell.data):
        files = read_json(folder / "manifest.json")["files"]
        assert set(files) == {path.name for path in folder.iterdir()} - {"manifest.json"}
        for name, expected in files.items():
            assert sha256((folder / name).read_bytes()).hexdigest() == expected, folder / name


def check_draws(study: Study) -> None:
    """The further draws of the best image network are of images that it has not seen, and its results there are its own."""
    facts = read_json(study.tables / "draws.json")["models"]["cnn"]
    assert facts is not None
    cell = next(
        each for each in study.of("cnn") if facts["cell"].removeprefix("cnn/") in each.names
    )
    rows, replicate = image_rows(cell, facts["replicate"]), facts["replicate"]
    pool, tested = digits(cell.resources, cell.parameters["test"])
    tensors = weights(cell)
    for number, (draw, fact) in enumerate(zip(rows["draws"], facts["draws"], strict=True)):
        parts = digit_parts(pool, tested, {"train": rows["train"], "test": draw})
        output = predicted(cell, tensors, replicate, parts)
        labels, found = parts["test"].targets, output.argmax(1).numpy()
        note = f"{cell}, replicate {replicate}, further draw {number}"
        counts = confusion_matrix(labels, found, labels=range(CLASSES))
        assert_array_equal(fact["confusion_matrix"], counts, note)
        assert fact["n"] == len(labels), note
        assert_same(fact["accuracy"], float(np.trace(counts) / len(labels)), note)
        per_class = (counts.diagonal() / counts.sum(1)).tolist()
        assert_same(fact["per_class_accuracy"], per_class, note)
        loss = functional.cross_entropy(output, torch.from_numpy(labels))
        assert_same(fact["loss"], loss.item(), note, NETWORK)
