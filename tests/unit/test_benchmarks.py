"""The benchmark of cells trains what it says it trains."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import cells


def test_seconds_of_each_kind_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    cells.main(["--json", "--share", "0.02", "--only", "ConvNet"])
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {f"ConvNet, {name}" for name in cells.CONVNETS}
    assert all(seconds > 0 for seconds in found.values())
    cells.main(["--only", "MLP"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| one epoch of | processor seconds |"
    assert lines[2].startswith("| MLP, 24 replicates | 0.")


def test_the_perceptrons_are_one_group_and_a_convolutional_network_is_alone() -> None:
    plans = {name: cell.plan() for name, cell in cells.kinds(0.02)}
    assert plans["MLP, 24 replicates"].at_once == 24
    assert {plan.at_once for name, plan in plans.items() if "ConvNet" in name} == {1}
