"""What the command says of a run: reasons, estimates, counts of jobs, and mistakes in one sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ablation.commands.dispatch import MistakeError
from ablation.commands.plan import jobs, show, stages_to_make
from ablation.store.entries import MANIFEST, Failure, folder_of, publish, write_spec
from ablation.store.files import write_json
from ablation.study.config import ConfigError
from ablation.study.grid import Cell, build
from ablation.study.plan import Plan
from ablation.study.shelf import Shelf
from conftest import REPOSITORY

Config = dict[str, Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Config) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(json.dumps(config), "utf-8")
    return tmp_path


def store(cell: Cell, *, seconds: float) -> Path:
    """What training leaves of a cell."""
    write_spec(cell.spec)
    with publish(folder_of("train", cell.key)) as draft:
        run = {"cost": {"device": "cpu", "seconds": seconds, "cpu_seconds": seconds}}
        write_json(draft / "run.json", run)
    return folder_of("train", cell.key)


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_fresh_study_is_all_to_be_trained(
    here: Path, capsys: pytest.CaptureFixture[str], config: Config
) -> None:
    before = files(here)
    show([], ["compute={device: cpu}"], 2)
    text = capsys.readouterr().out
    study = build(config)
    assert f"{len(study.by_key)} would be trained, 0 are cached" in text
    assert text.count("never trained") == len(study.by_key)
    assert "no estimate" in text
    assert "\x1b" not in text
    assert files(here) == before
    assert [path.name for path in here.iterdir()] == ["config.yaml"]


def test_the_command_names_reasons_and_an_estimate(
    here: Path, capsys: pytest.CaptureFixture[str], config: Config
) -> None:
    now = build(config)
    for cell in now.by_key.values():
        store(cell, seconds=60)
    folder_of("train", now.by_name["cnn/kernel_7"].key).joinpath(MANIFEST).unlink()
    gone = now.by_name["cnn/kernel_9"].key
    shutil.rmtree(folder_of("train", gone))
    with publish(folder_of("train", gone), {f"train/{gone}": Failure("[killed] no space")}):
        pass
    before = files(here)
    show([], ["compute={device: cpu}"], 2)
    text = capsys.readouterr().out
    lines = {line.split()[0]: line for line in text.splitlines() if line.startswith("  ")}
    assert lines["cnn/kernel_7"].endswith("damaged entry")
    assert lines["cnn/kernel_9"].endswith("failed before: [killed] no space")
    assert "2 would be trained" in text
    assert files(here) == before
    assert "cnn/kernel " in text and "3, 5\n" in text  # cached
    trained = sum(cell.model == "cnn" for cell in now.by_key.values()) - 2
    assert f"Training: about 60 s on 2 cores, from {trained} earlier configurations." in text
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_a_variant_and_an_override_are_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    smoke = REPOSITORY / "config" / "smoke.yaml"
    show([smoke], ["compute={device: cpu, precision: fp32}", "study={name: mine}"], None)
    assert capsys.readouterr().out.startswith("Study mine: ")


@pytest.mark.parametrize(
    ("files", "overrides", "cores", "said"),
    [
        (["none.yaml"], [], 1, "none.yaml cannot be read: No such file or directory."),
        (["bad.yaml"], [], 1, "bad.yaml is not valid YAML in line 2."),
        (["list.yaml"], [], 1, "list.yaml holds no mapping: allowed is a configuration."),
        ([], ["seed"], 1, "--config is 'seed': allowed is KEY=VALUE."),
        ([], ["study={seed: -1}"], 1,
         "study.seed is -1: allowed is an integer at least 0, at most 4294967295."),
        ([], [], 0, "--cores is 0: allowed is an integer at least 1."),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(
    here: Path, files: list[str], overrides: list[str], cores: int, said: str
) -> None:
    (here / "bad.yaml").write_text("a: 1\nb: [", "utf-8")
    (here / "list.yaml").write_text("[1]", "utf-8")
    with pytest.raises((MistakeError, ConfigError)) as refused:
        show([Path(name) for name in files], overrides, cores)
    assert str(refused.value) == said


def test_jobs_follow_what_is_there(here: Path, config: Config) -> None:
    study = build(config)

    def counted() -> dict[str, int]:
        plan = Plan(study)
        return jobs(plan, Shelf(plan))

    assert counted() == {
        "copy_embedded": 2,
        "prepare": 2,
        "check": 2,
        "train": len(study.by_key),
        "evaluate": len(study.by_key),
        "yardsticks": 2,
        "collect": 1,
        "draws": 1,
        "plot": 2,
        "portraits": 2,
        "report": 1,
    }
    for cell in study.by_key.values():
        store(cell, seconds=1)
    assert "train" not in counted()
    plan = Plan(study)
    for stage in plan.default_stages:
        with publish(stage.folder):
            pass
    assert counted() == {}  # also without the data, which nothing reads any more
    shutil.rmtree(plan.drawn.folder)
    made_again = ("prepare", "draws", "copy_embedded")
    assert {name: counted().get(name) for name in made_again} == {
        "prepare": 2,
        "draws": 1,
        "copy_embedded": 2,
    }
    assert set(counted()) == set(made_again)


def test_what_failed_is_made_again_with_all_that_was_made_of_it(here: Path, config: Config) -> None:
    plan = Plan(build(config))
    cell = plan.study.by_name["cnn/kernel_9"]
    failures = {f"train/{cell.key}": Failure("killed")}
    follows = {cell.key, plan.evaluated[cell.key].key, plan.collected.key, plan.reported.key}
    for stage in plan.default_stages:
        with publish(stage.folder, failures if stage.key in follows else None):
            pass
    shelf = Shelf(plan)
    assert {stage.key for stage in stages_to_make(plan, shelf)} == {
        *follows,
        cell.data_key,  # which training reads
        plan.checked["cnn"].key,  # which comes before
    }
    assert jobs(plan, shelf)["train"] == 1
