"""The plan of the study, and the functions through which rules look things up in it."""

import os
import os
import re
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

sys.path.insert(0, str(Path(workflow.basedir, "workflow")))

from ablation.canonical import canonical_json, key_of
from ablation.cli import RUN_FACTS
from ablation.config import ConfigError, resolve
from ablation.devices import gpu_count, refusal, resolves_to_cuda
from ablation.export.plan import CRATE, TABLES, ExportPlan
from ablation.figures import figure_place
from ablation.grid import Cell, ModelStudy, build
from ablation.locking import clear_stale_locks
from ablation.plan import Plan
from ablation.registry import DATASETS, EMBEDDED, MODELS, OFFICIAL


def read_plan() -> Plan:
    """The plan of the configured study; a mistake in the configuration is one sentence."""
    try:
        given = map(os.path.relpath, workflow.overwrite_configfiles)
        return Plan(build(resolve(config)), config_files=tuple(given))
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


# Held until this process ends, so that the same command works again after a SIGKILL.
LIVING = clear_stale_locks(Path(".snakemake")) if workflow.is_main_process else None
PLAN = read_plan().settle(write=workflow.is_main_process)
EXPORT = ExportPlan(PLAN).settle(write=workflow.is_main_process)
STUDY = PLAN.study
PARTS = {part.model.name: part for part in STUDY.models}
DEVICE = STUDY.config["compute"]["device"]

# The logger plugin names the cells by it.
os.environ[RUN_FACTS] = PLAN.run_facts

# Jobs find this Python and this package first, installed or not, wherever the workflow was started. What no number depends
# on reaches them by the environment: as an input or a parameter it would make Snakemake run them again.
shell.prefix(
    f"export PATH={Path(sys.executable).parent}:$PATH"
    f" PYTHONPATH={Path(workflow.basedir, 'workflow')} {RUN_FACTS}={PLAN.run_facts}; "
)


# On a cluster these run where Snakemake does: only that machine may have the network, and a view takes no time.
localrules:
    copy_embedded,
    download,
    view,


def one_of(names) -> str:
    """A wildcard constraint for exactly these names; one that nothing matches if there are none."""
    return "|".join(map(re.escape, sorted(names))) or "(?!)"


def get_cell(wildcards) -> Cell:
    """The cell of a store entry, by key."""
    return STUDY.by_key[wildcards.key]


def get_part(wildcards) -> ModelStudy:
    return PARTS[wildcards.model]


def settled(target: str, *inputs: str) -> list[str]:
    """The inputs of a target; while it is the expected one, no time stamp among them matters."""
    return [ancient(path) for path in inputs] if PLAN.fresh[target] else list(inputs)


def get_raw(wildcards) -> list[str]:
    spec = STUDY.by_data_key[wildcards.data_key]
    made = all(Path(PLAN.data(spec, part)).is_file() for part in ("train", "test"))
    return [ancient(path) if made else path for path in PLAN.raw(spec)]


def get_download_spec(wildcards) -> str:
    """The pinned files of a data set."""
    return canonical_json(
        {
            "dataset": wildcards.dataset,
            "files": DATASETS[wildcards.dataset],
            "embedded": wildcards.dataset in EMBEDDED,
        }
    )


def get_data_spec(wildcards) -> str:
    return canonical_json(STUDY.by_data_key[wildcards.data_key])


def refuse(sentence: str) -> None:
    """End with one sentence; an exception in an input function would be shown with a traceback."""
    logger.error(sentence)
    sys.exit(1)


@cache
def check_device() -> None:
    """Refuse a device that cannot be, and run no more GPU jobs at once on this machine than it has GPUs.

    An input function calls it: Snakemake knows its executor then, and has not made its scheduler yet. A dry run has an
    executor of its own; threads for jobs are what is left of the one that is meant.
    """
    if workflow.executor_plugin is None or not workflow.is_main_process:
        return
    dry = workflow.dryrun and workflow.execution_settings.use_threads
    local = not (workflow.non_local_exec or dry)
    sentence = refusal(DEVICE, local=local)
    if sentence:
        refuse(sentence)
    if local and resolves_to_cuda(DEVICE) and "gpu" not in workflow.global_resources:
        workflow.register_resource("gpu", gpu_count())


def get_train_mark(wildcards) -> list[str]:
    """The cell's mark: what makes a failed cell train again, and nothing else."""
    check_device()
    cell = get_cell(wildcards)
    return settled(PLAN.status(cell), PLAN.cell_mark(cell.model, cell.key, "train"))


def get_train_part(wildcards) -> list[str]:
    cell = get_cell(wildcards)
    return settled(PLAN.status(cell), PLAN.data(cell.data_spec, "train"))


