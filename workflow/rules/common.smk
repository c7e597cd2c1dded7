"""The plan of the study, and the functions through which rules look things up in it."""

import os
import sys
from collections.abc import Iterable
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TextIO

import snakemake.workflow
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.persistence.file import FilePersistence as Memory

# The installed libraries and this package go before files of the working directory.
libraries = [path for path in sys.path if path not in ("", os.getcwd())]
sys.path[:] = [str(Path(workflow.basedir, "workflow")), *libraries]

from ablation.commands.requests import Requests
from ablation.machine.devices import gpus_to_share, resolves_to_cuda
from ablation.machine.logs import printable
from ablation.store.locking import (
    MEMORY,
    BusyError,
    claim,
    clear_stale_locks,
    is_writable,
    wait_for_jobs,
)
from ablation.study.config import ConfigError
from ablation.study.plan import SHELL_PREFIX, read_plan
from ablation.study.reading import own_file
from ablation.study.shelf import Shelf


def refuse(sentence: str) -> None:
    """End with one sentence; an exception in an input function would be shown with a traceback."""
    logger.error(printable(sentence))
    sys.exit(1)


def tell(sentence: str) -> None:
    """Say something of the run."""
    logger.info(printable(sentence))


# So that the same command works again after a SIGKILL, and a dry run tells what it will do.
if workflow.is_main_process:
    clear_stale_locks()
if workflow.is_main_process and not is_writable(MEMORY):
    # Snakemake's memory makes folders for itself even in a dry run.
    elsewhere = {"path": workflow.snakemake_tmp_dir / "memory"}
    snakemake.workflow.FilePersistence = lambda **facts: Memory(**facts | elsewhere)
if workflow.storage_settings.default_storage_provider:
    raise WorkflowError(
        "--default-storage-provider is not for this workflow, whose jobs read and write results/store themselves: "
        "allowed is to copy that folder, as docs/how-to/object-storage.md says."
    )
GIVEN, FILES = workflow.config_settings, workflow.overwrite_configfiles
ALONE = GIVEN.replace_workflow_config
try:
    PLAN = read_plan(FILES, GIVEN.config_args, GIVEN.config, alone=ALONE)
except ConfigError as error:
    raise WorkflowError(printable(str(error))) from None
SHELF = Shelf(PLAN, refuse)
REQUESTS = Requests(PLAN)
os.environ |= PLAN.environment
shell.prefix(SHELL_PREFIX)


# What shares a job on a cluster takes turns there; the profile declares the same to the process that submits it.
if workflow.remote_exec:
    workflow.register_resource("turn", 1)


class Unfinished(set):
    """The files that Snakemake forces, without those that are finished."""

    def __init__(self, finished: set[str]):
        super().__init__()
        self.finished = finished

    def update(self, files: Iterable[str]) -> None:
        super().update(set(files) - self.finished)


@cache
def take_up() -> None:
    """In a job of a cluster whose node died: what it had finished is not made again.

    Snakemake repeats the job as a whole, and forces each of its members.
    """
    if workflow.remote_exec and workflow.attempt > 1:
        keys = [
            each.wildcards_dict["key"]
            for each in workflow.dag_settings.target_jobs
            if "key" in each.wildcards_dict
        ]
        workflow.dag.forcefiles = Unfinished(SHELF.take_up(keys))


def is_elsewhere() -> bool:
    """Whether jobs run on other machines. A dry run has an executor of its own; threads for jobs tell what is meant."""
    return workflow.non_local_exec or (
        workflow.dryrun and workflow.execution_settings.use_threads
    )


@cache
def hold() -> TextIO:
    """The lock that makes this the one run of the store, until the process ends."""
    try:
        lock = claim()
        wait_for_jobs(logger.warning)
    except BusyError:
        refuse("Another run is using this store: start this one when that has ended.")
    except OSError as error:
        refuse(f"The store cannot be locked: {error.strerror}.")
    return lock


@cache
def begin() -> None:
    """Check the device, and make what is on disk fit to be built upon, once and before the first job.

    An input function calls it: Snakemake knows its executor then, and has looked at no file yet.
    """
    if not (workflow.executor_plugin and workflow.is_main_process) or workflow.touch:
        return
    if workflow.dryrun:
        # It would read Snakemake's locks, which a run beside it removes when it ends.
        workflow.persistence.lock = workflow.persistence.noop
    else:
        SHELF.require_writable()
        hold()
    gpus = gpus_to_share(PLAN.device, local=not is_elsewhere(), refuse=refuse)
    if gpus is not None and "gpu" not in workflow.global_resources:
        workflow.register_resource("gpu", gpus)
    outdated = SHELF.begin(
        workflow.dag_settings.targets, tell, real=not workflow.dryrun
    )
    workflow.dag.forcefiles.update(outdated)


def get_inputs(wildcards) -> list[str]:
    """What a stage is made from. One that is there asks for nothing: existence is freshness."""
    begin()
    take_up()
    return ancient(SHELF.inputs(wildcards.key, workflow.dag_settings.forceall))


def get_shown(target: str) -> list[str]:
    """The manifest of the entry that a readable file shows."""
    begin()
    return ancient([SHELF.manifest_behind(target)])


def get_threads(wildcards) -> int:
    """The cores shared among the trainings that are to run; elsewhere than here one, unless a profile sets another number."""
    if workflow.non_local_exec:
        return 1
    cores = workflow.cores or 1
    training = (job for job in workflow.dag.needrun_jobs() if job.rule.name == "train")
    # Where there are more than cores it makes no difference how many; counting all for each would take minutes of 10,000.
    share = cores // max(1, len(list(islice(training, cores))))
    return max(1, min(share, PLAN.stage(wildcards.key).spec["replicates"]))


def asks_for(request):
    """A resource of a training that only a cluster is asked for, by the one process that asks; 0 elsewhere."""
    return lambda wildcards, attempt: (
        request(wildcards.key, attempt)
        if workflow.is_main_process and is_elsewhere()
        else 0
    )
