"""A private Slurm on this machine: a controller and nodes on loopback, each with a GPU that is a
device file.

Every daemon is a child of the process that starts it, so that all can be ended by their ids. Nothing outside a temporary
folder is written, and no accounting is kept.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "sinfo")
PATIENCE = 60.0  # seconds until something must have happened
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

CONFIGURATION = """\
ClusterName=private
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge.sock
CredType=cred/munge
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool-%n
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog={home}/task-prolog
TaskEpilog={home}/task-epilog
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
MinJobAge=7200
SlurmdTimeout=20
SlurmctldTimeout=10
KillWait=5
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={home}/jobs.txt
SlurmdParameters=config_overrides
"""
NODE = (
    "NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=4 Boards=1 SocketsPerBoard=1"
    " CoresPerSocket=4 ThreadsPerCore=1 RealMemory=64000 Gres=gpu:1 State=UNKNOWN\n"
)
# Written when a job begins and when it ends.
NOTE = """\
#!/bin/sh
echo "{event} $(date +%s.%N) $SLURMD_NODENAME $SLURM_JOB_ID ${{CUDA_VISIBLE_DEVICES:--}}" >> {home}/notes.txt
"""


class SlurmError(RuntimeError):
    """The cluster cannot be had or does not do what it must; the message is one sentence."""


def missing() -> str | None:
    """One sentence on what keeps a private Slurm from running here, or None."""
    lacking = [name for name in PROGRAMS if not shutil.which(name)]
    if lacking:
        return f"A private Slurm needs Debian's packages slurm-wlm and munge: {', '.join(lacking)} not found."
    if os.geteuid() != 0:
        return "A private Slurm needs root: its nodes start jobs in the name of a user."
    return None


def _tied() -> None:
    """In a new child: end with the parent, and inherit what one's own children leave behind."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _below(pid: int) -> list[psutil.Process]:
    """All processes that descend from one that is still waited for."""
    return psutil.Process(pid).children(recursive=True)


def _line(process: psutil.Process) -> str:
    """The command of a process; nothing if it has ended."""
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise SlurmError(f"{what} did not happen within {PATIENCE:.0f} s.")
        time.sleep(0.1)


class Cluster:
    """Four nodes with four cores and a GPU each.

    Args:
        home: an empty folder of its own.
    """

    def __init__(self, home: Path, count: int = 4) -> None:
        self.home = home
        self.names = [f"n{number}" for number in range(1, count + 1)]
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The variables of whoever uses this cluster."""
        return {**os.environ, "SLURM_CONF": str(self.home / "slurm.conf")}

    @contextlib.contextmanager
    def up(self) -> Iterator[Cluster]:
        """Start everything, and end it whatever happens."""
        try:
            self._configure()
            munge = ["--foreground", "--force", "--num-threads=2"]
            options = {"key-file": "munge.key", "socket": "munge.sock", "pid-file": "munged.pid"}
            options |= {"seed-file": "munged.seed", "log-file": "munged.log"}
            self._start("munged", *munge, *(f"--{k}={self.home / v}" for k, v in options.items()))
            _until((self.home / "munge.sock").exists, "The start of munged")
            self.start_controller()
            for name in self.names:
                self.start_node(name)
            _until(lambda: self.states().count("idle") == len(self.names), "The start of the nodes")
            yield self
        finally:
            for name in [*self.names, "slurmctld", "munged"]:
                self.kill(name, signal.SIGTERM)

    def _configure(self) -> None:
        home = self.home
        (home / "state").mkdir()
        key = home / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        first, *others = _free_ports(1 + len(self.names))
        text, gpus = CONFIGURATION.format(port=first, home=home), ""
        for name, port in zip(self.names, others, strict=True):
            (home / f"spool-{name}").mkdir()
            text += NODE.format(name=name, port=port)
            gpus += f"NodeName={name} Name=gpu File=/dev/null\n"
        text += f"PartitionName=main Nodes={','.join(self.names)} Default=YES State=UP\n"
        (home / "slurm.conf").write_text(text, "utf-8")
        (home / "gres.conf").write_text(gpus, "utf-8")
        for event, file in (("begin", "task-prolog"), ("end", "task-epilog")):
            (home / file).write_text(NOTE.format(event=event, home=home), "utf-8")
            (home / file).chmod(0o755)

    def _start(self, program: str, *options: str, name: str | None = None) -> None:
        with (self.home / f"{name or program}.log").open("ab") as log:
            self._daemons[name or program] = subprocess.Popen(
                [program, *options],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_tied,  # noqa: PLW1509 - this process has no threads
            )

    def start_controller(self) -> None:
        """Start the controller with the state that an earlier one has left."""
        self._start("slurmctld", "-D")

    def start_node(self, name: str) -> None:
        """Start the daemon of a node."""
        self._start("slurmd", "-D", "-N", name, name=name)

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> list[str]:
        """End a daemon and every process below it; the names of those below it."""
        daemon = self._daemons.pop(name, None)
        if daemon is None:
            return []
        below = _below(daemon.pid)
        lines = [line for process in below if (line := _line(process))]
        daemon.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(10)
        daemon.kill()
        for process in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        daemon.wait()
        return lines

    def ask(self, *command: str) -> str:
        """What a command of Slurm prints; nothing while the controller does not answer."""
        done = subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return done.stdout

    def states(self) -> list[str]:
        """The state of each node."""
        return self.ask("sinfo", "--noheader", "--Node", "--format=%T").split()
