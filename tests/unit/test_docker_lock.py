"""The lock file of an image without CUDA."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY

SCRIPT = REPOSITORY / "docker" / "split_lock.py"
LOCK = """\
cuda-bindings==13.5.0 ; sys_platform == 'linux' \\
    --hash=sha256:aa
    # via torch
numpy==2.4.1 ; python_full_version < '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via
    #   pandas
    #   torch
numpy==2.5.0 ; python_full_version >= '3.12' \\
    --hash=sha256:dd
nvidia-cublas==13.1.1.3 ; sys_platform == 'linux' \\
    --hash=sha256:ee
torch==2.14.1 \\
    --hash=sha256:ff
    # via torchvision
torchvision==0.29.1 \\
    --hash=sha256:00
triton==3.8.0 ; sys_platform == 'linux' \\
    --hash=sha256:11
tritonlike==1.0 \\
    --hash=sha256:22
"""
REST = """\
numpy==2.4.1 ; python_full_version < '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via
    #   pandas
    #   torch
numpy==2.5.0 ; python_full_version >= '3.12' \\
    --hash=sha256:dd
tritonlike==1.0 \\
    --hash=sha256:22
"""


@pytest.fixture(scope="module")
def split() -> Callable[[str], tuple[str, str]]:
    return runpy.run_path(str(SCRIPT))["split"]


def names(lock: str) -> set[str]:
    return {line.partition("==")[0] for line in lock.splitlines() if line[:1].isalpha()}


def test_the_parts(split: Callable[[str], tuple[str, str]]) -> None:
    assert split(LOCK) == ("torch==2.14.1\ntorchvision==0.29.1\n", REST)


def test_the_lock_of_the_project(split: Callable[[str], tuple[str, str]]) -> None:
    lock = (REPOSITORY / "requirements.txt").read_text("utf-8")
    torch, rest = split(lock)
    gone = names(lock) - names(rest)
    assert all(line in lock for line in torch.splitlines())
    assert {"torch", "torchvision", "triton"} < gone
    assert all(name.startswith(("torch", "triton", "nvidia-", "cuda-")) for name in gone)
    assert {"numpy", "snakemake", "sympy", "setuptools"} < names(rest)
    assert rest.count("--hash") > len(names(rest))


def test_a_lock_without_torch(split: Callable[[str], tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match="does not pin torchvision"):
        split(LOCK.replace("torchvision==", "vision=="))


def test_a_mistake_is_one_sentence(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("numpy==2.4.1\n")
    arguments = [str(lock), "--torch", str(tmp_path / "torch"), "--rest", str(tmp_path / "rest")]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == f"{lock}: the lock does not pin torch and torchvision\n"
    assert not (tmp_path / "rest").exists()
