"""A training that is interrupted and resumed gives the same bytes as one that was not."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import torch
from ablation.machine.logs import attached
from ablation.store.tensors import save_tensors
from ablation.training.checkpoint import CheckpointFile
from ablation.training.loop import Trained
from safetensors import safe_open
from safetensors.torch import save_file
from unit_engine import ADAM, NOISY, PLATEAU, assert_same, convnet, images, mlp, table

IDENTITY = {"key": "0123456789abcdef", "torch": "2"}
ONE = torch.tensor([1, 2], dtype=torch.int64).view(torch.float64)  # the same bytes
Run = Callable[..., Trained]


class KilledError(Exception):
    """Stands for a kill."""


def checkpoint(
    path: Path, identity: dict[str, str] = IDENTITY, cost: float = 1.5
) -> CheckpointFile:
    return CheckpointFile(path, identity, 0.0, lambda: {"seconds": cost, "cpu_seconds": cost})


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    """Training of a group of either kind, with all the state it can have."""
    cells = {
        "mlp": mlp(table(), **PLATEAU, **{**ADAM, "learning_rate": 0.1}, epochs=9),
        "convnet": convnet(images(), **NOISY, **PLATEAU, epochs=4),
    }
    chosen = {"mlp": range(4), "convnet": [1]}
    plans = {name: each.plan() for name, each in cells.items()}

    def run(name: str, checkpoint: CheckpointFile | None = None) -> Trained:
        return cells[name].train(plans[name], chosen[name], checkpoint)

    return {name: partial(run, name) for name in cells}


class Said(logging.Handler):
    """What a training logs; it ends it in an epoch, after the one before was saved."""

    def __init__(self, killed_in: int = 0) -> None:
        super().__init__()
        self.killed_in, self.lines = killed_in, list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().partition(": ")[2])
        if self.lines[-1].startswith(f"epoch {self.killed_in}/"):
            raise KilledError


@contextmanager
def killed_in_epoch(epoch: int) -> Iterator[None]:
    with attached(Said(epoch)), pytest.raises(KilledError):
        yield


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ablation")


def assert_identical(one: Trained, other: Trained) -> None:
    assert_same(one, other, list(range(len(one.best_epoch))))
    for ours, theirs in ((one.tensors, other.tensors), (one.history, other.history)):
        assert ours.keys() == theirs.keys()
        assert all(ours[name].dtype == theirs[name].dtype for name in theirs)


@pytest.mark.promise(13)
@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_resumed_is_undisturbed(runs: dict[str, Run], model: str, tmp_path: Path) -> None:
    run, path = runs[model], tmp_path / "cell" / "checkpoint.safetensors"
    undisturbed = run()
    with killed_in_epoch(2):
        run(checkpoint=checkpoint(path))
    with killed_in_epoch(4):  # killed a second time, by then resumed once
        run(checkpoint=checkpoint(path))
    with attached(Said()) as said:
        resumed = run(checkpoint=checkpoint(path))
    assert said.lines[0] == "resumed after epoch 3"
    assert said.lines[1].startswith("epoch 4/")
    assert_identical(resumed, undisturbed)
    if model == "mlp":  # lowered before and after the kill
        assert len(undisturbed.history["learning_rate"].unique()) > 2


@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_saving_changes_no_number(runs: dict[str, Run], model: str, tmp_path: Path) -> None:
    saved = runs[model](checkpoint=checkpoint(tmp_path / "checkpoint.safetensors"))
    assert_identical(saved, runs[model]())


def test_a_checkpoint_of_another_identity_is_ignored(runs: dict[str, Run], tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    with killed_in_epoch(4):
        runs["mlp"](checkpoint=checkpoint(path))
    other = checkpoint(path, {**IDENTITY, "key": "fedcba9876543210"})
    assert other.load() is None
    assert other.earlier_cost() == {}
    with attached(Said()) as said:
        assert_identical(runs["mlp"](checkpoint=other), runs["mlp"]())
    assert said.lines[0].startswith("epoch 1/")


@pytest.mark.parametrize("damage", ["torn", "header", "noise", "empty", "foreign", "folder"])
def test_a_damaged_checkpoint_is_ignored(runs: dict[str, Run], tmp_path: Path, damage: str) -> None:
    path = tmp_path / "checkpoint.safetensors"
    with killed_in_epoch(4):
        runs["mlp"](checkpoint=checkpoint(path))
    whole = path.read_bytes()
    if damage == "foreign":
        save_file({"weight": torch.zeros(2)}, path)
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        kept = {"torn": whole[:-7], "header": whole[:30], "noise": b"\xff" * 64, "empty": b""}
        path.write_bytes(kept[damage])
    found = checkpoint(path)
    assert found.load() is None
    assert found.earlier_cost() == {}
    if damage != "folder":  # nothing of it stands in the way of a new one
        assert_identical(runs["mlp"](checkpoint=found), runs["mlp"]())


def parts(path: Path) -> dict[str, range]:
    """Where in a checkpoint the tensors lie, and the texts of its header."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    found = {"tensors": range(start, len(content))}
    for name in ("identity", "cost", "digest"):
        text = re.search(rb'"%b":"((?:\\.|[^"\\])*)"' % name.encode(), content[:start])
        assert text is not None
        found[name] = range(*text.span(1))
    return found


