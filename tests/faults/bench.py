"""The study that is disturbed, how it is started and stopped, and how what is left is judged."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from workflow_project import TIMEOUT, Done, Project

from faults.compare import differences, identities, results

CELLS = ("fnn/depth_1", "fnn/depth_2", "cnn/kernel_3", "cnn/kernel_5")
STUDY = ("collect", "draws", "plot", "portraits", "report")  # the stages that are made of all cells
# Enough of what follows from a cell to see that its numbers are right.
AFTER = ("collect", "report")


def small(config: dict[str, Any]) -> None:
    """Two FNN cells of six replicates, two CNN cells of two, with a checkpoint after each epoch."""
    fnn, cnn = config["models"]["fnn"], config["models"]["cnn"]
    config["report"]["title"] = "Disturbed"
    config["compute"]["checkpoint_seconds"] = 0
    fnn.update(replicates=6, axes={"depth": {"parameter": "hidden_layers", "values": [1, 2]}})
    fnn["recipe"].update(epochs=8)
    fnn["parameters"].update(width=8)
    cnn.update(replicates=2, axes={"kernel": {"parameter": "kernel", "values": [3, 5]}})
    cnn["recipe"].update(epochs=2)
    cnn["parameters"].update(channels=[2, 2, 2, 2], fc_width=8)


def change(config: dict[str, Any]) -> None:
    """Another title, and one more cell."""
    config["report"]["title"] = "Changed"
    config["models"]["cnn"]["axes"]["kernel"]["values"].append(1)


@dataclass(frozen=True)
class Outcome:
    """What a try came to.

    Attributes:
        recovered: whether the same command, given once, ended well.
        identical: whether the results are those of an undisturbed run, and nothing finished was made again.
        remark: what a reader of the table should know.
    """

    recovered: bool
    identical: bool
    remark: str = ""


Try = Callable[["Bench", random.Random], Outcome]


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes:
        kind: a family of faults, which ``ONLY`` names.
        name: the row in the table.
        tries: how often in the whole run; once in the short one.
        short: whether the short run has it.
    """

    kind: str
    name: str
    run: Try
    tries: int = 3
    short: bool = True


@dataclass
class Run:
    """A command that was started."""

    project: Project
    process: subprocess.Popen[bytes]
    console: Path

    def text(self) -> str:
        return self.console.read_text("utf-8", errors="replace")

    def send(self, number: int, *, group: bool = False) -> None:
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, number)

    def ended(self) -> bool:
        return self.process.poll() is not None

    def done(self) -> Done:
        """Wait for its end."""
        try:
            status = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL, group=True)
            status = self.process.wait()
        return Done(status, self.text())


