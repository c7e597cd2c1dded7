"""Train, compare, and print the comparisons: what a study says, without its figures, portraits, draws and report."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablation.commands.dispatch import MistakeError, variant, workflow_command
from ablation.language import numbers as fmt
from ablation.language.metrics import scaled, scaled_pair
from ablation.machine.logs import printable
from ablation.results.bundle import checked_tables
from ablation.results.frames import read_tables
from ablation.store.document import AxisDocument, StudyDocument
from ablation.store.places import PROJECT, WORKFLOW
from ablation.study.plan import read_plan
from ablation.tasks.task import METRICS

HEAD = ("model", "factor", "level", "n", "mean ± SD", "difference", "conclusion")
RIGHT = ("n", "mean ± SD", "difference")
WIDTH = 120  # of what goes to a file


def quick(configfiles: Sequence[Path], overrides: Sequence[str], cores: int | None) -> int:
    """Make the tables of a study and print its comparisons; the exit status.

    Raises:
        MistakeError, ConfigError: one sentence.
    """
    if cores is not None and cores < 1:
        raise MistakeError(f"--cores is {cores}: allowed is an integer at least 1.")
    plan = read_plan(configfiles, overrides)
    command = workflow_command(
        PROJECT / "Snakefile",
        cores,
        plan.table("study.json"),
        options=["--logger", "ablation", *variant(plan.given)],
    )
    path = os.pathsep.join(map(str, (WORKFLOW, WORKFLOW / "plugins")))
    process = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False)
    if process.returncode:
        return process.returncode
    study, comparisons, frames = read_tables(checked_tables(plan.results))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    show(console, study, comparisons, frames["cells"])
    return 0


def show(
    console: Console, study: StudyDocument, comparisons: dict[str, Any], cells: pd.DataFrame
) -> None:
    """Print the comparisons of a study as one table, and why cells failed below it."""
    level = fmt.in_percent(fmt.percent(comparisons["confidence"]))
    title = f"Study {study.name}, differences with simultaneous {level} confidence intervals"
    table = Table(title=_text(title), title_justify="left", box=SIMPLE, padding=(0, 2, 0, 0))
    for name in HEAD:
        is_number = name in RIGHT
        table.add_column(name, justify="right" if is_number else "left", no_wrap=is_number)
    for lines in rows(study, comparisons, cells):
        for line in lines:
            table.add_row(*map(_text, line))
        table.add_section()
    console.print(table)
    on_logarithm = {m["metric"] for m in comparisons["models"].values() if m["log"]}
    if on_logarithm:
        console.print(f"Differences of {', '.join(sorted(on_logarithm))} are of geometric means.")
    for cell in (cell for model in study.models for cell in model.cells() if cell.failed):
        console.print(_text(f"{cell.name} failed: {cell.failed}"), soft_wrap=True)


def _text(text: str) -> Text:
    """A text for rich, which hands on what a terminal would obey."""
    return Text(printable(text))


def rows(
    study: StudyDocument, comparisons: dict[str, Any], cells: pd.DataFrame
) -> Iterator[list[tuple[str, ...]]]:
    """The lines of each axis, a text per column of ``HEAD``."""
    for model in study.models:
        compared = comparisons["models"][model.name]
        cells_of_model = cells[cells["model"] == model.name].set_index(["axis", "label"])
        for axis in model.axes:
            yield _axis(axis, model.name, compared, cells_of_model.loc[axis.name])


def _axis(
    axis: AxisDocument, model: str, compared: dict[str, Any], cells: pd.DataFrame
) -> list[tuple[str, ...]]:
    """The lines of one axis; its name and that of the metric stand in the first."""
    metric, judged = compared["metric"], compared["axes"][axis.name]["rows"]
    rows_judged = [judged[label] for label in axis.labels]
    means, spreads = (
        [scaled(metric, cells.loc[label, f"{metric}_{part}"]) for label in axis.labels]
        for part in ("mean", "sd")
    )
    places = fmt.column_decimals([(-s, s) for s in spreads if s], [m for m in means if m])
    gaps = [scaled(metric, row["difference"]) for row in rows_judged]
    bounds = [scaled_pair(metric, row["difference_interval"]) for row in rows_judged]
    gap_places = fmt.column_decimals(bounds, [gap for gap in gaps if gap])
    unit = f"{fmt.TIED}%" if METRICS[metric].scale == 100 else ""
    return [
        (
            f"{model} ({metric}{unit})" if i == 0 else "",
            axis.name if i == 0 else "",
            label,
            str(rows_judged[i]["n"]),
            _with_spread(means[i], spreads[i], places),
            _with_interval(gaps[i], bounds[i], gap_places),
            _verdict(rows_judged[i]),
        )
        for i, label in enumerate(axis.labels)
    ]


def _with_spread(mean: float | None, spread: float | None, places: int) -> str:
    if mean is None:
        return fmt.DASH
    text = fmt.fixed(mean, places)
    return text if spread is None else f"{text} ± {fmt.fixed(spread, places)}"


def _with_interval(gap: float | None, bounds: tuple[float, float] | None, places: int) -> str:
    if gap is None:
        return fmt.DASH
    text = fmt.fixed(gap, places, sign=True)
    return text if bounds is None else f"{text} {fmt.interval(bounds, places, sign=True)}"


def _verdict(row: dict[str, Any]) -> str:
    """The verdict, its reason, and how many replicates diverged or learnt nothing."""
    text = row["verdict"] + (f" ({row['reason']})" if row["reason"] else "")
    counts = [f"{row[f'n_{w}']} {w}" for w in ("diverged", "collapsed") if row[f"n_{w}"]]
    return "; ".join([text, *counts])
