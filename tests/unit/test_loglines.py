"""What is kept of a job's log: with a trained entry, with a failure, in metrics.json and in study.json."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from ablation.machine.logs import LOG, TAIL, WIDTH, Kept, Line, attached, bounded, lines_of, tail
from ablation.stages.collect import _log
from ablation.stages.job import fail
from ablation.store.entries import Failure, folder_of, publish, require, write_spec
from ablation.store.files import write_json
from ablation.store.formats import InvalidDocumentError, validate_document
from ablation.study.grid import build
from ablation.study.plan import Plan
from ablation.study.stage import Stage

INFO, WARNING = logging.INFO, logging.WARNING
SCRIPT = "10:00:00 <script>alert('x')</script> & \\u003c"


def log_of(count: int) -> list[Line]:
    return [(INFO, f"line {number}") for number in range(count)]


def test_a_short_log_is_kept_whole() -> None:
    assert bounded(log_of(3), 2, 2, 2) == ["line 0", "line 1", "line 2"]
    assert bounded([]) == []


def test_of_a_long_log_both_ends_and_the_warnings_are_kept() -> None:
    lines = log_of(1000)
    for number in (1, 300, 400, 990):
        lines[number] = (WARNING, f"warning {number}")
    text = bounded(lines)
    assert text[:2] == ["line 0", "warning 1"]
    assert text[40] == "… 260 lines left out …"
    assert [line for line in text if line.startswith("warning")] == [
        *("warning 1", "warning 300", "warning 400", "warning 990"),
    ]
    assert text[-1] == "line 999"
    assert len(text) == 40 + 2 + 80 + 3


def test_a_log_of_warnings_alone_is_bounded_too() -> None:
    text = bounded([(WARNING, f"warning {number}") for number in range(10_000)])
    assert len(text) == 40 + 40 + 80 + 1
    assert text[-81] == "warning 9919"


@pytest.mark.parametrize("count", range(12))
def test_no_line_is_kept_twice_or_lost_without_a_word(count: int) -> None:
    text = bounded(log_of(count), 3, 2, 4)
    numbers = [int(line.split()[1]) for line in text if line.startswith("line")]
    assert numbers == [n for n in range(count) if n < 3 or n >= count - 4]
    assert (count > 7) == any("left out" in line for line in text)


def test_lines_are_printable_and_of_bounded_width() -> None:
    text = f"a\tb\x1b[31m\r\n\n  \n{'x' * 5000}\n{SCRIPT}"
    first, second, third = lines_of(text)
    assert first == "a   b [31m"
    assert second == "x" * (WIDTH - 1) + "…"
    assert third == SCRIPT


def test_all_that_is_logged_is_kept_as_it_stands_in_the_log() -> None:
    log = logging.getLogger("ablation")
    log.setLevel(INFO)
    with attached(Kept()) as kept:
        log.info("one of %d", 2)
        logging.getLogger("another").warning("two\nthree")
    log.info("afterwards")
    lines = kept.lines
    assert [(level, line.partition(" ")[2]) for level, line in lines[:2]] == [
        (INFO, "one of 2"),
        (WARNING, "two"),
    ]
    assert lines[2] == (WARNING, "three")
    assert len(lines) == 3


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    assert tail(path) is None
    path.write_bytes(b"\xff\n" + b"".join(b"%d\n" % number for number in range(50)))
    assert tail(path) == [str(number) for number in range(50 - TAIL, 50)]


# A failure


KEY = "0123456789abcdef"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def failed(text: str | None, status: int = 1) -> Failure:
    """What is recorded of a training that left this log."""
    log = Path("a.log")
    if text is not None:
        log.write_text(text, "utf-8")
    fail("train", KEY, status, log)
    entry = require(folder_of("train", KEY))
    assert entry.files == {}
    assert entry.failure is not None
    return entry.failure


def test_a_failure_has_the_end_of_its_log(here: Path) -> None:
    text = "".join(f"10:00:00 line {number}\n" for number in range(30))
    failure = failed(f"{text}{SCRIPT}\n10:00:01 ValueError: no\n\n")
    assert failure.reason == "ValueError: no"
    assert len(failure.log) == TAIL
    assert failure.log[-3:] == ("10:00:00 line 29", SCRIPT, "10:00:01 ValueError: no")


def test_a_killed_job_has_it_too(here: Path) -> None:
    failure = failed("10:00:00 epoch 1\n", 137)
    assert failure.reason == "killed by signal 9 (by hand, or out of memory)"
    assert failure.log == ("10:00:00 epoch 1",)


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_a_failure_without_a_log_has_none(here: Path, text: str | None) -> None:
    assert failed(text) == Failure("exit status 1")


def test_a_result_that_is_there_is_not_replaced_by_a_failure(here: Path) -> None:
    with publish(folder_of("train", KEY)) as draft:
        write_json(draft / "run.json", {})
    fail("train", KEY, 143, Path("none.log"))
    assert require(folder_of("train", KEY)).failures == {}


# metrics.json and study.json


@pytest.fixture
def evaluation(here: Path, config: dict[str, Any]) -> Stage:
    """The evaluation of a cell, its specifications in the store."""
    plan = Plan(build(config))
    cell = plan.study.by_name["fnn/depth_1"]
    for stage in (plan.trained[cell.key], plan.evaluated[cell.key]):
        write_spec(stage.spec)
    return plan.evaluated[cell.key]


def document_of(stage: Stage) -> dict[str, Any]:
    document: dict[str, Any] = require(stage.folder).read("metrics.json")
    return document


def test_an_evaluation_that_failed_has_its_log(evaluation: Stage) -> None:
    Path("a.log").write_text(f"{SCRIPT}\n10:00:01 StoreError: gone\n", "utf-8")
    fail("evaluate", evaluation.key, 1, Path("a.log"))
    entry = require(evaluation.folder)
    assert entry.failure == Failure("StoreError: gone", (SCRIPT, "10:00:01 StoreError: gone"))
    document = document_of(evaluation)
    validate_document(document, "metrics_file")
    assert document["evaluation"] == evaluation.key
    assert document["key"] == evaluation.spec["inputs"]["train"][0]
    assert document["status"] == {
        **{"failed": "StoreError: gone", "ok": 0, "diverged": 0},
        "log": [SCRIPT, "10:00:01 StoreError: gone"],
    }
    assert _log(entry, document) == document["status"]["log"]


def test_a_log_longer_than_promised_is_refused(evaluation: Stage) -> None:
    fail("evaluate", evaluation.key, 1, Path("none.log"))
    document = document_of(evaluation)
    validate_document(document, "metrics_file")
    document["status"]["log"] = ["x"] * (TAIL + 1)
    with pytest.raises(InvalidDocumentError, match="log"):
        validate_document(document, "metrics_file")


def test_a_good_cell_has_the_end_of_its_entrys_log(here: Path) -> None:
    good = {"status": {"ok": 6, "diverged": 0}}
    with publish(folder_of("train", KEY)) as draft:
        pass
    assert _log(require(folder_of("train", KEY)), good) is None
    with publish(folder_of("train", KEY[::-1])) as draft:
        (draft / LOG).write_text(f"one\n{SCRIPT}\n" * TAIL, "utf-8")
    assert _log(require(folder_of("train", KEY[::-1])), good) == ["one", SCRIPT] * (TAIL // 2)


@pytest.mark.parametrize("value", ["2026-01-02T03:04:05Z", None])
@pytest.mark.parametrize("log", [[SCRIPT], [], None])
def test_study_json_takes_both(value: str | None, log: list[str] | None) -> None:
    validate_document(study(value, log), "study")


@pytest.mark.parametrize(("value", "log"), [("2026-01-02 03:04", None), (None, "x"), (None, [1])])
def test_study_json_takes_nothing_else(value: str | None, log: Any) -> None:
    with pytest.raises(InvalidDocumentError):
        validate_document(study(value, log), "study")


def study(finished_at: str | None, log: Any) -> dict[str, Any]:
    cell = {
        **dict.fromkeys(("cell", "label", "value", "levels", "key", "evaluation", "prepared")),
        **dict.fromkeys(("code", "target", "failed")),
        **dict.fromkeys(("confusion_matrix", "environment", "parameters")),
        **{"finished_at": finished_at, "log": log},
    }
    axis = {
        "axis": "a",
        "parameter": None,
        "factors": None,
        "with": {},
        "reference": "1",
        "cells": [cell],
    }
    data = {"dataset": "d", "source": "s", "sha256": {}, "overlap_ratio": 0.2}
    what = {"task": "regression", "unit": "", "classes": [], "images": False, "words": {}}
    model = {"model": "fnn", **what, "replicates": 6, "parameters": {}, "axes": [axis]}
    document = {
        **{"study": {"name": "n", "seed": 1}, "yardsticks": {}},
        "models": [{**model, "data": {**data, "fixed_test_set": False}}],
    }
    return json.loads(json.dumps(document))  # type: ignore[no-any-return]
