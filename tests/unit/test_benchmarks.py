"""The benchmarks train and compare what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import bench
import cells
import effort
import entrants
import pytest
import timing
from ablation.networks.convnet import ConvNet
from ablation.networks.mlp import MLP
from peers import by_hand, plain
from torch import nn


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


def shapes(network: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in network.parameters()]


def test_the_peers_train_the_networks_that_the_project_trains() -> None:
    image = ConvNet((1, 28, 28), 10, depth=2, kernel=5, channels=[16, 32, 32, 32], fc_width=128)
    table = MLP((13,), 1, hidden_layers=2, width=64)
    for peer in (plain, by_hand):
        assert shapes(peer.cnn(5)) == shapes(image)
        assert shapes(peer.fnn(2)) == shapes(table)


def test_entrants_run_in_turn_and_the_ratio_is_a_median_over_rounds() -> None:
    order: list[str] = []

    def entrant(name: str, seconds: list[float]) -> Callable[[], timing.Cost]:
        def run() -> timing.Cost:
            order.append(name)
            return timing.Cost(seconds.pop(0), 0.0, 0.0)

        return run

    runs = {
        "ours": entrant("ours", [1.0, 10.0, 2.0]),
        "peer": entrant("peer", [3.0, 20.0, 8.0]),
        "slow": entrant("slow", [50.0]),
    }
    costs = timing.in_turn(runs, 3, {"slow"})
    assert order == ["ours", "peer", "slow", "ours", "peer", "ours", "peer"]
    rows = list(bench.rows_of("a cell", costs, {"peer": 0.5}))
    assert [(row["ratio"], row["runs"], row["metric"]) for row in rows] == [
        (1.0, 3, None),
        (3.0, 3, 0.5),
        (50.0, 1, None),
    ]
    assert "| a cell | peer | 8.0 | 3.00 | 3 | 0 | 0.5 |" in bench.table(rows)


def test_a_command_is_measured_on_the_cores_it_may_use(tmp_path: Path) -> None:
    code = "import os, pathlib; pathlib.Path('n').write_text(str(len(os.sched_getaffinity(0))))"
    before = timing.processors()
    timing.cost_of([sys.executable, "-c", code], tmp_path, cores=1)
    assert (tmp_path / "n").read_text() == "1"
    assert timing.processors() == before
    with pytest.raises(RuntimeError, match="ended with 3"):
        timing.cost_of([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def test_each_counted_change_fits_the_files_that_it_changes() -> None:
    found = effort.counts()
    assert found["axis"]["this project"] == (2, 1)
    for patch in effort.CHANGES.iterdir():
        subprocess.run(["git", "apply", "--check", str(patch)], cwd=effort.ROOT, check=True)


@pytest.mark.extended
def test_a_peer_writes_a_metric_for_each_replicate(tmp_path: Path) -> None:
    stream, rows = np.random.default_rng(0), np.arange(40)
    x, y = stream.normal(size=(40, 13)), stream.normal(size=40)
    split = {f"{part}_{r}": rows for part in ("train", "validation", "test") for r in (0, 1)}
    np.savez(tmp_path / "data.npz", x=x, y=y, test_x=x, test_y=y, **split)
    task = entrants.Task("fnn", 2, 2, 1, tmp_path, tmp_path / "data.npz", sys.executable)
    for name in (entrants.PLAIN, entrants.BY_HAND, entrants.SKLEARN):
        cost, metric = entrants.entrants(task)[name]()
        assert cost.wall > 0
        assert 0 < metric < 10
