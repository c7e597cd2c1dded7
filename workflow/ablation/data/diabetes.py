"""Diabetes (Efron, Hastie, Johnstone and Tibshirani 2004): 442 patients, 10 measurements, and the disease a year later."""

from __future__ import annotations

from pathlib import Path

from ablation.data import Data

TITLE = {"en": "Diabetes", "zh": "糖尿病进展"}
ABOUT = {
    "en": "The network predicts how far diabetes has progressed one year after the measurements.",
    "zh": "网络预测测量一年后糖尿病的进展程度。",
}
SOURCE = {
    "en": "as shipped in scikit-learn (Efron et al. 2004)",
    "zh": "随 scikit-learn 提供（Efron 等 2004）",
}
TASK = "regression"
TARGET = {"en": "disease progression after one year", "zh": "一年后的病情进展"}
PARTS = 6
ROWS = 442
ARRAYS = "b9392105ce56f702bd7735e55ea9b95fc4d6b2a5637ac6b55f5b6e4054c69f1a"


def load(folder: Path) -> Data:
    """Take age, sex, body mass index, blood pressure and six blood values as they were measured."""
    from sklearn.datasets import load_diabetes

    found = load_diabetes(scaled=False)
    return Data(found.data, found.target, features=tuple(found.feature_names))
