"""A copy of the project in a folder of its own, with a study small enough to run in a test."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = ("Snakefile", "config.yaml", "config", "profiles", "workflow")
TIMEOUT = 600
STATS = re.compile(r"^Job stats:\n.*?\n-[ -]*\n(.*?)^total ", re.MULTILINE | re.DOTALL)
TRAINED = re.compile(r"^Job \d+: Train (\w+)/\S+ [0-9a-f]{16}", re.MULTILINE)
DONE = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)", re.MULTILINE)
NO_WORK = ("all", "export")  # rules that run nothing
promise = pytest.mark.promise
IDLE = "Nothing to be done"
# What would change a run, or slow it down.
FOREIGN = (
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
    "MNIST_MIRROR",
    "SNAKEMAKE_PROFILE",
    "ABLATION_RUN",
    "ABLATION_CELLS",
)

FNN_AXES = {
    "depth": {"parameter": "hidden_layers", "values": [1, 2]},
    # Both cells stand on the axis above as well.
    "shape": {"values": {"base": {}, "flat": {"hidden_layers": 1, "width": 8}}},
}
CNN_AXES = {"kernel": {"parameter": "kernel", "values": [3, 5]}}


def prepared(run: Callable[[Project], Any], *, fresh: bool = False) -> pytest.MarkDecorator:
    """Have this run made for a test, on a copy of a finished tiny study or of the fresh project."""
    return pytest.mark.prepared.with_args(run, fresh=fresh)


def tiny(config: dict[str, Any]) -> dict[str, Any]:
    """The shipped configuration with few axes, small networks and hardly any training."""
    fnn, cnn = config["models"]["fnn"], config["models"]["cnn"]
    config["report"]["title"] = "Tiny study"
    config["compute"]["checkpoint_seconds"] = 0
    fnn.update(replicates=6, axes=FNN_AXES)
    fnn["recipe"].update(epochs=2)
    fnn["parameters"].update(width=8)
    cnn.update(replicates=2, axes=CNN_AXES)
    cnn["recipe"].update(epochs=1)
    cnn["parameters"].update(channels=[2, 2, 2, 2], fc_width=8)
    return config


@dataclass(frozen=True)
class Done:
    """How a command ended: exit status and what it printed."""

    status: int
    text: str


@dataclass(frozen=True)
class Planned:
    """What Snakemake does or would do: jobs per rule without the copies of what they make, the model of each training job, and
    whether there is nothing to do at all."""

    jobs: dict[str, int]
    trained: list[str]
    idle: bool = False


def made(rule: str) -> bool:
    """Whether a rule makes something, rather than a copy of it."""
    return rule not in NO_WORK and not rule.startswith("show_")


class Project:
    """One working copy."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def shipped(cls, path: Path) -> Project:
        """What is in the repository, with its own configuration."""
        skip = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
        path.mkdir(parents=True)
        for name in SHIPPED:
            source = REPOSITORY / name
            if source.is_dir():
                shutil.copytree(source, path / name, ignore=skip)
            else:
                shutil.copy2(source, path / name)
        return cls(path)

    def copy(self, path: Path) -> Project:
        """A copy with the same time stamps."""
        shutil.copytree(self.path, path, symlinks=True)
        return Project(path)

    def clone(self, name: str = "") -> Project:
        """A copy with its results, but with new time stamps in no order and without ``.snakemake``."""
        target = self.path.with_name(name or self.path.name + "-clone")
        skip = shutil.ignore_patterns(".snakemake")
        shutil.copytree(self.path, target, copy_function=shutil.copyfile, ignore=skip)
        return Project(target)

    # Configuration and sources

    @property
    def config(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load((self.path / "config.yaml").read_text("utf-8"))
        return loaded

    def configure(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """Rewrite ``config.yaml`` after a change in place."""
        config = self.config
        change(config)
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        (self.path / "config.yaml").write_text(text, "utf-8")

    def source(self, module: str) -> Path:
        """The file of a module below the package."""
        return self.path / "workflow" / "ablation" / f"{module}.py"

    def change_code(self, *modules: str) -> None:
        """Add a statement to the code of modules."""
        for module in modules:
            with self.source(module).open("a", encoding="utf-8") as stream:
                stream.write("\n\nCHANGED_IN_A_TEST = True\n")

    # Runs

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in FOREIGN}

    def snakemake(self, *arguments: str, environment: dict[str, str] | None = None) -> Done:
        """Run Snakemake, with the default profile alone where no arguments are given."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.path,
            env={**self.environment, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def run(
        self, *arguments: str, cores: int = 1, environment: dict[str, str] | None = None
    ) -> Done:
        """Run Snakemake and insist that it succeeds."""
        done = self.snakemake("--cores", str(cores), *arguments, environment=environment)
        assert done.status == 0, done.text[-3000:]
        return done

    def plan(self, *arguments: str) -> Planned:
        """A dry run."""
        done = self.snakemake("-n", *arguments)
        assert done.status == 0, done.text[-3000:]
        table = STATS.search(done.text)
        assert (table is None) == (IDLE in done.text), done.text
        rows = [line.split() for line in table.group(1).splitlines()] if table else []
        jobs = {rule: int(count) for rule, count in rows if made(rule)}
        return Planned(jobs, sorted(TRAINED.findall(done.text)), table is None)

    def made(self, *arguments: str, cores: int = 1) -> Planned:
        """A real run."""
        done = self.run(*arguments, cores=cores)
        rules = DONE.findall(done.text)
        assert (not rules) == (IDLE in done.text), done.text
        jobs = Counter(filter(made, rules))
        return Planned(dict(jobs), sorted(TRAINED.findall(done.text)), not rules)

    def jobs(self, *arguments: str) -> dict[str, int]:
        """Jobs per rule that Snakemake would run."""
        return self.plan(*arguments).jobs

    def forget(self) -> None:
        """Remove all that Snakemake itself remembers."""
        shutil.rmtree(self.path / ".snakemake", ignore_errors=True)

    # Sabotage

    def sabotage(self, code: str) -> None:
        """Let every job run this code first; the workflow's own process does not."""
        (self.path / "workflow" / "sitecustomize.py").write_text(code, "utf-8")

    def repair(self) -> None:
        """Undo :meth:`sabotage`."""
        (self.path / "workflow" / "sitecustomize.py").unlink()

    def kill_at(self, name: str, *targets: str, when: str = "before") -> None:
        """Start a run and SIGKILL every process of it as a file or folder gets its final name.

        Args:
            name: the end of the final path.
            targets: what the run is to make; the report where left out.
            when: ``before`` or ``after`` the rename.
        """
        held = self.path / "held"
        self.sabotage(HOLD.format(name=name, when=when, held=str(held)))
        process = subprocess.Popen(
            self.command("--cores", "1", *targets),
            cwd=self.path,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + TIMEOUT
        while not held.exists():
            assert process.poll() is None, f"nothing was renamed to {name}"
            assert time.monotonic() < end
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        held.unlink()
        self.repair()

    # Results

    def json(self, path: str) -> Any:
        return json.loads((self.path / path).read_text("utf-8"))

    def text(self, path: str) -> str:
        return (self.path / path).read_text("utf-8")

    def view(self, cell: str) -> dict[str, Any]:
        document: dict[str, Any] = self.json(f"results/{cell}/metrics.json")
        return document

    def store(self, cell: str, stage: str = "train") -> Path:
        """The entry of a cell, by the keys in its readable file: of ``train``, ``evaluate`` or ``prepare``."""
        view = self.view(cell)
        key = {
            "train": view["key"],
            "evaluate": view["evaluation"],
            "prepare": view["spec"]["inputs"]["prepare"][0],
        }
        return self.path.joinpath("results", "store", stage, key[stage])

    def entry(self, stage: str) -> Path:
        """The only entry of a stage, or the first of several."""
        return sorted(self.path.glob(f"results/store/{stage}/[!.]*"))[0]

    def drop(self, *paths: str) -> None:
        """Remove files and folders, by pattern."""
        for pattern in paths:
            for path in list(self.path.glob(pattern)):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def files(self, *patterns: str, stamps: bool = False) -> dict[str, Any]:
        """Path → content (and time stamp) of all files below what matches."""
        found: dict[str, Any] = {}
        for pattern in patterns:
            for top in self.path.glob(pattern):
                for path in [top, *top.rglob("*")]:
                    if path.is_file() and path.name != ".snakemake_timestamp":
                        content = path.read_bytes()
                        facts = (content, path.stat().st_mtime_ns) if stamps else content
                        found[str(path.relative_to(self.path))] = facts
        return found


HOLD = """
import os, pathlib, time

def held(rename):
    def call(source, target, **options):
        mine = str(target).endswith({name!r})
        if {when!r} == "after":
            rename(source, target, **options)
        if mine:
            pathlib.Path({held!r}).touch()
            time.sleep(3600)
        if {when!r} == "before":
            rename(source, target, **options)
    return call

os.rename, os.replace = held(os.rename), held(os.replace)
"""
