"""Readable copies show what an entry holds, byte for byte, and nothing else."""

from pathlib import Path

import pytest
from ablation.store import files
from ablation.store.copies import Copy, shown
from ablation.store.entries import (
    MANIFEST,
    Entry,
    StoreError,
    find,
    folder_of,
    publish,
)

KEY = "0123456789abcdef"


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """An entry with files in folders."""
    monkeypatch.chdir(tmp_path)
    with publish(folder_of("plot", KEY)) as draft:
        for name in ("a.svg", "b.json", "crate/data/c.csv", "crate/d.txt"):
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_text(f"content of {name}")
    found = find(folder_of("plot", KEY))
    assert found is not None
    return found


def copy_of(source: str = "") -> Copy:
    return Copy("results/shown", folder_of("plot", KEY), source)


COPIES = {
    "a.svg": {""},
    "crate/d.txt": {""},
    MANIFEST: {""},
    "crate": {"data/c.csv", "d.txt"},
    "crate/data": {"c.csv"},
    "": {"a.svg", "b.json", "crate/data/c.csv", "crate/d.txt"},
}


@pytest.mark.parametrize("source", COPIES)
def test_a_copy_is_made(entry: Entry, source: str) -> None:
    copy, target = copy_of(source), Path("results/shown")
    assert not copy.is_current(entry)
    copy.refresh(entry)
    assert copy.is_current(entry)
    assert set(copy.files(entry)) == COPIES[source]
    for name in COPIES[source]:
        assert (target / name).read_bytes() == (entry.folder / source / name).read_bytes()
    assert shown(target) == COPIES[source] - {""}
    assert [path.name for path in Path("results").iterdir()].count("shown") == 1
    assert len(list(Path("results").iterdir())) == 2  # the copy and the store: no draft


@pytest.mark.parametrize("source", COPIES)
def test_a_changed_copy_is_seen_and_mended(entry: Entry, source: str) -> None:
    copy = copy_of(source)
    copy.refresh(entry)
    changed = Path("results/shown", max(COPIES[source]))
    changed.write_text(changed.read_text() + " ")
    assert not copy.is_current(entry)
    copy.refresh(entry)
    assert copy.is_current(entry)
    changed.unlink()
    assert not copy.is_current(entry)
    copy.refresh(entry)
    assert copy.is_current(entry)


def test_what_is_as_it_should_be_is_not_touched(entry: Entry) -> None:
    copy = copy_of()
    copy.refresh(entry)
    before = {p: p.stat().st_mtime_ns for p in Path("results/shown").rglob("*") if p.is_file()}
    Path("results/shown/a.svg").write_text("changed")
    copy.refresh(entry)
    after = {p: p.stat().st_mtime_ns for p in Path("results/shown").rglob("*") if p.is_file()}
    assert [path.name for path in before if before[path] != after[path]] == ["a.svg"]


def test_foreign_files_are_removed_and_hidden_ones_stay(entry: Entry) -> None:
    """Snakemake keeps files of its own in folders that it makes."""
    copy = copy_of("crate")
    copy.refresh(entry)
    foreign = [Path("results/shown", name) for name in ("old.svg", "data/old.csv")]
    hidden = Path("results/shown/.snakemake_timestamp")
    for path in (*foreign, hidden):
        path.touch()
    assert not copy.is_current(entry)
    copy.refresh(entry)
    assert copy.is_current(entry)
    assert not any(path.exists() for path in foreign)
    assert hidden.exists()


def test_a_copy_replaces_a_file_whole(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, target = copy_of("a.svg"), Path("results/shown")
    target.write_text("of before")

    def fail(source: Path, place: Path) -> None:
        raise OSError("no space")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        copy.refresh(entry)
    assert target.read_text() == "of before"
    assert len(list(Path("results").iterdir())) == 2


@pytest.mark.parametrize("source", ["a.svg", ""])
def test_a_damaged_source_is_refused(entry: Entry, source: str) -> None:
    copy = copy_of(source)
    target = Path("results/shown", "" if source else "a.svg")
    (entry.folder / "a.svg").write_text("content of a.swg")
    with pytest.raises(StoreError, match=r"a\.svg is damaged: start the run again"):
        copy.refresh(entry)
    assert not target.exists()
    assert not list(Path("results").glob(".*"))
    assert not copy.is_current(entry)


def test_a_good_copy_of_a_source_that_was_damaged_later_stays(entry: Entry) -> None:
    copy = copy_of("a.svg")
    copy.refresh(entry)
    (entry.folder / "a.svg").write_text("damaged")
    copy.refresh(entry)
    assert copy.is_current(entry)
    assert Path("results/shown").read_text() == "content of a.svg"
