"""The portraits of a model as they are written, and when the plan takes them for fresh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation import portraits_job
from ablation.canonical import canonical_json, key_of
from ablation.grid import build
from ablation.plan import Plan
from ablation.portraits.kernels import FIRST_LAYER
from ablation.schemas import InvalidDocumentError, validate_document
from ablation.store import MANIFEST, publish, read_json, write_json
from report.sample import Sample, only, sample
from safetensors.numpy import save_file

LANGUAGE = "en"


class Words:
    """Keys in place of a catalogue."""

    def __init__(self, _: object) -> None: ...

    def __call__(self, key: str, /, **_values: object) -> str:
        return key


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(portraits_job, "Words", Words)
    return tmp_path


def written(made: Sample, model: str) -> Path:
    """A sample's tables and store, as far as portraits read them."""
    tables = Path("results/tables")
    tables.mkdir(parents=True)
    write_json(tables / "study.json", {**made.study, "fingerprint": "0" * 16})
    write_json(tables / "comparisons.json", {})
    for name, frame in made.tables.items():
        frame.to_csv(tables / f"{name}.csv", index=False)
    (part,) = made.study["models"]
    for cell in (cell for axis in part["axes"] for cell in axis["cells"]):
        cell["view"] = f"results/{cell['cell']}/metrics.json"
        if cell["failed"] or Path(cell["store"]).exists():
            continue
        evaluation = Path(cell["store"]) / f"eval-{cell['eval']}"
        evaluation.mkdir(parents=True)
        predictions = made.predictions[cell["key"]]
        if model == "cnn":
            predictions = digits_predicted()
            kernel = cell["parameters"]["kernel"]
            weights = np.random.default_rng(0).normal(size=(6, 4, 1, kernel, kernel))
            with publish(Path(cell["store"]) / "train") as draft:
                save_file({FIRST_LAYER: weights}, draft / "model.safetensors")
        predictions.to_csv(evaluation / "predictions.csv", index=False)
    for cell in (cell for axis in part["axes"] for cell in axis["cells"]):
        write_json(Path(cell["view"]), {"data": {"prepared": "cnn-data"}})
    write_json(tables / "study.json", {**made.study, "fingerprint": "0" * 16})
    if model == "cnn":
        data = Path("results/store/data/cnn-data")
        data.mkdir(parents=True)
        images = np.random.default_rng(1).integers(0, 256, (40, 28, 28), dtype=np.uint8)
        save_file({"images": images}, data / "test.safetensors")
    return tables


def digits_predicted() -> pd.DataFrame:
    """Six replicates on the same 40 images, each wrong on the first three."""
    rows = [
        (r, i, i % 10, (i + (i < 3)) % 10, 0.5 + r / 20 + i / 1000, 0.1)
        for r in range(6)
        for i in range(40)
    ]
    names = ["replicate", "index", "label", "predicted", "confidence", "loss"]
    return pd.DataFrame(rows, columns=names)


def portraits_of(made: Sample, model: str, baseline: str | None) -> dict[str, Any]:
    tables, output = written(made, model), Path(f"results/portraits/{model}.json")
    spec = {"model": model, "baseline": baseline, "language": LANGUAGE}
    portraits_job.portraits(spec, tables, output)
    found: dict[str, Any] = read_json(output)
    validate_document(found, "portraits")
    assert found["fingerprint"] == key_of(spec)
    return found


def keys_of(made: Sample) -> dict[str, str]:
    return dict(zip(made.tables["cells"]["label"], made.tables["cells"]["key"], strict=True))


def test_portraits_of_a_regression(here: Path) -> None:
    made = only(sample(failed=("fnn/learning_rate_0.0001",)), "fnn", "learning_rate")
    keys = keys_of(made)
    found = portraits_of(made, "fnn", keys["0.01"])
    assert set(found["cells"]) == {keys["0.1"], keys["0.01"], keys["0.001"]}
    good, diverged = found["cells"][keys["0.01"]], found["cells"][keys["0.1"]]
    assert set(good) == {"series", "curves", "residuals"}
    assert good["series"]["epochs"] == 100
    assert len(good["series"]["val_loss"]["high"]) == 100
    assert good["residuals"]["censored_at"] == 50.0
    assert good["residuals"]["n_censored"] > 0
    assert "<image" in good["residuals"]["svg"]
    assert diverged["series"] is diverged["residuals"] is None
    assert "<svg " in diverged["curves"]


