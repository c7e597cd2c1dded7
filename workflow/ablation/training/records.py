"""What a training leaves beside its weights: history, gradients and the fate of each replicate.

A number that is not finite is left empty.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ablation.training.gradients import recorded_epochs
from ablation.training.loop import Trained

FIGURES = ("train_loss", "val_loss", "val_accuracy", "learning_rate")
Row = tuple[float, ...]


def write_history(path: Path, trained: Trained) -> None:
    """Write one line per replicate and epoch."""
    names = sorted(trained.history, key=FIGURES.index)
    columns = [trained.history[name].T.tolist() for name in names]
    rows = (
        (r, epoch, *figures)
        for r, courses in enumerate(zip(*columns, strict=True))
        for epoch, figures in enumerate(zip(*courses, strict=True), 1)
    )
    _write(path, ["replicate", "epoch", *names], rows)


def write_gradients(path: Path, trained: Trained, epochs: int) -> None:
    """Write one line per replicate, moment and layer, layers counted from the input."""
    _write(path, ["replicate", "epoch", "layer", "norm"], _norms(trained, epochs))


def _norms(trained: Trained, epochs: int) -> Iterator[Row]:
    for r, moments in enumerate(trained.gradients.permute(2, 0, 1).tolist()):
        for epoch, norms in zip(recorded_epochs(epochs), moments, strict=True):
            for layer, norm in enumerate(norms, 1):
                yield r, epoch, layer, norm


def _write(path: Path, columns: list[str], rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(map(_finite, row) for row in rows)


def replicates(trained: Trained) -> list[dict[str, Any]]:
    """Replicate, divergence, best epoch and the validation loss there."""
    fates = zip(trained.best_epoch.tolist(), trained.diverged.tolist(), strict=True)
    return [
        {
            "replicate": r,
            "diverged": diverged,
            "best_epoch": best,
            "val_loss": _finite(float(trained.history["val_loss"][best - 1, r])) if best else None,
        }
        for r, (best, diverged) in enumerate(fates)
    ]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
