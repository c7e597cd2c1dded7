#!/usr/bin/env python3
"""Submit Snakemake's job script as a Kubernetes job, and print the name of the job.

The pod sees the study's folder under the path that it has here, by the volume claim that ABLATION_K8S_CLAIM names, and
runs ABLATION_K8S_IMAGE as this user.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

GPU = "nvidia.com/gpu"
PROPERTIES = "# properties = "


def manifest(
    script: str, properties: dict[str, Any], *, image: str, claim: str, folder: str
) -> dict[str, Any]:
    """The job that runs a script.

    Args:
        script: path of the job script.
        properties: what Snakemake says of the job; of its resources ``mem_mb`` (MB) and ``gpu`` (a number) count.
        image: what the pod runs.
        claim: the volume claim of the study's folder.
        folder: the study's folder.
    """
    resources = properties["resources"]
    limits = {"memory": f"{resources['mem_mb']}M"}
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "securityContext": {"runAsUser": os.getuid(), "runAsGroup": os.getgid()},
        "volumes": [{"name": "study", "persistentVolumeClaim": {"claimName": claim}}],
    }
    # A job that needs none must not name GPUs, or it waits for a node that has them.
    if resources.get("gpu"):
        limits[GPU] = str(resources["gpu"])
        pod["tolerations"] = [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}]
    pod["containers"] = [
        {
            "name": "job",
            "image": image,
            "command": ["sh", script],
            "workingDir": folder,
            "volumeMounts": [{"name": "study", "mountPath": folder}],
            "resources": {
                "requests": {**limits, "cpu": str(properties["threads"])},
                "limits": limits,
            },
        }
    ]
    day = 24 * 60 * 60
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": "ablation-", "labels": {"app": "ablation"}},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": day,
            "template": {"metadata": {"labels": {"app": "ablation"}}, "spec": pod},
        },
    }


def read_properties(script: Path) -> dict[str, Any]:
    """What Snakemake says of a job, in a line of its script."""
    lines = script.read_text("utf-8").splitlines()
    line = next(line for line in lines if line.startswith(PROPERTIES))
    properties: dict[str, Any] = json.loads(line.removeprefix(PROPERTIES))
    return properties


def main() -> int:
    """Hand the job over to kubectl."""
    claim = os.environ.get("ABLATION_K8S_CLAIM")
    if not claim:
        print(
            "ABLATION_K8S_CLAIM is not set: name the claim of the study's volume.", file=sys.stderr
        )
        return 1
    job = manifest(
        sys.argv[1],
        read_properties(Path(sys.argv[1])),
        image=os.environ.get("ABLATION_K8S_IMAGE", "hw1"),
        claim=claim,
        folder=os.getcwd(),
    )
    # The server checks the job; kubectl would fetch the schema of all kinds each time.
    command = ["kubectl", "create", "--validate=false", "-f", "-"]
    command += ["-o", "jsonpath={.metadata.name}"]
    return subprocess.run(command, input=json.dumps(job), text=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
