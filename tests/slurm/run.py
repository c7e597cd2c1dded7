"""Run the smoke study on a private Slurm with a node that dies: ``make slurm-test``.

The commands are those of the page on clusters. There is no GPU here: the nodes' GPUs are device files, training asks for one
and runs on the processor.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from checks import CHECKS, Outcome
from cluster import Cluster, SlurmError, missing
from notes import Span, read_members, read_spans

PROJECT = Path(__file__).resolve().parents[2]
SHIPPED = ("Snakefile", "config.yaml", "config", "profiles", "workflow")
STUDY = ["--configfile", "config/smoke.yaml", "--config", "compute={device: cpu}"]
FOREIGN = ("PYTHONPATH", "SNAKEMAKE_PROFILE", "ABLATION_RUN", "ABLATION_CELLS")
LIMIT = 1800.0  # seconds for a run of the study
# What the log keeps of Snakemake's output.
TOLD = re.compile(r"^(?:Submitted|Trying to restart|Error in group|\d+ of \d+ steps)")


def copy_project(target: Path) -> Path:
    """The workflow as it is on disk, without results."""
    target.mkdir()
    skip = shutil.ignore_patterns("__pycache__", ".*")
    for name in SHIPPED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=skip)
        else:
            shutil.copy2(source, target / name)
    return target


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def start(folder: Path, environment: dict[str, str], *options: str) -> subprocess.Popen[bytes]:
    """Snakemake in a folder; what it prints goes to ``run.log`` there."""
    words = [sys.executable, "-P", "-m", "snakemake", *options]
    say("$ " + shlex.join(["snakemake", *options]))
    kept = {name: value for name, value in environment.items() if name not in FOREIGN}
    with (folder / "run.log").open("wb") as log:
        return subprocess.Popen(words, cwd=folder, env=kept, stdout=log, stderr=subprocess.STDOUT)


def first_in_mid_job(cluster: Cluster, folder: Path, run: subprocess.Popen[bytes]) -> Span:
    """A job that has finished a training and is in another, as soon as there is one."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and run.poll() is None:
        for span in read_spans(cluster.home):
            members = read_members(folder, span.job)
            trainings = [event for event, title in members if title.startswith("Train ")]
            if not span.end and members[-1:] and trainings[-2:] == ["finished", "began"]:
                return span
        time.sleep(0.1)
    raise SlurmError("No job was in the middle of its trainings.")


def disturb(cluster: Cluster, folder: Path, run: subprocess.Popen[bytes]) -> Span:
    """Kill a node in the middle of a training, and the controller; start the controller again."""
    span = first_in_mid_job(cluster, folder, run)
    ended = cluster.kill(span.node)
    say(
        f"node {span.node} is killed while job {span.job} trains there, with {len(ended)} processes:"
    )
    for line in ended:
        print(f"         {line[:110]}")
    cluster.kill("slurmctld")
    say("the controller is killed")
    time.sleep(3)
    cluster.start_controller()
    say("the controller is started again")
    return span


def wait(run: subprocess.Popen[bytes], log: Path) -> int:
    """Wait for a run and print what it tells of its jobs."""
    end, seen = time.monotonic() + LIMIT, 0
    while True:
        status = run.poll()
        lines = log.read_text("utf-8", errors="replace").splitlines()
        for line in lines[seen:]:
            if TOLD.search(line):
                print(f"         {line.strip()[:150]}", flush=True)
        seen = len(lines)
        if status is not None:
            return status
        if time.monotonic() > end:
            raise SlurmError(f"The run did not end within {LIMIT:.0f} s.")
        time.sleep(1)


def on_slurm(work: Path) -> Outcome:
    """The study by the command of the page on clusters, disturbed."""
    home, folder = work / "slurm", copy_project(work / "study")
    home.mkdir()
    cluster = Cluster(home)
    with cluster.up():
        say(f"a private Slurm is up: {len(cluster.names)} nodes with a GPU each")
        options = ["--workflow-profile", "slurm", *STUDY, "--set-resources", "train:gpu=1"]
        begin = time.monotonic()
        run = start(folder, cluster.environment, *options)
        try:
            killed = disturb(cluster, folder, run)
            status = wait(run, folder / "run.log")
        finally:
            run.kill()
        seconds = time.monotonic() - begin
        say(f"the first command ends with status {status} after {seconds:.0f} s")
        jobs = cluster.ask(
            "squeue", "--states=all", "--noheader", "--sort=+i", "--format=%i|%T|%N|%C|%m|%l|%b|%j"
        )
        print(cluster.ask("sinfo", "--Node", "--format=%N %T %E"), flush=True)
    log = (folder / "run.log").read_text("utf-8", errors="replace")
    return Outcome(folder, status, log, jobs.splitlines(), read_spans(home), killed, seconds)


def locally(work: Path) -> Path:
    """The study on this machine, without a cluster."""
    folder = copy_project(work / "local")
    status = start(folder, dict(os.environ), "--quiet", "rules", *STUDY).wait(LIMIT)
    if status:
        raise SlurmError(
            f"The local run ended with status {status}: {(folder / 'run.log').read_text()[-2000:]}"
        )
    return folder


def main() -> int:
    """Run, check, clean up."""
    if sentence := missing():
        sys.exit(sentence)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="slurm-test-") as name:
        try:
            outcome = on_slurm(Path(name))
            local = locally(Path(name))
        except (SlurmError, subprocess.TimeoutExpired) as error:
            sys.exit(str(error))
        outcome.tell()
        for title, check in CHECKS.items():
            try:
                check(outcome, local)
                print(f"PASS {title}")
            except AssertionError as error:
                failed += 1
                print(f"FAIL {title}\n     {error}")
        if failed:
            print(f"The log of the run ends:\n{outcome.log[-3000:]}")
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
