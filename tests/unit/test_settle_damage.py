"""Damage is set aside before it is read, copies follow their entries, and dates are of the past."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from ablation.store import entries as store
from ablation.store import files
from ablation.store.entries import MANIFEST, find
from ablation.study.grid import build
from ablation.study.plan import Plan
from ablation.study.shelf import Shelf
from unit_shelf import (
    FILES,
    aside,
    begin,
    everything,
    make,
    missing,
    names,
    said,
    spoil,
    state,
)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders whose files are read, beside the manifests that are shown."""
    found: list[str] = []
    own = files.sha256

    def sha256(path: Path) -> str:
        if path.name != MANIFEST:
            found.append(str(path.parent))
        return own(path)

    monkeypatch.setattr(files, "sha256", sha256)
    return found


# Damage


def test_damage_is_set_aside_before_it_is_read(made: Plan) -> None:
    """The evaluation is missing: its weights are read, are damaged and are made again, and so are the data of these."""
    cell = made.study.by_name["cnn/kernel_3"]
    trained, data = made.trained[cell.key], made.prepared[cell.data_key]
    shutil.rmtree(made.evaluated[cell.key].folder)
    spoil(trained, "model.safetensors")
    spoil(data)
    begin(made)
    assert said == [
        f"{stage.folder} is damaged ({name}): it is set aside and made again."
        for stage, name in ((trained, "model.safetensors"), (data, "content"))
    ]
    assert missing(made) == ["prepare", "train", "evaluate"]
    assert len(aside(trained)) == len(aside(data)) == 1
    assert find(made.reported.folder) is not None


def test_the_inputs_of_what_is_damaged_are_read_in_turn(made: Plan) -> None:
    """Down from the report: a chain of damage is found whole, and nothing beside it is hashed."""
    cell = made.study.by_name["fnn/activation_tanh"]
    chain = [made.collected, made.evaluated[cell.key], made.trained[cell.key]]
    shutil.rmtree(made.reported.folder)
    for stage, name in zip(
        chain, ("cells.csv", "predictions.csv", "model.safetensors"), strict=True
    ):
        spoil(stage, name)
    begin(made)
    assert {line.partition(" ")[0] for line in said} == {str(stage.folder) for stage in chain}
    assert len(said) == 3
    assert set(missing(made)) == {"train", "evaluate", "collect", "report"}


def test_what_no_stage_reads_is_not_hashed(made: Plan, hashed: list[str]) -> None:
    for stage in everything(made):
        spoil(stage, FILES.get(stage.name, ["content"])[0])
    begin(made)
    assert said == []
    assert not [folder for folder in hashed if folder.startswith("results/store")]
    shutil.rmtree(made.figures["cnn"].folder)
    begin(made, "results/figures/cnn")
    read = {*names(made.stages[key] for key in made.figures["cnn"].inputs)}
    assert read == {"collect", "draws", "evaluate"}
    # What these are made from is read because they are damaged; the other model's figures are not.
    assert aside(made.collected)
    assert not aside(made.figures["fnn"])
    assert str(made.figures["fnn"].folder) not in hashed
    assert str(made.reported.folder) not in hashed


def test_a_target_that_is_there_reads_nothing(made: Plan, hashed: list[str]) -> None:
    spoil(made.collected, "cells.csv")
    shutil.rmtree(made.reported.folder)
    begin(made, "results/figures/cnn")
    assert said == []
    begin(made, "report.html")
    assert len(said) == 1


@pytest.mark.parametrize("how", ["torn", "missing file"])
def test_an_entry_that_is_incomplete_is_set_aside(made: Plan, how: str) -> None:
    """Though nothing reads it: a manifest would stand for what is not there."""
    path = Path(made.reported.manifest)
    if how == "torn":
        path.write_text(path.read_text()[:-5])
    else:
        (made.reported.folder / "report.html").unlink()
    before = state()
    assert begin(made, real=False) == [made.report_file, made.reported.manifest]
    assert state() == before
    assert begin(made) == [made.report_file]
    assert said == [
        f"{made.reported.folder} is damaged (manifest.json): it is set aside and made again."
    ]
    assert (len(aside(made.reported)), missing(made)) == (1, ["report"])


