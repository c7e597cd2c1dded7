"""A study's data inside its report: what another report is compared with, and what a reader takes out of the one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ablation.results.frames import WORDS, read_csv
from ablation.store.document import StudyDocument
from ablation.store.entries import find
from ablation.store.files import read_json, sealed, unsealed
from ablation.store.formats import InvalidDocumentError, validate_document

FORMAT = 4
RUN = ("environment", "finished_at", "log")  # of a cell: may differ between two runs of one key
BULKY = ("confusion_matrix",)
_SCRIPT = '<script type="application/json" id="{}">'
# What could end the element or the line of script, in JSON's own way of writing it.
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


class BundleError(ValueError):
    """A file or folder that holds no study; the message is one sentence."""


def document(
    study: dict[str, Any],
    comparisons: dict[str, Any],
    replicates: pd.DataFrame,
    config: dict[str, Any] | None,
) -> dict[str, Any]:
    """The data of a study as one plain value.

    Args:
        study, comparisons: the contents of ``study.json`` and ``comparisons.json``.
        replicates: the table ``replicates.csv``.
        config: the resolved configuration, None where it is not known.

    Returns:
        ``format`` (4), ``study`` and ``comparisons`` without confusion matrices, ``replicates`` as column →
        list (None for no number; columns without any are left out), ``config``.
    """
    return {
        "format": FORMAT,
        "study": _slim(study),
        "comparisons": _slim(comparisons),
        "replicates": _columns(replicates),
        "config": config,
    }


def study_of(bundle: dict[str, Any]) -> StudyDocument:
    """The study of a document."""
    return StudyDocument.from_plain(bundle["study"])


def frame(bundle: dict[str, Any]) -> pd.DataFrame:
    """The table of replicates of a document."""
    return pd.DataFrame(bundle["replicates"])


def parted(bundle: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A document without what may differ between two runs of the same key, and that by the cells' keys."""
    lasting = {**bundle, "study": _slim(bundle["study"])}
    run = {cell["key"]: {name: cell.pop(name) for name in RUN} for cell in _cells(lasting)}
    return lasting, run


def _cells(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    models = bundle["study"]["models"]
    return [cell for model in models for axis in model["axes"] for cell in axis["cells"]]


def embed(bundle: dict[str, Any]) -> str:
    """A document with its digest, as text that is safe between the tags of a script element.

    Raises:
        ValueError: for NaN or an infinity, which JSON does not have.
    """
    text = json.dumps(sealed(bundle), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def read(path: Path) -> dict[str, Any]:
    """The document of a report (an HTML file) or of a folder of results.

    Raises:
        BundleError: one sentence, if there is none or it is of another format.
    """
    return _from_folder(path) if path.is_dir() else _from_report(path)


def _from_report(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise BundleError(f"{path} cannot be read as a report: it is no file.")
    try:
        html = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{path} cannot be read as a report: {error}") from error
    bundle = _element(html, "study-data", path)
    if isinstance(bundle, dict) and bundle.get("format") != FORMAT:
        raise BundleError(
            f"{path} carries data of format {bundle.get('format')!r}: allowed is {FORMAT}; make the report again."
        )
    run = _element(html, "run-data", path)
    try:
        for cell in _cells(bundle):
            cell.update(run[cell["key"]])
    except (LookupError, TypeError, ValueError, AttributeError):
        raise BundleError(f"{path} carries data that is not a study's.") from None
    return _checked(bundle, path)


def _element(html: str, name: str, path: Path) -> Any:
    """The content of one element, compared with its digest."""
    _, found, rest = html.partition(_SCRIPT.format(name))
    text, ended, _ = rest.partition("</script>")
    if not (found and ended):
        raise BundleError(
            f"{path} carries no data of a study: only a report of this version of the workflow does; make it again, "
            "or give its folder of results."
        )
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise BundleError(f"{path} carries data that is no JSON: make the report again.") from None
    content = unsealed(document)
    if isinstance(document, dict) and content is None:
        raise BundleError(
            f"{path} is damaged: its data are not those that were written; make it again."
        )
    return content


def checked_tables(path: Path) -> Path:
    """The tables in a folder of results, every file of them compared with its digest.

    Raises:
        BundleError: one sentence, if there are none or they are damaged.
    """
    tables = path / "tables"
    if not all(isinstance(read_json(tables / f"{n}.json"), dict) for n in ("study", "comparisons")):
        raise BundleError(
            f"{path} holds no finished study: allowed is a folder with tables/study.json and tables/comparisons.json, "
            "such as results or results/<study>."
        )
    entry = find(tables)
    damaged = ["manifest.json"] if entry is None else entry.damaged()
    if damaged:
        raise BundleError(
            f"{tables} is damaged or incomplete ({', '.join(damaged)}): run snakemake, which makes it again."
        )
    return tables


def _from_folder(path: Path) -> dict[str, Any]:
    tables = checked_tables(path)
    study, comparisons = (read_json(tables / f"{name}.json") for name in ("study", "comparisons"))
    try:
        rows = read_csv(tables / "replicates.csv", WORDS)
    except (OSError, ValueError) as error:
        raise BundleError(f"{tables}/replicates.csv cannot be read: {error}") from error
    return _checked(document(study, comparisons, rows, None), path)


def _checked(bundle: Any, path: Path) -> dict[str, Any]:
    try:
        validate_document(bundle, "bundle")
        study_of(bundle)
    except InvalidDocumentError as error:
        raise BundleError(f"{path} carries data that is not a study's: {error}.") from None
    lengths = {len(column) for column in bundle["replicates"].values()}
    if len(lengths) > 1:
        raise BundleError(
            f"{path} carries data that is not a study's: its columns differ in length."
        )
    checked: dict[str, Any] = bundle
    return checked


def _slim(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _slim(item) for name, item in value.items() if name not in BULKY}
    if isinstance(value, list):
        return [_slim(item) for item in value]
    return value


def _columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Column → plain values, None for what is missing."""
    columns = {}
    for name in table.columns:
        missing = table[name].isna().tolist()
        values = table[name].tolist()
        plain = [None if gone else value for value, gone in zip(values, missing, strict=True)]
        if any(value is not None for value in plain) or not plain:
            columns[str(name)] = plain
    return columns
