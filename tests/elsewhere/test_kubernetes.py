"""The profile for Kubernetes: real kubectl, and a stand-in for the API server that takes valid jobs alone and runs them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_server import Cluster, serving
from workflow_project import REPOSITORY, TIMEOUT, Project

KUBERNETES = REPOSITORY / "profiles" / "kubernetes"
CELL = "results/fnn/depth_1/metrics.json"
Call = Callable[..., str]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    config = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))  # kubectl keeps there what it learns of servers
    monkeypatch.setenv("ABLATION_K8S_CLAIM", "study")
    with serving(tmp_path / "pods.log", config) as served:
        yield served


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Submit a job script with these lines; returns the name of the job."""
    properties = '# properties = {"threads": 2, "resources": {"mem_mb": 4000, "gpu": 1}}'

    def submit(lines: str) -> str:
        path = tmp_path / "job.sh"
        path.write_text(f"#!/bin/sh\n{properties}\n{lines}\n", "utf-8")
        return run(sys.executable, KUBERNETES / "submit.py", path)

    return submit


def run(*words: str | Path) -> str:
    """What a command prints."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def state(name: str) -> str:
    return run("sh", KUBERNETES / "status.sh", name)


def until_it_ends(name: str) -> str:
    """The state of a job once it does not run any more."""
    end = time.monotonic() + TIMEOUT
    while (found := state(name)) == "running" and time.monotonic() < end:
        time.sleep(0.2)
    return found


def shown(project: Project) -> dict[str, Any]:
    """What the main process alone may change."""
    return project.files("results/?nn", "results/store/specs", stamps=True)


def test_a_cell_trained_in_pods_has_the_same_numbers(
    cluster: Cluster, finished: Project, tmp_path: Path
) -> None:
    project = finished.copy(tmp_path / "study")
    entries = [project.store("fnn/depth_1", stage) for stage in ("train", "evaluate")]
    trained, tested = (str(entry.relative_to(project.path)) for entry in entries)
    numbers = [f"{trained}/*.safetensors", f"{trained}/*.csv", f"{tested}/*.csv"]
    before = project.files(*numbers)
    assert len(before) >= 4
    project.drop(trained, tested, CELL)
    untouched = shown(project)
    quick = ("--seconds-between-status-checks", "1", "--latency-wait", "5")
    device = ("--config", "compute={device: cpu}")
    done = project.snakemake("--workflow-profile", "kubernetes", CELL, *quick, *device)
    assert done.status == 0, done.text[-3000:] + (tmp_path / "pods.log").read_text("utf-8")
    assert project.files(*numbers) == before
    assert cluster.refused == []
    assert len(cluster.asked) == 2  # training and evaluation; the copy is made here
    left = shown(project)
    assert {path: left[path] for path in untouched} == untouched
    pod = cluster.asked[0]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert container["volumeMounts"] == [{"name": "study", "mountPath": str(project.path)}]
    assert container["resources"]["limits"] == {"memory": "16000M"}
    assert "tolerations" not in pod


@pytest.mark.parametrize(("lines", "expected"), [("true", "success"), ("exit 3", "failed")])
def test_the_state_of_a_job_that_ends(
    lines: str, expected: str, cluster: Cluster, script: Callable[[str], str]
) -> None:
    assert until_it_ends(script(lines)) == expected
    limits = cluster.asked[0]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"memory": "4000M", "nvidia.com/gpu": "1"}


def test_a_job_that_is_cancelled_is_gone(
    cluster: Cluster, script: Callable[[str], str], tmp_path: Path
) -> None:
    lasting = f"echo $$ > {tmp_path}/pid; exec sleep 600"
    first, second = script(lasting), script("exec sleep 600")
    assert (state(first), state(second)) == ("running", "running")
    run("sh", KUBERNETES / "cancel.sh", first, second)
    assert (state(first), state(second)) == ("failed", "failed")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text("utf-8")), 0)
    run("sh", KUBERNETES / "cancel.sh", first)  # again, as Snakemake may


def test_while_the_server_does_not_answer_a_job_runs(tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    with serving(tmp_path / "pods.log", config):
        pass
    done = subprocess.run(
        ["sh", str(KUBERNETES / "status.sh"), "ablation-1"],
        env={**os.environ, "KUBECONFIG": str(config), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    assert done.stdout == "running\n"
    assert "refused" in done.stderr