def flip(path: Path, place: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("part", ["tensors", "identity", "cost", "digest"])
def test_a_flipped_bit_means_the_first_epoch(
    runs: dict[str, Run], tmp_path: Path, part: str
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    with killed_in_epoch(4):
        runs["mlp"](checkpoint=checkpoint(path))
    assert checkpoint(path).load() is not None
    whole, places = path.read_bytes(), parts(path)[part]
    for place in places[:: max(1, len(places) // 50)]:
        for bit in (0, 2):
            flip(path, place, bit)
            assert checkpoint(path).load() is None, place
            assert checkpoint(path).earlier_cost() == {}
            path.write_bytes(whole)
    flip(path, places[len(places) // 2])
    with attached(Said()) as said:
        again = runs["mlp"](checkpoint=checkpoint(path))
    assert any(line.startswith("epoch 1/") for line in said.lines)
    assert_identical(again, runs["mlp"]())


def test_another_name_or_type_of_a_tensor_counts(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint(path).save({"a": torch.tensor([1, 2])})
    with safe_open(path, framework="pt") as stream:
        metadata = stream.metadata()
    for tensors in ({"b": torch.tensor([1, 2])}, {"a": torch.tensor([[1, 2]])}, {"a": ONE}):
        save_tensors(path, tensors, metadata)
        assert checkpoint(path).load() is None
    save_tensors(path, {"a": torch.tensor([1, 2])}, metadata)
    assert checkpoint(path).load() is not None


def test_a_damaged_file_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint(path).save({"a": torch.tensor([1, 2])})
    checkpoint(path, {"key": "another"}).load()
    assert caplog.messages == []  # nothing is wrong with a file of another cell
    flip(path, -1)
    checkpoint(path).load()
    assert caplog.messages == [f"{path} is damaged and not used"]


def test_the_file_is_replaced_whole(runs: dict[str, Run], tmp_path: Path) -> None:
    found = checkpoint(tmp_path / "checkpoint.safetensors", cost=2.5)
    with killed_in_epoch(3):
        runs["convnet"](checkpoint=found)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    assert found.earlier_cost() == {"seconds": 2.5, "cpu_seconds": 2.5}


def test_saves_are_as_far_apart_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    seldom = CheckpointFile(path, IDENTITY, 3600.0, dict)
    assert not seldom.due()
    often = CheckpointFile(path, IDENTITY, 0.0, dict)
    assert often.due()
    often.save({"progress/epoch": torch.tensor(3)})
    assert json.loads(json.dumps(often.earlier_cost())) == {}
    loaded = often.load()
    assert loaded is not None
    assert int(loaded["progress/epoch"]) == 3


def test_the_last_epoch_is_not_saved(runs: dict[str, Run], tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    runs["convnet"](checkpoint=checkpoint(path))
    state = checkpoint(path).load()
    assert state is not None
    assert int(state["progress/epoch"]) == 3
