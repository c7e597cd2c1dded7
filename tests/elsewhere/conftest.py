"""Runs on other machines: stand-in servers on this one, asked by the real clients of Debian's packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from workflow_project import Project, tiny


def small(config: dict[str, object]) -> None:
    """The tiny study without its CNN."""
    models = tiny(config)["models"]
    models["cnn"] = None
    models["fnn"]["axes"] = {"depth": {"parameter": "hidden_layers", "values": [1, 2]}}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished study of two cells. A test copies it, or reads it alone."""
    project = Project.shipped(tmp_path_factory.mktemp("elsewhere") / "finished")
    project.configure(small)
    project.run(cores=2)
    return project
