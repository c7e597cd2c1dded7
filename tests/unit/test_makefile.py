"""The Makefile's environment: half-made, of an older checkout, or in a folder of another name, the same command goes on.

And its help, which lists every target.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY

# Stands for Python: writes down what it is asked for, and makes an environment whose Python is itself.
PYTHON = """#!/bin/sh
echo "$*" >> calls
case "$*" in
  "-m venv --clear .venv")
    rm -rf .venv
    mkdir -p .venv/bin
    test -e broken && { touch .venv/bin/python; exit 1; }
    cp fake-python .venv/bin/python;;
  *"-m pip install"*) touch .venv/installed;;
  *"-m snakemake"*) test -e .venv/installed || { echo "No module named snakemake"; exit 1; };;
esac
"""
INSTALL = "-m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt"
RUN = "-P -m snakemake --quiet rules --logger ablation"
SMOKE = f"{RUN} --configfile config/smoke.yaml"
VENV = "-m venv --clear .venv"


@pytest.fixture(autouse=True)
def plain_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the make that runs the tests was given is not handed on: its environment is nothing to try this with."""
    for name in ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "VENV"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "a `b'c\"d$HOME;touch x&(e{f}#g%h é研究"
    folder.mkdir()
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(REPOSITORY / name, folder)
    (folder / "fake-python").write_text(PYTHON, "utf-8")
    (folder / "fake-python").chmod(0o755)
    return folder


def make(project: Path, target: str) -> tuple[int, list[str]]:
    """Exit status, and what Python was asked for."""
    calls = project / "calls"
    calls.unlink(missing_ok=True)
    words = ["make", "--no-print-directory", target, "PYTHON=./fake-python"]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    return done.returncode, calls.read_text("utf-8").splitlines()


def test_a_half_made_environment_is_made_anew(project: Path) -> None:
    (project / "broken").touch()
    assert make(project, "report") == (2, [VENV])
    assert (project / ".venv" / "bin" / "python").exists()
    (project / "broken").unlink()
    assert make(project, "report") == (0, [VENV, INSTALL, RUN])
    assert make(project, "report") == (0, [RUN])


def test_an_environment_without_its_mark_gets_its_packages_again(project: Path) -> None:
    make(project, "report")
    (project / ".venv" / ".made").unlink()
    assert make(project, "report") == (0, [VENV, INSTALL, RUN])


def test_in_a_renamed_folder_the_environment_goes_on(project: Path) -> None:
    make(project, "report")
    renamed = project.rename(project.with_name("another name"))
    assert make(renamed, "smoke") == (0, [SMOKE])
    assert make(renamed, "report") == (0, [RUN])


GIVEN = {
    "plan": ["CONFIG", "SET", "CORES"],
    "check": ["NETWORK", "DATA", "SET"],
    "quick": ["CONFIG", "SET", "CORES"],
    "verify": ["CELLS", "CELL", "CONFIG"],
    "diff": ["A", "B"],
    "export": ["CONFIG"],
    "prune": ["CONFIGS"],
}
SPLIT = ("SET", "CELL", "CONFIGS")  # lists of words


@pytest.mark.parametrize(
    "given",
    [
        *("$(touch made)", "$(shell touch made)", "`touch made`", '";touch made;"', "';touch made;'"),
        *("a\ntouch made", "$(eval all:;touch made)", "> made", "| touch made", "& touch made", "#"),
        *("*", "$$HOME", "${HOME}", "研究 😀", "\u202ea", "=1+1", "\\", "x" * 255, "../../x"),
    ],
)  # fmt: skip
def test_what_is_given_is_read_by_no_shell(project: Path, given: str) -> None:
    """Each variable arrives as it is, or where it is a list in its words."""
    shell = "#!/bin/sh\nprintf '%s\\0' \"$@\" > calls\n"
    (project / "fake-python").write_text(shell, "utf-8")
    folder = project / ".venv" / "bin"
    folder.mkdir(parents=True)
    shutil.copy(project / "fake-python", folder / "python")
    for mark in (".made", ".report", ".test"):
        (project / ".venv" / mark).touch()
    before = sorted(path.name for path in [*project.iterdir(), project / "calls"])
    for target, names in GIVEN.items():
        words = [f"{name}={given}" for name in names]
        subprocess.run(["make", "--silent", target, *words], cwd=project, check=True)
        found = (project / "calls").read_text("utf-8").split("\0")
        for name in names:
            wanted = given.split() if name in SPLIT else [given]
            assert any(found[n : n + len(wanted)] == wanted for n in range(len(found)))
    assert sorted(path.name for path in project.iterdir()) == before


def test_the_help_lists_every_target_in_its_group() -> None:
    text = (REPOSITORY / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    shown = subprocess.check_output(["make", "--no-print-directory"], cwd=REPOSITORY, text=True)
    lines = shown.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == [
        *("Set up and see", "Ask", "Trust", "Look after", "Work on the project"),
    ]
    targets = [line.split()[0] for line in lines if line.startswith("  ")]
    assert targets[:2] == ["report", "smoke"]
    assert sorted([*targets, "help"]) == sorted(phony.split())
    assert all(len(line) < 110 for line in lines)
