"""What a GPU (or, for comparison, a processor) makes of the CNN's baseline, and of the whole study.

``make gpu-benchmark`` runs it on the whole of MNIST; ``--share 0.02 --device cpu`` tries it out where there is no GPU.
It prints a table for benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

import torch  # noqa: E402
import yaml  # noqa: E402
from ablation.machine.logs import attached  # noqa: E402
from ablation.networks.cnn import layers  # noqa: E402
from ablation.networks.cnn.prepare import prepare  # noqa: E402
from ablation.networks.cnn.train import run  # noqa: E402
from ablation.networks.stack import steps  # noqa: E402
from ablation.study.reading import load  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

Part = dict[str, torch.Tensor]


@contextmanager
def utilisation() -> Iterator[list[float]]:
    """Percent of the time that a kernel ran, sampled twice a second; empty without nvidia-smi."""
    found: list[float] = []
    ended = threading.Event()
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]

    def sample() -> None:
        while not ended.wait(0.5):
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=True)
            except (OSError, subprocess.SubprocessError):
                return
            found.append(max(map(float, done.stdout.split())))

    thread = threading.Thread(target=sample)
    thread.start()
    yield found
    ended.set()
    thread.join()


@contextmanager
def variation(name: str, device: str) -> Iterator[None]:
    """The trainer with one of its choices undone."""
    warm_up, ways = steps.WARM_UP, dict(layers.CONVOLUTIONS)
    if name == "steps one by one":
        steps.WARM_UP = 10**12
    if name == "grouped convolutions":
        layers.CONVOLUTIONS[device] = layers.grouped
    if name == "one convolution per replicate":
        layers.CONVOLUTIONS[device] = layers.separate
    yield
    steps.WARM_UP = warm_up
    layers.CONVOLUTIONS.update(ways)


class Stamps(logging.Handler):
    """When each epoch was over."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        logging.getLogger("ablation").setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, "progress"):
            self.seconds.append(time.perf_counter())


def seconds_per_epoch(parameters: dict[str, Any], part: Part, device: str, precision: str) -> float:
    """Median over the epochs after the first, which warms up and records."""
    with attached(Stamps()) as stamps:
        run(parameters, part, seed=1, device=torch.device(device), precision=precision)
    return statistics.median(b - a for a, b in pairwise(stamps.seconds))


def prepared(parameters: dict[str, Any], replicates: int) -> Part:
    """The train part, from the raw files that the workflow downloaded."""
    raw = ROOT / "resources" / parameters["dataset"]
    if not raw.is_dir():
        target = str(raw.relative_to(ROOT) / "train-images-idx3-ubyte.gz")
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--configfile",
            "config/full.yaml",
            "--",
            target,
        ]
        subprocess.run(command, check=True, cwd=ROOT)
    train, _ = prepare(raw, parameters, 1, replicates)
    return {name: torch.from_numpy(array) for name, array in train.items()}


def plain_seconds(part: Part, batch: int) -> float:
    """Seconds per replicate and epoch of the script that a user would write, on the same device."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.safetensors")
        save_file({name: tensor.contiguous() for name, tensor in part.items()}, path)
        assert load_file(path)
        script = [sys.executable, str(ROOT / "benchmarks" / "plain_script.py"), str(path)]
        options = ["--replicates", "1", "--epochs", "2", "--batch", str(batch)]
        done = subprocess.run([*script, *options], check=True, capture_output=True, text=True)
    return float(done.stdout)


def study_minutes() -> float:
    """The full study from nothing, in a folder of its own, with the raw files at hand."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("Snakefile", "config.yaml", "config", "workflow", "profiles", "resources"):
            os.symlink(ROOT / name, Path(folder, name))
        begin = time.perf_counter()
        command = [sys.executable, "-m", "snakemake", "--configfile", "config/full.yaml"]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        return (time.perf_counter() - begin) / 60


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument(
        "--epochs", type=int, default=4, help="per measurement, the first is dropped"
    )
    parser.add_argument("--replicates", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the images")
    parser.add_argument("--study", action="store_true", help="time the full study as well")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no GPU is at hand: --device cpu measures the processor instead")
    config = load(ROOT / "config.yaml", ROOT / "config" / "full.yaml")
    parameters = {
        **config["models"]["cnn"]["parameters"],
        **{"share": options.share, "epochs": options.epochs},
    }
    part = prepared(parameters, options.replicates)
    count = part["train_index"].numel()
    name = torch.cuda.get_device_name() if options.device == "cuda" else "processor"
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    print(
        f"{name}, torch {torch.__version__}, {yaml.safe_dump(parameters, default_flow_style=True)}"
    )
    print("| what | seconds per epoch | samples per second | per replicate | utilisation |")
    print("| --- | --- | --- | --- | --- |")
    other = "one convolution per replicate" if options.device == "cpu" else "grouped convolutions"
    fastest = "bf16" if options.device == "cuda" else "fp32"
    tries = [
        ("as shipped", p)
        for p in ("bf16", "tf32", "fp32")
        if options.device == "cuda" or p == "fp32"
    ]
    tries += [("steps one by one", fastest), (other, fastest)]
    shipped = 0.0
    for what, precision in tries:
        with variation(what, options.device), utilisation() as used:
            taken = seconds_per_epoch(parameters, part, options.device, precision)
        shipped = shipped or taken
        busy = f"{statistics.median(used):.0f} %" if used else "–"
        rate = count / taken
        row = (
            f"{what}, {precision}",
            f"{taken:.2f}",
            f"{rate:,.0f}",
            f"{rate / options.replicates:,.0f}",
        )
        print("|", " | ".join([*row, busy]), "|", flush=True)
    plain = plain_seconds(part, parameters["batch_size"])
    print(
        f"| plain script, one replicate | {plain:.2f} | {count / options.replicates / plain:,.0f} | | |"
    )
    ratio = plain * options.replicates / shipped
    print(
        f"\nThe plain script takes {ratio:.1f} × as long for the same {options.replicates} replicates."
    )
    if options.study:
        print(f"The full study from nothing: {study_minutes():.1f} minutes.")


if __name__ == "__main__":
    main()
