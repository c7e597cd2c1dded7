"""Cells trained again, and two studies side by side, on real runs of the workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ablation.diff import compare
from ablation.results.bundle import read
from ablation.store.entries import find, write_manifest
from ablation.store.files import read_json, sha256, write_json
from workflow_calls import ablation
from workflow_project import Project, prepared

pytestmark = pytest.mark.extended


def doctor(project: Project, cell: str) -> None:
    """Halve a stored error in the store's file, with a manifest that fits, and in what people read."""
    folder = project.store(cell, "evaluate")
    document = read_json(folder / "metrics.json")
    document["metrics"]["mse"]["mean"] /= 2
    for path in (folder / "metrics.json", project.path / "results" / cell / "metrics.json"):
        write_json(path, document)
    entry = find(folder)
    assert entry is not None
    write_manifest(folder, {**entry.files, "metrics.json": sha256(folder / "metrics.json")})


def verified(project: Project) -> dict[str, Any]:
    kept = ("results/store/*/*", "results/fnn", "results/cnn", "results/tables", "report.html")
    before = project.files(*kept)
    first = ablation(project, "verify", "--cell", "fnn/depth_1", "--cores", "1")
    assert first.status == 0, first.text
    found = {
        "first": project.json("results/verification.json"),
        "untouched": project.files(*kept) == before,
        "jobs": project.jobs(),
    }
    doctor(project, "fnn/depth_1")
    second = ablation(project, "verify", "--cell", "fnn/depth_1", "--cores", "1")
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


def compared(project: Project) -> dict[str, Any]:
    def change(config: dict[str, Any]) -> None:
        config["study"]["name"] = "second"
        config["models"]["fnn"]["axes"]["depth"]["values"] = [3, 2]
        config["models"]["cnn"]["recipe"]["epochs"] = 2

    project.configure(change)
    refused = ablation(project, "diff", "HEAD", "results")
    tables = [f"results/second/tables/{name}" for name in ("study.json", "manifest.json")]
    project.run(*tables)
    ended = ablation(project, "diff", "report.html", "results/second", "--output", "diff.html")
    return {"project": project.path, "refused": refused, "ended": ended}


@prepared(compared)
def test_two_studies_differ_in_exactly_what_was_changed(outcome: dict[str, Any]) -> None:
    folder: Path = outcome["project"]
    assert outcome["refused"].status == 2
    assert outcome["refused"].text.strip().startswith("A is 'HEAD': allowed are a report")
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
    assert read(folder / "report.html")["study"] == a["study"]
