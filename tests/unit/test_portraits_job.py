"""The portraits of a model as they are written, and what the plan makes them from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.stages import portraits as portraits_job
from ablation.store.entries import STORE, Entry, folder_of, publish, require
from ablation.store.files import read_json, write_json
from ablation.store.formats import InvalidDocumentError, validate_document
from ablation.study.grid import build
from ablation.study.plan import Plan
from ablation.study.shelf import Shelf
from report.sample import Sample, only, sample
from safetensors.numpy import save_file

LANGUAGE = "en"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


Inputs = dict[str, dict[str, Entry]]


def written(made: Sample, model: str, rows: dict[str, Any] | None = None) -> Inputs:
    """A sample's entries in the store, as far as portraits read them."""
    with publish(folder_of("collect", "0" * 16)) as draft:
        write_json(draft / "study.json", made.study)
        write_json(draft / "comparisons.json", {})
        for name, frame in made.tables.items():
            frame.to_csv(draft / f"{name}.csv", index=False)
    (part,) = made.study["models"]
    for cell in (cell for axis in part["axes"] for cell in axis["cells"]):
        if cell["failed"] or folder_of("evaluate", cell["evaluation"]).exists():
            continue
        predictions = made.predictions[cell["key"]]
        with publish(folder_of("train", cell["key"])) as draft:
            if model == "cnn":
                predictions = digits_predicted()
                kernel = cell["parameters"]["kernel"]
                weights = np.random.default_rng(0).normal(size=(6, 4, 1, kernel, kernel))
                save_file({"convolution.0.weight": weights}, draft / "model.safetensors")
        with publish(folder_of("evaluate", cell["evaluation"])) as draft:
            predictions.to_csv(draft / "predictions.csv", index=False)
    with publish(folder_of("prepare", part["data"]["prepared"])) as draft:
        images = np.random.default_rng(1).integers(0, 256, (40, 28, 28), dtype=np.uint8)
        save_file({"images": images, **(rows or {})}, draft / "test.safetensors")
    found: Inputs = {}
    for folder in sorted(path.parent for path in STORE.glob("*/*/manifest.json")):
        found.setdefault(folder.parent.name, {})[folder.name] = require(folder)
    return found


def digits_predicted() -> pd.DataFrame:
    """Six replicates on the same 40 images, each wrong on the first three."""
    rows = [
        (r, i, i % 10, (i + (i < 3)) % 10, 0.5 + r / 20 + i / 1000, 0.1)
        for r in range(6)
        for i in range(40)
    ]
    names = ["replicate", "index", "label", "predicted", "confidence", "loss"]
    return pd.DataFrame(rows, columns=names)


def portraits_of(
    made: Sample, model: str, baseline: str | None, draft: Path, rows: dict[str, Any] | None = None
) -> dict[str, Any]:
    spec = {"model": model, "baseline": baseline, "language": LANGUAGE}
    draft.mkdir()
    portraits_job.portraits(spec, written(made, model, rows), draft, {})
    found: dict[str, Any] = read_json(draft / "portraits.json")
    validate_document(found, "portraits")
    assert (found["model"], found["baseline"]) == (model, baseline)
    return found


def keys_of(made: Sample) -> dict[str, str]:
    return dict(zip(made.tables["cells"]["label"], made.tables["cells"]["key"], strict=True))


def test_portraits_of_a_regression(here: Path) -> None:
    made = only(sample(failed=("fnn/learning_rate_0.0001",)), "fnn", "learning_rate")
    keys = keys_of(made)
    found = portraits_of(made, "fnn", keys["0.01"], here / "draft")
    assert set(found["cells"]) == {keys["0.1"], keys["0.01"], keys["0.001"]}
    good, diverged = found["cells"][keys["0.01"]], found["cells"][keys["0.1"]]
    assert set(good) == {"curves", "residuals"}
    assert good["residuals"]["top"] == 50.0
    assert good["residuals"]["n_top"] > 0
    assert "<image" in good["residuals"]["svg"]
    assert diverged["residuals"] is None
    assert "<svg " in diverged["curves"]


