"""A specification lies under its own digest, and any other is refused."""

from pathlib import Path
from typing import Any

import pytest
from ablation.store.entries import (
    StoreError,
    read_spec,
    spec_path,
    write_spec,
)
from ablation.store.keys import canonical_json, digest, key_of


def flip(path: Path, place: int, bit: int = 0) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(bytes(content))


SPEC: dict[str, Any] = {"stage": "train", "seed": 7, "parameters": {"rate": 0.1}, "inputs": {}}


@pytest.fixture
def specification(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_spec(SPEC)
    return spec_path(key_of(SPEC))


def test_a_specification_lies_under_its_own_digest(specification: Path) -> None:
    assert read_spec(key_of(SPEC)) == SPEC
    assert digest(specification.read_text()) == key_of(SPEC)
    before = specification.stat().st_mtime_ns, specification.stat().st_ino
    write_spec(SPEC)
    assert (specification.stat().st_mtime_ns, specification.stat().st_ino) == before
    assert list(specification.parent.iterdir()) == [specification]


def test_any_bit_of_a_specification_counts(specification: Path) -> None:
    for place in range(specification.stat().st_size):
        flip(specification, place)
        with pytest.raises(StoreError, match="missing or damaged: start the run again"):
            read_spec(key_of(SPEC))
        write_spec(SPEC)  # a damaged one is written anew
        assert read_spec(key_of(SPEC)) == SPEC


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff", b'{"stage": "train"}'])
def test_another_specification_is_refused(specification: Path, content: bytes) -> None:
    specification.write_bytes(content)
    with pytest.raises(StoreError, match=specification.name):
        read_spec(key_of(SPEC))
    write_spec(SPEC)
    assert specification.read_text() == canonical_json(SPEC)


def test_a_missing_specification_is_refused(specification: Path) -> None:
    specification.unlink()
    with pytest.raises(StoreError, match=specification.name):
        read_spec(key_of(SPEC))
