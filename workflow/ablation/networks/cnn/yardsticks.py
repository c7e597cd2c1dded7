"""Logistic regression on the same splits of MNIST: what a convolutional network has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

Arrays = dict[str, NDArray[Any]]
MOST_IMAGES = 10_000


def yardsticks(train: Arrays, test: Arrays, seed: int) -> dict[str, list[dict[str, Any]]]:
    """Fit on every replicate's train part (its first 10,000 images at most, in random order) and test."""
    rows = []
    for r, index in enumerate(train["train_index"]):
        chosen = np.random.default_rng([seed, r]).permutation(index)[:MOST_IMAGES]
        model = LogisticRegression(C=0.05, max_iter=200)
        model.fit(_pixels(train["images"], chosen), train["labels"][chosen])
        labels = test["labels"][test["test_index"][r]]
        probabilities = model.predict_proba(_pixels(test["images"], test["test_index"][r]))
        predicted = model.classes_[probabilities.argmax(1)]
        accuracy = float((predicted == labels).mean())
        loss = float(log_loss(labels, probabilities, labels=model.classes_))
        rows.append({"replicate": r, "accuracy": accuracy, "loss": loss})
    return {"logistic_regression": rows}


def _pixels(images: NDArray[np.uint8], index: NDArray[np.int64]) -> NDArray[np.float64]:
    return images[index].reshape(len(index), -1) / 255.0