@dataclass
class Bench:
    """A folder with the undisturbed study, whose copies are disturbed."""

    folder: Path
    short: bool = False  # less is made again after a fault, so that each try takes a few seconds
    numbers: Any = field(default_factory=count)
    lock: Any = field(default_factory=threading.Lock)

    # Studies

    @cached_property
    def base(self) -> Project:
        """The undisturbed study, finished."""
        project = Project.shipped(self.folder / "undisturbed")
        project.configure(small)
        project.run(cores=2)
        return project

    @cached_property
    def expected(self) -> dict[str, Any]:
        return results(self.base.path)

    @cached_property
    def changed(self) -> dict[str, Any]:
        """What the study says after :func:`change`, undisturbed."""
        with self.lock:
            if not hasattr(self, "_changed"):
                project = self.base.copy(self.folder / "changed")
                project.configure(change)
                project.run(cores=2)
                self._changed = results(project.path)
        return self._changed

    @cached_property
    def seconds(self) -> float:
        """What making a cell and all that follows takes, beside whatever else the machine does."""
        with self.lock:
            if not hasattr(self, "_seconds"):
                project = self.without(CELLS[1])
                begin = time.monotonic()
                project.run(cores=2)
                self._seconds = time.monotonic() - begin
                self.drop(project)
        return self._seconds

    def copy(self) -> Project:
        """A finished study of its own."""
        return self.base.copy(self.folder / f"study-{next(self.numbers)}")

    def without(self, *cells: str, stages: Iterable[str] = ()) -> Project:
        """A copy that lacks cells, their tests, and stages that are made of all cells: tables, report, and in the whole run the
        others.
        """
        project, stages = self.copy(), stages or (AFTER if self.short else STUDY)
        for cell in cells:
            for stage in ("train", "evaluate"):
                shutil.rmtree(project.store(cell, stage))
        project.drop(*(f"results/store/{stage}" for stage in stages))
        return project

    def drop(self, project: Project) -> None:
        """End what still runs in a copy, and remove it."""
        end = time.monotonic() + 10
        while found := processes(project):
            for process in found:
                kill(process)
            assert time.monotonic() < end, found
            time.sleep(0.05)
        shutil.rmtree(project.path, ignore_errors=True)

    # Commands

    def start(
        self, project: Project, *arguments: str, prefix: Sequence[str] = (), **environment: str
    ) -> Run:
        """Start Snakemake in a session of its own."""
        console = self.folder / f"{project.path.name}-{next(self.numbers)}.console"
        with console.open("wb") as stream:
            process = subprocess.Popen(
                [*prefix, *project.command("--cores", "2", *arguments)],
                cwd=project.path,
                env={**project.environment, **environment},
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Run(project, process, console)

    def again(
        self, project: Project, *arguments: str, prefix: Sequence[str] = (), **environment: str
    ) -> Done:
        """The command, to its end."""
        return self.start(project, *arguments, prefix=prefix, **environment).done()

    def interrupted(
        self, project: Project, rng: random.Random, stop: Callable[[Run], None]
    ) -> float:
        """Start a run and stop it at a random moment of it.

        Returns:
            The moment: seconds since the start.
        """
        moment = rng.uniform(0.05, 0.95) * self.seconds
        run = self.start(project)
        try:
            run.process.wait(moment)
        except subprocess.TimeoutExpired:
            stop(run)
            run.done()
        return moment

    def judge(
        self,
        project: Project,
        done: Done,
        kept: dict[str, tuple[int, int]],
        remark: str = "",
        expected: dict[str, Any] | None = None,
    ) -> Outcome:
        """Compare what a disturbed study says in the end with what the undisturbed one does.

        Args:
            done: how the same command ended.
            kept: the entries that must not have been made again.
            remark: goes before what is found here.
            expected: the results; those of the undisturbed study where left out.
        """
        remarks = [remark] if remark else []
        recovered = done.status == 0
        if not recovered:
            remarks.append(f"status {done.status}: {last_line(done.text)}")
        changed = differences(
            self.expected if expected is None else expected, results(project.path)
        )
        if changed:
            remarks.append(f"different: {', '.join(changed[:4])}")
        now = identities(project.path, *{name.partition("/")[0] for name in kept})
        twice = [name for name, identity in kept.items() if now.get(name) != identity]
        if twice:
            remarks.append(f"made twice: {', '.join(twice)}")
        return Outcome(recovered, not changed and not twice, "; ".join(remarks))


# Processes


def processes(project: Project, *words: str) -> list[int]:
    """The processes that work in a study's folder, and whose command has these words one after the other."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            inside = Path(os.readlink(path / "cwd")) == project.path
        except OSError:
            continue
        if inside and f"\0{chr(0).join(words)}\0" in f"\0{chr(0).join(line)}\0":
            found.append(int(path.name))
    return sorted(found)


def kill(process: int) -> None:
    """SIGKILL one process, unless it is gone."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def waited_for(run: Run, *words: str) -> int:
    """Wait for a process of a run whose command has these words.

    Raises:
        RuntimeError: if the run ends before.
    """
    while not (found := processes(run.project, *words)):
        if run.ended():
            raise RuntimeError(f"no {' '.join(words)} was started: {run.text()[-1000:]}")
        time.sleep(0.02)
    return found[0]


def last_line(text: str) -> str:
    """The last line that says something, shortened."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else ""
