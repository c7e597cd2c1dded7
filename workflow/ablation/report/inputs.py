"""What the report is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from ablation.language.words import Words
from ablation.store.document import StudyDocument


@dataclass(frozen=True)
class Inputs:
    """All that a page depends on.

    study, comparisons, claims: the contents of ``study.json``, ``comparisons.json`` and ``claims.json``. tables: ``cells``,
    ``replicates``, ``epochs`` and ``courses``. figures: SVG text by the names of ``ablation.figures.figure_names``. config:
    printed as it is; its ``report`` says language, title and palette. draws: the models of ``draws.json``. portraits: by
    model, the content of ``portraits.json``. verification: the last ``verification.json``. given: ``files`` and
    ``overrides`` of the command line, for the commands that are shown.
    """

    study: StudyDocument
    comparisons: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    figures: dict[str, str]
    config: dict[str, Any]
    claims: dict[str, Any] = field(default_factory=lambda: {"claims": []})
    draws: dict[str, Any] = field(default_factory=dict)
    portraits: dict[str, Any] = field(default_factory=dict)
    verification: dict[str, Any] | None = None
    given: dict[str, list[str]] = field(default_factory=lambda: {"files": [], "overrides": []})

    @property
    def confidence(self) -> float:
        return float(self.comparisons["confidence"])

    @property
    def language(self) -> str:
        return str(self.config["report"]["language"])

    @cached_property
    def words(self) -> Words:
        return Words.of(self.language)
