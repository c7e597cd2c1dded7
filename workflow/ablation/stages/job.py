"""What every job does: read its specification and its inputs, compare both with their digests, publish what it makes."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

from ablation.machine.logs import DATE_FORMAT, tail
from ablation.store import code as sources
from ablation.store.entries import (
    CHECKPOINTS,
    Entry,
    Failure,
    StoreError,
    find,
    folder_of,
    publish,
    read_spec,
    require,
)
from ablation.store.files import write_json
from ablation.store.keys import key_of

log = logging.getLogger("ablation")
Spec = dict[str, Any]
Inputs = Mapping[str, Mapping[str, Entry]]  # stage → key → entry
Make = Callable[[Spec, Inputs, Path, dict[str, Any]], None]

# Each has a function of its name, in a module of its name but for the exports, which share one.
STAGES = (
    "prepare",
    "check",
    "train",
    "evaluate",
    "yardsticks",
    "collect",
    "draws",
    "plot",
    "portraits",
    "report",
    "export_tables",
    "export_figures",
    "export_crate",
)
RECORDED = ("prepare", "train", "evaluate")  # of a cell: a failure takes the place of their result
# What libraries say where the machine, a limit or a container gives no more memory.
NO_MEMORY = (
    *("failed to map segment", "annot allocate memory", "an't allocate memory", "MemoryError"),
    *("not enough memory", "nable to allocate", "bad_alloc", "an't start new thread"),
)


def entry_of(inputs: Inputs, stage: str) -> Entry:
    """The only input of a stage."""
    (entry,) = inputs[stage].values()
    return entry


def run(stage: str, key: str, facts: dict[str, Any], *, ahead: bool = False) -> None:
    """Make the entry of a stage and a key.

    Args:
        stage: one of ``STAGES``.
        key: its specification lies in the store.
        facts: what a job needs to know and no number depends on.
        ahead: make it for the job to come, where a process that has imported what it needs is at hand. It lies among the
            checkpoints until that job takes it; where an input failed there is nothing to make.

    Raises:
        StoreError: if the specification or an input is missing or damaged.
        OtherCodeError: if the code on disk is not the code of the specification.
    """
    spec = read_spec(key)
    if spec["stage"] != stage:
        raise StoreError(f"{key} is a key of {spec['stage']}, not of {stage}")
    sources.require(spec["code"])
    inputs = {
        name: {entry_key: require(folder_of(name, entry_key)) for entry_key in keys}
        for name, keys in spec["inputs"].items()
    }
    failures = {
        name: failure
        for group in inputs.values()
        for entry in group.values()
        for name, failure in entry.failures.items()
    }
    if ahead and failures:
        return
    waiting = CHECKPOINTS / key
    made = find(waiting)
    place = waiting if ahead else folder_of(stage, key)
    with _turn(stage, key), publish(place, failures) as draft:
        if failures and stage in BARREN:
            BARREN[stage](spec, next(iter(failures.values())), draft)
        elif made is not None and not made.damaged():
            for name in made.files:
                shutil.copyfile(made.folder / name, draft / name)
        else:
            module = import_module(f"ablation.stages.{stage.partition('_')[0]}")
            make: Make = getattr(module, stage)
            make(spec, inputs, draft, facts)
    if not ahead:
        shutil.rmtree(waiting, ignore_errors=True)


def _turn(stage: str, key: str) -> AbstractContextManager[None]:
    """Of identical cells one is trained at a time; the next finds what that has published."""
    if stage != "train":
        return nullcontext()
    # Named to be imported late, it is no part of the code behind other stages.
    turn: Callable[[str], AbstractContextManager[None]]
    turn = import_module("ablation.stages.identical").turn
    return turn(key)


def fail(stage: str, key: str, status: int, log_file: Path) -> str:
    """Record that a cell's job failed, in place of its result; the next run forgets it and tries again. Of other jobs that
    is left to Snakemake, which makes nothing of a result that is missing.

    Args:
        stage, key: of the job.
        status: its exit status as the shell gives it (128 + signal for a killed one).
        log_file: its last line is the reason; its last lines are kept.

    Returns:
        The reason.

    Raises:
        StoreError: if it could not be written down, because the disk is full; it says the reason, too.
    """
    reason, lines = f"exit status {status}", tail(log_file) or []
    if status > 128:
        reason = f"killed by signal {status - 128}"
        reason += " (by hand, or out of memory)" if status == 137 else ""
    elif lines:
        reason = lines[-1].partition(" ")[2] or reason
    if any(sign in line for sign in NO_MEMORY for line in (reason, *lines)):
        reason += " (memory is short)"
    try:
        _write_down(stage, key, Failure(reason, tuple(lines)), log_file, killed=status > 128)
    except OSError as error:
        raise StoreError(
            f"{stage} {key} failed: {reason}; this could not be written down: {error.strerror}"
        ) from None
    return reason


def _write_down(stage: str, key: str, failure: Failure, log_file: Path, *, killed: bool) -> None:
    """Put a failure in the place of a cell's result; else at the end of the log, if the job was killed and could not."""
    if stage in RECORDED:
        with publish(folder_of(stage, key), {f"{stage}/{key}": failure}) as draft:
            if stage == "evaluate":
                write_failed(read_spec(key), failure, draft)
    elif killed:
        with log_file.open("a", encoding="utf-8") as log_of_job:
            log_of_job.write(f"{time.strftime(DATE_FORMAT)} {failure.reason}\n")


def write_failed(spec: Spec, failure: Failure, draft: Path) -> None:
    """Write the ``metrics.json`` of a cell that has no numbers.

    Args:
        spec: of its evaluation.
        failure: of its training or its evaluation.
    """
    (key,) = spec["inputs"]["train"]
    document = {
        **facts_of(spec, key),
        "status": {"failed": failure.reason, "ok": 0, "diverged": 0, "log": list(failure.log)},
        **dict.fromkeys(("metrics", "confusion_matrix", "model_size", "cost"), None),
        "replicates": [],
        "environment": None,
        "data": None,
    }
    write_json(draft / "metrics.json", document)


def facts_of(spec: Spec, key: str) -> dict[str, Any]:
    """What ``metrics.json`` says of where its numbers come from.

    Args:
        spec: of the evaluation.
        key: of the trained cell.
    """
    trained = read_spec(key)
    return {"model": spec["model"], "key": key, "evaluation": key_of(spec), "spec": trained}


def _nothing(spec: Spec, failure: Failure, draft: Path) -> None:
    """Training leaves nothing but the failure."""


def _no_yardsticks(spec: Spec, failure: Failure, draft: Path) -> None:
    write_json(draft / "yardsticks.json", {})


# What stages leave that have nothing to work with, because what they are made from failed.
BARREN: Mapping[str, Callable[[Spec, Failure, Path], None]] = {
    "train": _nothing,
    "evaluate": write_failed,
    "yardsticks": _no_yardsticks,
}
