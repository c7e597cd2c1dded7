"""Assemble the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ablation import verification
from ablation.report import build
from ablation.store import read_json, write_text
from ablation.tables import read_tables, study_fingerprint


def report(
    spec: dict[str, Any],
    run: dict[str, Any],
    *,
    tables: Path,
    figures: Path,
    portraits: Path,
    output: Path,
) -> None:
    """Assemble the one HTML file.

    Args:
        spec: the resolved configuration, and what the report's fingerprint is made of.
        run: ``config_files``, for the commands that the report shows.
        tables, figures, portraits: the folders of what it is made from.
        output: the report.
    """
    study, comparisons, frames, failed = read_tables(tables)
    drawn = {
        name: (figures / part["model"] / f"{name}.svg").read_text(encoding="utf-8")
        for part in study["models"]
        for name in read_json(figures / f"{part['model']}.json")["figures"]
    }
    settings = spec["config"]["report"]
    html = build(
        study,
        comparisons,
        frames,
        drawn,
        config=spec["config"],
        language=settings["language"],
        title=settings["title"],
        claims=read_json(tables / "claims.json"),
        draws=read_json(tables / "draws.json")["models"],
        portraits={
            part["model"]: read_json(portraits / f"{part['model']}.json")
            for part in study["models"]
        },
        store={"orphans": orphans(study)},
        verification=verification.read(tables.parent),
        config_files=run.get("config_files", []),
    )
    head = f'<head>\n<meta name="fingerprint" content="{study_fingerprint(spec, failed)}">'
    if "<head>" not in html:
        raise ValueError("the report template has no plain <head>")
    write_text(output, html.replace("<head>", head, 1))


def orphans(study: dict[str, Any]) -> int:
    """How many trained cells lie in the store beside the study's own, for the study's models."""
    count = 0
    for model in study["models"]:
        cells = [cell for axis in model["axes"] for cell in axis["cells"]]
        folder = Path(cells[0]["store"]).parent
        trained = {path.parent.name for path in folder.glob("*/train")}
        count += len(trained - {cell["key"] for cell in cells})
    return count
