"""``python -m ablation plan`` names the jobs of a real run, and writes nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from workflow_project import Project, prepared

pytestmark = pytest.mark.extended

COUNT = re.compile(r"(\d+) (\w+)")


@dataclass(frozen=True)
class Both:
    """What the command and a run of Snakemake say of the same state, and whether the command left the files alone."""

    text: str
    jobs: dict[str, int]
    ran: dict[str, int]
    untouched: bool


def asked(project: Project, *arguments: str, real: bool = False) -> Both:
    """Ask the command, then Snakemake. real: run what a dry run does not list."""
    before = project.files("*", stamps=True)
    done = subprocess.run(
        [sys.executable, "-m", "ablation", "plan", *arguments],
        cwd=project.path,
        env={
            **project.environment,
            "PYTHONPATH": str(project.path / "workflow"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    after = project.files("*", stamps=True)
    last = done.stdout.splitlines()[-1]
    jobs = {rule: int(count) for count, rule in COUNT.findall(last)}
    trained = re.search(r"; (\d+) would be trained", done.stdout)
    assert trained is not None
    if int(trained[1]):
        jobs["train"] = int(trained[1])
    planned = project.made(cores=2) if real else project.plan(*arguments)
    return Both(done.stdout, jobs, planned.jobs, before == after)


def fresh(project: Project) -> Both:
    return asked(project)


def unchanged(project: Project) -> Both:
    return asked(project)


def changed(project: Project) -> Both:
    def change(config: dict[str, Any]) -> None:
        config["models"]["cnn"]["recipe"]["epochs"] = 2
        config["models"]["fnn"]["axes"]["depth"]["values"].append(3)

    project.configure(change)
    return asked(project)


def broken(project: Project) -> Both:
    """A damaged entry, and one that failed."""
    key = project.store("fnn/depth_1").name
    project.drop(f"results/store/train/{key}")
    failure = f"""
import os, sys
if sys.orig_argv[-7:-4] == ["ablation", "train", "{key}"]:
    os.kill(os.getpid(), 9)
"""
    project.sabotage(failure)
    project.run("--until", "train")
    project.repair()
    (project.store("cnn/kernel_3") / "manifest.json").write_text("{", "utf-8")
    return asked(project, real=True)


def coded(project: Project) -> Both:
    project.change_code("networks/convnet")
    return asked(project)


def variant(project: Project) -> Both:
    return asked(project, "--configfile", "config/smoke.yaml")


def drawn(project: Project) -> Both:
    """Without tables and views nothing is trained."""
    project.drop("results/store/collect", "results/store/draws", "results/cnn")
    return asked(project)


def checked(both: Both) -> None:
    assert both.jobs == both.ran
    assert both.untouched


@pytest.mark.parametrize(
    ("said", "trained"),
    [
        pytest.param("never trained", 27, marks=prepared(fresh, fresh=True), id="fresh"),
        pytest.param("Nothing to be done.", 0, marks=prepared(unchanged), id="unchanged"),
        pytest.param("epochs: 1 → 2", 3, marks=prepared(changed), id="changed"),
        pytest.param("damaged entry", 2, marks=prepared(broken), id="broken"),
        pytest.param("code of cnn changed", 2, marks=prepared(coded), id="code"),
        pytest.param("Study smoke", 16, marks=prepared(variant, fresh=True), id="variant"),
        pytest.param("1 draws", 0, marks=prepared(drawn), id="tables"),
    ],
)
def test_the_command_agrees_with_snakemake(said: str, trained: int, outcome: Both) -> None:
    checked(outcome)
    assert said in outcome.text
    assert outcome.jobs.get("train", 0) == trained


@prepared(changed)
def test_reasons_are_named_beside_an_estimate(outcome: Both) -> None:
    assert "new level (hidden_layers: 2 → 3)" in outcome.text
    assert re.search(
        r"^Training: about .* from \d+ earlier configurations?\.$", outcome.text, re.MULTILINE
    )


@prepared(broken)
def test_a_failure_is_named(outcome: Both) -> None:
    assert "failed before: killed by signal 9" in outcome.text
