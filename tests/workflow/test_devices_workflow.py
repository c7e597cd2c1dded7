"""What a training job asks for, what is refused, and jobs that run on other machines."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from workflow_project import REPOSITORY, Done, Project, prepared

CPU = {"CUDA_VISIBLE_DEVICES": ""}
TWO_GPUS = {"CUDA_VISIBLE_DEVICES": "GPU-1a,GPU-2b"}
MESSAGE = re.compile(r"^    message:\n        .*\n", re.MULTILINE)
RESOURCES = re.compile(r"^ *rule (\w+):\n(?: +.*\n)*? +resources: (.*)$", re.MULTILINE)
KUBERNETES = REPOSITORY / "profiles" / "kubernetes"
SCHEMA = REPOSITORY / "tests" / "data" / "kubernetes-1.36-job.json"


class On(Project):
    """A working copy on a machine with variables of its own."""

    def __init__(self, project: Project, variables: dict[str, str]) -> None:
        super().__init__(project.path)
        self.variables = variables

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **self.variables}


# What jobs ask for


def asked(variables: dict[str, str], *options: str) -> Callable[[Project], dict[str, Any]]:
    """Resources per rule in a dry run of everything, and the specifications that it leaves."""

    def run(project: Project) -> dict[str, Any]:
        for path in (project.path / "workflow" / "rules").glob("*.smk"):
            path.write_text(MESSAGE.sub("", path.read_text("utf-8")), "utf-8")  # they hide the rest
        done = On(project, variables).snakemake("-n", *options)
        assert done.status == 0, done.text
        found = {
            rule: dict(item.split("=", 1) for item in items.split(", "))
            for rule, items in RESOURCES.findall(done.text)
        }
        paths = project.path.glob("results/store/specs/*.json")
        return {"rules": found, "specs": {p.stem: json.loads(p.read_text("utf-8")) for p in paths}}

    return run


CLUSTER_CPU = ("--config", "compute={device: cpu}")


def documented() -> list[list[str]]:
    """The options of each Snakemake command that the page on clusters has."""
    page = (REPOSITORY / "docs" / "how-to" / "cluster.md").read_text("utf-8")
    lines = "".join(re.findall(r"^```cluster\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    calls = [shlex.split(line, comments=True) for line in lines.splitlines()]
    return [words[words.index("snakemake") + 1 :] for words in calls if "snakemake" in words]


def test_the_page_on_clusters_has_both_profiles() -> None:
    assert {"slurm", "kubernetes"} <= {word for words in documented() for word in words}


@pytest.mark.extended
@pytest.mark.parametrize(
    ("gpus", "device"),
    [
        pytest.param(gpus, device, marks=prepared(asked(variables, *options), fresh=True), id=name)
        for name, gpus, device, variables, options in [
            ("cpu", "0", "auto", CPU, ()),
            ("gpus", "1", "auto", TWO_GPUS, ("--resources", "gpu=1")),
            ("slurm beside default", "1", "cuda", CPU, ("--profile", "profiles/slurm")),
            *(
                (
                    " ".join(words),
                    *(("0", "cpu") if CLUSTER_CPU[1] in words else ("1", "cuda")),
                    CPU,
                    words,
                )
                for words in documented()
            ),
        ]
    ],
)
def test_training_alone_asks_for_a_gpu_where_the_device_is_one(
    gpus: str, device: str, outcome: dict[str, Any], config: dict[str, Any]
) -> None:
    from ablation.study.grid import build

    rules = outcome["rules"]
    assert {"prepare", "train", "evaluate"} <= set(rules)
    assert rules["train"]["gpu"] == gpus
    asking = [rule for rule, resources in rules.items() if resources.get("gpu", "0") != "0"]
    assert asking == ["train"] * (gpus == "1")
    specs = outcome["specs"]
    (report,) = [spec for spec in specs.values() if spec["stage"] == "report"]
    assert report["config"]["compute"]["device"] == device
    # A profile sets the device and leaves the rest of the configuration: all keys are as before.
    trained = {key for key, spec in specs.items() if spec["stage"] == "train"}
    assert trained == set(build(config).by_key)


def asked_again(project: Project) -> dict[str, Any]:
    """What a training asks for where others of its model are stored: here, and of Slurm."""
    project.drop(str(project.store("fnn/depth_1", "train").relative_to(project.path)))
    return {
        "here": asked(CPU)(project)["rules"]["train"],
        "slurm": asked(CPU, "--workflow-profile", "slurm", *CLUSTER_CPU)(project)["rules"]["train"],
    }


@pytest.mark.extended
@prepared(asked_again)
def test_a_cluster_is_asked_for_what_earlier_trainings_took(outcome: dict[str, Any]) -> None:
    assert (outcome["here"]["mem_mb"], outcome["here"]["runtime"]) == ("0", "0")
    assert outcome["slurm"]["runtime"] == "6"  # minutes, for a training of a second
    assert 1000 < int(outcome["slurm"]["mem_mb"]) < 8000


# How many train at once

TIMED = """
import os, sys, time
if sys.orig_argv[-7:-5] == ["ablation", "train"]:
    start = time.monotonic()
    time.sleep(1.5)
    with open("times", "a") as stream:
        stream.write(f"{start} {time.monotonic()}\\n")
    os._exit(1)
