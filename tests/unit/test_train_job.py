"""The training job: what it publishes, and what it records of a memory that was too small."""

import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from ablation.stages import job
from ablation.stages.job import run
from ablation.store.entries import CHECKPOINTS, Entry, folder_of, publish, require, write_spec
from ablation.store.files import read_json, write_json
from ablation.store.formats import validate_document
from ablation.study.config import resolve
from ablation.study.grid import build
from ablation.study.progress import progress_file
from ablation.training.checkpoint import CheckpointFile
from ablation.training.loop import Trained
from ablation.training.run import Cell, Plan
from conftest import Parts
from filelock import FileLock, Timeout
from safetensors.torch import load_file, save_file

REPLICATES = 5
EPOCH = re.compile(r" epoch (\d+/\d+) ")


@pytest.fixture
def key(
    config: dict[str, Any],
    digit_parts: Parts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The key of a small cell, its specification and its prepared data in the store."""
    monkeypatch.chdir(tmp_path)
    body = config["models"]["cnn"]
    body["replicates"] = REPLICATES
    body["parameters"].update(channels=[3, 4, 5, 6], fc_width=16, batch_size=16, epochs=2)
    config["compute"].update(replicates_at_once=REPLICATES, precision="fp32")
    cell = build(resolve(config)).by_name["cnn/kernel_5"]
    write_spec(cell.spec)
    part, _ = digit_parts(REPLICATES, train=48)
    with publish(folder_of("prepare", cell.data_key)) as draft:
        tensors = {name: tensor.contiguous() for name, tensor in part.items()}
        save_file(tensors, draft / "train.safetensors")
    return cell.key


def trained_entry(key: str) -> Entry:
    run("train", key, {"device": "cpu", "checkpoint_seconds": 0, "mirrors": {}, "threads": 1})
    return require(folder_of("train", key))


def test_an_entry_that_ran_out_of_memory_is_the_same_and_says_so(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained_entry(key)
    assert whole.read("run.json")["cost"]["replicates_at_once"] == REPLICATES
    original = Cell.train

    def small(
        self: Cell, plan: Plan, chosen: Sequence[int], checkpoint: CheckpointFile | None
    ) -> Trained:
        if len(chosen) > 2:
            raise torch.OutOfMemoryError(f"{len(chosen)} do not fit")
        return original(self, plan, chosen, checkpoint)

    monkeypatch.setattr(Cell, "train", small)
    kept = tmp_path / "whole"
    whole.folder.rename(kept)
    cut = trained_entry(key)
    made = cut.read("run.json")
    assert made["cost"]["replicates_at_once"] == 2
    validate_document(made["cost"], "cost")
    validate_document(made["environment"], "environment")
    assert not (CHECKPOINTS / key).exists()
    first, second = (load_file(f / "model.safetensors") for f in (kept, cut.folder))
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=1e-4, atol=1e-4)
    rows = [read_json(folder / "replicates.json") for folder in (kept, cut.folder)]
    assert [row["best_epoch"] for row in rows[0]] == [row["best_epoch"] for row in rows[1]]
    assert (cut.folder / "history.csv").read_text().count("\n") == 1 + 2 * REPLICATES


def test_an_entry_has_the_lines_of_its_training_and_the_time_of_its_end(key: str) -> None:
    logging.getLogger("ablation").setLevel(logging.INFO)
    entry = trained_entry(key)
    lines = (entry.folder / "log.txt").read_text("utf-8").splitlines()
    assert "cnn on cpu in " in lines[0]
    assert [EPOCH.findall(line) for line in lines[1:]] == [["1/2"], ["2/2"]]
    assert "log.txt" in entry.files
    told = [json.loads(line) for line in progress_file(key).read_text("utf-8").splitlines()]
    assert [document["epoch"] for document in told] == [0, 1, 2, 2]
    assert told[-1]["trained"]
    cost = entry.read("run.json")["cost"]
    validate_document(cost, "cost")
    assert datetime.fromisoformat(cost["finished_at"]).tzinfo is not None
    validate_document({k: v for k, v in cost.items() if k != "finished_at"}, "cost")


def test_the_log_of_a_resumed_entry_begins_with_the_epoch_that_was_reached(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logging.getLogger("ablation").setLevel(logging.INFO)
    save = CheckpointFile.save

    def killed(self: CheckpointFile, tensors: dict[str, torch.Tensor]) -> None:
        save(self, tensors)
        raise KeyboardInterrupt

    monkeypatch.setattr(CheckpointFile, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        trained_entry(key)
    assert list((CHECKPOINTS / key).iterdir())
    assert not folder_of("train", key).exists()
    monkeypatch.setattr(CheckpointFile, "save", save)
    lines = (trained_entry(key).folder / "log.txt").read_text("utf-8").splitlines()
    assert lines[1].endswith("resumed after epoch 1")
    assert [EPOCH.findall(line) for line in lines[2:]] == [["2/2"]]
    assert not (CHECKPOINTS / key).exists()


def test_an_identical_cell_waits_until_there_is_an_entry_to_take(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "0" * 16
    with publish(folder_of("check", other)) as draft:
        write_json(draft / "check.json", {"identical": [[other, key]]})
    unpublished = []

    @contextmanager
    def watched(*given: Any) -> Iterator[Path]:
        with publish(*given) as draft:
            yield draft
            with pytest.raises(Timeout):
                FileLock(CHECKPOINTS / f"{other}.lock").acquire(timeout=0)
            unpublished.append(not folder_of("train", key).exists())

    monkeypatch.setattr(job, "publish", watched)
    trained_entry(key)
    assert unpublished == [True]
    FileLock(CHECKPOINTS / f"{other}.lock").acquire(timeout=0)
