"""What a training tells of itself as it goes, and what is read of it."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import pytest
from ablation.machine.logs import attached
from ablation.store.files import write_json
from ablation.study.progress import CELLS, Progress, Report, cell_names, latest, progress_file

KEY = "0123456789abcdef"
log = logging.getLogger("ablation")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(CELLS, raising=False)
    log.setLevel(logging.INFO)
    return progress_file(KEY)


def tell(epoch: int, seconds: float = 2.0, *, first: int = 0, **figures: float) -> None:
    facts = {"what": "epoch", "epoch": epoch, "first": first, "seconds": seconds, **figures}
    log.info("epoch %d", epoch, extra={"progress": facts})


def last(path: Path) -> Report:
    report = latest(path)
    assert report is not None
    return report


def test_a_training_tells_of_each_epoch_and_of_its_end(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(Path("cells.json"), {KEY: "cnn/kernel_5"})
    monkeypatch.setenv(CELLS, "cells.json")
    with attached(Progress(KEY, 15)) as progress:
        progress.begin(1, 1)
        assert last(here) == Report(0, 15)
        log.info("something else")
        tell(1, train_loss=0.3, val_loss=2e-05, val_accuracy=0.5)
        tell(2, val_loss=math.nan)
        progress.end()
    lines = [json.loads(line) for line in here.read_text("utf-8").splitlines()]
    assert [(each["epoch"], each.get("trained")) for each in lines] == [
        (0, None),
        (1, None),
        (2, None),
        (2, True),
    ]
    assert all(each["cell"] == "cnn/kernel_5" and each["key"] == KEY for each in lines)
    assert lines[1] == {
        "cell": "cnn/kernel_5",
        "key": KEY,
        "resumed_after": 0,
        "epoch": 1,
        "epochs": 15,
        "val_loss": 2e-05,
        "val_accuracy": 0.5,
        "seconds_left": 28.0,
        "seconds_total": 30.0,
    }
    assert lines[2]["val_loss"] is None
    assert math.isnan(last(here).figures["val_loss"])


def test_the_time_left_follows_the_last_epochs(here: Path) -> None:
    with attached(Progress(KEY, 15)) as progress:
        progress.begin(1, 1)
        for number in range(1, 8):
            tell(number, 60.0 if number == 1 else 1.0)
    assert last(here).left == pytest.approx(8.0)


def test_a_resumed_training_says_so_and_its_time_left_is_of_the_rest(here: Path) -> None:
    with attached(Progress(KEY, 15)) as progress:
        progress.begin(1, 1)
        log.info("resumed", extra={"progress": {"what": "resumed", "epoch": 7, "first": 0}})
        assert last(here) == Report(7, 15, 7)
        tell(8, 3.0)
    assert (last(here).resumed_after, last(here).left) == (7, pytest.approx(21.0))


def test_a_cell_is_as_far_as_its_groups_are_on_average(here: Path) -> None:
    with attached(Progress(KEY, 15)) as progress:
        progress.begin(6, 2)  # of one replicate each, two side by side
        tell(4, first=0)
        tell(3, first=1)
        assert last(here).epoch == 1
        assert last(here).left == pytest.approx(2.0 * (6 * 15 - 7) / 2)
        tell(15, first=0)
    assert last(here).epoch == 3


def test_a_memory_too_small_begins_anew(here: Path) -> None:
    with attached(Progress(KEY, 15)) as progress:
        progress.begin(1, 1)
        tell(5)
        progress.begin(2, 1)
        tell(3)
    assert last(here).epoch == 1
    assert last(here).left == pytest.approx(2.0 * (15 + 12))


def test_an_earlier_try_is_forgotten(here: Path) -> None:
    with attached(Progress(KEY, 15)):
        tell(9)
    Progress(KEY, 15)
    assert latest(here) is None


def test_a_place_that_cannot_be_written_stops_no_training(here: Path) -> None:
    Path("logs").write_text("")
    with attached(Progress(KEY, 15)) as progress:
        tell(1)
        progress.end()
    assert latest(here) is None


@pytest.mark.parametrize(
    "end",
    [
        b'{"epoch": 4, "epo',
        b'\xff\xfe\n{"epoch": 4, "epochs": "\xff"}\n',
        b"[" * 5000 + b"\n",
        b"[]\n\nnull\n4\n",
        b'{"epoch": 1e999, "epochs": 15}\n',
        b'{"epoch": true, "epochs": 15}\n{"epochs": 15}\n',
        b'{"epoch": "\\u001b[2J", "epochs": 15}\n',
    ],
)
def test_what_cannot_be_read_says_nothing(here: Path, end: bytes) -> None:
    here.parent.mkdir(parents=True)
    here.write_bytes(b'{"epoch": 3, "epochs": 15}\n' + end)
    assert latest(here) == Report(3, 15)


def test_figures_are_numbers_and_nothing_else(here: Path) -> None:
    document = {"epoch": 3, "epochs": 15, "val_loss": "\x1b[2J", "seconds_left": "x", "\x1b": 1}
    here.parent.mkdir(parents=True)
    here.write_text(json.dumps(document) + "\n", "utf-8")
    report = last(here)
    assert str(report.figures) == "{'val_loss': nan}"
    assert report.left is None


def test_only_the_end_of_a_long_file_is_read(here: Path) -> None:
    here.parent.mkdir(parents=True)
    here.write_text("".join(f'{{"epoch": {n}, "epochs": 9999}}\n' for n in range(5000)), "utf-8")
    assert last(here).epoch == 4999


def test_there_may_be_no_file_or_a_folder(here: Path) -> None:
    assert latest(here) is None
    here.mkdir(parents=True)
    assert latest(here) is None


@pytest.mark.parametrize(
    ("document", "names"),
    [({KEY: "cnn/\x1b[2Ja"}, {KEY: "cnn/ [2Ja"}), ([1], {}), ("x", {}), (None, {})],
)
def test_names_are_printable(
    document: Any, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(Path("cells.json"), document)
    monkeypatch.setenv(CELLS, "cells.json")
    assert cell_names() == names
