"""Studies as ``study.json`` has them, of which a test says only what it is about."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ablation.store.document import AxisDocument, CellDocument, ModelDocument, StudyDocument


def _plain(kind: type, known: dict[str, Any]) -> dict[str, Any]:
    names = [field.metadata.get("name", field.name) for field in fields(kind)]
    return {**dict.fromkeys(names), **known}


def plain_cell(**known: Any) -> dict[str, Any]:
    return _plain(CellDocument, known)


def plain_axis(**known: Any) -> dict[str, Any]:
    return _plain(AxisDocument, {"with": {}, "cells": [], **known})


def plain_model(**known: Any) -> dict[str, Any]:
    return _plain(
        ModelDocument, {"model": "m", "task": "regression", "data": {}, "axes": [], **known}
    )


def study_of(*axes: dict[str, Any], **known: Any) -> StudyDocument:
    """A study of one model."""
    model = plain_model(axes=list(axes), **known)
    return StudyDocument.from_plain({"study": {"name": "default", "seed": 7}, "models": [model]})


def axis_of(name: str, **known: Any) -> AxisDocument:
    """One axis."""
    return study_of(plain_axis(axis=name, **known)).models[0].axes[0]
