"""The collected tables of a study, as later stages read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ablation.store.document import StudyDocument
from ablation.store.files import read_json

TABLES = ("cells", "replicates", "epochs", "courses")
WORDS = ("model", "axis", "label", "cell", "key", "status")  # of the study's tables


def read_csv(path: Path, texts: Sequence[str] = ()) -> pd.DataFrame:
    """A table as it was written: every number to its last bit, texts as texts, and only an empty field as missing.

    pandas by itself reads texts such as ``NA`` or ``None`` as missing, and takes the columns of a table without rows for texts.

    Args:
        path: the file.
        texts: the columns of names; a label such as ``1`` is one.

    Raises:
        OSError, ValueError: if it cannot be read.
    """
    frame = pd.read_csv(
        path,
        dtype=dict.fromkeys(texts, str),
        keep_default_na=False,
        na_values=[""],
    )
    numbers = [name for name in frame.columns if name not in texts]
    return frame if len(frame) else frame.astype(dict.fromkeys(numbers, float))


def read_tables(tables: Path) -> tuple[StudyDocument, dict[str, Any], dict[str, pd.DataFrame]]:
    """study.json, comparisons.json, and the tables."""
    study = StudyDocument.from_plain(read_json(tables / "study.json"))
    frames = {name: read_csv(tables / f"{name}.csv", WORDS) for name in TABLES}
    return study, read_json(tables / "comparisons.json"), frames
