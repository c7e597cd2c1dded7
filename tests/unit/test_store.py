"""Entries of the store are there whole or not at all, and nothing in them is believed unread."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ablation.store import files
from ablation.store.entries import (
    MANIFEST,
    Entry,
    Failure,
    StoreError,
    find,
    folder_of,
    publish,
    require,
    spec_path,
)
from ablation.store.files import read_json, set_aside, sha256, write_json, write_text
from ablation.store.keys import key_of

KEY = "0123456789abcdef"
TRAIN = f"train/{KEY}"
FAILURES = {
    "train/fedcba9876543210": Failure("killed by signal 9", ("10:00:00 epoch 1", "10:00:01 é")),
    TRAIN: Failure("ValueError: no"),
}
TEXT = '{"accuracy": 0.5}'


def fill(draft: Path, text: str = TEXT) -> None:
    (draft / "metrics.json").write_text(text)
    (draft / "model.bin").write_bytes(b"\0" * 99)
    (draft / "figures").mkdir()
    (draft / "figures" / "a.svg").write_text("<svg/>")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def found(folder: Path) -> Entry:
    entry = find(folder)
    assert entry is not None
    return entry


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A published folder."""
    monkeypatch.chdir(tmp_path)
    folder = folder_of("train", KEY)
    with publish(folder, FAILURES) as draft:
        fill(draft)
    return folder


def flip(path: Path, place: int, bit: int = 0) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(bytes(content))


# Publishing


def test_a_published_entry_is_whole(entry: Path) -> None:
    assert names(entry) == ["figures", MANIFEST, "metrics.json", "model.bin"]
    assert names(entry.parent) == [KEY]
    made = require(entry)
    assert (made.stage, made.key) == ("train", KEY)
    assert made.damaged() == []
    assert made.files == {
        name: sha256(entry / name) for name in ("metrics.json", "model.bin", "figures/a.svg")
    }
    assert made.failures == FAILURES
    assert made.failure == FAILURES[TRAIN]
    assert made.read("metrics.json") == {"accuracy": 0.5}


def test_an_entry_made_of_what_failed_has_not_failed_itself(entry: Path) -> None:
    folder = folder_of("report", KEY)
    with publish(folder, found(entry).failures) as draft:
        fill(draft)
    assert found(folder).failures == FAILURES
    assert found(folder).failure is None


def test_an_entry_knows_its_files_and_folders(entry: Path) -> None:
    made = found(entry)
    for name in ("metrics.json", "figures", "figures/a.svg", MANIFEST):
        assert made.holds(name) == name
    for name in ("train", "fig", "figures/", "a.svg"):
        assert made.holds(name) == ""


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


def test_who_fails_leaves_what_is_there(entry: Path) -> None:
    with pytest.raises(RuntimeError), publish(entry):
        raise RuntimeError
    assert require(entry).damaged() == []
    assert names(entry.parent) == [KEY]


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002])
def test_modes_are_those_of_the_umask(tmp_path: Path, umask: int) -> None:
    """Also of files that a library made for its owner alone."""
    code = (
        "import os, pathlib; from ablation.store.entries import publish, write_text, write_spec\n"
        "with publish(pathlib.Path('entry')) as draft:\n"
        "    os.close(os.open(draft / 'a', os.O_CREAT | os.O_WRONLY, 0o600))\n"
        "    (draft / 'folder').mkdir()\n"
        "write_text(pathlib.Path('file'), ''); write_spec({})"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, umask=umask, env=environment, check=True
    )
    files = [tmp_path / "entry" / "a", tmp_path / "entry" / MANIFEST, tmp_path / "file"]
    assert {mode(path) for path in [*files, tmp_path / spec_path(key_of({}))]} == {0o666 & ~umask}
    folders = [tmp_path / "entry", tmp_path / "entry" / "folder"]
    assert {mode(path) for path in folders} == {0o777 & ~umask}


def test_the_second_writer_keeps_the_firsts(entry: Path) -> None:
    before = entry.stat().st_ino
    with publish(entry) as draft:
        fill(draft, '{"accuracy": 0.6}')
    assert found(entry).read("metrics.json") == {"accuracy": 0.5}
    assert entry.stat().st_ino == before
    assert names(entry.parent) == [KEY]


def test_a_writer_who_is_overtaken_keeps_the_firsts(tmp_path: Path) -> None:
    folder = tmp_path / "entry"
    with publish(folder) as slow:
        fill(slow, "second")
        with publish(folder) as quick:
            fill(quick, "first")
    assert (folder / "metrics.json").read_text() == "first"
    assert names(tmp_path) == ["entry"]