def get_tested_parts(wildcards) -> list[str]:
    """The train part, for its scaler, and the test part."""
    cell = get_cell(wildcards)
    parts = [PLAN.data(cell.data_spec, part) for part in ("train", "test")]
    return settled(PLAN.metrics(cell), *parts)


def get_train_spec(wildcards) -> str:
    return get_cell(wildcards).spec_json


def get_gpus(wildcards) -> int:
    """One GPU where the device resolves to one, so that --resources gpu=1 never holds up a CPU."""
    return int(resolves_to_cuda(DEVICE))


def get_evaluation_inputs(wildcards) -> list[str]:
    """The trained entry's status and the evaluation's mark."""
    cell = get_cell(wildcards)
    mark = PLAN.cell_mark(cell.model, cell.key, "evaluate")
    return settled(PLAN.metrics(cell), PLAN.status(cell), mark)


def get_evaluation_spec(wildcards) -> str:
    """What the evaluate job needs to know beside the data."""
    model = MODELS[wildcards.model]
    return canonical_json(
        {
            "key": wildcards.key,
            "eval": wildcards.digest,
            "module": model.module("evaluate"),
            "metrics": [metric.name for metric in model.metrics],
        }
    )


def get_view_inputs(wildcards) -> list[str]:
    cell = STUDY.by_name[wildcards.cell]
    return settled(PLAN.view(cell), PLAN.metrics(cell), PLAN.mark(cell.name))


def get_view_spec(wildcards) -> str:
    return canonical_json(PLAN.cell_facts(STUDY.by_name[wildcards.cell]))


def get_part_data(wildcards, part: str) -> list[str]:
    """A prepared part of a model's baseline, for its yardsticks."""
    chosen = get_part(wildcards)
    return settled(PLAN.yardsticks(chosen), PLAN.data(chosen.data_spec, part))


def get_yardstick_spec(wildcards) -> str:
    return canonical_json(PLAN.yardstick_spec(get_part(wildcards)))


def get_collect_inputs(wildcards) -> list[str]:
    views = [PLAN.view(cell) for cell in STUDY.cells]
    yardsticks = [PLAN.yardsticks(part) for part in STUDY.models]
    return settled(PLAN.table("study.json"), *views, *yardsticks, PLAN.mark("collect"))


def get_draws_inputs(wildcards) -> list[str]:
    specs = {cell.data_key: cell.data_spec for cell in STUDY.cells}.values()
    data = [PLAN.data(spec, part) for spec in specs for part in ("train", "test")]
    tables = PLAN.table("study.json")
    return settled(PLAN.table("draws.json"), tables, *data, PLAN.mark("draws"))


def get_plot_inputs(wildcards) -> list[str]:
    part = PARTS[wildcards.model]
    tables = [PLAN.table(name) for name in ("study.json", "draws.json")]
    mark = PLAN.mark(f"plot-{part.model.name}")
    return settled(PLAN.figures_manifest(part), *tables, mark)


def get_plot_spec(wildcards) -> str:
    return key_of(PLAN.plot_spec(get_part(wildcards)))


def get_portraits_inputs(wildcards) -> list[str]:
    part = get_part(wildcards)
    specs = {cell.data_key: cell.data_spec for cell in part.cells}.values()
    tested = [PLAN.data(spec, "test") for spec in specs]
    mark = PLAN.mark(f"portraits-{part.model.name}")
    return settled(PLAN.portraits(part), PLAN.table("study.json"), *tested, mark)


def get_portraits_spec(wildcards) -> str:
    return key_of(PLAN.portraits_spec(get_part(wildcards)))


def get_report_inputs(wildcards) -> list[str]:
    return settled(PLAN.report, PLAN.table("study.json"), PLAN.mark("report"))


def get_shown(wildcards, place) -> list[str]:
    """What the report shows of each model: ``PLAN.figures_manifest`` or ``PLAN.portraits``."""
    return settled(PLAN.report, *(place(part) for part in STUDY.models))


def get_export_tables_inputs(wildcards) -> list[str]:
    return settled(EXPORT.manifest(TABLES), *EXPORT.tables_inputs())


def get_export_figures_inputs(wildcards) -> list[str]:
    part = get_part(wildcards)
    manifest = EXPORT.manifest(EXPORT.figures(part))
    return settled(manifest, *EXPORT.figures_inputs(part))


def get_crate_inputs(wildcards) -> list[str]:
    return settled(EXPORT.manifest(CRATE), *EXPORT.crate_inputs())


def get_export_figures_spec(wildcards) -> str:
    return key_of(EXPORT.figures_spec(get_part(wildcards)))


def refuse_undeclared(wildcards) -> None:
    """Refuse a cell that the configuration does not declare."""
    refuse(PLAN.undeclared(wildcards.undeclared))
