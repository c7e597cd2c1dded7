"""The commit that a number was made at, with git and without."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ablation.machine.provenance import git_state

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def no_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.org")
    (tmp_path / "file").write_text("one")
    for words in (["init", "-q"], ["add", "file"], ["commit", "-qm", "Start"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.usefixtures("no_git")
@pytest.mark.parametrize(
    ("revision", "commit", "dirty"),
    [
        (None, None, None),
        ("", None, None),
        (COMMIT, COMMIT, None),
        (f"{COMMIT}-dirty", COMMIT, True),
    ],
)
def test_in_an_image_without_git(
    revision: str | None,
    commit: str | None,
    dirty: bool | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("ABLATION_REVISION", raising=False)
    if revision is not None:
        monkeypatch.setenv("ABLATION_REVISION", revision)
    assert git_state(tmp_path) == {"git_commit": commit, "git_dirty": dirty}


def test_outside_a_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ABLATION_REVISION", COMMIT)
    assert git_state(tmp_path) == {"git_commit": COMMIT, "git_dirty": None}


def test_git_knows_better(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATION_REVISION", COMMIT)
    state = git_state(repository)
    assert state["git_commit"] not in (None, COMMIT)
    assert state["git_dirty"] is False
    (repository / "file").write_text("two")
    assert git_state(repository)["git_dirty"] is True
