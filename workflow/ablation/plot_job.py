"""Draw all figures of one model."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from ablation.figures import draw_model
from ablation.report.messages import load as load_messages
from ablation.store import read_json, write_json, write_text
from ablation.tables import read_csv, read_tables, study_fingerprint


def plot(spec: dict[str, Any], tables: Path, output: Path) -> None:
    """Draw all figures of a model and say in a manifest what they were drawn from."""
    study, comparisons, frames, failed = read_tables(tables)
    predictions = read_predictions(study, spec["model"])
    drawn = draw_model(
        study,
        comparisons,
        frames,
        predictions,
        model=spec["model"],
        style={"palette": spec["palette"]},
        messages=load_messages(spec["language"]),
        draws=read_json(tables / "draws.json")["models"][spec["model"]],
    )
    for name, figure in drawn.items():
        ElementTree.fromstring(figure)  # raises if the figure is not well-formed
        write_text(output / spec["model"] / f"{name}.svg", figure.decode())
    manifest = {"fingerprint": study_fingerprint(spec, failed), "figures": sorted(drawn)}
    write_json(output / f"{spec['model']}.json", manifest)


def read_predictions(study: dict[str, Any], model: str) -> dict[str, pd.DataFrame]:
    """The predictions of a regression's cells, by key; of another model none are drawn."""
    if model != "fnn":
        return {}
    entry = next(part for part in study["models"] if part["model"] == model)
    return {
        cell["key"]: read_csv(Path(cell["store"]) / f"eval-{cell['eval']}" / "predictions.csv")
        for axis in entry["axes"]
        for cell in axis["cells"]
        if not cell["failed"]
    }
