"""Marks: a target is fresh, or its mark is newer and says so."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from ablation.marks import fingerprint, settle

NOW = "expected"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "metrics.json"


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / ".marks" / "cell.json"


def write(target: Path, carried: str) -> None:
    target.write_text(json.dumps({"fingerprint": carried}))


def state(mark: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(mark.read_text())
    return found


def stamp(path: Path) -> tuple[bytes, int]:
    return path.read_bytes(), path.stat().st_mtime_ns


def is_newer(mark: Path, target: Path) -> bool:
    return mark.stat().st_mtime_ns > target.stat().st_mtime_ns


def test_a_missing_target_gets_one_mark(target: Path, mark: Path) -> None:
    assert not settle(target, mark, NOW, spec={"a": 1})
    assert state(mark) == {"expected": NOW, "attempt": 1, "spec": {"a": 1}}
    before = stamp(mark)
    assert not settle(target, mark, NOW, spec={"a": 1})
    assert stamp(mark) == before  # nothing new to say, however often it is read


def test_a_fresh_target_leaves_its_mark_alone(target: Path, mark: Path) -> None:
    settle(target, mark, NOW)
    write(target, NOW)
    before = stamp(mark)
    assert settle(target, mark, NOW)
    assert stamp(mark) == before


def test_a_fresh_target_without_mark_gets_one(target: Path, mark: Path) -> None:
    """As after a clone with results."""
    write(target, NOW)
    assert settle(target, mark, NOW)
    assert state(mark)["attempt"] == 0
    before = stamp(mark)
    assert settle(target, mark, NOW)
    assert stamp(mark) == before


def test_a_changed_target_gets_a_newer_mark_of_another_text(target: Path, mark: Path) -> None:
    write(target, "of another configuration")
    assert not settle(target, mark, NOW)
    assert is_newer(mark, target)
    first = mark.read_text()
    assert not settle(target, mark, NOW)  # the run between did not make it
    assert is_newer(mark, target)
    assert mark.read_text() != first  # a bare touch is hidden by a checksum
    assert state(mark)["attempt"] == 2


def test_there_and_back(target: Path, mark: Path) -> None:
    write(target, "a")
    assert settle(target, mark, "a")
    assert not settle(target, mark, "b")
    assert state(mark)["expected"] == "b"
    assert settle(target, mark, "a")
    assert state(mark)["expected"] == "a"


def test_a_failed_target_is_tried_again_each_time(target: Path, mark: Path) -> None:
    settle(target, mark, NOW)
    attempts = []
    for _ in range(3):
        write(target, f"failed {NOW}")
        assert not settle(target, mark, NOW)
        assert is_newer(mark, target)
        attempts.append(state(mark)["attempt"])
    assert attempts == [2, 3, 4]
    write(target, NOW)
    assert settle(target, mark, NOW)


def test_a_target_from_the_future_is_older_than_its_mark(target: Path, mark: Path) -> None:
    write(target, "old")
    ahead = time.time_ns() + 3600 * 10**9
    os.utime(target, ns=(ahead, ahead))
    assert not settle(target, mark, NOW)
    assert is_newer(mark, target)


def test_what_belongs_to_the_target_counts(target: Path, mark: Path) -> None:
    write(target, NOW)
    assert not settle(target, mark, NOW, intact=False)
    assert is_newer(mark, target)
    assert settle(target, mark, NOW)


@pytest.mark.parametrize("carried", [None, "other", NOW])
def test_who_only_looks_on_writes_nothing(target: Path, mark: Path, carried: str | None) -> None:
    if carried:
        write(target, carried)
    assert settle(target, mark, NOW, write=False) == (carried == NOW)
    assert not mark.exists()


@pytest.mark.parametrize("content", ["", "{", "[1]", '"text"', "null"])
def test_a_damaged_mark_is_written_again(target: Path, mark: Path, content: str) -> None:
    mark.parent.mkdir()
    mark.write_text(content)
    assert not settle(target, mark, NOW)
    assert state(mark)["expected"] == NOW


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.json", '{"fingerprint": "abc"}', "abc"),
        ("a.json", '{"fingerprint": 3}', None),
        ("a.json", "{}", None),
        ("a.json", "[]", None),
        ("a.json", "{", None),
        ("a.html", '<html><head>\n<meta name="fingerprint" content="abc">', "abc"),
        ("a.html", "<html><head></head>", None),
        ("a.html", "", None),
    ],
)
def test_fingerprint(tmp_path: Path, name: str, content: str, found: str | None) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert fingerprint(path) == found
    assert fingerprint(tmp_path / "missing" / name) is None


def test_bytes_that_are_no_text_carry_no_fingerprint(tmp_path: Path) -> None:
    for name in ("a.html", "a.json"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00")
        assert fingerprint(tmp_path / name) is None
