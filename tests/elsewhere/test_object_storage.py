"""A second machine goes on from a bucket: the commands of the page, by real rclone, against moto's S3 server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import small
from workflow_calls import call
from workflow_project import REPOSITORY, TIMEOUT, Project, promise

PAGE = REPOSITORY / "docs" / "how-to" / "object-storage.md"
ENVIRONMENT = Path(sys.prefix, "s3")  # `make elsewhere-test` makes it
STORE = "bucket:my-bucket/store"
New = Callable[[str], Project]


def rclone(*words: str) -> list[str]:
    """The lines that rclone prints."""
    done = subprocess.run(["rclone", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 server with one bucket, which rclone knows as the remote ``bucket``."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)  # they are about another storage
    remote = {"type": "s3", "provider": "Other", "endpoint": address}
    for name, value in {**remote, "access_key_id": "key", "secret_access_key": "secret"}.items():
        monkeypatch.setenv(f"RCLONE_CONFIG_BUCKET_{name.upper()}", value)
    monkeypatch.setenv("RCLONE_CONFIG", str(tmp_path / "rclone.conf"))
    command = [ENVIRONMENT / "bin" / "python", "-m", "moto.server", "-p", str(port)]
    with (tmp_path / "moto.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        await_port(process, port)
        rclone("mkdir", "bucket:my-bucket")
        yield address
    finally:
        process.terminate()
        process.wait()


def await_port(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a process listens."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        assert process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def new(tmp_path: Any) -> New:
    """``new(name)``: another machine, which has the project and nothing of its results."""

    def make(name: str) -> Project:
        project = Project.shipped(tmp_path / name)
        project.configure(small)
        return project

    return make


def copy(project: Project, direction: str) -> None:
    """Copy the store ``down`` or ``up``, by the command of the page."""
    (block,) = re.findall(r"^```storage\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.M)
    lines = block.splitlines()
    command = lines[0] if direction == "down" else lines[-1]
    assert command.startswith("rclone copy ")
    done = call(project, ["sh", "-c", command])
    assert done.status == 0, done.text


def deeper(config: dict[str, Any]) -> None:
    config["models"]["fnn"]["axes"]["depth"]["values"].append(3)


def numbers(project: Project) -> dict[str, Any]:
    """The tables but for measured cost, and each cell's readable file."""
    return project.files("results/tables/replicates.csv", "results/fnn")


@promise(8)
def test_a_second_machine_continues_and_trains_nothing_twice(
    finished: Project, server: str, new: New
) -> None:
    copy(finished, "up")
    second = new("second")
    copy(second, "down")
    assert second.made(cores=2).trained == []
    assert not (second.path / "resources").exists()  # prepared data are entries
    assert numbers(second) == numbers(finished)
    second.configure(deeper)
    assert second.made(cores=2).trained == ["fnn"]
    copy(second, "up")
    third = new("third")
    third.configure(deeper)
    copy(third, "down")
    assert third.made(cores=2).trained == []
    assert numbers(third) == numbers(second)


@promise(17)
def test_what_was_copied_by_half_is_trained_again(finished: Project, server: str, new: New) -> None:
    sender = finished.copy(finished.path.with_name("sender"))
    shutil.copytree(sender.entry("train"), sender.entry("train").with_name(".draft"))
    copy(sender, "up")
    files = rclone("lsf", "--recursive", "--files-only", STORE)
    assert not [file for file in files if "/." in file]
    first, other = sorted(file for file in files if file.endswith("model.safetensors"))
    damaged = sender.path / "damaged"
    damaged.write_bytes((sender.path / "results" / "store" / first).read_bytes()[:-1])
    rclone("copyto", str(damaged), f"{STORE}/{first}")
    rclone("deletefile", f"{STORE}/{Path(other).parent}/manifest.json")
    second = new("second")
    copy(second, "down")
    second.drop("results/store/evaluate", "results/store/collect")
    assert second.made(cores=2).trained == ["fnn", "fnn"]
    copy(second, "up")
    assert numbers(second).keys() == numbers(finished).keys()
    third = new("third")
    copy(third, "down")
    assert third.made(cores=2).trained == []
    assert numbers(third) == numbers(second)


@pytest.mark.parametrize("dry", [(), ("-n",)])
def test_snakemakes_own_storage_is_refused(dry: tuple[str, ...], server: str, new: New) -> None:
    (packages,) = ENVIRONMENT.glob("lib/python*/site-packages")
    variables = {"PYTHONPATH": str(packages), "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": server}
    options = ("--default-storage-provider", "s3", "--default-storage-prefix", "s3://my-bucket")
    project = new("alone")
    done = project.snakemake("--cores", "1", *options, *dry, environment=variables)
    assert done.status == 1
    assert "Traceback" not in done.text
    assert "--default-storage-provider is not for this workflow" in done.text
    assert not (project.path / "results").exists()
    assert rclone("lsf", "bucket:my-bucket") == []
