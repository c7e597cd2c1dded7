"""Assemble the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ablation.report import build
from ablation.store import read_json, write_text
from ablation.tables import read_tables, study_fingerprint


def report(
    spec: dict[str, Any], tables: Path, figures: Path, portraits: Path, output: Path
) -> None:
    """Assemble the one HTML file."""
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
        draws=read_json(tables / "draws.json")["models"],
        portraits={
            part["model"]: read_json(portraits / f"{part['model']}.json")
            for part in study["models"]
        },
    )
    head = f'<head>\n<meta name="fingerprint" content="{study_fingerprint(spec, failed)}">'
    if "<head>" not in html:
        raise ValueError("the report template has no plain <head>")
    write_text(output, html.replace("<head>", head, 1))
