"""Boston Housing (Harrison and Rubinfeld 1978): 506 census tracts, 13 features, and the median value of their houses."""

from __future__ import annotations

from pathlib import Path

from ablation.data import Data, table_from_csv

TITLE = {"en": "Boston Housing", "zh": "波士顿房价"}
ABOUT = {
    "en": "The network predicts the median house value of a census tract.",
    "zh": "网络预测一个人口普查区的房价中位数。",
}
SOURCE = {"en": "as shipped in mlxtend 0.25.0", "zh": "随 mlxtend 0.25.0 提供"}
NOTES = [
    {
        "en": "Boston Housing was withdrawn from scikit-learn in version 1.2: its column B encodes the share of Black "
        "residents by a formula that takes self-segregation to raise house prices. It stands here only to redo an exercise, "
        "and says nothing about houses or people.",
        "zh": "scikit-learn 从 1.2 版起撤下了波士顿房价数据：其中 B 列用一个假定种族自我隔离会抬高房价的公式来编码"
        "黑人居民的比例。这里只为重做一份练习而使用，对房屋和人都不说明什么。",
    },
    {
        "en": "The file is the original one: of its 506 rows, 16 have a value censored at 50, and 8 values are known to be "
        "wrong (Gilley and Pace, 1996). Neither was changed.",
        "zh": "文件保持原样：506 行中有 16 行的目标值在 50 处截断，已知有 8 个值是错误的"
        "（Gilley 与 Pace，1996）。两者均未更改。",
    },
]
TASK = "regression"
UNIT = "1000 USD"
TARGET = {"en": "median house value", "zh": "房价中位数"}
PARTS = 6
ROWS = 506
FILES = {"boston_housing.csv": "8594f084258ead302f20a7479463f7a7584d33fe00042d442a7101530c8b46de"}
FROM = "mlxtend"


def load(folder: Path) -> Data:
    """Read StatLib's numbers, uncorrected."""
    return table_from_csv(folder / "boston_housing.csv", header=False)
