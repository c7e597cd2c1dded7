"""Diabetes progression after one year (Efron et al. 2004): 442 patients, 10 measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TITLE = {"en": "Diabetes", "zh": "糖尿病进展"}
ABOUT = {
    "en": "The network predicts how far diabetes has progressed one year after the measurements.",
    "zh": "网络预测测量一年后糖尿病的进展程度。",
}
TARGET = {"en": "disease progression after one year", "zh": "一年后的病情进展"}
SOURCE = {
    "en": "as shipped in scikit-learn (Efron et al. 2004)",
    "zh": "随 scikit-learn 提供（Efron 等 2004）",
}
TASK = "regression"
PARTS = 6
ROWS = 442
ARRAYS = "0000000000000000000000000000000000000000000000000000000000000000"


def load(folder: Path) -> Any:
    """Take the features and the target out of scikit-learn."""
    return folder