def test_portraits_of_a_classifier(here: Path) -> None:
    made = only(sample(), "cnn", "kernel")
    keys = keys_of(made)
    found = portraits_of(made, "cnn", keys["5"])
    assert found["baseline"] == keys["5"]
    own, baseline = found["cells"][keys["7"]], found["cells"][keys["5"]]
    assert set(own) == {"series", "curves", "mistakes", "kernels", "confusion"}
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
    assert "val_accuracy" in own["series"]


def test_the_same_study_has_the_same_bytes(here: Path) -> None:
    made = only(sample(), "fnn", "activation")
    portraits_of(made, "fnn", None)
    output = Path("results/portraits/fnn.json")
    first = output.read_bytes()
    spec = {"model": "fnn", "baseline": None, "language": LANGUAGE}
    portraits_job.portraits(spec, Path("results/tables"), output)
    assert output.read_bytes() == first


@pytest.mark.parametrize(
    "cell",
    [{}, {"series": None, "curves": "no figure"}, {"series": None, "curves": None, "more": 1}],
)
def test_another_document_is_invalid(cell: dict[str, Any]) -> None:
    document = {"fingerprint": "x", "model": "fnn", "baseline": None, "cells": {"0" * 16: cell}}
    with pytest.raises(InvalidDocumentError, match="portraits"):
        validate_document(document, "portraits")


# The plan


def all_made(plan: Plan) -> None:
    """Put a file with the expected fingerprint where the plan looks for one."""

    def put(path: str, fingerprint: str) -> None:
        write_json(Path(path), {"fingerprint": fingerprint})

    for cell in plan.study.by_key.values():
        put(plan.status(cell), cell.key)
        write_json(Path(plan.status(cell)).parent / "train" / MANIFEST, {})
        put(plan.metrics(cell), plan.evaluation(cell.model))
    for cell in plan.study.cells:
        put(plan.view(cell), plan.cell_facts(cell)["fingerprint"])
    put(plan.table("study.json"), key_of(plan.collect_spec))
    put(plan.table("draws.json"), key_of(plan.draws_spec))
    for part in plan.study.models:
        put(plan.yardsticks(part), "")
        put(plan.figures_manifest(part), key_of(plan.plot_spec(part)))
        put(plan.portraits(part), key_of(plan.portraits_spec(part)))
    Path(plan.report).write_text(
        f'<meta name="fingerprint" content="{key_of(plan.report_spec)}">', "utf-8"
    )


def test_the_report_waits_for_the_portraits_and_they_for_the_tables(
    here: Path, config: dict[str, Any]
) -> None:
    study = build(config)
    all_made(Plan(study))
    plan = Plan(study).settle(write=False)
    assert all(plan.fresh.values())
    part = next(part for part in study.models if part.model.name == "cnn")
    document = Path(plan.portraits(part))
    whole = document.read_bytes()
    document.unlink()
    stale = [name for name, fresh in Plan(study).settle(write=False).fresh.items() if not fresh]
    assert stale == [plan.portraits(part), plan.report]
    document.write_bytes(whole)
    Path(plan.table("study.json")).unlink()
    assert not Plan(study).settle(write=False).fresh[plan.portraits(part)]


def test_portraits_do_not_depend_on_the_palette(config: dict[str, Any]) -> None:
    plan = Plan(build(config))
    part = plan.study.models[0]
    before = canonical_json(plan.portraits_spec(part))
    config["report"]["palette"] = "deep"
    other = Plan(build(config))
    assert canonical_json(other.portraits_spec(other.study.models[0])) == before
    config["report"]["language"] = "zh"
    other = Plan(build(config))
    assert canonical_json(other.portraits_spec(other.study.models[0])) != before


def test_the_baseline_is_found_on_any_axis_or_is_none(config: dict[str, Any]) -> None:
    plan = Plan(build(config))
    cnn = next(part for part in plan.study.models if part.model.name == "cnn")
    assert plan.portraits_spec(cnn)["baseline"] == plan.study.by_name["cnn/kernel_5"].key
    axes = config["models"]["cnn"]["axes"]
    config["models"]["cnn"]["axes"] = {"batchnorm_depth4": axes["batchnorm_depth4"]}
    plan = Plan(build(config))
    cnn = next(part for part in plan.study.models if part.model.name == "cnn")
    assert plan.portraits_spec(cnn)["baseline"] is None
