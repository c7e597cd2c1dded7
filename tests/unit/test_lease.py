"""Each process leases a GPU of its own, which is free again however the process ends."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ablation.machine.lease import Gpu, LeaseError, acquire, choose, list_gpus

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"
UUIDS = [f"GPU-{n}0000000-aaaa-bbbb-cccc-00000000000{n}" for n in range(4)]
FOUR = "".join(f"GPU {n}: NVIDIA H100 80GB HBM3 (UUID: {uuid})\n" for n, uuid in enumerate(UUIDS))
DIVIDED = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-divided)
  MIG 3g.20gb     Device  0: (UUID: MIG-first)
  MIG 3g.20gb     Device  1: (UUID: MIG-second)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-whole)
"""
NOBODY = 65534
ACQUIRE = """
import logging, os, subprocess, sys, time
from ablation.machine.lease import acquire
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
if len(sys.argv) > 1:
    os.setuid(int(sys.argv[1]))
print(acquire(poll=0.02), flush=True)
"""
HOLD = ACQUIRE + "time.sleep(600)\n"
WITH_CHILDREN = (
    ACQUIRE
    + """
child = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
fork = os.fork()
if not fork:
    os.close(1), os.close(2), time.sleep(600)
print(child.pid, fork, flush=True)
time.sleep(60)
"""
)


class Machine:
    """A machine with pretended GPUs, on which real processes take leases."""

    def __init__(self, folder: Path) -> None:
        self.leases = folder / "leases"
        self.bin = folder / "bin"
        self.bin.mkdir(mode=0o755)
        self.processes: list[subprocess.Popen[str]] = []
        self.has(FOUR)

    def has(self, listing: str) -> None:
        tool = self.bin / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n[ $1 = -L ] && cat <<'END'\n{listing}END\n", "utf-8")
        tool.chmod(0o755)

    def start(
        self, code: str = HOLD, *arguments: str, umask: int = -1, **environ: str
    ) -> subprocess.Popen[str]:
        hidden = ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        paths = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(WORKFLOW),
            "ABLATION_GPU_LEASES": str(self.leases),
        }
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env={**kept, **paths, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=umask,
        )
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[str]) -> str:
        """SIGKILL a process; what it had logged."""
        process.send_signal(signal.SIGKILL)
        return process.communicate()[1]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    for process in machine.processes:
        machine.kill(process) if process.poll() is None else process.communicate()


def leased(process: subprocess.Popen[str]) -> str:
    """The GPU of a process, as soon as it has one; nothing if it gets none."""
    assert process.stdout is not None
    end = threading.Timer(20, process.kill)
    end.start()
    line = process.stdout.readline().strip()
    end.cancel()
    return line


def waits(process: subprocess.Popen[str]) -> bool:
    """Whether a process says that it waits for a GPU."""
    assert process.stderr is not None
    return "waiting for a GPU: all " in process.stderr.readline()


def test_four_processes_have_four_gpus_and_a_fifth_inherits_one(machine: Machine) -> None:
    holders = {leased(process): process for process in [machine.start() for _ in range(4)]}
    assert sorted(holders) == UUIDS
    pid = (machine.leases / f"{UUIDS[2]}.lock").read_text("utf-8").split()[0]
    assert int(pid) == holders[UUIDS[2]].pid
    fifth = machine.start()
    assert waits(fifth)
    time.sleep(0.2)
    assert fifth.poll() is None
    machine.kill(holders[UUIDS[2]])
    assert leased(fifth) == UUIDS[2]
    rest = machine.kill(fifth)
    assert "waiting" not in rest  # it says so once
    assert f"leased GPU {UUIDS[2]}" in rest


def test_only_visible_gpus_are_leased_in_their_order(machine: Machine) -> None:
    given = {"CUDA_VISIBLE_DEVICES": "3,1"}
    first, second = leased(machine.start(**given)), leased(machine.start(**given))
    assert [first, second] == [UUIDS[3], UUIDS[1]]
    assert waits(machine.start(**given))


def test_slurms_own_assignment_is_leased(machine: Machine) -> None:
    given = {"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": "2"}
    assert leased(machine.start(**given)) == UUIDS[2]
    assert waits(machine.start(**given))


def test_a_child_does_not_keep_the_lease(machine: Machine) -> None:
    given = {"CUDA_VISIBLE_DEVICES": "0"}
    parent = machine.start(WITH_CHILDREN, **given)
    assert leased(parent) == UUIDS[0]
    children = list(map(int, leased(parent).split()))
    try:
        machine.kill(parent)
        assert leased(machine.start(**given)) == UUIDS[0]
        for child in children:
            os.kill(child, 0)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


def test_another_folder_knows_nothing_of_it(machine: Machine, tmp_path: Path) -> None:
    other = {"ABLATION_GPU_LEASES": str(tmp_path / "made" / "on demand")}
    assert leased(machine.start()) == leased(machine.start(**other)) == UUIDS[0]


