"""Where the time of a study goes: processor seconds, wall seconds and jobs by kind of work.

``python benchmarks/profile_study.py`` runs the default study from nothing, in a scratch copy of the tracked files; with
``--folder`` it runs what a study lacks, so that one whose trainings are there profiles the rest. What a job imports is told
from its work by a process of each stage that imports the same and does nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
from project import ROOT, scratch

sys.path.insert(0, str(ROOT / "workflow"))
from ablation.stages.job import STAGES

EVERY = 0.05  # seconds between two looks; what a process used after the last is lost
MAIN = "Snakemake"
OTHER = "shells"  # and what else a job starts
LATER = {"train": ("torch", "safetensors.torch", "ablation.training.run")}  # imported once it works


@dataclass
class Work:
    """What was seen of one process. begin, end: seconds since the epoch."""

    kind: str
    begin: float
    cpu: float = 0.0
    end: float = 0.0


@dataclass
class Run:
    """The processes of a run by number and start, and the seconds that it took."""

    processes: dict[tuple[int, float], Work] = field(default_factory=dict)
    seconds: float = 0.0

    def look(self, process: psutil.Process) -> None:
        """Note what a process has used so far."""
        try:
            name = (process.pid, process.create_time())
            known = self.processes.get(name)
            if known is None or known.kind == OTHER:  # a shell may have become its program
                known = self.processes[name] = Work(kind_of(process.cmdline()), name[1])
            used = process.cpu_times()
            known.cpu, known.end = used.user + used.system, time.time()
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            return


def kind_of(command: list[str]) -> str:
    """The stage or command of a job; of what is no job, that."""
    words = command[command.index("-m") + 1 :] if "-m" in command else []
    if words[:1] == ["snakemake"]:
        return MAIN
    return words[1] if len(words) > 1 and words[0] == "ablation" else OTHER


def watched(command: list[str], folder: Path) -> Run:
    """Run a command that must succeed, and watch its processes."""
    run, begin = Run(), time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as started:
        top = psutil.Process(started.pid)
        while started.poll() is None:
            run.look(top)
            try:
                for child in top.children(recursive=True):
                    run.look(child)
            except psutil.NoSuchProcess:
                break
            time.sleep(EVERY)
    run.seconds = time.perf_counter() - begin
    if started.returncode:
        raise SystemExit(f"the run in {folder} ended with status {started.returncode}")
    return run


def start_up(stage: str, times: int) -> float:
    """Processor seconds of a process that imports what a job of the stage does, the median of several."""
    module = stage.partition("_")[0]
    modules = ["ablation.cli", *LATER.get(stage, ())]
    modules += [f"ablation.stages.{module}"] if stage in STAGES else []
    command = [sys.executable, "-P", "-c", f"import {', '.join(modules)}"]
    taken = []
    for _ in range(times):
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            raise SystemExit(f"{stage} cannot be imported")
        taken.append(usage.ru_utime + usage.ru_stime)
    return median(taken)


def table(run: Run, times: int) -> list[str]:
    """The rows by processor seconds, the most first: start-up of all jobs of a kind, their work, and the sum."""
    jobs = Counter(work.kind for work in run.processes.values())
    cpu: dict[str, float] = defaultdict(float)
    wall: dict[str, float] = defaultdict(float)
    for work in run.processes.values():
        cpu[work.kind] += work.cpu
        wall[work.kind] += work.end - work.begin
    rows = []
    for kind, count in jobs.items():
        start = 0.0 if kind in (MAIN, OTHER) else min(cpu[kind], count * start_up(kind, times))
        rows.append((cpu[kind], kind, count, start, wall[kind]))
    total = sum(cpu.values())
    lines = [
        "| kind of work | jobs | processor s | of it start-up | of it work | wall s, summed | share |",
        "| -- | -- | -- | -- | -- | -- | -- |",
    ]
    for used, kind, count, start, waited in sorted(rows, reverse=True):
        seconds = " | ".join(f"{value:.1f}" for value in (used, start, used - start, waited))
        lines.append(f"| {kind} | {count} | {seconds} | {used / total:.1%} |")
    start = sum(row[3] for row in rows)
    seconds = " | ".join(f"{value:.1f}" for value in (total, start, total - start, run.seconds))
    return [*lines, f"| all; wall of the run | {sum(jobs.values())} | {seconds} | 100 % |"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="of a study; what is there is not made again")
    parser.add_argument("--cores", default="2")
    parser.add_argument("--times", type=int, default=3, help="measurements of each start-up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ablation-profile-") as name:
        folder = options.folder or scratch(Path(name))
        command = [sys.executable, "-m", "snakemake", "--quiet", "all", "--cores", options.cores]
        run = watched(command, folder)
    print("\n".join(table(run, options.times)))


if __name__ == "__main__":
    main()
