"""What a training leaves in files: every number as it was, and nothing where it was not finite."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import torch
from ablation.training.gradients import recorded_epochs
from ablation.training.records import FIGURES, replicates, write_gradients, write_history
from unit_engine import convnet, images, mlp, table, trained


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_history_has_a_line_per_replicate_and_epoch(tmp_path: Path) -> None:
    for each, names in ((mlp(table()), [f for f in FIGURES if f != "val_accuracy"]),
                        (convnet(images()), list(FIGURES))):  # fmt: skip
        found = trained(each)
        write_history(tmp_path / "history.csv", found)
        rows = rows_of(tmp_path / "history.csv")
        assert list(rows[0]) == ["replicate", "epoch", *names]
        assert len(rows) == 3 * len(found.best_epoch)
        for row in rows:
            r, epoch = int(row["replicate"]), int(row["epoch"])
            for name in names:
                assert float(row[name]) == float(found.history[name][epoch - 1, r])


def test_gradients_have_a_line_per_replicate_moment_and_layer(tmp_path: Path) -> None:
    found = trained(mlp(table(), epochs=4))
    write_gradients(tmp_path / "gradients.csv", found, 4)
    rows = rows_of(tmp_path / "gradients.csv")
    moments = recorded_epochs(4)
    assert len(rows) == 4 * len(moments) * 3
    for row in rows:
        place = moments.index(int(row["epoch"])), int(row["layer"]) - 1, int(row["replicate"])
        assert float(row["norm"]) == float(found.gradients[place])


def test_what_is_not_finite_is_left_empty(tmp_path: Path) -> None:
    found = trained(mlp(table()))
    found.history["val_loss"][1, 2] = math.nan
    found.history["train_loss"][0, 1] = math.inf
    found.gradients[0, 0, 3] = -math.inf
    write_history(tmp_path / "history.csv", found)
    write_gradients(tmp_path / "gradients.csv", found, 3)
    rows = rows_of(tmp_path / "history.csv")
    empty = [
        (row["replicate"], row["epoch"], name) for row in rows for name in row if not row[name]
    ]
    assert empty == [("1", "1", "train_loss"), ("2", "2", "val_loss")]
    norms = [row["norm"] for row in rows_of(tmp_path / "gradients.csv")]
    assert norms.count("") == 1


def test_each_replicate_has_its_fate() -> None:
    found = trained(mlp(table()))
    found.best_epoch = torch.tensor([2, 0, 3, 1])
    found.diverged = torch.tensor([False, True, False, False])
    facts = replicates(found)
    assert [each["replicate"] for each in facts] == [0, 1, 2, 3]
    assert [each["diverged"] for each in facts] == [False, True, False, False]
    assert facts[1]["val_loss"] is None
    assert facts[2]["val_loss"] == float(found.history["val_loss"][2, 2])
