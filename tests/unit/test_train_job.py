"""The training job: what it publishes, and what it records of a memory that was too small."""

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from ablation.cnn import train as cnn
from ablation.config import resolve
from ablation.grid import build
from ablation.schemas import validate_document
from ablation.stack.checkpoint import CheckpointFile
from ablation.stack.training import Trained
from ablation.store import read_json
from ablation.train_job import train
from conftest import Parts
from safetensors.torch import load_file, save_file

REPLICATES = 5


@pytest.fixture
def job(config: dict[str, Any], digit_parts: Parts, tmp_path: Path) -> tuple[dict[str, Any], Path]:
    """The specification of a small cell, and its prepared train part."""
    body = config["models"]["cnn"]
    body["replicates"] = REPLICATES
    body["parameters"].update(channels=[3, 4, 5, 6], fc_width=16, batch_size=16, epochs=2)
    cell = build(resolve(config)).by_name["cnn/kernel_5"]
    part, _ = digit_parts(REPLICATES, train=48)
    save_file({name: tensor.contiguous() for name, tensor in part.items()}, tmp_path / "train.st")
    return cell.spec, tmp_path / "train.st"


def trained_entry(job: tuple[dict[str, Any], Path], folder: Path) -> Path:
    spec, part = job
    run = {"device": "cpu", "checkpoint_seconds": 0, "cells": {}}
    train(spec, part, folder / "status.json", run)
    return folder / "train"


def test_an_entry_that_ran_out_of_memory_is_the_same_and_says_so(
    job: tuple[dict[str, Any], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained_entry(job, tmp_path / "whole")
    assert read_json(whole / "run.json")["cost"]["replicates_at_once"] == REPLICATES
    original = cnn.run

    def small(*arguments: Any, replicates: Sequence[int], **options: Any) -> Trained:
        if len(replicates) > 2:
            raise torch.OutOfMemoryError(f"{len(replicates)} do not fit")
        return original(*arguments, replicates=replicates, **options)

    monkeypatch.setattr(cnn, "run", small)
    cut = trained_entry(job, tmp_path / "cut")
    run = read_json(cut / "run.json")
    assert run["cost"]["replicates_at_once"] == 2
    validate_document(run["cost"], "cost")
    validate_document(run["environment"], "environment")
    assert read_json(cut.parent / "status.json")["status"] == "ok"
    assert not list(cut.parent.glob("checkpoint*"))
    first, second = (load_file(entry / "model.safetensors") for entry in (whole, cut))
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=1e-3, atol=1e-3)
    rows = [read_json(entry / "replicates.json") for entry in (whole, cut)]
    assert [row["best_epoch"] for row in rows[0]] == [row["best_epoch"] for row in rows[1]]
    assert (cut / "history.csv").read_text().count("\n") == 1 + 2 * REPLICATES


def test_an_entry_has_the_lines_of_its_training_and_the_time_of_its_end(
    job: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    logging.getLogger("ablation").setLevel(logging.INFO)
    entry = trained_entry(job, tmp_path / "whole")
    lines = (entry / "log.txt").read_text("utf-8").splitlines()
    assert "cnn on cpu in " in lines[0]
    assert [line.split()[2] for line in lines[1:]] == ["1/2", "2/2"]
    assert "log.txt" in read_json(entry / "manifest.json")
    cost = read_json(entry / "run.json")["cost"]
    validate_document(cost, "cost")
    assert datetime.fromisoformat(cost["finished_at"]).tzinfo is not None
    validate_document({k: v for k, v in cost.items() if k != "finished_at"}, "cost")


def test_the_log_of_a_resumed_entry_begins_with_the_epoch_that_was_reached(
    job: tuple[dict[str, Any], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logging.getLogger("ablation").setLevel(logging.INFO)
    save = CheckpointFile.save

    def killed(self: CheckpointFile, tensors: dict[str, torch.Tensor]) -> None:
        save(self, tensors)
        raise KeyboardInterrupt

    monkeypatch.setattr(CheckpointFile, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        trained_entry(job, tmp_path / "cut")
    monkeypatch.setattr(CheckpointFile, "save", save)
    lines = (trained_entry(job, tmp_path / "cut") / "log.txt").read_text("utf-8").splitlines()
    assert lines[1].endswith("resumed after epoch 1")
    assert [line.split()[2] for line in lines[2:]] == ["2/2"]
