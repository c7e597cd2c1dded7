"""Which device a cell is trained on, decided without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ablation.machine import devices
from ablation.training import device as arithmetic


@pytest.mark.parametrize(
    ("visible", "files", "expected"),
    [
        (None, [], 0),
        (None, ["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"], 2),
        ("", ["nvidia0"], 0),
        ("-1", ["nvidia0"], 0),
        ("1", ["nvidia0", "nvidia1"], 1),
        ("GPU-1a,GPU-2b", [], 2),
        # CUDA stops at the first entry that is none, and sees nothing where one is there twice.
        ("0,-1,1", ["nvidia0", "nvidia1"], 1),
        ("0, 1,x,2", [], 2),
        ("0,1,0", [], 0),
        ("MIG-1a,MIG-2b", [], 2),
    ],
)
def test_gpu_count(visible: str | None, files: list[str], expected: int, tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).touch()
    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert devices.gpu_count(environ, tmp_path) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": "2,5"}, ["2", "5"]),
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": "2,5", "SLURM_STEP_GPUS": "5"}, ["5"]),
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": "2,5", "CUDA_VISIBLE_DEVICES": "0"}, ["0"]),
        ({"SLURM_JOB_GPUS": "2,5"}, None),
        ({"SLURM_JOB_ID": "7"}, None),
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": ""}, []),
    ],
)
def test_slurms_assignment_counts_within_its_jobs(
    environ: dict[str, str], expected: list[str] | None, tmp_path: Path
) -> None:
    (tmp_path / "nvidia0").touch()
    assert devices.visible_gpus(environ) == expected
    assert devices.gpu_count(environ, tmp_path) == (1 if expected is None else len(expected))


@pytest.mark.parametrize(
    ("device", "gpus", "built", "expected"),
    [
        ("cpu", 2, True, False),
        ("cuda", 0, True, True),
        ("auto", 0, True, False),
        ("auto", 1, True, True),
        ("auto", 1, False, False),
    ],
)
def test_what_auto_means(
    device: str, gpus: int, built: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "gpu_count", lambda: gpus)
    monkeypatch.setattr(devices, "torch_has_cuda", lambda: built)
    assert devices.resolves_to_cuda(device) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cuda: Optional[str] = '13.0'", True),
        ("cuda = '12.8'", True),
        ("cuda: Optional[str] = None", False),
        ("cuda = None", False),
        ("", False),
    ],
)
def test_a_build_of_torch_without_cuda_is_known(line: str, expected: bool, tmp_path: Path) -> None:
    text = f"__all__ = ['cuda']\n__version__ = '2.14.1'\n{line}\nhip: Optional[str] = None\n"
    (tmp_path / "version.py").write_text(text, "utf-8")
    assert devices.torch_has_cuda(tmp_path / "version.py") is expected


def test_the_installed_torch_is_judged_as_it_judges_itself() -> None:
    import torch

    assert devices.torch_has_cuda() is (torch.version.cuda is not None)


@pytest.mark.parametrize(
    ("device", "local", "here", "expected"),
    [
        ("auto", True, (0, True), None),
        ("cpu", True, (0, False), None),
        ("cuda", True, (1, True), None),
        ("cuda", True, (0, True), "no GPU"),
        ("cuda", True, (1, False), "without CUDA"),
        ("auto", False, (1, True), "other machines"),
        ("cpu", False, (0, False), None),
        ("cuda", False, (0, False), None),
    ],
)
def test_what_is_refused_in_one_sentence(
    device: str,
    local: bool,
    here: tuple[int, bool],
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "gpu_count", lambda: here[0])
    monkeypatch.setattr(devices, "torch_has_cuda", lambda: here[1])
    sentence = devices.refusal(device, local=local)
    assert (sentence is None) == (expected is None)
    if sentence is not None and expected is not None:
        assert sentence.startswith(f"compute.device is '{device}'") and sentence.endswith(".")
        assert expected in sentence and "allowed is" in sentence and sentence.count(".") == 2


@pytest.mark.parametrize(
    ("requested", "device", "bf16", "expected"),
    [
        ("auto", "cpu", False, "fp32"),
        ("auto", "cpu", True, "bf16"),
        ("auto", "cuda", True, "bf16"),
        ("auto", "cuda", False, "fp32"),
        ("tf32", "cpu", True, "fp32"),
        ("tf32", "cuda", True, "tf32"),
        ("bf16", "cpu", False, "bf16"),
        ("fp32", "cuda", True, "fp32"),
    ],
)
def test_precision(
    requested: str, device: str, bf16: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "_has_bf16", lambda device: bf16)
    assert arithmetic.precision_of(requested, torch.device(device)) == expected


@pytest.mark.parametrize(
    "module",
    [
        "cli",
        "stages.train",
        "machine.lease",
    ],
)
def test_what_a_job_needs_first_does_not_import_torch(module: str) -> None:
    code = f"import ablation.{module}, sys; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    workflow = Path(__file__).resolve().parents[2] / "workflow"
    paths = {"PYTHONPATH": str(workflow)}
    done = subprocess.run([sys.executable, "-c", code], env=paths, check=False)
    assert done.returncode == 0
