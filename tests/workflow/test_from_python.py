"""A finished study from Python, its comparisons in the terminal, and what is said where no cell could be evaluated."""

from __future__ import annotations

import re
from typing import Any

import pytest
from workflow_calls import PYTHON, ablation, call
from workflow_project import REPOSITORY, Project, prepared, promise

# Out of a file of the user's: the data of one model cannot be prepared, the cells of the other not be tested.
FAILING = """
import json, pathlib, sys
from importlib import import_module

stage, key = ["", *sys.argv][-2:]
stage = "evaluate" if stage == "--evaluation" else stage  # a training tests its network, too
if stage in ("prepare", "evaluate"):
    spec = json.loads(pathlib.Path("results/store/specs", f"{key}.json").read_text())

    def fails(*arguments):
        raise RuntimeError("my own bug")

    about = spec["data"]["name"] if stage == "prepare" else spec["model"]
    if about in ("mnist", "fnn"):
        setattr(import_module(f"ablation.stages.{stage}"), stage, fails)
"""
BLAMED = r"RuntimeError: my own bug \(workflow/sitecustomize\.py:\d+\)"
CELLS = ("fnn/depth_1", "fnn/depth_2", "cnn/kernel_3", "cnn/kernel_5")


def scripted(project: Project) -> dict[str, Any]:
    path = str(project.path / "workflow")
    script = [str(PYTHON), "-P", str(REPOSITORY / "docs" / "from_python.py"), "results"]
    done = call(project, script, PYTHONPATH=path)
    return {"done": done, "drawn": (project.path / "history.png").is_file()}


@prepared(scripted)
def test_the_script_of_the_docs_finds_the_stored_score_again(outcome: dict[str, Any]) -> None:
    done = outcome["done"]
    assert done.status == 0, done.text
    assert outcome["drawn"]
    assert "<study 'default' in results: 6 cells>" in done.text
    numbers = re.search(r"replicate \d+: (\S+); the study has (\S+)$", done.text.strip())
    assert numbers is not None, done.text
    assert float(numbers[1]) == pytest.approx(float(numbers[2]), rel=1e-4)


def printed(project: Project) -> dict[str, Any]:
    project.configure(lambda config: config["study"].update(name="quick"))
    before = set(project.files("results"))
    done = ablation(project, "quick", "--cores", "2")
    made = set(project.files("results")) - before
    return {"done": done, "made": made, "report": (project.path / "report-quick.html").exists()}


@pytest.mark.extended
@prepared(printed)
def test_the_comparisons_are_printed_and_nothing_is_drawn(outcome: dict[str, Any]) -> None:
    done = outcome["done"]
    assert done.status == 0, done.text
    assert re.search(r"fnn \(mse\) +depth +1 +6 +[\d.]+ ± [\d.]+ +−", done.text), done.text
    assert re.search(r"cnn \(accuracy\s%\) +kernel +3 +2 ", done.text)
    assert not outcome["report"]
    stages = {name.split("/")[2] for name in outcome["made"] if name.startswith("results/store/")}
    assert stages <= {"collect", "specs", "cells"}
    assert "results/quick/tables/comparisons.json" in outcome["made"]


def hopeless(project: Project) -> dict[str, Any]:
    """No cell comes to its numbers: with plain Snakemake, then with the plugin."""
    project.drop("results/store/[!s]*")
    project.sabotage(FAILING)
    plain = project.snakemake("--cores", "2")
    path = f"{project.path}/workflow:{project.path}/workflow/plugins"
    words = ("--cores", "2", "--quiet", "rules", "--logger", "ablation")
    followed = project.snakemake(*words, environment={"PYTHONPATH": path})
    return {
        "runs": [plain, followed],
        "html": project.text("report.html"),
        "views": {cell: project.view(cell) for cell in CELLS},
        "log": next(project.path.glob("logs/prepare/*.log")).read_text("utf-8"),
        "planned": ablation(project, "plan").text,
        "exported": project.snakemake("--cores", "2", "export"),
        "quick": ablation(project, "quick", "--cores", "2"),
    }


@promise(14)
@pytest.mark.extended
@prepared(hopeless)
def test_each_failed_cell_tells_its_error_at_once_and_in_the_log(outcome: dict[str, Any]) -> None:
    for done in outcome["runs"]:
        assert done.status == 0, done.text[-3000:]
        for failed in (
            "fnn/depth_1 failed in evaluate",
            "fnn/depth_2 failed in evaluate",
            "mnist-5k failed in prepare",
        ):
            told = rf"^{failed}: {BLAMED}; log: logs/\w+/[0-9a-f]{{16}}\.log$"
            assert len(re.findall(told, done.text, re.MULTILINE)) == 1, done.text
    assert re.search(rf" {BLAMED}$", outcome["log"].strip())
    assert "Traceback" in outcome["log"]


@promise(14)
@pytest.mark.extended
@prepared(hopeless)
def test_a_study_of_which_every_cell_failed_has_a_report(outcome: dict[str, Any]) -> None:
    for view in outcome["views"].values():
        assert re.fullmatch(BLAMED, view["status"]["failed"])
    assert len(re.findall(BLAMED, outcome["html"])) >= len(CELLS)
    assert outcome["exported"].status == 0, outcome["exported"].text[-3000:]
    text = outcome["quick"].text
    assert all(re.search(f"^{cell} failed: {BLAMED}$", text, re.MULTILINE) for cell in CELLS), text
    assert (
        "failed before: RuntimeError: my own bug (workflow/sitecustomize.py:" in outcome["planned"]
    )