DAMAGES = ["changed", "removed", "no manifest", "torn manifest", "empty", "a file"]


def damage(entry: Path, how: str) -> None:
    if how == "changed":
        flip(entry / "model.bin", 98)
    elif how == "removed":
        (entry / "figures" / "a.svg").unlink()
    elif how == "no manifest":
        (entry / MANIFEST).unlink()
    elif how == "torn manifest":
        (entry / MANIFEST).write_text((entry / MANIFEST).read_text()[:20])
    else:
        shutil.rmtree(entry)
        if how == "empty":
            entry.mkdir()
        else:
            entry.touch()


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_entry_is_seen_and_replaced(entry: Path, how: str) -> None:
    damage(entry, how)
    with pytest.raises(StoreError, match=f"{KEY} is missing or damaged"):
        require(entry)
    with publish(entry) as draft:
        fill(draft, '"made again"')
    assert require(entry).read("metrics.json") == "made again"
    aside = [] if how == "empty" else [f".{KEY}-damaged-"]
    assert [name[: len(f".{KEY}-damaged-")] for name in names(entry.parent)] == [*aside, KEY]


# Reading


def test_a_missing_file_is_seen_by_its_name_alone(entry: Path) -> None:
    assert find(entry) is not None
    (entry / "model.bin").unlink()
    assert find(entry) is None
    (entry / "model.bin").mkdir()
    assert find(entry) is None


def test_a_changed_file_is_named(entry: Path) -> None:
    flip(entry / "model.bin", 50, 7)
    assert found(entry).damaged() == ["model.bin"]
    flip(entry / "figures" / "a.svg", 0)
    with pytest.raises(StoreError, match=r"damaged \(figures/a\.svg, model\.bin\): start the run"):
        require(entry)


def test_a_file_that_goes_meanwhile_is_damaged(entry: Path) -> None:
    made = found(entry)
    (entry / "model.bin").unlink()
    assert made.damaged() == ["model.bin"]


def test_any_bit_of_a_manifest_counts(entry: Path) -> None:
    """Names, digests, stages and reasons: each byte with one bit flipped gives no entry that differs from the written one."""
    path, whole = entry / MANIFEST, found(entry)
    content = path.read_bytes()
    for place in range(len(content)):
        for bit in (0, 4):
            flip(path, place, bit)
            read = find(entry)
            # Only white space between the parts may change without a change of what is read.
            assert read is None or (read == whole and content[place : place + 1].isspace()), place
            path.write_bytes(content)
    assert find(entry) == whole


@pytest.mark.parametrize("where", ["killed by", "epoch 1", "ValueError", TRAIN, "model.bin"])
def test_another_text_in_a_manifest_is_damage(entry: Path, where: str) -> None:
    path = entry / MANIFEST
    text = path.read_text("utf-8")
    assert where in text
    path.write_text(text.replace(where, where[:-1] + "X"), "utf-8")
    assert find(entry) is None
    with pytest.raises(StoreError, match=r"damaged \(manifest\.json\)"):
        require(entry)


@pytest.mark.parametrize("document", [[], "text", {}, {"files": {}, "failures": {}}, None])
def test_what_is_no_manifest_is_no_entry(entry: Path, document: Any) -> None:
    (entry / MANIFEST).write_text(json.dumps(document))
    assert find(entry) is None


def test_a_manifest_that_lost_a_failure_is_damage(entry: Path) -> None:
    """A cell that failed never looks as if it had not."""
    document = read_json(entry / MANIFEST)
    document["failures"] = {}
    write_json(entry / MANIFEST, document)
    assert find(entry) is None


def test_a_missing_entry_is_none(tmp_path: Path) -> None:
    assert find(tmp_path / "entry") is None
    with pytest.raises(StoreError, match="missing or damaged"):
        require(tmp_path / "entry")


def test_what_is_set_aside_is_kept_and_hidden(entry: Path) -> None:
    for _ in range(2):
        set_aside(entry)
        with publish(entry) as draft:
            fill(draft)
    hidden = [path for path in entry.parent.iterdir() if path != entry]
    assert len(hidden) == 2
    assert all(path.name.startswith(f".{KEY}-damaged-") for path in hidden)
    assert all((path / "model.bin").is_file() for path in hidden)


# Files


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

    def fail(source: Path, target: Path) -> None:
        assert Path(source).read_text() == "new"
        assert path.read_text() == "old"
        raise OSError("no space")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]
