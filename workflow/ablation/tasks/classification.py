"""Classification: one class of several per sample, by cross-entropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

LOSS = "loss"


def loss(output: Tensor, target: Tensor) -> Tensor:
    """The cross-entropy of each sample, in fp32: logits ``[…, B, classes]`` and labels ``[…, B]`` → ``[…, B]``."""
    flat = functional.cross_entropy(
        output.float().flatten(0, -2), target.flatten(), reduction="none"
    )
    return flat.view(target.shape)


def guess_loss(target: Tensor, outputs: int) -> float:
    """What guessing loses, each class being as likely: the logarithm of their number."""
    return math.log(outputs)


def figures(output: Tensor, target: Tensor) -> dict[str, Tensor]:
    """What is averaged over a validation part beside the loss: whether each sample is classified rightly, ``[…, B]``."""
    return {"accuracy": (output.argmax(-1) == target).float()}


def score(
    target: NDArray[Any], output: NDArray[Any]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The test metrics of one replicate, and its columns of ``predictions.csv``.

    Args:
        target: labels ``[n]``.
        output: logits ``[n, classes]``.

    Returns:
        Accuracy, mean cross-entropy, and the accuracy of each class (None for one that is not in the test part); and label,
        predicted class, its softmax probability, and cross-entropy.
    """
    logits, labels = torch.from_numpy(output).double(), torch.from_numpy(target)
    each = functional.cross_entropy(logits, labels, reduction="none").numpy()
    predicted = logits.argmax(1).numpy()
    counts = confusion_matrix(target, predicted, output.shape[1])
    metrics = {
        "accuracy": float((target == predicted).mean()),
        "loss": float(each.mean()),
        "per_class_accuracy": [
            None if total == 0 else float(hit / total)
            for hit, total in zip(counts.diagonal(), counts.sum(1), strict=True)
        ],
    }
    sure = logits.softmax(1).amax(1).numpy()
    return metrics, {"label": target, "predicted": predicted, "confidence": sure, "loss": each}


def confusion_matrix(
    labels: NDArray[Any], predicted: NDArray[Any], classes: int
) -> NDArray[np.int64]:
    """Counts ``[classes, classes]``; rows are the true classes."""
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)
