"""The report: one HTML file, all words from a catalogue, all numbers from the study's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def build(
    study: dict[str, Any],
    comparisons: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    figures: dict[str, str],
    *,
    config: dict[str, Any],
    language: str,
    title: str,
    draws: dict[str, Any] | None = None,
    portraits: dict[str, Any] | None = None,
) -> str:
    """The whole page.

    study, comparisons: the contents of ``study.json`` and ``comparisons.json``. tables: ``cells``,
    ``replicates`` and ``epochs``. figures: SVG text by the names of
    ``ablation.figures.figure_names``. config: printed as it is; its ``report.palette`` colours the
    tables like the figures. draws: the models of ``draws.json``. portraits: by model, the
    documents of ``results/portraits/``. The same input gives the same bytes.
    """
    from ablation.report.context import Inputs, make_context
    from ablation.report.messages import load
    from ablation.report.published import load as load_published
    from ablation.report.render import render
    from ablation.report.words import Words

    words = Words(load(language))
    inputs = Inputs(
        study=study,
        comparisons=comparisons,
        tables=tables,
        figures=figures,
        config=config,
        published=load_published(),
        words=words,
        draws=draws or {},
        portraits=portraits or {},
    )
    return render(make_context(inputs, language=language, title=title), words)
