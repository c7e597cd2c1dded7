"""Handwritten digits of 8 × 8 pixels (Alpaydin and Kaynak 1998): 1,797 images in 17 shades of grey."""

from __future__ import annotations

from pathlib import Path

from ablation.data import Data

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
