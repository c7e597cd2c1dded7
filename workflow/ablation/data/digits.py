"""Handwritten digits of 8 × 8 pixels (Alpaydin and Kaynak 1998): 1,797 images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TITLE = {"en": "Digits", "zh": "手写数字（8 × 8）"}
ABOUT = {
    "en": "The network classifies grey images of 8 × 8 pixels.",
    "zh": "网络对 8 × 8 像素的灰度图像分类。",
}
SOURCE = {
    "en": "as shipped in scikit-learn (Alpaydin and Kaynak 1998)",
    "zh": "随 scikit-learn 提供（Alpaydin 与 Kaynak 1998）",
}
TASK = "classification"
CLASSES = 10
DRAWN = [4.8, 1.2, 1.0]
ROWS = 1797
IMAGES = True
ARRAYS = "0000000000000000000000000000000000000000000000000000000000000000"


def load(folder: Path) -> Any:
    """Take the images and the digits out of scikit-learn."""
    return folder
