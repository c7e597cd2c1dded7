"""Assemble the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ablation.report.inputs import Inputs as Report
from ablation.report.page import build
from ablation.results.frames import read_tables
from ablation.stages.job import Inputs, Spec, entry_of
from ablation.store.files import write_text


def report(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Assemble the one HTML file, ``report.html``.

    Args:
        spec: the resolved configuration, what the command line said of it, and the last verification.
        inputs: the tables, the further draws, the figures and the portraits.
        draft: gets the report.
        facts: not used.
    """
    tables = entry_of(inputs, "collect")
    study, comparisons, frames = read_tables(tables.folder)
    drawn = {
        name.removesuffix(".svg"): (figures.folder / name).read_text(encoding="utf-8")
        for figures in inputs["plot"].values()
        for name in figures.files
    }
    portraits = (entry.read("portraits.json") for entry in inputs["portraits"].values())
    html = build(
        Report(
            study,
            comparisons,
            frames,
            drawn,
            config=spec["config"],
            claims=tables.read("claims.json"),
            draws=entry_of(inputs, "draws").read("draws.json")["models"],
            portraits={portrait["model"]: portrait for portrait in portraits},
            verification=spec["verification"],
            given=spec["given"],
        )
    )
    write_text(draft / "report.html", html)