def test_locks_are_open_to_every_user_whatever_the_umask(machine: Machine) -> None:
    leased(machine.start(umask=0o077))
    lock = machine.leases / f"{UUIDS[0]}.lock"
    assert stat.S_IMODE(machine.leases.stat().st_mode) == 0o1777
    assert stat.S_IMODE(lock.stat().st_mode) == 0o666


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_two_users_share_the_leases() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    machine = Machine(folder)
    given = {"CUDA_VISIBLE_DEVICES": "0"}
    try:
        root = machine.start(**given)
        leased(root)
        nobody = machine.start(HOLD, str(NOBODY), **given)
        assert waits(nobody)
        machine.kill(root)
        assert leased(nobody) == UUIDS[0]
        assert waits(machine.start(**given))
    finally:
        for process in machine.processes:
            machine.kill(process)
        shutil.rmtree(folder)


def test_the_lease_is_what_cuda_sees_and_is_taken_before_torch(machine: Machine) -> None:
    code = """
import os, sys
from ablation.machine import lease
from ablation.stages import train as train_job
train_job.own_gpu()
assert lease.own_gpu() == os.environ["CUDA_VISIBLE_DEVICES"]
def stop():
    print("torch" in sys.modules, os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.exit()
train_job.own_gpu = stop
train_job._train({}, "", None, {"device": "cuda"}, None)
"""
    assert leased(machine.start(code)) == f"False {UUIDS[0]}"


# Which GPUs there are


@pytest.fixture
def no_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_mig_instances_stand_for_their_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Machine(tmp_path).has(DIVIDED)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    first, second = Gpu(0, "MIG-first", "GPU-divided"), Gpu(0, "MIG-second", "GPU-divided")
    whole = Gpu(1, "GPU-whole")
    assert list_gpus() == [first, second, whole]
    assert choose(list_gpus(), {"CUDA_VISIBLE_DEVICES": "GPU-divided"}) == [first, second]
    assert choose(list_gpus(), {"CUDA_VISIBLE_DEVICES": "MIG-second"}) == [second]
    assert choose(list_gpus(), {"CUDA_VISIBLE_DEVICES": "1,0"}) == [whole, first, second]


@pytest.mark.usefixtures("no_tool")
def test_without_the_tool_the_driver_is_asked_and_then_the_device_files(tmp_path: Path) -> None:
    proc, dev = tmp_path / "proc", tmp_path / "dev"
    for bus, uuid in [("0000:17:00.0", "GPU-????????-????"), ("0000:05:00.0", "GPU-0a-b1")]:
        (proc / bus).mkdir(parents=True)
        text = f"Model: \t\t NVIDIA H100\nGPU UUID: \t {uuid}\nDevice Minor: \t 1\n"
        (proc / bus / "information").write_text(text, "utf-8")
    dev.mkdir()
    for name in ("nvidia0", "nvidia3", "nvidiactl"):
        (dev / name).touch()
    assert list_gpus(proc, dev) == [Gpu(0, "GPU-0a-b1"), Gpu(1, "1")]
    assert list_gpus(tmp_path / "none", dev) == [Gpu(0, "0"), Gpu(3, "3")]
    assert list_gpus(tmp_path / "none", tmp_path / "none") == []


ALL = [Gpu(n, uuid) for n, uuid in enumerate(UUIDS)]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"CUDA_VISIBLE_DEVICES": "1,3"}, [1, 3]),
        ({"CUDA_VISIBLE_DEVICES": f"{UUIDS[2]},GPU-0"}, [2, 0]),
        ({"CUDA_VISIBLE_DEVICES": "2,9,0"}, [2]),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"SLURM_JOB_ID": "7", "SLURM_STEP_GPUS": "3", "SLURM_JOB_GPUS": "2,3"}, [3]),
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": "3", "CUDA_VISIBLE_DEVICES": "0"}, [0]),
        # A job that sees its own GPUs alone, under numbers of the node.
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": "3,4,5,6"}, [0, 1, 2, 3]),
    ],
)
def test_the_choice(environ: dict[str, str], expected: list[int]) -> None:
    assert [gpu.index for gpu in choose(ALL, environ)] == expected


def test_names_stand_for_themselves_where_nothing_can_be_listed() -> None:
    found = choose([], {"CUDA_VISIBLE_DEVICES": "2,GPU-7f"})
    assert [gpu.uuid for gpu in found] == ["2", "GPU-7f"]


# Mistakes


@pytest.mark.usefixtures("no_tool")
@pytest.mark.parametrize("environ", [{}, {"CUDA_VISIBLE_DEVICES": "-1"}])
def test_no_gpu_is_one_sentence(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablation.machine.lease.list_gpus", list)
    with pytest.raises(LeaseError, match=r"^there is no GPU here.*compute\.device to cpu\.$"):
        acquire(tmp_path, environ=environ)


@pytest.mark.parametrize("place", ["file", "file/below", "odd"])
def test_a_folder_that_cannot_be_used_is_one_sentence(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "odd" / f"{UUIDS[0]}.lock").mkdir(parents=True)
    monkeypatch.setattr("ablation.machine.lease.list_gpus", lambda: ALL)
    environ: dict[str, Any] = {"ABLATION_GPU_LEASES": str(tmp_path / place)}
    with pytest.raises(LeaseError, match=r"^ABLATION_GPU_LEASES is .*allowed is .*\.$"):
        acquire(environ=environ)
