"""The record of a verification: cells that were trained again, and whether their numbers came back.

It lies beside the tables of a study, and its digest is part of what the report depends on: a new verification makes the
report anew, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ablation.store.files import read_json, sealed, unsealed, write_json
from ablation.store.formats import InvalidDocumentError, validate_document

FILE = "verification.json"
OUTCOMES = ("identical", "within tolerance", "different")
"""From best to worst."""


def read(results: Path) -> dict[str, Any] | None:
    """The last verification of a study, or None where there is none that can be read.

    Args:
        results: the study's own folder, ``results`` or ``results/<study>``.
    """
    document = unsealed(read_json(results / FILE))
    try:
        validate_document(document, "verification")
    except InvalidDocumentError:
        return None
    return document


def write(results: Path, document: dict[str, Any]) -> None:
    """Put a verification in the place of the last one, whole or not at all; of earlier ones the outcomes are kept.

    Raises:
        InvalidDocumentError: if it is not of its schema.
    """
    before = read(results)
    earlier: list[dict[str, Any]] = []
    if before is not None:
        kept = {name: before[name] for name in ("when", "outcome", "seed", "commit")}
        kept["cells"] = [
            {name: cell[name] for name in ("cell", "key", "outcome")} for cell in before["cells"]
        ]
        earlier = [*before["earlier"], kept]
    full = {**document, "earlier": earlier}
    validate_document(full, "verification")
    write_json(results / FILE, sealed(full))


def worst(outcomes: Collection[str]) -> str:
    """The worst of some outcomes."""
    return max(outcomes, key=OUTCOMES.index)
