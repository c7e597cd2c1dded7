"""What a run would do, and why, before it is started: reads the configuration and the store, writes nothing.

It asks the same plan as Snakemake does, so that both name the same jobs, but need not start Snakemake.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ablation.commands import costs
from ablation.commands.dispatch import MistakeError
from ablation.commands.reasons import Found, Spec, Target, is_spec, reason
from ablation.machine.devices import gpu_count, refusal, resolves_to_cuda
from ablation.networks.registry import EMBEDDED, MODELS
from ablation.store.document import StudyDocument
from ablation.store.entries import STORE, find, read_json, spec_path
from ablation.store.formats import InvalidDocumentError
from ablation.study.grid import Cell
from ablation.study.plan import Plan, read_plan
from ablation.study.shelf import Shelf
from ablation.study.stage import Stage

PLAIN = 400  # characters; where nobody looks at a terminal, no line is broken
Row = tuple[str, ...]


def _stored(models: list[str]) -> tuple[dict[str, Spec], dict[str, costs.Cost]]:
    """Specification and cost of every trained entry of some models in the store, by key."""
    specs: dict[str, Spec] = {}
    found: dict[str, costs.Cost] = {}
    for folder in sorted((STORE / "train").glob("[!.]*")):
        spec = read_json(spec_path(folder.name))
        entry = find(folder)
        if entry is None or entry.failures or not is_spec(spec) or spec["model"] not in models:
            continue
        specs[folder.name] = spec
        run = read_json(folder / "run.json") or {}
        cost = costs.read_cost(spec, run.get("cost") or {})
        if cost is not None:
            found[folder.name] = cost
    return specs, found


def _found(plan: Plan, cell: Cell, collected: dict[str, set[str]] | None) -> Found:
    """What is on disk of a cell. collected: the cells of each axis of the last collected study, None without one."""
    views = [read_json(Path(plan.view(c))) for c in plan.study.cells if c.key == cell.key]
    viewed = next((view["spec"] for view in views if view and is_spec(view.get("spec"))), None)
    place = "study"
    if collected is not None:
        labels = collected.get(f"{cell.model}/{cell.axis}")
        place = "axis" if labels is None else "" if cell.label in labels else "value"
    folder = plan.trained[cell.key].folder
    entry = find(folder)
    failure = entry.failure if entry else None
    return Found(
        failed=failure.reason if failure else None,
        is_damaged=entry is None and folder.exists(),
        viewed=viewed,
        place=place or None,
    )


def _collected(plan: Plan) -> dict[str, set[str]] | None:
    try:
        study = StudyDocument.from_plain(read_json(Path(plan.table("study.json"))) or {})
    except InvalidDocumentError:  # none, or of another version of the workflow
        return None
    return {
        f"{model.name}/{axis.name}": set(axis.labels)
        for model in study.models
        for axis in model.axes
    }


def stages_to_make(plan: Plan, shelf: Shelf) -> list[Stage]:
    """The stages that a real run would make, those that failed and what was made of them included."""
    return shelf.to_make(plan.wanted, frozenset(shelf.failed()))


def jobs(plan: Plan, shelf: Shelf) -> dict[str, int]:
    """Jobs per rule that a real run would run, without the copies of what it makes."""
    made = stages_to_make(plan, shelf)
    counts = Counter(stage.name for stage in made)
    missing = {path for stage in made for path in stage.raw if not Path(path).is_file()}
    embedded = [path for path in missing if Path(path).parts[1] in EMBEDDED]
    fetched = {Path(path).parts[1] for path in missing} - set(EMBEDDED)
    counts = Counter(copy_embedded=len(embedded), download=len(fetched)) + counts
    return dict(counts)


def _table(rows: Sequence[Row], *, heads: Row = (), right: tuple[int, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, show_header=bool(heads), header_style="dim")
    for i in range(len(rows[0])):
        head = heads[i] if heads else ""
        table.add_column(head, justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _cached(plan: Plan, missing: Collection[str]) -> Sequence[Row]:
    """The cells that stand, an axis per row."""
    rows = []
    for part in plan.study.models:
        for axis in part.axes:
            labels = [cell.label for cell in axis.cells if cell.key not in missing]
            if labels:
                rows.append((f"  {part.model.name}/{axis.name}", ", ".join(labels)))
    return rows


def _total(found: list[costs.Estimate | None], slots: int, cores: str) -> str:
    known = [estimate for estimate in found if estimate is not None]
    if not known:
        return "Training: no estimate, since nothing like it was trained here on such a device."
    low, high = costs.bounds([estimate.seconds for estimate in known], slots)
    basis = len({key for estimate in known for key in estimate.basis})
    rest = f", from {basis} earlier cell{'s' if basis > 1 else ''}"
    missing = len(found) - len(known)
    if missing:
        rest += f"; {missing} more without an estimate"
    return f"Training: about {costs.between(low, high)} {cores}{rest}."


def show(files: list[Path], overrides: list[str], cores: int | None) -> None:
    """Print what a run would do.

    Raises:
        MistakeError: one sentence, for a number of cores or a device that cannot be had.
        ConfigError: one sentence, for a configuration that is not valid.
    """
    if cores is not None and cores < 1:
        raise MistakeError(f"--cores is {cores}: allowed is an integer at least 1.")
    plan = read_plan(files, overrides)
    compute = plan.study.config["compute"]
    refused = refusal(compute["device"], local=True)
    if refused:
        raise MistakeError(refused)
    on_terminal = sys.stdout.isatty()
    buffer = StringIO()
    plain: dict[str, Any] = {} if on_terminal else {"file": buffer, "width": PLAIN}
    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=True, **plain)
    _print(console, plan, cores or len(os.sched_getaffinity(0)))
    if not on_terminal:
        print("\n".join(line.rstrip() for line in buffer.getvalue().splitlines()))


def _print(console: Console, plan: Plan, cores: int) -> None:
    study = plan.study
    shelf = Shelf(plan)
    counts = jobs(plan, shelf)
    missing = {stage.key for stage in stages_to_make(plan, shelf)}
    targets = [cell for cell in study.by_key.values() if cell.key in missing]
    targets = [cell for cell in study.cells if any(cell is target for target in targets)]
    console.print(
        f"Study {study.name}: {len(study.cells)} cells, {len(study.by_key)} of them distinct; "
        f"{len(targets)} would be trained, {len(study.by_key) - len(targets)} are cached.",
    )
    if targets:
        _print_training(console, plan, targets, cores)
    cached = _cached(plan, missing)
    if cached:
        console.print("\nCached", style="bold")
        console.print(_table(cached), soft_wrap=False)
    also = [f"{count} {rule}" for rule, count in counts.items() if rule != "train"]
    nothing = "Nothing else to be done" if targets else "Nothing to be done"
    text = "Also to run: " + ", ".join(also) if also else nothing
    console.print(f"\n{text}.")


def _print_training(console: Console, plan: Plan, cells: list[Cell], cores: int) -> None:
    study = plan.study
    compute = plan.study.config["compute"]
    cuda = resolves_to_cuda(compute["device"])
    specs, spent = _stored([part.model.name for part in study.models])
    collected = _collected(plan)
    rows, found = [], []
    for cell in cells:
        model = MODELS[cell.model]
        target = Target(cell.spec, cell.parameters, model.relevant)
        on_disk = _found(plan, cell, collected)
        guess = costs.estimate(target, spent, model.train_size, "cuda" if cuda else "cpu")
        found.append(guess)
        more = sum(other.key == cell.key for other in study.cells) - 1
        name = f"{cell.name} (and {more} more)" if more else cell.name
        time = costs.duration(guess.seconds) if guess else "no estimate"
        rows.append((f"  {name}", time, reason(target, on_disk, specs)))
    console.print("\nWould be trained", style="bold")
    heads = ("  cell", "takes", "why")
    console.print(_table(rows, heads=heads, right=(1,)), soft_wrap=False)
    slots = max(gpu_count(), 1) if cuda else max(cores // compute["threads"], 1)
    where = (
        f"on {slots} GPU{'s' if slots > 1 else ''}"
        if cuda
        else f"on {cores} core{'s' if cores > 1 else ''}"
    )
    console.print(f"\n{_total(found, slots, where)}")
