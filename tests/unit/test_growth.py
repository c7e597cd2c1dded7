"""What the main process does grows with the study and no faster: calls are counted, not seconds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ablation.store import code, entries, keys
from ablation.study.grid import build
from ablation.study.plan import Plan
from ablation.study.shelf import Shelf

CALLS = {
    "files read": (entries, "read_json"),
    "digests taken": (keys, "digest"),
    "sources read": (code, "_read"),
    "patterns compiled": (re, "compile"),
}


def counted(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> Counter[str]:
    """How often some functions are called meanwhile."""
    found: Counter[str] = Counter()

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            found[name] += 1
            return function(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for name, (module, function) in CALLS.items():
            patch.setattr(module, function, watched(name, getattr(module, function)))
        work()
    return found


def study(config: dict[str, Any], cells: int) -> Callable[[], object]:
    """What is asked of a plan of so many cells, as Snakemake's input functions ask."""
    fnn = {**config["models"]["fnn"]}
    values = [fnn["parameters"]["learning_rate"], *(1e-4 + i * 1e-6 for i in range(cells - 1))]
    fnn["axes"] = {"learning_rate": {"parameter": "learning_rate", "values": values, "with": {}}}
    own = {**config, "models": {"fnn": fnn}}

    def work() -> object:
        plan = Plan(build(own))
        shelf = Shelf(plan)
        shelf.begin([], lambda sentence: None, real=False)
        return [shelf.inputs(key) for key in plan.main_stages]

    return work


def test_calls_grow_with_the_cells_and_no_faster(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    study(config, 5)()  # what is read once per process
    small, large = (counted(monkeypatch, study(config, cells)) for cells in (50, 100))
    assert small["files read"] <= 2 * 50 + 20, "each manifest once"
    for name in CALLS:
        assert large[name] - small[name] <= small[name] + 5, name
    assert large["patterns compiled"] <= small["patterns compiled"] + 5
    assert large["sources read"] == small["sources read"]


def test_one_target_looks_at_its_own_stages(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    work = study(config, 100)
    plan = Plan(build(config))

    def one() -> None:
        shelf = Shelf(plan)
        cell = plan.study.cells[0]
        shelf.inputs(plan.evaluated[cell.key].key)

    work()
    assert counted(monkeypatch, one)["files read"] == 1
