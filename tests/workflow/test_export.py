"""Exports are made once, and again only where what they show has changed; Snakemake's own report shows what people read."""

from __future__ import annotations

import json
import re
from typing import Any
from zipfile import ZipFile

import pytest
from workflow_project import Done, Project, prepared

pytestmark = pytest.mark.extended

PARTS = {"export_tables": 1, "export_figures": 2, "export_crate": 1}


def title(config: dict[str, Any]) -> None:
    config["report"]["title"] = {"en": "Another title", "zh": "另一个标题"}


def exported(project: Project) -> dict[str, Any]:
    planned = project.jobs()
    first = project.jobs("export")
    project.run("export", cores=2)
    again = project.jobs("export")
    files = project.files("results/export")
    project.drop("results/export/tables/cells.csv")
    lost = project.made("export").idle
    back = project.files("results/export") == files
    project.configure(title)
    renamed = project.jobs("export")
    project.run("export")
    return {
        **{"planned": planned, "first": first, "again": again, "lost": lost and back},
        **{"renamed": renamed, "files": files, "project": project},
    }


@prepared(exported)
def test_exports_are_made_once_and_only_what_a_title_changes_again(
    outcome: dict[str, Any],
) -> None:
    assert outcome["planned"] == {}
    assert outcome["first"] == PARTS
    assert outcome["again"] == {}
    assert outcome["lost"], "what people read comes back from the store"
    assert outcome["renamed"] == {"report": 1, "export_crate": 1}
    files, project = outcome["files"], outcome["project"]
    names = {name.removeprefix("results/export/") for name in files}
    assert {"tables/summary.tex", "tables/cnn_kernel.tex", "tables/comparisons.parquet"} <= names
    assert {"figures/cnn/cnn_kernel_curves.pdf", "figures/fnn/fnn_depth_metrics.svg"} <= names
    assert {"ro-crate/Snakefile", "ro-crate/report.html", "ro-crate/README.md"} <= names
    now = project.files("results/export")
    same = [name for name in files if "/tables/" in name and "ro-crate" not in name]
    assert same and all(now[name] == files[name] for name in same)
    archive = ZipFile(project.path / "results/export/ro-crate.zip")
    crate = json.loads(archive.read("ro-crate-metadata.json"))
    root = next(entity for entity in crate["@graph"] if entity["@id"] == "./")
    assert root["name"] == "Another title"


def reported(project: Project) -> tuple[Done, str, bool]:
    before = project.text("report.html")
    done = project.snakemake("--cores", "1", "--report", "provenance.html")
    text = project.text("provenance.html") if done.status == 0 else ""
    return done, text, before == project.text("report.html")


@prepared(reported)
def test_snakemakes_own_report_shows_figures_with_captions(
    outcome: tuple[Done, str, bool],
) -> None:
    done, text, same = outcome
    assert done.status == 0, done.text
    assert same
    for name in ("cnn_kernel_confusion.svg", "fnn_depth_curves.svg", "report.html", "cells.csv"):
        assert name in text
    assert "learning curves show the median" in text
    assert "every comparison with its confidence interval" in re.sub(r"\s+", " ", text)
    assert "Unknown target name" not in text
