"""Commands of this project as a person gives them, in any environment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from workflow_project import TIMEOUT, Done, Project

PYTHON = Path(sys.executable)


def call(project: Project, words: Sequence[str], umask: int = -1, **environment: str) -> Done:
    """A command in the project's folder."""
    done = subprocess.run(
        words,
        cwd=project.path,
        env={**project.environment, **environment},
        umask=umask,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    return Done(done.returncode, done.stdout)


def ablation(project: Project, *words: str, **environment: str) -> Done:
    """``python -m ablation …`` in a project."""
    path = str(project.path / "workflow")
    return call(
        project, [str(PYTHON), "-P", "-m", "ablation", *words], PYTHONPATH=path, **environment
    )


def snakemake(*words: str) -> list[str]:
    """The command ``snakemake``, which has the script's folder before all others, not the study's."""
    return [str(PYTHON.with_name("snakemake")), *words]
