"""Test the convolutional network: the only place that opens its test part."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ablation.networks.cnn.network import StackedCNN, sequential
from ablation.networks.cnn.raw import CLASSES, IMAGES, SIDE
from ablation.networks.cnn.train import standardised

Columns = dict[str, NDArray[Any]]
SHAPE = (1, SIDE, SIDE)
LOSS = "loss"
BATCH = 250


def confusion_matrix(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts ``[10, 10]``; rows are the true digits."""
    counts = np.bincount(labels * CLASSES + predicted, minlength=CLASSES * CLASSES)
    return counts.reshape(CLASSES, CLASSES)


def metrics(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], loss: NDArray[np.float64]
) -> dict[str, Any]:
    """Accuracy, mean cross-entropy and the accuracy of each digit (None for a digit that is not in the test part)."""
    counts = confusion_matrix(labels, predicted)
    per_class = [
        None if total == 0 else float(hit / total)
        for hit, total in zip(counts.diagonal(), counts.sum(1), strict=True)
    ]
    return {
        "accuracy": float((labels == predicted).mean()),
        "loss": float(loss.mean()),
        "per_class_accuracy": per_class,
    }


@torch.no_grad()
def evaluate(
    parameters: dict[str, Any], tensors: dict[str, Tensor], part: dict[str, Tensor]
) -> tuple[list[dict[str, Any]], Columns]:
    """Predict every replicate's test part, in fp32.

    Args:
        parameters: the cell's parameters.
        tensors: the stacked network.
        part: ``images [N, 28, 28]`` uint8, ``labels [N]``, ``test_index [R, k]``; the train part's ``mean`` and ``scale``.

    Returns:
        A dictionary of metrics per replicate, and the columns of ``predictions.csv``; ``confidence`` is the softmax probability
        of the predicted class.
    """
    index = part["test_index"]
    replicates = len(index)
    network = StackedCNN(parameters, 0, range(replicates)).eval()
    network.load_state_dict(tensors)
    mean, scale = part["mean"].float(), part["scale"].float()
    logits = torch.cat(
        [
            network(standardised(part["images"], each, mean, scale))
            for each in index.split(BATCH, 1)
        ],
        dim=1,
    ).double()
    labels = part["labels"][index]
    loss = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    columns: Columns = {
        "replicate": np.repeat(np.arange(replicates), index.shape[1]),
        "index": index.flatten().numpy(),
        "label": labels.flatten().numpy(),
        "predicted": logits.argmax(2).flatten().numpy(),
        "confidence": logits.softmax(2).amax(2).flatten().numpy(),
        "loss": loss.numpy(),
    }
    cut = {name: columns[name].reshape(replicates, -1) for name in ("label", "predicted", "loss")}
    rows = [
        metrics(cut["label"][r], cut["predicted"][r], cut["loss"][r]) for r in range(replicates)
    ]
    return rows, columns


@torch.no_grad()
def evaluate_draws(
    parameters: dict[str, Any],
    tensors: dict[str, Tensor],
    part: dict[str, Tensor],
    replicate: int,
) -> list[dict[str, Any]]:
    """Test one replicate, as a plain network, on each of its further draws.

    Returns:
        Per draw its size ``n``, ``accuracy``, ``per_class_accuracy`` and ``confusion_matrix``.
    """
    network, found = sequential(parameters, tensors, replicate), []
    mean, scale = (part[name][replicate : replicate + 1].float() for name in ("mean", "scale"))
    for index in part["draw_index"][replicate]:
        batches = [
            standardised(part["images"], each[None], mean, scale) for each in index.split(BATCH)
        ]
        logits = torch.cat([network(batch) for batch in batches]).double()
        labels = part["labels"][index]
        loss = functional.cross_entropy(logits, labels, reduction="none").numpy()
        truth, predicted = labels.numpy(), logits.argmax(1).numpy()
        row = metrics(truth, predicted, loss)
        counts = confusion_matrix(truth, predicted).tolist()
        found.append({"n": len(index), **row, "confusion_matrix": counts})
    return found


def sizes(train: dict[str, Tensor], test: dict[str, Tensor], dataset: str) -> dict[str, Any]:
    """Images of each part, the fewest and the most of any replicate, and the ratio that corrects for overlapping splits.

    The ratio is n_test / (n_pool − n_test) for test parts drawn from one pool, 0 for a fixed test set.
    """
    indices = {
        "n_train": train["train_index"],
        "n_validation": train["validation_index"],
        "n_test": test["test_index"],
    }
    n_test, fixed = indices["n_test"].shape[1], bool(test["fixed"])
    return {
        **{name: [index.shape[1]] * 2 for name, index in indices.items()},
        "overlap_ratio": 0.0 if fixed else n_test / (IMAGES[dataset] - n_test),
        "fixed_test_set": fixed,
    }


def test_part(part: dict[str, Tensor], replicate: int) -> tuple[Tensor, Tensor]:
    """One replicate's standardised test images ``[N, 1, 28, 28]`` and labels ``[N]``."""
    one = slice(replicate, replicate + 1)
    index, mean, scale = (part[name][one] for name in ("test_index", "mean", "scale"))
    images = standardised(part["images"], index, mean.float(), scale.float())
    return images, part["labels"][index[0]]
