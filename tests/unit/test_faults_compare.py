"""What ``tests/faults`` compares: a changed digit is seen, a changed cost is not; the package has no say in it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY
from faults import __main__ as faults
from faults.bench import Outcome
from faults.compare import differences, identities, is_whole, results

METRICS = {
    "evaluation": "e0",
    "metrics": {"mse": 1.25},
    "cost": {"seconds": 2.0},
    "environment": {"cpu": "one"},
}
REPORT = '<p>12 s</p><script type="application/json" id="study-data">{"mse": 1.25}</script>'


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder with one cell, a table and a report."""
    files = {
        "results/fnn/a/metrics.json": json.dumps(METRICS),
        "results/store/evaluate/e0/predictions.csv": "replicate,prediction\n0,1.5\n",
        "results/store/evaluate/e0/manifest.json": json.dumps({"files": {}, "failures": {}}),
        "results/tables/cells.csv": "cell,mse,seconds\nfnn/a,1.25,2.0\n",
        "results/tables/study.json": json.dumps({"cells": [{"mse": 1.25, "seconds": 2.0}]}),
        "results/figures/fnn/a.svg": "<svg/>",
        "report.html": REPORT,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def replace(study: Path, name: str, old: str, new: str) -> list[str]:
    """What is different after a change in a file."""
    before, path = results(study), study / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return differences(before, results(study))


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("results/fnn/a/metrics.json", "1.25", "1.26", ["fnn/a: metrics"]),
        ("results/store/evaluate/e0/predictions.csv", "1.5", "1.6", ["fnn/a: predictions"]),
        ("results/tables/cells.csv", "1.25", "1.250", ["cells.csv"]),
        ("results/tables/study.json", "1.25", "1.26", ["study.json"]),
        ("results/figures/fnn/a.svg", "svg", "svg ", ["a.svg"]),
        ("report.html", "1.25", "1.26", ["report"]),
        ("results/fnn/a/metrics.json", "2.0", "3.0", []),
        ("results/fnn/a/metrics.json", "one", "two", []),
        ("results/tables/cells.csv", "2.0", "3.0", []),
        ("results/tables/study.json", "2.0", "3.0", []),
        ("report.html", "12 s", "13 s", []),
    ],
)
def test_a_digit_counts_and_a_cost_does_not(
    study: Path, name: str, old: str, new: str, found: list[str]
) -> None:
    assert replace(study, name, old, new) == found


def test_a_missing_file_counts(study: Path) -> None:
    before = results(study)
    (study / "results/tables/cells.csv").unlink()
    assert differences(before, results(study)) == ["cells.csv"]


def test_an_entry_that_is_made_again_is_another_one(study: Path) -> None:
    manifest = study / "results/store/evaluate/e0/manifest.json"
    before = identities(study)
    assert list(before) == ["evaluate/e0"]
    manifest.rename(study / "kept")  # so that its inode is not taken again
    manifest.write_text((study / "kept").read_text("utf-8"), "utf-8")
    assert identities(study) != before
    failed = json.dumps({"files": {}, "failures": {"evaluate/e0": {}}})
    manifest.write_text(failed, "utf-8")
    assert identities(study) == {}


def test_a_file_of_an_entry_is_compared_with_its_manifest(study: Path) -> None:
    path = study / "results/store/evaluate/e0/predictions.csv"
    manifest = path.with_name("manifest.json")
    assert is_whole(path)
    manifest.write_text(json.dumps({"files": {path.name: "0" * 64}, "failures": {}}), "utf-8")
    assert not is_whole(path)
    path.unlink()
    assert not is_whole(path)


def test_the_comparison_imports_nothing_of_the_package() -> None:
    tree = ast.parse((REPOSITORY / "tests" / "faults" / "compare.py").read_text("utf-8"))
    named = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert named and not any(name.startswith("ablation") for name in named)


def test_a_lost_try_is_counted_and_ends_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = iter([Outcome(True, True), Outcome(True, False, "made twice: x")])

    def run(bench: Any, rng: Any) -> Outcome:
        return next(outcomes)

    monkeypatch.setattr(faults, "FAULTS", [faults.Fault("kills", "a fault", run, 2)])
    monkeypatch.setattr(faults.Bench, "expected", {})
    for name, value in {"ONLY": "kills", "SHORT": "", "WORKERS": "1"}.items():
        monkeypatch.setenv(name, value)
    assert faults.main() == 1
    text = capsys.readouterr().out
    assert "| a fault | 2 | 2 | 1 | made twice: x |" in text
    monkeypatch.setenv("ONLY", "nothing")
    assert faults.main() == 2
