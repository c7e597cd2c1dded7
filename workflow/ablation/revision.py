"""The study of a git revision: its own workflow, run in a work tree of its own, on what the store already has."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ablation.bundle import BundleError, read
from ablation.commands import MistakeError, workflow_command

_TRAIN = re.compile(r"^train\s+(\d+)$", re.MULTILINE)


def resolve(name: str) -> str | None:
    """The commit that a name stands for, or None: no such revision, or no repository."""
    spec = f"{name}^{{commit}}"
    done = _git("rev-parse", "--verify", "--quiet", "--end-of-options", spec)
    return done.stdout.strip() if done is not None and done.returncode == 0 else None


def read_revision(name: str, commit: str, *, train: bool, cores: int | None) -> dict[str, Any]:
    """The data of the study that a revision's own configuration declares.

    The store and the raw data of the working directory are used, so what they have is not made again; what is not
    committed is no part of it.

    Args:
        name: as the user gave it, for messages.
        commit: what :func:`resolve` found.
        train: whether cells that the store lacks are trained; else they are a reason to refuse.
        cores: for the run; all where None.

    Raises:
        MistakeError: one sentence, if the revision holds no study that can be read.
    """
    with _work_tree(name, commit) as tree:
        tables = _results(name, tree) / "tables"
        target = str(tables.relative_to(tree) / "study.json")
        snakefile = tree / "Snakefile"
        planned = _run(tree, workflow_command(snakefile, cores, target, options=["-n"]))
        _require(planned, name, "its workflow does not start")
        missing = int(found.group(1)) if (found := _TRAIN.search(planned.stdout)) else 0
        if missing and not train:
            raise MistakeError(
                f"revision {name} would have to train {missing} cell{'s' * (missing != 1)} that the store does not have: "
                "allowed with --train (make diff TRAIN=1)."
            )
        done = _run(tree, workflow_command(snakefile, cores, target))
        _require(done, name, "its workflow ended with an error")
        try:
            return read(tables.parent)
        except BundleError as error:
            raise MistakeError(f"revision {name} cannot be read: {error}") from error


@contextmanager
def _work_tree(name: str, commit: str) -> Iterator[Path]:
    """The files of a commit in a temporary folder, with this project's raw data and store."""
    folder = Path(tempfile.mkdtemp(prefix="ablation-revision-"))
    tree = folder / "tree"
    try:
        done = _git("worktree", "add", "--detach", "--quiet", str(tree), commit)
        if done is None or done.returncode:
            raise MistakeError(f"revision {name} cannot be checked out: {_last(done)}")
        if not (tree / "Snakefile").is_file():
            raise MistakeError(
                f"revision {name} has no Snakefile: allowed is a revision of this project."
            )
        for shared in (Path("resources"), Path("results/store")):
            shared.mkdir(parents=True, exist_ok=True)
            (tree / shared).parent.mkdir(exist_ok=True)
            (tree / shared).symlink_to(shared.resolve(), target_is_directory=True)
        yield tree
    finally:
        _git("worktree", "remove", "--force", str(tree))
        shutil.rmtree(folder, ignore_errors=True)
        _git("worktree", "prune")


def _results(name: str, tree: Path) -> Path:
    """Where the study of a work tree has its results."""
    try:
        study = yaml.safe_load((tree / "config.yaml").read_text(encoding="utf-8"))["study"]["name"]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise MistakeError(f"revision {name} has no config.yaml that names a study.") from error
    return tree / "results" if study == "default" else tree / "results" / str(study)


def _run(tree: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _require(done: subprocess.CompletedProcess[str], name: str, what: str) -> None:
    if done.returncode:
        raise MistakeError(f"revision {name} cannot be read, {what}: {_last(done)}")


def _last(done: subprocess.CompletedProcess[str] | None) -> str:
    """The last line that a command printed."""
    text = "" if done is None else f"{done.stdout}\n{done.stderr or ''}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "git gave no reason"


def _git(*words: str) -> subprocess.CompletedProcess[str] | None:
    """Run git in the working directory; None where there is no git."""
    try:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    except OSError:
        return None