def test_portraits_of_a_classifier(here: Path) -> None:
    made = only(sample(), "cnn", "kernel")
    keys = keys_of(made)
    found = portraits_of(made, "cnn", keys["5"], here / "draft")
    assert found["baseline"] == keys["5"]
    own, baseline = found["cells"][keys["7"]], found["cells"][keys["5"]]
    assert set(own) == {"curves", "mistakes", "kernels", "confusion"}
    assert (own["mistakes"]["n_mistakes"], own["mistakes"]["n_predictions"]) == (18, 240)
    assert [item["index"] for item in own["mistakes"]["items"]] == [2, 1, 0]
    assert {item["replicate"] for item in own["mistakes"]["items"]} == {5}
    rows = made.tables["replicates"]
    rows = rows[rows["key"] == keys["7"]].set_index("replicate")
    assert rows["val_loss"].idxmin() != 0
    assert own["kernels"]["replicate"] == 0  # fixed beforehand, not the best
    assert own["kernels"]["side"] == 7
    assert own["confusion"]["difference"] is not None
    assert baseline["confusion"]["difference"] is None


def test_pictures_are_found_by_their_row_in_the_raw_data(here: Path) -> None:
    made = only(sample(), "cnn", "pooling")
    rows = {"row": np.arange(39, -1, -1)}  # of the stored images, the last is number 0
    found = portraits_of(made, "cnn", None, here / "draft", rows)
    (own, _) = found["cells"].values()
    assert [item["index"] for item in own["mistakes"]["items"]] == [37, 38, 39]


def test_a_classifier_of_a_table_has_no_pictures(here: Path) -> None:
    made = only(sample(), "cnn", "pooling")
    made.study["models"][0]["images"] = False
    found = portraits_of(made, "cnn", None, here / "draft")
    assert all(set(cell) == {"curves", "confusion"} for cell in found["cells"].values())


def test_the_same_study_has_the_same_bytes(here: Path) -> None:
    made = only(sample(), "fnn", "activation")
    for name in ("one", "two"):
        portraits_of(made, "fnn", None, here / name)
    one, two = ((here / name / "portraits.json").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    "cell",
    [{}, {"curves": "no figure"}, {"curves": None, "more": 1}],
)
def test_another_document_is_invalid(cell: dict[str, Any]) -> None:
    document = {"model": "fnn", "baseline": None, "cells": {"0" * 16: cell}}
    with pytest.raises(InvalidDocumentError, match="portraits"):
        validate_document(document, "portraits")


# The plan


def test_the_report_waits_for_the_portraits_and_they_for_the_tables(
    here: Path, config: dict[str, Any]
) -> None:
    plan = Plan(build(config))
    for stage in plan.default_stages:
        with publish(stage.folder):
            pass
    assert Shelf(plan).to_make(plan.default_stages) == []
    shutil.rmtree(plan.portraits["cnn"].folder)
    missing = Shelf(plan).to_make(plan.default_stages)
    assert [stage.name for stage in missing] == ["prepare", "portraits"]
    assert plan.portraits["cnn"].key in plan.reported.inputs
    assert plan.collected.key in plan.portraits["cnn"].inputs


def test_portraits_do_not_depend_on_the_palette(config: dict[str, Any]) -> None:
    plan = Plan(build(config))
    before, figures = plan.portraits, plan.figures
    config["report"]["palette"] = "deep"
    other = Plan(build(config))
    assert other.portraits == before
    assert other.figures["cnn"] != figures["cnn"]
    config["report"]["language"] = "zh"
    assert all(Plan(build(config)).portraits[model] != before[model] for model in before)


def test_the_baseline_is_found_on_any_axis_or_is_none(config: dict[str, Any]) -> None:
    plan = Plan(build(config))
    assert plan.portraits["cnn"].spec["baseline"] == plan.study.by_name["cnn/kernel_5"].key
    axes = config["models"]["cnn"]["axes"]
    config["models"]["cnn"]["axes"] = {"batchnorm_depth4": axes["batchnorm_depth4"]}
    plan = Plan(build(config))
    assert plan.portraits["cnn"].spec["baseline"] is None
