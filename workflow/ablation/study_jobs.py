"""The jobs that look at a whole study: collect, plot and report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ablation import collect as tidy
from ablation.canonical import key_of
from ablation.registry import MODELS
from ablation.report.messages import load as load_messages
from ablation.store import read_json, write_json, write_text

TABLES = ("cells", "replicates", "epochs")


def _fingerprint(spec: dict[str, Any], failed: bool) -> str:
    """What was made while a cell was failed is never taken for settled."""
    return f"failed {key_of(spec)}" if failed else key_of(spec)


def collect(spec: dict[str, Any], output: Path) -> None:
    """Read all views, histories and yardsticks of a study; write its tables, ``study.json`` and ``comparisons.json``."""
    from ablation.statistics.compare import compare

    cells = [cell for model in spec["models"] for axis in model["axes"] for cell in axis["cells"]]
    views = {cell["cell"]: read_json(Path(cell["view"])) for cell in cells}
    references = {
        cell["cell"]: cell["label"] == axis["reference"]
        for model in spec["models"]
        for axis in model["axes"]
        for cell in axis["cells"]
    }
    good = [cell for cell in cells if "failed" not in views[cell["cell"]]["status"]]
    histories = {
        (cell["model"], cell["key"]): pd.read_csv(Path(cell["store"]) / "train" / "history.csv")
        for cell in good
    }
    yardsticks = {
        model["model"]: read_json(Path(model["yardsticks_file"]))["yardsticks"]
        for model in spec["models"]
    }
    study = tidy.study_document(spec["study"], spec["models"], views, yardsticks)
    replicates = tidy.replicates_table(list(views.values()))
    settings = spec["statistics"]
    comparisons = compare(
        study,
        replicates,
        confidence=settings["confidence"],
        margins=settings["margin"],
        metrics={n: (m.metrics[0].name, m.metrics[0].better) for n, m in MODELS.items()},
    )
    tables = {
        "cells": tidy.cells_table(list(views.values()), references),
        "replicates": replicates,
        "epochs": tidy.epochs_table(histories),
    }
    for name, table in tables.items():
        write_text(output / f"{name}.csv", table.to_csv(index=False))
    write_json(output / "comparisons.json", comparisons)
    failed = len(good) < len(cells)
    write_json(output / "study.json", {"fingerprint": _fingerprint(spec, failed), **study})


def _read(tables: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, pd.DataFrame], bool]:
    """study.json, comparisons.json, the tables, and whether a cell failed."""
    study = read_json(tables / "study.json")
    words = {"label": str, "key": str, "cell": str}
    frames = {name: pd.read_csv(tables / f"{name}.csv", dtype=words) for name in TABLES}
    failed = study["fingerprint"].startswith("failed")
    return study, read_json(tables / "comparisons.json"), frames, failed


def plot(spec: dict[str, Any], tables: Path, output: Path) -> None:
    """Draw all figures of a model and say in a manifest what they were drawn from."""
    from ablation.figures import draw_model

    study, comparisons, frames, failed = _read(tables)
    model = next(part for part in study["models"] if part["model"] == spec["model"])
    predictions = {}
    if spec["model"] == "fnn":
        predictions = {
            cell["key"]: pd.read_csv(
                Path(cell["store"]) / f"eval-{cell['eval']}" / "predictions.csv"
            )
            for axis in model["axes"]
            for cell in axis["cells"]
            if not cell["failed"]
        }
    drawn = draw_model(
        study,
        comparisons,
        frames,
        predictions,
        model=spec["model"],
        style={"palette": spec["palette"]},
        messages=load_messages(spec["language"]),
    )
    for name, figure in drawn.items():
        write_text(output / f"{name}.svg", figure.decode())
    manifest = {"fingerprint": _fingerprint(spec, failed), "figures": sorted(drawn)}
    write_json(output / f"{spec['model']}.json", manifest)


def report(spec: dict[str, Any], tables: Path, figures: Path, output: Path) -> None:
    """Assemble the one HTML file."""
    from ablation.report import build

    study, comparisons, frames, failed = _read(tables)
    names = [
        name
        for part in study["models"]
        for name in read_json(figures / f"{part['model']}.json")["figures"]
    ]
    drawn = {name: (figures / f"{name}.svg").read_text(encoding="utf-8") for name in names}
    settings = spec["config"]["report"]
    html = build(
        study,
        comparisons,
        frames,
        drawn,
        config=spec["config"],
        language=settings["language"],
        title=settings["title"],
    )
    head = f'<head>\n<meta name="fingerprint" content="{_fingerprint(spec, failed)}">'
    if "<head>" not in html:
        raise ValueError("the report template has no plain <head>")
    write_text(output, html.replace("<head>", head, 1))
