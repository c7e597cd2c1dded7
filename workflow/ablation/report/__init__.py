"""The report: one HTML file, all words from a catalogue, all numbers from the study's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ablation.store.document import StudyDocument


def build(
    study: StudyDocument,
    comparisons: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    figures: dict[str, str],
    *,
    config: dict[str, Any],
    language: str,
    title: str,
    claims: dict[str, Any] | None = None,
    draws: dict[str, Any] | None = None,
    portraits: dict[str, Any] | None = None,
    verification: dict[str, Any] | None = None,
    given: dict[str, list[str]] | None = None,
) -> str:
    """The whole page.

    comparisons: the content of ``comparisons.json``. tables: ``cells``, ``replicates``, ``epochs``
    and ``courses``. figures: SVG text by the names of ``ablation.figures.figure_names``. config: printed as it is; its
    ``report.palette`` colours the tables like the figures. claims: the content of ``claims.json``. draws: the models of
    ``draws.json``. portraits: by model, what the cells' drawers show. verification: the last ``verification.json``. given:
    ``files`` and ``overrides`` of the command line, for the commands that are shown. The page carries study, comparisons,
    replicates and config as data; see ``ablation.results.bundle``. The same input gives the same bytes.
    """
    from markupsafe import Markup

    from ablation.language import numbers as fmt
    from ablation.language.catalogue import load
    from ablation.language.levels import with_levels
    from ablation.language.words import Words
    from ablation.report.context import Inputs, make_context
    from ablation.report.render import render
    from ablation.results import published
    from ablation.results.bundle import document, embed

    words = Words(with_levels(load(language), study))
    inputs = Inputs(
        study=study,
        comparisons=comparisons,
        tables=tables,
        figures=figures,
        config=config,
        published=published.load(),
        claims=claims or {"claims": []},
        claims_text=published.load_claims(),
        words=words,
        draws=draws or {},
        portraits=portraits or {},
        verification=verification,
        given=given or {"files": [], "overrides": []},
    )
    data = document(study.plain, comparisons, tables["replicates"], config)
    with fmt.locale(language):
        context = make_context(inputs, language=language, title=title)
        return render({**context, "study_data": Markup(embed(data))}, words)
