"""The plan of the study, and the functions through which rules look things up in it."""

import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir, "workflow")))

from ablation.canonical import canonical_json, key_of
from ablation.cli import RUN_FACTS
from ablation.config import ConfigError, resolve
from ablation.devices import resolves_to_cuda
from ablation.grid import Cell, ModelStudy, build
from ablation.locking import clear_stale_locks
from ablation.plan import Plan
from ablation.registry import DATASETS, EMBEDDED, MODELS, OFFICIAL


def read_plan() -> Plan:
    """The plan of the configured study; a mistake in the configuration is one sentence."""
    try:
        return Plan(build(resolve(config)))
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


# Held until this process ends, so that the same command works again after a SIGKILL.
LIVING = clear_stale_locks(Path(".snakemake")) if workflow.is_main_process else None
PLAN = read_plan().settle(write=workflow.is_main_process)
STUDY = PLAN.study
PARTS = {part.model.name: part for part in STUDY.models}

# Jobs find this Python and this package first, installed or not, wherever the workflow was started. What no number depends
# on reaches them by the environment: as an input or a parameter it would make Snakemake run them again.
shell.prefix(
    f"export PATH={Path(sys.executable).parent}:$PATH"
    f" PYTHONPATH={Path(workflow.basedir, 'workflow')} {RUN_FACTS}={PLAN.run_facts}; "
)


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


def get_data_cell(wildcards) -> Cell:
    return STUDY.by_data_key[wildcards.data_key]


def get_raw(wildcards) -> list[str]:
    cell = get_data_cell(wildcards)
    made = all(Path(PLAN.data(cell, part)).is_file() for part in ("train", "test"))
    return [ancient(path) if made else path for path in PLAN.raw(cell)]


def get_download_spec(wildcards) -> str:
    """The pinned files of a data set."""
    return canonical_json(
        {
            "files": DATASETS[wildcards.dataset],
            "embedded": wildcards.dataset in EMBEDDED,
        }
    )


def get_data_spec(wildcards) -> str:
    return canonical_json(get_data_cell(wildcards).data_spec)


def get_train_mark(wildcards) -> list[str]:
    """The cell's mark: what makes a failed cell train again, and nothing else."""
    cell = get_cell(wildcards)
    return settled(PLAN.status(cell), PLAN.cell_mark(cell.model, cell.key, "train"))


def get_train_part(wildcards) -> list[str]:
    cell = get_cell(wildcards)
    return settled(PLAN.status(cell), PLAN.data(cell, "train"))


def get_tested_parts(wildcards) -> list[str]:
    """The train part, for its scaler, and the test part."""
    cell = get_cell(wildcards)
    return settled(
        PLAN.metrics(cell), PLAN.data(cell, "train"), PLAN.data(cell, "test")
    )


def get_train_spec(wildcards) -> str:
    return get_cell(wildcards).spec_json


def get_gpus(wildcards) -> int:
    """One GPU where the device resolves to one, so that --resources gpu=1 never holds up a CPU."""
    return int(resolves_to_cuda(STUDY.config["compute"]["device"]))


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
    return settled(PLAN.yardsticks(chosen), PLAN.data(next(iter(chosen.cells)), part))


def get_yardstick_spec(wildcards) -> str:
    return canonical_json(PLAN.yardstick_spec(get_part(wildcards)))


def get_collect_inputs(wildcards) -> list[str]:
    views = [PLAN.view(cell) for cell in STUDY.cells]
    yardsticks = [PLAN.yardsticks(part) for part in STUDY.models]
    return settled(PLAN.table("study.json"), *views, *yardsticks, PLAN.mark("collect"))


def get_plot_inputs(wildcards) -> list[str]:
    part = PARTS[wildcards.model]
    mark = PLAN.mark(f"plot-{part.model.name}")
    return settled(PLAN.figures_manifest(part), PLAN.table("study.json"), mark)


def get_plot_spec(wildcards) -> str:
    return key_of(PLAN.plot_spec(get_part(wildcards)))


def get_report_inputs(wildcards) -> list[str]:
    manifests = [PLAN.figures_manifest(part) for part in STUDY.models]
    return settled(
        PLAN.report, PLAN.table("study.json"), *manifests, PLAN.mark("report")
    )


def raise_undeclared(wildcards) -> list[str]:
    """Refuse a cell that the configuration does not declare."""
    raise WorkflowError(PLAN.undeclared(wildcards.undeclared))
