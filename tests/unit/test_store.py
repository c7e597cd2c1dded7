"""Files and folders are there whole or not at all."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from ablation import store
from ablation.store import (
    MANIFEST,
    StoreError,
    is_whole,
    publish,
    read_json,
    require_whole,
    write_json,
    write_text,
)


def fill(draft: Path, text: str = "numbers") -> None:
    (draft / "metrics.json").write_text(text)
    (draft / "model.bin").write_bytes(b"\0" * 99)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    """A published folder."""
    folder = tmp_path / "store" / "entry"
    with publish(folder) as draft:
        fill(draft)
    return folder


def test_publish(entry: Path) -> None:
    assert names(entry) == [MANIFEST, "metrics.json", "model.bin"]
    assert names(entry.parent) == ["entry"]
    assert is_whole(entry)
    require_whole(entry)
    assert entry.stat().st_mode & 0o777 == 0o755
    assert set(read_json(entry / MANIFEST)) == {"metrics.json", "model.bin"}


def test_nothing_is_there_before_the_end(tmp_path: Path) -> None:
    with publish(tmp_path / "entry") as draft:
        fill(draft)
        assert not (tmp_path / "entry").exists()
        assert draft.parent == tmp_path  # the same file system, so that a rename is enough


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def run() -> None:
        with publish(tmp_path / "entry") as draft:
            fill(draft)
            raise error

    with pytest.raises(error):
        run()
    assert names(tmp_path) == []


def test_the_second_writer_keeps_the_firsts(entry: Path) -> None:
    before = entry.stat().st_ino
    with publish(entry) as draft:
        fill(draft, "other numbers")
    assert (entry / "metrics.json").read_text() == "numbers"
    assert entry.stat().st_ino == before
    assert names(entry.parent) == ["entry"]


def test_a_writer_who_is_overtaken_keeps_the_firsts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one finishes between the look and the rename."""
    folder, looked = tmp_path / "entry", []

    def look(path: Path) -> bool:
        looked.append(path)
        found = is_whole(path)
        if len(looked) == 1:
            with publish(folder) as draft:
                fill(draft, "first")
        return found

    monkeypatch.setattr(store, "is_whole", look)
    with publish(folder) as draft:
        fill(draft, "second")
    assert (folder / "metrics.json").read_text() == "first"
    assert names(tmp_path) == ["entry"]


@pytest.mark.parametrize("damage", ["changed", "removed", "no manifest", "torn manifest", "empty"])
def test_a_damaged_entry_is_seen_and_replaced(entry: Path, damage: str) -> None:
    if damage == "changed":
        (entry / "model.bin").write_bytes(b"\0" * 98 + b"\1")
    elif damage == "removed":
        (entry / "model.bin").unlink()
    elif damage == "no manifest":
        (entry / MANIFEST).unlink()
    elif damage == "torn manifest":
        (entry / MANIFEST).write_text((entry / MANIFEST).read_text()[:20])
    else:
        for path in entry.iterdir():
            path.unlink()
    assert not is_whole(entry)
    with pytest.raises(StoreError, match="incomplete or damaged"):
        require_whole(entry)
    with publish(entry) as draft:
        fill(draft, "made again")
    assert is_whole(entry)
    assert (entry / "metrics.json").read_text() == "made again"
    assert names(entry.parent) == ["entry"]


def test_a_missing_entry_is_not_whole(tmp_path: Path) -> None:
    assert not is_whole(tmp_path / "entry")
    with pytest.raises(StoreError):
        require_whole(tmp_path / "entry")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_has_no_nan(tmp_path: Path, value: float) -> None:
    path = tmp_path / "document.json"
    write_json(path, {"loss": None})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"loss": [value]})
    assert read_json(path) == {"loss": None}
    assert names(tmp_path) == ["document.json"]


def test_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "document.json"
    write_json(path, {"b": [1, 0.1, None], "a": "é"})
    assert read_json(path) == {"b": [1, 0.1, None], "a": "é"}
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert "é" in text
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"nothing"])
def test_what_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "document.json"
    path.write_bytes(content)
    assert read_json(path) is None
    assert read_json(tmp_path) is None
    assert read_json(tmp_path / "missing.json") is None


def test_a_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def fail(source: str, target: Path) -> None:
        assert Path(source).read_text() == "new"
        assert path.read_text() == "old"
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_the_manifest_holds_each_files_sha256(entry: Path) -> None:
    manifest = json.loads((entry / MANIFEST).read_text())
    expected = hashlib.sha256(b"numbers").hexdigest()
    assert manifest["metrics.json"] == expected
