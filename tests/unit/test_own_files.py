"""A network and data in files of one's own: cells, specifications, raw files, and what is never done to them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ablation.commands import dispatch
from ablation.commands.plan import jobs
from ablation.store.entries import StoreError
from ablation.study.config import ConfigError
from ablation.study.parts import link_own_files, own_files, raw_files
from ablation.study.plan import Plan, read_plan
from ablation.study.shelf import Shelf
from conftest import REPOSITORY

TABLE = "x,y\n1,2\n"
NETWORK = """from torch import nn
from blocks import Block

PARAMETERS = {
    "width": {"type": "integer", "minimum": 1, "default": 64},
    "norm": {"enum": ["layer", "none"], "default": "layer"},
}


class Net(nn.Module):
    def __init__(self, inputs, outputs, *, width=64, norm="layer"):
        super().__init__()
        self.block = Block(inputs, outputs, width, norm)
"""
DATA = f"""from pathlib import Path

TASK = "regression"
UNIT = "m"
PARTS = 5
FILES = {{"raw/table.csv": "{hashlib.sha256(TABLE.encode()).hexdigest()}"}}


def load(folder: Path):
    return folder
"""
STUDY = """
inherit: false
study: {name: mine, seed: 1}
models:
  res_mlp2:
    network: net.py
    data: table.py
    replicates: 10
    axes:
      norm: {values: [layer, none], title: Normalisation}
      optimizer: {values: {adam: {}, sgd: {optimizer: sgd, learning_rate: 0.1}}}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    (folder / "my" / "raw").mkdir(parents=True)
    for name, text in (
        ("net.py", NETWORK),
        ("blocks.py", "class Block: ...\n"),
        ("table.py", DATA),
        ("raw/table.csv", TABLE),
        ("study.yaml", STUDY),
    ):
        (folder / "my" / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def plan() -> Plan:
    return read_plan(["my/study.yaml"])


def test_cells_are_of_the_own_network_on_the_own_data() -> None:
    study = plan().study
    assert list(study.by_name) == [
        *("res_mlp2/norm_layer", "res_mlp2/norm_none"),
        *("res_mlp2/optimizer_adam", "res_mlp2/optimizer_sgd"),
    ]
    cell = study.by_name["res_mlp2/norm_none"]
    assert cell.spec["network"] == {"file": "my/net.py", "entry": "Net"}
    assert cell.spec["data"] == {
        "name": "table",
        "file": "my/table.py",
        "dataset": "table",
        "folder": "my",
        "files": {"raw/table.csv": hashlib.sha256(TABLE.encode()).hexdigest()},
    }
    assert cell.spec["task"] == "regression"
    assert cell.data_spec["split"] == {"parts": 5}
    assert "my/net.py" in cell.spec["code"]["modules"]
    assert "my/table.py" in cell.data_spec["code"]["modules"]
    assert "torch" not in cell.spec and study.models[0].tested.metric == "mse"


def test_a_project_that_moves_keeps_its_keys(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan().stages.keys()
    moved = here.with_name("moved elsewhere")
    shutil.move(here, moved)
    monkeypatch.chdir(moved)
    assert plan().stages.keys() == before


@pytest.mark.parametrize(
    ("file", "old", "new", "retrained"),
    [
        ("net.py", "# ", "# ", False),
        ("net.py", "PARAMETERS = {", 'TITLE = "Mine"\nPARAMETERS = {', False),
        ("net.py", '"minimum": 1', '"minimum": 2', False),
        ("net.py", "super().__init__()", "super().__init__(); self.x = 1", True),
        ("blocks.py", "...", "pass", True),
        ("table.py", 'UNIT = "m"', 'UNIT = "cm"', False),
        ("table.py", "return folder", "return folder / 'x'", True),
        ("table.py", "PARTS = 5", "PARTS = 10", True),
    ],
)
def test_what_an_edit_trains_anew(file: str, old: str, new: str, retrained: bool) -> None:
    before = {cell.key for cell in plan().study.cells}
    path = Path("my", file)
    path.write_text(path.read_text("utf-8").replace(old, new) + "\n# a comment\n", "utf-8")
    after = {cell.key for cell in plan().study.cells}
    assert (before.isdisjoint(after), before == after) == (retrained, not retrained)


def test_the_tables_are_told_of_the_own_model() -> None:
    (model,) = plan().collected.spec["models"]
    assert (model["task"], model["unit"], model["classes"], model["images"]) == (
        *("regression", "m"),
        *([], False),
    )
    assert model["tested"] == {"metric": "mse", "margin": 1.2, "step": 5}
    assert model["words"]["axes"] == {"norm": "Normalisation"}
    assert model["data"]["source"] == "own"
    assert "width" not in model["words"]["parameters"]
    assert model["words"]["parameters"]["epochs"]["en"] == "Epochs"


def test_own_files_and_raw_files_are_listed() -> None:
    study = plan().study
    assert own_files(study) == ["my/blocks.py", "my/net.py", "my/raw/table.csv", "my/table.py"]
    assert [raw["path"] for raw in raw_files(study)] == ["my/raw/table.csv"]


def test_a_folder_with_links_to_own_files_has_the_same_study(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plan()
    scratch = here.with_name("scratch")
    scratch.mkdir()
    link_own_files(before.study, scratch)
    (scratch / "config.yaml").write_text(yaml.safe_dump(before.study.config), encoding="utf-8")
    monkeypatch.chdir(scratch)
    assert read_plan([]).trained.keys() == before.trained.keys()
    monkeypatch.chdir(here / "my")
    outside = read_plan(["../my/study.yaml"])
    assert outside.study.by_name["res_mlp2/norm_layer"].spec["network"]["file"] == "net.py"
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    with pytest.raises(ConfigError, match=r"^\.\./my/blocks\.py lies outside"):
        link_own_files(read_plan(["../my/study.yaml"]).study, scratch)


def test_own_raw_files_are_neither_fetched_nor_set_aside(here: Path) -> None:
    found = plan()
    assert not jobs(found, Shelf(found)).keys() & {"download", "copy_embedded"}
    assert found.datasets_from("mlxtend") == found.datasets_from("torchvision") == []
    Shelf(found).begin([], print, real=True)
    raw = here / "my" / "raw" / "table.csv"
    raw.write_text("another", encoding="utf-8")
    with pytest.raises(StoreError) as refused:
        Shelf(found).begin([], print, real=True)
    assert str(refused.value) == (
        "my/raw/table.csv is not the file that the data file pins in FILES: its SHA-256 must be "
        f"{hashlib.sha256(TABLE.encode()).hexdigest()}."
    )
    assert raw.read_text(encoding="utf-8") == "another"
    raw.unlink()
    with pytest.raises(StoreError) as missing:
        Shelf(found).begin([], print, real=True)
    assert str(missing.value) == ("my/raw/table.csv is missing: the data file pins it in FILES.")


def test_reading_a_study_imports_neither_torch_nor_own_files() -> None:
    code = (
        "import sys; from ablation.study.plan import read_plan; read_plan(['my/study.yaml']).stages; "
        "print([name for name in ('torch', 'numpy', 'net', 'table', 'blocks') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(REPOSITORY / "workflow"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("command", ["plan", "diff"])
def test_a_reader_that_goes_away_is_no_fault(command: str) -> None:
    """As in ``make plan | head``: the pipe closes before everything is written."""
    given: dict[str, list[str]] = {"plan": ["--configfile", "my/study.yaml"], "diff": ["a", "b"]}
    done = subprocess.run(
        f"set -o pipefail; {sys.executable} -P -m ablation {command} {' '.join(given[command])} | true",
        shell=True,
        executable="/bin/bash",
        env={"PYTHONPATH": str(REPOSITORY / "workflow"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (0 if command == "plan" else dispatch.MISTAKE)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def test_own_configuration_errors_name_the_key() -> None:
    path: Any = Path("my/study.yaml")
    path.write_text(STUDY.replace("replicates: 10", "replicates: 12"), encoding="utf-8")
    with pytest.raises(ValueError) as refused:
        plan()
    assert str(refused.value) == (
        "models.res_mlp2.replicates is 12: allowed is an integer at least 5, at most 6000, a multiple of 5."
    )
