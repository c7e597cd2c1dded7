"""Cells trained again, and two studies side by side, on real runs of the workflow."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from ablation.bundle import read
from ablation.diff import compare
from workflow_project import TIMEOUT, Done, Project, prepared

pytestmark = pytest.mark.extended


def command(project: Project, *words: str) -> Done:
    """``python -m ablation …`` in a project."""
    done = subprocess.run(
        [sys.executable, "-m", "ablation", *words],
        cwd=project.path,
        env={**project.environment, "PYTHONPATH": str(project.path / "workflow")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Done(done.returncode, done.stdout)


def doctor(project: Project, cell: str) -> None:
    """Halve a stored error, in the metrics and in their manifest."""
    (path,) = project.store(cell).glob("eval-*/metrics.json")
    document = json.loads(path.read_text("utf-8"))
    document["metrics"]["mse"]["mean"] /= 2
    path.write_text(json.dumps(document), "utf-8")
    manifest = path.with_name("manifest.json")
    digests = json.loads(manifest.read_text("utf-8"))
    digests["metrics.json"] = sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(digests), "utf-8")


def verified(project: Project) -> dict[str, Any]:
    kept = ("results/store", "results/fnn", "results/cnn", "results/tables", "report.html")
    before = project.files(*kept)
    first = command(project, "verify", "--cell", "fnn/depth_1", "--cores", "1")
    assert first.status == 0, first.text
    found = {
        "first": project.json("results/verification.json"),
        "untouched": project.files(*kept) == before,
        "jobs": project.jobs(),
    }
    doctor(project, "fnn/depth_1")
    second = command(project, "verify", "--cell", "fnn/depth_1", "--cores", "1")
    return {**found, "second": project.json("results/verification.json"), "end": second}


@prepared(verified)
def test_the_same_machine_gives_the_same_bytes_and_doctored_numbers_are_found(
    outcome: dict[str, Any],
) -> None:
    (cell,) = outcome["first"]["cells"]
    assert (cell["outcome"], cell["changed"]) == ("identical", {})
    assert outcome["untouched"]
    assert outcome["jobs"] == {"report": 1}
    (cell,) = outcome["second"]["cells"]
    assert cell["outcome"] == "different"
    assert "mse (mean)" in [item["what"] for item in cell["broken"]]
    assert outcome["end"].status == 1
    assert [past["outcome"] for past in outcome["second"]["earlier"]] == ["identical"]


def git(project: Project, *words: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *who, *words], cwd=project.path, check=True, capture_output=True)


def compared(project: Project) -> dict[str, Any]:
    (project.path / ".gitignore").write_text("/results/\n/resources/\n/logs/\n/.snakemake/\n")
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "First")

    def change(config: dict[str, Any]) -> None:
        config["study"]["name"] = "second"
        config["models"]["fnn"]["axes"]["depth"]["values"] = [3, 2]
        config["models"]["cnn"]["parameters"]["epochs"] = 2

    project.configure(change)
    git(project, "commit", "--quiet", "--all", "--message", "Second")
    refused = command(project, "diff", "HEAD", "results")
    project.run("results/second/tables/study.json")
    ended = command(project, "diff", "HEAD~1", "results/second", "--output", "diff.html")
    return {"project": project.path, "refused": refused, "ended": ended}


@prepared(compared)
def test_two_studies_differ_in_exactly_what_was_changed(outcome: dict[str, Any]) -> None:
    folder: Path = outcome["project"]
    assert outcome["refused"].status == 2
    assert outcome["refused"].text.strip().startswith("revision HEAD would have to train 3 cells")
    assert outcome["ended"].status == 0, outcome["ended"].text
    html = (folder / "diff.html").read_text("utf-8")
    names = {"study.name", "models.fnn.axes.depth.values", "models.cnn.parameters.epochs"}
    assert all(f"<code>{name}</code>" in html for name in names)
    a, b = read(folder / "results"), read(folder / "results" / "second")
    found = compare(a, b)
    assert {row["name"] for row in found["settings"]} == names
    fnn, cnn = found["models"]["fnn"], found["models"]["cnn"]
    assert [row["cell"] for row in fnn["new"]] == ["fnn/depth_3"]
    assert [row["cell"] for row in fnn["gone"]] == ["fnn/depth_1"]
    assert {row["kind"] for row in fnn["cells"]} == {"same key"}
    assert {row["kind"] for row in cnn["cells"]} == {"paired"}
    assert not (folder / ".git" / "worktrees").exists()
    assert read(folder / "report.html")["study"] == a["study"]
