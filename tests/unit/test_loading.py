"""A finished study in Python: what its data frames hold is what its files say, read here by csv and json alone."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import ablation
import pandas as pd
import pytest
import torch
from ablation.loading import FinishedStudy
from ablation.results.bundle import BundleError
from ablation.store.entries import StoreError
from ablation.store.files import write_json
from report.sample import sample
from unit_stored import Make
from unit_tables import tables_of

FAILED = "cnn/kernel_9"
TABLES = ("cells", "replicates", "epochs", "comparisons")
FIRST = ["cell", "model", "axis", "label", "key"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "results"
    tables_of(sample(failed=(FAILED,)), folder)
    return folder


@pytest.fixture(scope="module")
def study(results: Path) -> FinishedStudy:
    found: FinishedStudy = ablation.load(results)
    return found


def rows(results: Path, name: str) -> list[dict[str, str]]:
    with (results / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def document(results: Path, name: str) -> Any:
    return json.loads((results / "tables" / f"{name}.json").read_text("utf-8"))


def cells_of(results: Path) -> dict[str, dict[str, Any]]:
    """Name → cell of ``study.json``."""
    models = document(results, "study")["models"]
    return {c["cell"]: c for m in models for axis in m["axes"] for c in axis["cells"]}


def same(found: Any, text: str) -> bool:
    """Whether a value of a data frame is what a field of a file says."""
    if text == "":
        return bool(pd.isna(found))
    if text in ("True", "False"):
        return bool(found) == (text == "True")
    try:
        return float(text) == float(found)
    except ValueError:
        return text == str(found)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_names_its_cells_and_their_parameters(
    study: FinishedStudy, results: Path, name: str
) -> None:
    table, declared = getattr(study, name), cells_of(results)
    assert list(table.columns[: len(FIRST)]) == FIRST
    assert set(table["cell"]) <= set(declared)
    for row in table.drop_duplicates("cell").to_dict("records"):
        cell = declared[row["cell"]]
        assert f"{row['model']}/{row['axis']}_{row['label']}" == row["cell"]
        assert row["key"] == cell["key"]
        for parameter, value in cell["parameters"].items():
            taken = name == "epochs" and parameter == "learning_rate"
            assert row[f"parameter_{parameter}" if taken else parameter] == value


@pytest.mark.parametrize("name", ["cells", "replicates"])
def test_numbers_are_those_of_the_files(study: FinishedStudy, results: Path, name: str) -> None:
    table, written = getattr(study, name), rows(results, name)
    assert len(table) == len(written)
    for found, row in zip(table.to_dict("records"), written, strict=True):
        kept = {n: text for n, text in row.items() if not n.endswith(("_low", "_high"))}
        assert all(same(found[n], text) for n, text in kept.items()), row["cell"]


def test_each_cell_has_the_epochs_of_its_key(study: FinishedStudy, results: Path) -> None:
    written: dict[str, list[dict[str, str]]] = {}
    for row in rows(results, "epochs"):
        written.setdefault(row["key"], []).append(row)
    for cell, facts in cells_of(results).items():
        own = study.epochs[study.epochs["cell"] == cell]
        expected = written.get(facts["key"], [])
        assert len(own) == len(expected)
        assert own["val_loss"].tolist() == pytest.approx(
            [float(row["val_loss"] or "nan") for row in expected], rel=0, nan_ok=True
        )


def test_comparisons_are_flat(study: FinishedStudy, results: Path) -> None:
    models = document(results, "comparisons")["models"]
    for row in study.comparisons.to_dict("records"):
        judged = models[row["model"]]["axes"][row["axis"]]["rows"][row["label"]]
        assert row["verdict"] == judged["verdict"]
        assert row["n"] == judged["n"]
        interval = judged["difference_interval"] or [math.nan, math.nan]
        assert [row["difference_low"], row["difference_high"]] == pytest.approx(
            interval, rel=0, nan_ok=True
        )


def test_bounds_are_values_that_a_metric_can_take(tmp_path: Path) -> None:
    made = sample()
    cells = made.tables["cells"]
    for axis in made.comparisons["models"]["cnn"]["axes"].values():
        for row in axis["rows"].values():
            row["interval"] = row["interval"] and [-0.69, 2.2]
    cells[["mse_low", "accuracy_low", "accuracy_high"]] = [-3.3, -0.69, 2.2]
    tables_of(made, tmp_path)
    study = ablation.load(tmp_path)
    assert set(study.cells["mse_low"]) == {0.0}
    assert set(study.cells["accuracy_low"]) == {0.0}
    assert set(study.cells["accuracy_high"]) == {1.0}
    own = study.comparisons[study.comparisons["model"] == "cnn"]
    assert set(own["low"].dropna()) == {0.0}
    assert set(own["high"].dropna()) == {1.0}


def test_the_history_of_a_replicate(study: FinishedStudy, results: Path) -> None:
    for cell, columns in (
        ("fnn/depth_1", ["train_loss", "val_loss", "learning_rate"]),
        ("cnn/kernel_5", ["train_loss", "val_loss", "val_accuracy", "learning_rate"]),
    ):
        found = study.history(cell, 1)
        assert list(found.columns) == columns
        key = cells_of(results)[cell]["key"]
        own = [r for r in rows(results, "epochs") if r["key"] == key and r["replicate"] == "1"]
        assert found.index.tolist() == [int(row["epoch"]) for row in own]
        for name in columns:
            assert found[name].tolist() == [float(row[name]) for row in own]
    assert study.history(FAILED, 0).empty


def test_what_is_not_there_is_one_sentence(study: FinishedStudy) -> None:
    with pytest.raises(ValueError, match=r"^cnn/kernl_5 is no cell of study default; the near.*_5"):
        study.network("cnn/kernl_5", 0)
    with pytest.raises(ValueError, match="is no cell of study default"):
        study.history("kernel_5", 0)
    for take in (study.history, study.test_part):
        for replicate in (-1, 24):
            with pytest.raises(IndexError, match=r"of fnn/depth_1: there are 0 to 23$"):
                take("fnn/depth_1", replicate)


def test_a_study_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ablation.loading.PROJECT", tmp_path / "project")
    with pytest.raises(BundleError, match=r"^default is no finished study .*: none is finished\.$"):
        ablation.load()
    for folder in ("results", "results/smoke", "project/results/far"):
        tables_of(sample(), Path(folder))
    assert ablation.load().folder == Path("results")
    assert ablation.load("smoke").folder == ablation.load("results/smoke").folder
    assert ablation.load("far").folder == tmp_path / "project/results/far"
    with pytest.raises(BundleError, match=r"^smok is no .*: there are default, smoke, far\.$"):
        ablation.load("smok")


def test_a_damaged_table_is_not_read(tmp_path: Path) -> None:
    table = tables_of(sample(), tmp_path) / "epochs.csv"
    table.write_bytes(table.read_bytes().replace(b"1", b"2", 1))
    with pytest.raises(BundleError, match=r"is damaged or incomplete \(epochs.csv\)"):
        ablation.load(tmp_path)


@pytest.mark.parametrize("model", ["fnn", "cnn"])
def test_a_network_with_the_data_that_it_never_saw(stored: Make, model: str) -> None:
    own = stored(model)
    own.evaluate()
    own.show()
    tables_of(sample(), Path("results"))
    study = ablation.load()
    network, (inputs, targets) = (
        take(own.cell.name, 2) for take in (study.network, study.test_part)
    )
    with torch.no_grad():
        outputs = network(inputs)
    with (own.output / "predictions.csv").open(encoding="utf-8") as stream:
        written = [row for row in csv.DictReader(stream) if row["replicate"] == "2"]
    truth = "target" if model == "fnn" else "label"
    assert targets.tolist() == pytest.approx([float(row[truth]) for row in written])
    if model == "fnn":
        expected = [float(row["prediction"]) for row in written]
        assert outputs.flatten().tolist() == pytest.approx(expected, rel=1e-4)
    with pytest.raises(IndexError, match="there are 0 to 5"):
        study.network(own.cell.name, 7)


def test_a_failed_cell_says_why(stored: Make) -> None:
    own = stored("fnn")
    document = own.evaluate()
    target = own.show()
    tables_of(sample(failed=(own.cell.name,)), Path("results"))
    study = ablation.load()
    write_json(target, {**document, "status": {"failed": "no", "ok": 0, "diverged": 0}})
    for take in (study.network, study.test_part):
        with pytest.raises(StoreError):
            take(own.cell.name, 0)


def test_importing_the_package_costs_nothing() -> None:
    code = """
import sys, ablation
heavy = {"numpy", "pandas", "torch", "yaml"}
print(heavy & set(sys.modules), callable(ablation.load))
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert found.stdout.startswith("set() True")
    with pytest.raises(AttributeError, match="has no attribute 'lead'"):
        ablation.lead  # noqa: B018
