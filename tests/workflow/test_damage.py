"""Flipped bits in what people and their commands read, and in manifests; ``tests/faults`` flips one in each kind of file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from ablation.replicate import load_replicate, load_test_part
from ablation.store.entries import StoreError
from test_disturbances import MADE, numbers, without_cost
from workflow_calls import ablation
from workflow_project import Planned, Project, prepared, promise

TABLES = ("comparisons.json", "draws.json", "replicates.csv", "epochs.csv")


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file: of a digit, if there is one near."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    digits = [i for i in range(middle, min(len(content), middle + 200)) if 48 <= content[i] <= 57]
    content[digits[0] if digits and path.suffix != ".safetensors" else middle] ^= 1
    path.write_bytes(content)


def stored(project: Project, *stages: str) -> list[Path]:
    """Every file of every entry of some stages, but the manifests."""
    return [
        path
        for stage in stages
        for path in project.path.glob(f"results/store/{stage}/[!.]*/**/*")
        if path.is_file() and path.name != "manifest.json"
    ]


def results(project: Project) -> dict[str, Any]:
    """What a study concludes: every table without cost, every number of a cell, every figure."""
    tables: dict[str, Any] = {}
    for name in TABLES:
        text = project.text(f"results/tables/{name}")
        tables[name] = without_cost(json.loads(text)) if name.endswith(".json") else text
    return {**tables, **numbers(project), **project.files("results/figures")}


def title(config: dict[str, Any]) -> None:
    config["report"]["title"] = "Another title"


def unnamed(paths: Iterable[Path], text: str) -> list[str]:
    """The damaged files that no line names beside their entry."""
    lines = [line for line in text.splitlines() if "is damaged" in line]
    return [
        str(path)
        for path in paths
        if not any(f"{path.parent.name} is" in line and path.name in line for line in lines)
    ]


# What people read


def copies_damaged(project: Project) -> tuple[Any, Any, Planned]:
    before = project.files(*MADE)
    for name in before:
        flip(project.path / name)
    damaged = project.files(*MADE)
    assert all(damaged[name] != before[name] for name in before)
    made = project.made()
    return before, project.files(*MADE), made


@promise(17)
@prepared(copies_damaged)
def test_readable_files_are_mended_without_a_job(outcome: tuple[Any, Any, Planned]) -> None:
    before, after, made = outcome
    assert made.idle
    assert before == after


# What the report is made of


def manifests_damaged(project: Project) -> tuple[Planned, bool]:
    before = results(project)
    for stage in ("train", "evaluate", "collect", "plot"):
        flip(project.entry(stage) / "manifest.json")
    return project.made(cores=2), results(project) == before


@promise(17)
@prepared(manifests_damaged)
def test_a_damaged_manifest_means_that_its_entry_is_made_again(
    outcome: tuple[Planned, bool],
) -> None:
    made, same = outcome
    assert made.jobs == {"train": 1, "evaluate": 1, "collect": 1, "plot": 1}
    assert same


# Who else reads


def loaded(project: Project) -> str:
    """The sentence with which a damaged replicate is refused."""
    try:
        load_replicate("cnn/kernel_5", 0, project.path / "results")
        load_test_part("cnn/kernel_5", 0, project.path / "results")
    except StoreError as error:
        return str(error)
    return ""


def readers(project: Project) -> dict[str, str]:
    """What each reader says to one damaged file, and once the command that it names has run."""
    said = {"undamaged": loaded(project)}
    files = {
        "weights": project.store("cnn/kernel_5") / "model.safetensors",
        "data": project.store("cnn/kernel_5", "prepare") / "test.safetensors",
        "numbers": project.store("cnn/kernel_5", "evaluate") / "metrics.json",
        "copy": project.path / "results/cnn/kernel_5/metrics.json",
    }
    for name, path in files.items():
        flip(path)
        said[name] = loaded(project)
        target = said[name].rpartition(" ")[2]  # that the sentence names
        project.run(target.removeprefix(f"{project.path}/"))
        said[f"{name}, mended"] = loaded(project)
    for name in ("report.html", "results/tables/comparisons.json", "results/tables/replicates.csv"):
        path = project.path / name
        content = path.read_bytes()
        at = content.find(b'"replicates"') if name == "report.html" else len(content) // 2
        while not 48 <= content[at] <= 57:
            at += 1
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        side = "report.html" if name == "report.html" else "results"
        done = ablation(project, "diff", side, "results")
        assert done.status == 2, name
        said[name] = done.text
        path.write_bytes(content)
    flip(project.store("fnn/depth_1", "evaluate") / "predictions.csv")
    said["verify"] = ablation(project, "verify", "--cell", "fnn/depth_1", "--cores", "2").text
    return said


@promise(17)
@pytest.mark.extended
@prepared(readers)
def test_every_reader_refuses_damage_in_one_sentence(outcome: dict[str, str]) -> None:
    for name in [name for name in outcome if name.endswith(("undamaged", "mended"))]:
        assert outcome.pop(name) == "", name
    for name, text in outcome.items():
        assert "damaged" in text or "not what the store holds" in text, name
        assert "Traceback" not in text


def exports_damaged(project: Project) -> dict[str, Any]:
    project.run("export", cores=2)
    before = project.files("results/export/tables", "results/export/figures")
    files = stored(project, "export_tables", "export_figures")
    for path in files:
        flip(path)
    project.configure(title)
    done = project.run("export", cores=2)
    return {
        "unnamed": unnamed(files, done.text),
        "same": project.files("results/export/tables", "results/export/figures") == before,
    }


@promise(17)
@pytest.mark.extended
@prepared(exports_damaged)
def test_a_damaged_export_is_made_again(outcome: dict[str, Any]) -> None:
    assert outcome["unnamed"] == []
    assert outcome["same"]
