"""Boston Housing (Harrison and Rubinfeld 1978): 506 towns, 13 features, and the median value of their houses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TITLE = {"en": "Boston Housing", "zh": "波士顿房价"}
ABOUT = {
    "en": "The network predicts the median house value of a town.",
    "zh": "网络预测一个城镇的房价中位数。",
}
TARGET = {"en": "median house value", "zh": "房价中位数"}
SOURCE = {"en": "as shipped in mlxtend 0.25.0", "zh": "随 mlxtend 0.25.0 提供"}
NOTES = [
    {
        "en": "Boston Housing was withdrawn from scikit-learn in version 1.2: its column B encodes the share of Black "
        "residents by a formula that takes self-segregation to raise house prices. It stands here only to redo an exercise, "
        "and says nothing about houses or people.",
        "zh": "scikit-learn 从 1.2 版起撤下了波士顿房价数据：其中 B 列用一个假定种族自我隔离会抬高房价的公式来"
        "编码黑人居民的比例。这里只为重做一份练习而使用，对房屋和人都不说明什么。",
    },
]
TASK = "regression"
UNIT = "1000 USD"
PARTS = 6
ROWS = 506
FROM = "mlxtend"
FILES = {"boston_housing.csv": "8594f084258ead302f20a7479463f7a7584d33fe00042d442a7101530c8b46de"}


def load(folder: Path) -> Any:
    """Read the features and the target (median value in 1000 USD)."""
    return folder / "boston_housing.csv"