"""


def trained_at_once(variables: dict[str, str], *options: str) -> Callable[[Project], int]:
    """The largest number of training jobs that were alive together, of four."""

    def run(project: Project) -> int:
        project.drop("results/store/train", "results/store/evaluate")
        project.sabotage(TIMED)
        On(project, variables).snakemake("--cores", "4", "--until", "train", *options)
        spans = [list(map(float, line.split())) for line in project.text("times").splitlines()]
        assert len(spans) == 4
        return max(sum(a <= start < b for a, b in spans) for start, _ in spans)

    return run


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param(expected, marks=prepared(trained_at_once(variables, *options)), id=name)
        for name, expected, variables, options in [
            ("a CPU is not held up", 4, CPU, ("--resources", "gpu=1")),
            ("one GPU", 1, TWO_GPUS, ("--resources", "gpu=1")),
            ("as many as there are GPUs", 2, TWO_GPUS, ()),
        ]
    ],
)
def test_gpus_limit_gpu_jobs_alone(expected: int, outcome: int) -> None:
    assert outcome == expected


# What is refused

ELSEWHERE = ("--executor", "cluster-generic", "--cluster-generic-submit-cmd", "sh", "--jobs", "2")
ON_CUDA = ("--config", "compute={device: cuda}")


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param(
            sentence,
            marks=prepared(
                lambda project, given=options: On(project, CPU).snakemake(*given), fresh=True
            ),
            id=" ".join(options[-2:]),
        )
        for sentence, options in [
            ("compute.device is 'auto', but jobs run on other machines", ELSEWHERE),
            ("compute.device is 'auto', but jobs run on other machines", (*ELSEWHERE, "-n")),
            ("compute.device is 'cuda', but no GPU is visible here", ON_CUDA),
        ]
    ],
)
def test_a_device_that_cannot_be_is_one_sentence(sentence: str, outcome: Done) -> None:
    assert outcome.status == 1
    assert "Traceback" not in outcome.text
    found = [line for line in outcome.text.splitlines() if "compute.device" in line]
    assert len(found) == 1 and found[0].startswith(sentence) and found[0].endswith(".")
    assert outcome.text.rstrip().endswith(found[0])


# Jobs on other machines; tests/elsewhere runs them


def test_a_gpu_job_names_its_gpu() -> None:
    manifest = runpy.run_path(str(KUBERNETES / "submit.py"))["manifest"]
    properties = {"threads": 1, "resources": {"mem_mb": 4000, "gpu": 1}}
    job = manifest("script.sh", properties, image="hw1", claim="study", folder="/study")
    schema = json.loads(SCHEMA.read_text("utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(job)) == []
    pod = job["spec"]["template"]["spec"]
    limits = {"memory": "4000M", "nvidia.com/gpu": "1"}
    assert pod["containers"][0]["resources"] == {
        "requests": {**limits, "cpu": "1"},
        "limits": limits,
    }
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("echo COMPLETED", "success"),
        ("echo NODE_FAIL", "failed"),
        ("echo TIMEOUT", "failed"),
        ("echo COMPLETING", "running"),
        ("echo PENDING", "running"),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", "success"),
        ("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1", "running"),
    ],
)
def test_the_state_of_a_slurm_job(answer: str, expected: str, tmp_path: Path) -> None:
    tool = tmp_path / "squeue"
    tool.write_text(f"#!/bin/sh\n{answer}\n", "utf-8")
    tool.chmod(0o755)
    done = subprocess.run(
        ["sh", str(REPOSITORY / "profiles" / "slurm" / "status.sh"), "7"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{expected}\n"
