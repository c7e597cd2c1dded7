"""The plan of the study, and the functions through which rules look things up in it."""

import os
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# The installed libraries and this package go before files of the working directory.
sys.path[:] = [
    str(Path(workflow.basedir, "workflow")),
    *(p for p in sys.path if p not in ("", os.getcwd())),
]

from ablation.config import ConfigError
from ablation.devices import gpu_count, refusal, resolves_to_cuda
from ablation.figures import figure_place
from ablation.grid import build
from ablation.locking import clear_stale_locks
from ablation.plan import MANIFEST, TABLES, Given, Plan
from ablation.reading import load, own_file
from ablation.registry import EMBEDDED, OFFICIAL
from ablation.settle import Shelf


def read_plan() -> Plan:
    """The plan of the configured study; a mistake in the configuration is one sentence."""
    settings = workflow.config_settings
    files = [Path(os.path.relpath(path)) for path in workflow.overwrite_configfiles]
    base = [] if settings.replace_workflow_config else [own_file()]
    given = Given(tuple(map(str, files)), tuple(settings.config_args))
    try:
        return Plan(build(load(*base, *files, overrides=settings.config)), given)
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


# Held until this process ends, so that the same command works again after a SIGKILL.
LIVING = clear_stale_locks(Path(".snakemake")) if workflow.is_main_process else None
PLAN = read_plan()
SHELF = Shelf(PLAN)
DEVICE = PLAN.study.config["compute"]["device"]
# Jobs find this Python and this package by variables: a path in a shell line would be read as a part of the command.
os.environ |= {
    "ABLATION_PYTHON": sys.executable,
    "ABLATION_PACKAGE": str(Path(workflow.basedir, "workflow")),
    **PLAN.environment,
}
# What the user's shell says of Python and matplotlib changes no number and no figure.
shell.prefix('export PYTHONPATH="$ABLATION_PACKAGE" MPLBACKEND=agg MATPLOTLIBRC=/dev/null; ')


def refuse(sentence: str) -> None:
    """End with one sentence; an exception in an input function would be shown with a traceback."""
    logger.error(sentence)
    sys.exit(1)


@cache
def begin() -> None:
    """Check the device, and make what is on disk fit to be built upon, once and before the first job.

    An input function calls it: Snakemake knows its executor then, and has looked at no file yet. A dry run has an executor of
    its own; threads for jobs are what is left of the one that is meant.
    """
    if (
        workflow.executor_plugin is None
        or not workflow.is_main_process
        or workflow.touch
    ):
        return
    dry = workflow.dryrun and workflow.execution_settings.use_threads
    local = not (workflow.non_local_exec or dry)
    if sentence := refusal(DEVICE, local=local):
        refuse(sentence)
    if local and resolves_to_cuda(DEVICE) and "gpu" not in workflow.global_resources:
        workflow.register_resource("gpu", gpu_count())
    real = LIVING is not None and not workflow.dryrun
    outdated = SHELF.begin(workflow.dag_settings.targets, logger.info, real=real)
    workflow.dag.forcefiles.update(outdated)


def get_everything(wildcards) -> list[str]:
    """All that the study makes but its exports: what people read, and the entries behind it."""
    begin()
    return [*PLAN.copies, *(stage.manifest for stage in PLAN.wanted)]


def get_inputs(wildcards) -> list[str]:
    """What a stage is made from. One that is there asks for nothing: existence is freshness."""
    begin()
    if wildcards.key not in PLAN.stages:
        refuse(f"{wildcards.key} is no key of study {PLAN.study.name}.")
    everything = workflow.dag_settings.forceall
    return [
        ancient(path) for path in SHELF.inputs(wildcards.key, everything=everything)
    ]


def get_shown(target: str) -> list[str]:
    """The manifest of the entry that a readable file shows."""
    begin()
    copies = PLAN.copies | PLAN.export_copies
    if target not in copies:
        refuse(PLAN.undeclared(target))
    return [ancient(PLAN.stages[copies[target].key].manifest)]


def get_gpus(wildcards) -> int:
    """One GPU where the device resolves to one, so that --resources gpu=1 never holds up a CPU."""
    return int(resolves_to_cuda(DEVICE))


def get_name(wildcards) -> str:
    """What a stage is about: a cell's name, or a model's."""
    return PLAN.name_of(wildcards.key)
