"""Handwritten digits of 8 × 8 pixels (Alpaydin and Kaynak 1998): 1,797 images in 17 shades of grey."""

from __future__ import annotations

from pathlib import Path

from ablation.data import Data

TITLE = {"en": "Handwritten digits of 8 × 8 pixels", "zh": "8 × 8 像素的手写数字"}
SHORT = {"en": "digits", "zh": "手写数字"}
SOURCE = {
    "en": "1,797 images (Alpaydin and Kaynak 1998), as shipped in scikit-learn",
    "zh": "1,797 幅图像（Alpaydin 与 Kaynak 1998），随 scikit-learn 提供",
}
TASK = "classification"
TARGET = {"en": "the digit", "zh": "数字"}
CLASSES = 10
IMAGES = True
DRAWN = [4.8, 1.2, 1.0]
ROWS = 1797
ARRAYS = "b734c4f2ec0e0a8749ba67ddfab4dd3192f1d72f1fbc61703cfcf46674c69f89"
SHADES = 16  # besides black


def load(folder: Path) -> Data:
    """Spread the shades over a byte."""
    import numpy as np
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.round(found.images * (255 / SHADES)).astype(np.uint8)
    return Data(images, found.target.astype(np.int64))
