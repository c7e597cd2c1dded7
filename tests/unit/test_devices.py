"""Which device a cell is trained on, decided without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ablation import devices, train_job


@pytest.mark.parametrize(
    ("visible", "files", "expected"),
    [
        (None, [], 0),
        (None, ["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"], 2),
        ("", ["nvidia0"], 0),
        ("-1", ["nvidia0"], 0),
        ("1", ["nvidia0", "nvidia1"], 1),
        ("GPU-1a,GPU-2b", [], 2),
    ],
)
def test_gpu_count(visible: str | None, files: list[str], expected: int, tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).touch()
    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert devices.gpu_count(environ, tmp_path) == expected


@pytest.mark.parametrize(
    ("device", "gpus", "expected"),
    [("cpu", 2, False), ("cuda", 0, True), ("auto", 0, False), ("auto", 1, True)],
)
def test_what_auto_means(
    device: str, gpus: int, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "gpu_count", lambda: gpus)
    assert devices.resolves_to_cuda(device) is expected


@pytest.mark.parametrize(
    ("requested", "device", "bf16", "expected"),
    [
        ("auto", "cpu", False, "fp32"),
        ("auto", "cpu", True, "bf16"),
        ("auto", "cuda", False, "bf16"),
        ("tf32", "cpu", True, "fp32"),
        ("tf32", "cuda", True, "tf32"),
        ("bf16", "cpu", False, "bf16"),
        ("fp32", "cuda", True, "fp32"),
    ],
)
def test_precision(
    requested: str, device: str, bf16: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_job.provenance, "cpu_has_bf16", lambda: bf16)
    assert train_job._precision(requested, device) == expected


@pytest.mark.parametrize("module", ["plan", "cli", "train_job", "registry", "grid"])
def test_what_snakemake_reads_does_not_import_torch(module: str) -> None:
    code = f"import ablation.{module}, sys; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    workflow = Path(__file__).resolve().parents[2] / "workflow"
    paths = {"PYTHONPATH": str(workflow)}
    done = subprocess.run([sys.executable, "-c", code], env=paths, check=False)
    assert done.returncode == 0
