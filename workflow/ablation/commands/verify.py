"""Train cells of a study once more in a scratch folder, and say whether the stored numbers came back.

The scratch folder is a project of its own: the resolved configuration, links to raw data and to files of your own, and an empty
store. The workflow that made the study runs there, so data are prepared, cells trained and tested again. Of the study nothing
is touched but the record, ``verification.json``.
"""

from __future__ import annotations

import random
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from safetensors.numpy import load_file

from ablation.commands.agreement import EQUAL_PREDICTIONS, Trained, changed_facts, judge
from ablation.commands.dispatch import MistakeError, variant, workflow_command
from ablation.machine import provenance
from ablation.machine.logs import say
from ablation.results import verification
from ablation.results.frames import read_csv
from ablation.store.entries import Entry, find, require, require_or_set_aside
from ablation.store.keys import key_of
from ablation.store.places import PROJECT
from ablation.study.grid import Cell
from ablation.study.parts import link_own_files
from ablation.study.plan import Plan, read_plan
from ablation.study.shelf import Shelf
from ablation.study.stage import Stage
from ablation.tasks.task import METRICS

DEFAULT_CELLS = 3


def verify(
    configfiles: Sequence[Path],
    overrides: Sequence[str],
    *,
    cells: int | None,
    named: Sequence[str],
    seed: int | None,
    cores: int | None,
    keep: bool,
    report: bool,
) -> int:
    """Verify some cells of a study; see :func:`ablation.commands.dispatch.add` for the options.

    Returns:
        The exit status: 0 where no cell is different, else 1.

    Raises:
        MistakeError: one sentence, for an unknown cell, too many cells, or nothing to verify.
        StoreError: one sentence, for a damaged cell, or a folder that cannot be written.
        ConfigError: one sentence, for a configuration that is not valid.
    """
    plan = read_plan(configfiles, overrides)
    Shelf(plan).require_writable()
    if seed is None:
        seed = secrets.randbelow(2**32)
    chosen = choose(plan, cells=cells, named=named, seed=seed)
    stored = [_stored(plan, cell) for cell in chosen]
    names = ", ".join(cell.name for cell in chosen)
    by = "named" if named else f"drawn with seed {seed}"
    say(f"Training again ({by}): {names}")
    scratch = Path(tempfile.mkdtemp(prefix="ablation-verify-"))
    try:
        _repeat(plan, chosen, scratch, cores)
        again = [
            _read(*(require(scratch / stage.folder) for stage in _stages(plan, cell)))
            for cell in chosen
        ]
    finally:
        if keep:
            say(f"Kept: {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    judged = [_judged(*triple) for triple in zip(chosen, stored, again, strict=True)]
    outcomes = [cell["outcome"] for cell in judged]
    state = provenance.git_state(PROJECT)
    document = {
        "format": 1,
        "when": datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
        "study": plan.study.name,
        "outcome": verification.worst(outcomes),
        "k": len(judged),
        "n_cells": len(plan.study.by_key),
        "chosen": "named" if named else "random",
        "seed": None if named else seed,
        "bounds": {
            "equal_predictions": EQUAL_PREDICTIONS,
            "metrics": {name: metric.bounds for name, metric in METRICS.items()},
        },
        "cells": judged,
        "environment": {**provenance.environment(), **state},
        "commit": state["git_commit"],
    }
    verification.write(plan.results, document)
    for cell in judged:
        say(sentence(cell))
    say(f"Written: {plan.results / verification.FILE}")
    if report:
        _rebuild_report(plan, configfiles, overrides, cores)
    return int("different" in outcomes)


def choose(plan: Plan, *, cells: int | None, named: Sequence[str], seed: int) -> list[Cell]:
    """The cells to verify: those named, or ``cells`` of the trained ones by chance; one per key.

    Raises:
        MistakeError: one sentence.
    """
    if named:
        if cells is not None:
            raise MistakeError("--cells and --cell cannot both be given: a number, or names.")
        return list({cell.key: cell for cell in (_named(plan, name) for name in named)}.values())
    trained = sorted(
        (cell for cell in plan.study.by_key.values() if is_trained(plan, cell)),
        key=lambda cell: cell.name,
    )
    if not trained:
        raise MistakeError(
            f"study {plan.study.name} has no trained configuration to verify: run snakemake first."
        )
    if cells is not None and not 1 <= cells <= len(trained):
        raise MistakeError(
            f"--cells is {cells}: allowed is 1 to {len(trained)}, the trained configurations of study {plan.study.name}."
        )
    count = cells or min(DEFAULT_CELLS, len(trained))
    return random.Random(seed).sample(trained, count)


def _named(plan: Plan, name: str) -> Cell:
    cell = plan.study.by_name.get(name)
    if cell is None:
        valid = ", ".join(plan.study.by_name)
        raise MistakeError(
            f"--cell is {name!r}, no configuration of study {plan.study.name}: allowed are {valid}."
        )
    if not is_trained(plan, cell):
        raise MistakeError(
            f"--cell is {name!r}, which is not trained yet: run snakemake {plan.view(cell)} first."
        )
    return cell


def _stages(plan: Plan, cell: Cell) -> tuple[Stage, Stage]:
    return plan.trained[cell.key], plan.evaluated[cell.key]


def is_trained(plan: Plan, cell: Cell, root: Path = Path()) -> bool:
    """Whether a cell is trained and tested, with the code as it is now, in the project at ``root``."""
    entries = (find(root / stage.folder) for stage in _stages(plan, cell))
    return all(entry is not None and not entry.failures for entry in entries)


def _repeat(plan: Plan, cells: Sequence[Cell], scratch: Path, cores: int | None) -> None:
    """Run the workflow for some cells in a folder of its own."""
    config = yaml.safe_dump(plan.study.config, sort_keys=False, allow_unicode=True)
    (scratch / "config.yaml").write_text(config, encoding="utf-8")
    raw = Path("resources")
    if raw.is_dir():
        (scratch / "resources").symlink_to(raw.resolve(), target_is_directory=True)
    link_own_files(plan.study, scratch)
    targets = [plan.view(cell) for cell in cells]
    command = workflow_command(PROJECT / "Snakefile", cores, *targets)
    process = subprocess.run(command, cwd=scratch, check=False)
    failed = [cell.name for cell in cells if not is_trained(plan, cell, scratch)]
    if process.returncode or failed:
        failures = ", ".join(failed) or "the configurations"
        raise MistakeError(
            f"{failures} could not be trained again (exit status {process.returncode}); with --keep the logs stay."
        )


def _stored(plan: Plan, cell: Cell) -> Trained:
    """What the study has of a cell, read through.

    Raises:
        StoreError: one sentence, if it is damaged; it is set aside.
        MistakeError: one sentence, if the readable copy is another.
    """
    copy = plan.copies[plan.view(cell)]
    tested = require_or_set_aside(copy.folder, copy.target)
    if Path(copy.target).exists() and not copy.is_current(tested):
        raise MistakeError(
            f"{copy.target} is not what the store holds: run snakemake {copy.target}"
        )
    return _read(require_or_set_aside(plan.trained[cell.key].folder), tested)


def _read(trained: Entry, tested: Entry) -> Trained:
    metrics = tested.read("metrics.json")
    numbers = {n: value for n, value in metrics.items() if n not in ("cost", "environment")}
    return Trained(
        digests={**trained.files, **tested.files, "metrics.json": key_of(numbers)},
        weights=load_file(trained.folder / "model.safetensors"),
        history=read_csv(trained.folder / "history.csv"),
        predictions=read_csv(tested.folder / "predictions.csv"),
        metrics=metrics,
    )


def _judged(cell: Cell, stored: Trained, again: Trained) -> dict[str, Any]:
    """One cell's part of the record."""
    then, now = stored.metrics, again.metrics
    return {
        "cell": cell.name,
        "model": cell.model,
        "key": cell.key,
        **judge(stored, again),
        "changed": changed_facts(then["environment"], now["environment"]),
        "seconds": now["cost"]["seconds"],
    }


def sentence(cell: dict[str, Any]) -> str:
    """One verified cell in a line."""
    facts = "; ".join(f"{name} {then} → {now}" for name, (then, now) in cell["changed"].items())
    because = "; ".join(
        item["what"]
        if item["found"] is None
        else f"{item['what']} {item['found']:.4g}, allowed {item['allowed']:.4g}"
        for item in cell["broken"]
    )
    apart = f" ({because})" if because else ""
    if cell["outcome"] == "within tolerance":
        weights, predictions = cell["deviations"]["weights"], cell["deviations"]["predictions"]
        shown = ", ".join(
            f"{name} {value:.4g}" for name, value in predictions.items() if value is not None
        )
        apart = f" (weights {weights:.1e}, predictions {shown})"
    return f"{cell['cell']}: {cell['outcome']}{apart}; environment: {facts or 'the same'}"


def _rebuild_report(
    plan: Plan, configfiles: Sequence[Path], overrides: Sequence[str], cores: int | None
) -> None:
    """Bring the report up to date where nothing but the report has to be made."""
    renewed = Plan(plan.study, plan.given)
    if [stage for stage in Shelf(renewed).to_make([renewed.reported]) if stage.name != "report"]:
        say(f"{plan.report_file} is not made: the study is not finished; snakemake finishes it.")
        return
    command = workflow_command(
        PROJECT / "Snakefile", cores, plan.report_file, options=variant(plan.given)
    )
    if subprocess.run(command, check=False).returncode:
        raise MistakeError(f"{plan.report_file} could not be made; logs/report says why.")
