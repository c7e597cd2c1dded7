"""The finished study that the oracles look at."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oracle.study import Study

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = ("Snakefile", "config.yaml", "config", "profiles", "workflow")
VARIANT = Path(__file__).with_name("study.yaml")
# What would change a run, or slow it down.
FOREIGN = (
    *("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "SNAKEMAKE_PROFILE"),
    *("ABLATION_RUN", "ABLATION_FOLLOWED"),
)
TIMEOUT = 600


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study, to be read and never written to.

    With ``ORACLE_STUDY=folder`` in the environment, the default study of that project (another one of it with
    ``ORACLE_STUDY_NAME=name``). Otherwise the small study ``study.yaml``, trained once per session in a temporary copy of the
    shipped files:

    - an FNN of 12 replicates (two blocks) and 40 epochs, with a cell in which all replicates diverge (``learning_rate_0.1``),
      one in which many predict the mean (``depth_at_0.01_8``), an ordinary axis (``depth_at_0.01``) and a grid of two
      parameters (``depth_by_learning_rate``);
    - a CNN of 6 replicates and 3 epochs with the axes ``kernel``, ``dropout``, ``batchnorm`` and ``augmentation``.

    ``study.project``, ``study.report``, ``study.results``, ``study.tables`` and ``study.store`` are paths. ``study.cells`` are
    the distinct cells with the paths of their stored files. ``study.shown(model)`` are the paths of the readable
    ``metrics.json`` by cell name.
    """
    given = os.environ.get("ORACLE_STUDY")
    if given:
        return Study(Path(given).resolve(), os.environ.get("ORACLE_STUDY_NAME", "default"))
    project = tmp_path_factory.mktemp("oracle") / "project"
    _copy_shipped(project)
    command = ["-m", "snakemake", "--cores", "2", "--configfile", str(VARIANT)]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name not in FOREIGN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return Study(project, "oracle")


def _copy_shipped(project: Path) -> None:
    skip = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    project.mkdir()
    for name in SHIPPED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=skip)
        else:
            shutil.copy2(source, project / name)
