"""What is kept of a job's log: with a trained entry, with a failure, in the view and in study.json."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from ablation.canonical import key_of
from ablation.collect_job import _log
from ablation.jobs import fail
from ablation.loglines import TAIL, WIDTH, Line, bounded, kept, lines_of, tail
from ablation.schemas import InvalidDocumentError, validate_document
from ablation.store import read_json, write_json
from ablation.views import view

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
    with kept() as lines:
        log.info("one of %d", 2)
        logging.getLogger("another").warning("two\nthree")
    log.info("afterwards")
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


def failed(tmp_path: Path, text: str | None, status: int = 1) -> dict[str, Any]:
    log = tmp_path / "a.log"
    if text is not None:
        log.write_text(text, "utf-8")
    fail(tmp_path / "status.json", "0" * 16, status, log)
    document: dict[str, Any] = read_json(tmp_path / "status.json")
    return document


def test_a_failure_has_the_end_of_its_log(tmp_path: Path) -> None:
    text = "".join(f"10:00:00 line {number}\n" for number in range(30))
    document = failed(tmp_path, f"{text}{SCRIPT}\n10:00:01 ValueError: no\n\n")
    assert document["failed"] == "ValueError: no"
    assert len(document["log"]) == TAIL
    assert document["log"][-3:] == ["10:00:00 line 29", SCRIPT, "10:00:01 ValueError: no"]


def test_a_killed_job_has_it_too(tmp_path: Path) -> None:
    document = failed(tmp_path, "10:00:00 epoch 1\n", 137)
    assert document["failed"].startswith("killed by signal 9")
    assert document["log"] == ["10:00:00 epoch 1"]


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_a_failure_without_a_log_has_none(tmp_path: Path, text: str | None) -> None:
    assert failed(tmp_path, text) == {
        **{"fingerprint": f"failed {'0' * 16}", "failed": "exit status 1", "log": []}
    }


# The view and study.json


def facts(spec: dict[str, Any]) -> dict[str, Any]:
    key = key_of(spec)
    return {
        **{"cell": "fnn/depth_1", "model": "fnn", "axis": "depth", "label": "1", "value": 1},
        **{"key": key, "eval": key, "fingerprint": key, "spec": spec},
    }


def failed_view(tmp_path: Path, status: Any, metrics: Any) -> dict[str, Any]:
    paths = [tmp_path / name for name in ("status.json", "metrics.json", "view.json")]
    for path, document in zip(paths[:2], (status, metrics), strict=True):
        if document is not None:
            write_json(path, document)
    view(facts({"seed": 1}), tmp_path, paths[1], paths[2])
    document: dict[str, Any] = read_json(paths[2])
    return document


EVALUATION = {"failed": "StoreError: training failed: no", "log": ["of the evaluation"]}


def test_a_view_has_the_log_of_the_training_that_failed(tmp_path: Path) -> None:
    document = failed_view(tmp_path, {"failed": "no", "log": [SCRIPT]}, EVALUATION)
    assert document["status"]["log"] == [SCRIPT]
    assert _log({"store": str(tmp_path)}, document) == [SCRIPT]


def test_a_view_has_the_log_of_the_evaluation_that_failed(tmp_path: Path) -> None:
    document = failed_view(tmp_path, {"status": "ok"}, EVALUATION)
    assert document["status"]["log"] == ["of the evaluation"]


def test_a_failure_of_before_has_no_log(tmp_path: Path) -> None:
    document = failed_view(tmp_path, None, {"failed": "no"})
    assert document["status"]["log"] == []


def test_a_log_longer_than_promised_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidDocumentError, match="log"):
        failed_view(tmp_path, None, {"failed": "no", "log": ["x"] * (TAIL + 1)})


def test_a_good_cell_has_the_end_of_its_entrys_log(tmp_path: Path) -> None:
    cell, good = {"store": str(tmp_path)}, {"status": {"ok": 6, "diverged": 0}}
    assert _log(cell, good) is None
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "log.txt").write_text(f"one\n{SCRIPT}\n" * TAIL, "utf-8")
    assert _log(cell, good) == ["one", SCRIPT] * (TAIL // 2)


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
        **dict.fromkeys(("cell", "label", "value", "levels", "key", "eval", "store", "failed")),
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
    model = {"model": "fnn", "replicates": 6, "parameters": {}, "axes": [axis]}
    document = {
        **{"fingerprint": "", "study": {"name": "n", "seed": 1}, "yardsticks": {}},
        "models": [{**model, "data": {**data, "fixed_test_set": False}}],
    }
    return json.loads(json.dumps(document))  # type: ignore[no-any-return]
