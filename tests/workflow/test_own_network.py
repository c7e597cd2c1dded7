"""Cells of a user's own network: what its code trains again, what it refuses, what is the same twice, threads."""

from __future__ import annotations

from typing import Any

import pytest
from workflow_project import Done, Planned, Project, prepared, promise

pytestmark = pytest.mark.extended

NETWORK = '''"""One hidden layer, and a number that the layer below never gets."""
from torch import nn

PARAMETERS = {
    "width": {"type": "integer", "minimum": 1, "maximum": 64, "default": 4},
    "idle": {"enum": ["one", "two"], "default": "one"},
}


class Net(nn.Module):
    def __init__(self, inputs, outputs, *, width=4, idle="one"):
        super().__init__()
        if width > 8:
            raise ValueError(f"width is {width}: this network has room for 8")
        self.idle = idle
        self.layers = nn.Sequential(
            nn.Linear(inputs[0], width), nn.Tanh(), nn.Linear(width, outputs)
        )

    def forward(self, x):
        return self.layers(x)
'''
RECIPE = {"epochs": 2, "target": "standardised"}
CONFIG: dict[str, Any] = {
    "inherit": False,
    "study": {"name": "default", "seed": 5},
    "compute": {"device": "cpu", "replicates_at_once": 2, "checkpoint_seconds": 0},
    "models": {
        "mine": {
            "network": "my/net.py",
            "data": "diabetes",
            "replicates": 6,
            "recipe": RECIPE,
            "axes": {"width": {"values": [4, 8]}, "idle": {"values": ["one", "two"]}},
        },
        "shipped": {
            "network": "mlp",
            "data": "diabetes",
            "replicates": 6,
            "recipe": RECIPE,
            "parameters": {"width": 4, "hidden_layers": 1},
            "axes": {"activation": {"values": ["relu", "tanh"]}},
        },
    },
}
TABLES = "results/tables/comparisons.json"
ONE, TWO, OTHER = "mine/idle_one", "mine/idle_two", "mine/width_8"
MADE = ("model.safetensors", "history.csv", "gradients.csv", "replicates.json")
IDENTICAL = "not tested", "identical"
LINE = NETWORK[: NETWORK.index("raise")].count("\n") + 1
TOO_WIDE = f"mine/width_16: width is 16: this network has room for 8 (my/net.py:{LINE})"


def changed(project: Project, old: str, new: str) -> Planned:
    """A dry run after an edit of the network, which is undone."""
    path = project.path / "my" / "net.py"
    path.write_text(NETWORK.replace(old, new), "utf-8")
    planned = project.plan(TABLES)
    path.write_text(NETWORK, "utf-8")
    return planned


def cost(project: Project, cell: str) -> dict[str, Any]:
    found: dict[str, Any] = project.json(f"{project.store(cell)}/run.json")["cost"]
    return found


def read(project: Project) -> list[bytes]:
    return [(project.store(OTHER) / name).read_bytes() for name in MADE]


def own(project: Project) -> dict[str, Any]:
    """One cell of a fresh study alone on two cores, then all of it, then questions."""
    (project.path / "my").mkdir()
    (project.path / "my" / "net.py").write_text(NETWORK, "utf-8")
    project.configure(lambda config: (config.clear(), config.update(CONFIG)))
    project.run(f"results/{OTHER}/metrics.json", cores=2)
    alone, made = cost(project, OTHER)["threads"], read(project)
    project.drop("results/store/train", "results/store/evaluate")
    whole = project.made(TABLES, cores=2)
    shared = [cost(project, cell)["threads"] for cell in (ONE, TWO, OTHER)]
    found = {
        **{"project": project, "whole": whole, "same": made == read(project)},
        **{"alone": alone, "shared": shared},
        "threads": project.plan("--set-threads", "train=2", "--cores", "2", TABLES),
        "comment": changed(project, "        self.idle", "        # kept\n        self.idle"),
        "code": changed(project, "nn.Tanh()", "nn.ReLU()"),
    }
    axes = CONFIG["models"]["mine"]["axes"]
    wide = {**axes, "width": {"values": [4, 8, 16]}}
    project.configure(lambda config: config["models"]["mine"].update(axes=wide))
    before = project.files("results/store/train")
    found["refused"] = [
        project.snakemake("--cores", "2", *targets)
        for targets in ((), (f"results/{OTHER.replace('8', '16')}/metrics.json",))
    ]
    found["untouched"] = before == project.files("results/store/train")
    return found


@promise(6)
@prepared(own, fresh=True)
def test_the_code_of_an_own_network_trains_its_cells_alone(outcome: dict[str, Any]) -> None:
    assert outcome["whole"].trained == ["mine"] * 3 + ["shipped"] * 2
    assert outcome["comment"].idle
    assert outcome["code"].trained == ["mine"] * 3


@promise(12)
@prepared(own, fresh=True)
def test_threads_run_nothing_again_and_give_the_same_bytes(outcome: dict[str, Any]) -> None:
    assert outcome["threads"].idle
    assert (outcome["shared"], outcome["alone"]) == ([1, 1, 1], 2)
    assert outcome["same"]


@promise(11)
@prepared(own, fresh=True)
def test_cells_that_are_the_same_are_trained_once_and_called_so(outcome: dict[str, Any]) -> None:
    project: Project = outcome["project"]
    assert project.view(ONE)["key"] != project.view(TWO)["key"]
    assert cost(project, ONE) == cost(project, TWO) != cost(project, OTHER)
    axis = project.json(TABLES)["models"]["mine"]["axes"]["idle"]
    assert (axis["rows"]["two"]["verdict"], axis["rows"]["two"]["reason"]) == IDENTICAL


@promise(14)
@prepared(own, fresh=True)
def test_a_network_that_refuses_a_cell_stops_before_training(outcome: dict[str, Any]) -> None:
    refused: list[Done] = outcome["refused"]
    for done in refused:
        assert done.status != 0
        assert done.text.count(TOO_WIDE) == 1, done.text
        assert "Traceback" not in done.text
    assert outcome["untouched"]