def test_a_damaged_raw_file_is_set_aside(made: Plan) -> None:
    cell = made.study.by_name["cnn/kernel_3"]
    digits, houses = Path("resources/mnist-5k/mnist_5k.csv.gz"), Path("resources/boston")
    for path in (digits, *houses.iterdir()):
        path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    begin(made)
    assert said == []  # no stage that is missing reads one
    shutil.rmtree(made.prepared[cell.data_key].folder)
    shutil.rmtree(made.evaluated[cell.key].folder)
    begin(made)
    assert said == [f"{digits} is damaged: it is set aside and fetched again."]
    assert not digits.exists()
    assert [path.name[:24] for path in digits.parent.iterdir()] == [f".{digits.name}-damaged"]


# Readable copies


def test_copies_follow_their_entries(made: Plan) -> None:
    cell = made.view(made.study.by_name["cnn/kernel_3"])
    whole = state(Path("results/cnn"))
    Path(cell).write_text("damaged")
    Path(made.report_file).unlink()
    Path("results/figures/cnn/old.svg").touch()
    Path("results/figures/fnn/a.svg").unlink()
    Path("results/tables", MANIFEST).unlink()
    stale = [made.report_file, cell, "results/tables/manifest.json"]
    assert set(Shelf(made).stale(made.copies)) == {
        *stale,
        *(f"results/figures/{m}" for m in FNN_CNN),
    }
    assert begin(made) == []
    assert (said, Shelf(made).stale(made.copies)) == ([], [])
    assert {name: content for name, (content, _) in state(Path("results/cnn")).items()} == {
        name: content for name, (content, _) in whole.items()
    }
    assert sorted(os.listdir("results/figures/cnn")) == ["a.svg", "b.svg"]


FNN_CNN = ("fnn", "cnn")


def test_a_copy_of_what_is_to_be_made_is_outdated(made: Plan, config: dict[str, Any]) -> None:
    """As after a change of the configuration: it shows something else, and is made whatever its date."""
    config["models"]["cnn"]["parameters"]["epochs"] += 1
    other = Plan(build(config))
    outdated = set(begin(other))
    assert other.view(other.study.by_name["cnn/kernel_3"]) in outdated
    assert {"report.html", "results/figures/cnn", "results/tables/cells.csv"} <= outdated
    assert other.view(other.study.by_name["fnn/activation_tanh"]) not in outdated
    assert Path("report.html").read_text() == f"report.html of {made.reported.key}"
    assert begin(made) == []  # and back


def test_a_damaged_entry_is_found_when_it_is_to_be_shown(made: Plan) -> None:
    spoil(made.drawn, "draws.json")
    Path(made.table("draws.json")).unlink()
    begin(made)
    assert said == [f"{made.drawn.folder} is damaged (draws.json): it is set aside and made again."]
    assert missing(made) == ["draws"]
    assert not Path(made.table("draws.json")).exists()


def test_exports_are_looked_at_only_where_they_are_asked_for(made: Plan) -> None:
    make(made.exported.values())
    assert begin(made) == []
    assert not Path("results/export").exists()
    begin(made, "export")
    assert Path("results/export/ro-crate.zip").is_file()
    assert Path("results/export/ro-crate/README.md").is_file()
    assert Path("results/export/figures/cnn/content").is_file()
    Path("results/export/tables/content").write_text("damaged")
    begin(made)
    assert Path("results/export/tables/content").read_text() == "damaged"
    begin(made, "results/export/tables")
    assert Path("results/export/tables/content").read_text().startswith("content of")


# Dates


def test_what_is_of_tomorrow_is_dated_back(made: Plan) -> None:
    cell = made.study.by_name["cnn/kernel_3"]
    trained, data = made.trained[cell.key], made.prepared[cell.data_key]
    shutil.rmtree(made.evaluated[cell.key].folder)
    shutil.rmtree(data.folder)
    raw, ahead = Path("resources/mnist-5k/mnist_5k.csv.gz"), time.time() + 86400
    early = [Path(trained.manifest), raw]
    kept = Path(made.collected.manifest)
    for path in (*early, kept):
        os.utime(path, (ahead, ahead))
    begin(made)
    assert all(path.stat().st_mtime <= time.time() for path in early)
    assert kept.stat().st_mtime == pytest.approx(ahead)  # no missing stage reads it
    past = state()
    begin(made)
    assert state() == past


def test_a_missing_stage_has_the_specifications_of_its_inputs_too(made: Plan) -> None:
    cell = made.study.cells[0]
    evaluated, trained = made.evaluated[cell.key], made.trained[cell.key]
    shutil.rmtree(evaluated.folder)
    store.spec_path(trained.key).parent.mkdir(parents=True, exist_ok=True)
    store.spec_path(trained.key).write_text("{}")
    Shelf(made).inputs(evaluated.key)
    assert store.read_spec(trained.key) == trained.spec
