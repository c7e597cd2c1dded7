"""What a training asks a cluster for."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from ablation.commands import requests
from ablation.commands.requests import Requests, megabytes, minutes
from ablation.store.entries import folder_of, publish, write_spec
from ablation.store.files import write_json
from ablation.study.config import resolve
from ablation.study.grid import Cell, build
from ablation.study.plan import Plan

Config = dict[str, Any]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("peak", "attempt", "expected"),
    [(600e6, 1, 2200), (600e6, 2, 4400), (610e6, 1, 2300), (None, 1, 8000), (None, 3, 24000)],
)
def test_memory_has_headroom_and_grows(peak: float | None, attempt: int, expected: int) -> None:
    assert megabytes(peak, attempt) == expected


@pytest.mark.parametrize(
    ("seconds", "attempt", "expected"),
    [(0.5, 1, 6), (600.0, 1, 25), (600.0, 3, 75), (None, 1, 60), (None, 2, 120)],
)
def test_time_has_headroom_and_grows(seconds: float | None, attempt: int, expected: int) -> None:
    assert minutes(seconds, attempt) == expected


def plan_on(config: Config, device: str) -> Plan:
    own = copy.deepcopy(config)
    own["compute"]["device"] = device
    return Plan(build(resolve(own)))


def train(cell: Cell, seconds: float, peak: int, device: str) -> None:
    """Put a trained cell into the store."""
    write_spec(cell.spec)
    with publish(folder_of("train", cell.key)) as draft:
        took = {"device": device, "seconds": seconds, "cpu_seconds": 4 * seconds}
        write_json(draft / "run.json", {"cost": {**took, "peak_memory_bytes": peak}})


@pytest.mark.parametrize(("device", "time"), [("cpu", 85), ("cuda", 25)])
def test_what_cells_of_the_model_took_on_the_device_decides(
    config: Config, device: str, time: int
) -> None:
    plan = plan_on(config, device)
    cells = plan.study.by_name
    wanted = cells["cnn/kernel_9"].key
    unknown = (requests.UNKNOWN_MB, requests.UNKNOWN_MINUTES)
    assert (Requests(plan).memory(wanted, 1), Requests(plan).time(wanted, 1)) == unknown
    train(cells["cnn/kernel_3"], 600.0, 700_000_000, device)
    train(cells["cnn/kernel_7"], 600.0, 900_000_000, device)
    asked = Requests(plan)
    assert asked.memory(wanted, 1) == megabytes(900e6, 1) == 2800
    assert asked.memory(wanted, 2) == 5600
    assert asked.time(wanted, 1) == time
    assert asked.time(wanted, 2) == 2 * time
    other = "cuda" if device == "cpu" else "cpu"
    there = Requests(plan_on(config, other))
    assert (there.memory(wanted, 1), there.time(wanted, 1)) == unknown
    assert asked.memory(cells["fnn/depth_2"].key, 1) == requests.UNKNOWN_MB


def test_a_request_is_in_no_key(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(plan_on(config, "cuda").stages)
    monkeypatch.setattr(requests, "HEADROOM", 5)
    monkeypatch.setattr(requests, "UNKNOWN_MB", 1)
    assert set(plan_on(config, "cuda").stages) == before


def test_images_are_trained_first(config: Config) -> None:
    plan = plan_on(config, "cpu")
    asked = Requests(plan)
    first = {cell.model: asked.priority(cell.key) for cell in plan.study.cells}
    assert first == {"fnn": 0, "cnn": 1}
