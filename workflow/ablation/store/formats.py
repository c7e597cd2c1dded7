"""Check produced documents and tables against what they promise."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from ablation.store.places import SCHEMAS


class InvalidDocumentError(ValueError):
    """A produced file is not of its schema: a fault of the program, not of the user."""


@cache
def schema_of(name: str) -> dict[str, Any]:
    """One of the workflow's schemas: ``config``, ``metrics``."""
    schema: dict[str, Any] = yaml.safe_load((SCHEMAS / f"{name}.schema.yaml").read_text("utf-8"))
    return schema


def validate_document(document: Any, kind: str) -> None:
    """Raise InvalidDocumentError if a document is not of its kind (``store_metrics``, ``view``, ``study``, ``comparisons``)."""
    definitions = schema_of("metrics")["$defs"]
    validator = Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": definitions})
    error = next(iter(validator.iter_errors(document)), None)
    if error is not None:
        raise InvalidDocumentError(f"{kind}: {error.json_path} {error.message[:300]}")


def columns_of(kind: str, classes: int = 0) -> list[str]:
    """The columns of a table (``cells``, ``replicates``, ``epochs``); ``class_*`` stands for one per class."""
    listed: list[str] = schema_of("metrics")["tables"][kind]
    numbers = {name: [name] if "*" not in name else range(classes) for name in listed}
    return [name.replace("*", str(number)) for name in listed for number in numbers[name]]


def validate_columns(columns: list[str], kind: str) -> None:
    """Raise InvalidDocumentError if a table has not exactly the columns that the schema lists for it."""
    expected = columns_of(kind, sum(name.startswith("class_") for name in columns))
    if list(columns) != expected:
        raise InvalidDocumentError(f"{kind}: columns {list(columns)}, expected {expected}")
