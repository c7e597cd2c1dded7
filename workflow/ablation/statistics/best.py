"""The best setting of a model, and everything that cannot be told from it."""

from typing import Any

import numpy as np

from ablation.statistics.intervals import mean_interval
from ablation.statistics.paired import corrected_paired_test, holm
from ablation.statistics.replicates import CellNumbers, paired_differences
from ablation.statistics.verdicts import can_be_tested


def best_setting(
    axes: list[dict[str, Any]],
    numbers: dict[str, CellNumbers],
    *,
    test_train_ratio: float,
    confidence: float,
) -> dict[str, Any] | None:
    """The cell with the lowest mean validation loss, and what is as good as it.

    axes: the axes of one model in ``study.json``; numbers: by cell name. A key that stands on
    several axes is one candidate, named by its first cell. A cell with diverged replicates can be
    best only when every cell has some.

    The choice is made on validation loss; the test numbers of the winner are read once.
    "indistinguishable" lists the other cells without diverged replicates for which the corrected
    paired test on the test metric, two-sided and Holm-adjusted over all cells of the model, does
    not reject, or cannot be made. Returns None when no cell has a usable validation loss and test
    number.
    """
    cells: dict[str, str] = {}
    for axis in axes:
        for cell in axis["cells"]:
            if cell["failed"] is None:
                cells.setdefault(cell["key"], cell["cell"])
    n_keys = len({cell["key"] for axis in axes for cell in axis["cells"]})
    candidates = {
        name: numbers[name]
        for name in cells.values()
        if name in numbers and numbers[name].metric and numbers[name].val_loss
    }
    clean = {name: cell for name, cell in candidates.items() if not cell.n_diverged}
    contest = clean or candidates
    if not contest:
        return None
    losses = {name: float(np.mean(list(cell.val_loss.values()))) for name, cell in contest.items()}
    best = min(losses, key=lambda name: losses[name])

    ps: dict[str, float] = {}
    for name, cell in clean.items():
        differences = paired_differences(cell, contest[best])
        if name == best or len(differences) < 2:
            continue
        test = corrected_paired_test(differences, test_train_ratio=test_train_ratio)
        if can_be_tested(test) and test.p is not None:
            ps[name] = test.p
    adjusted = dict(zip(ps, holm(list(ps.values()), max(n_keys - 1, len(ps))), strict=True))
    alpha = 1 - confidence
    values = list(contest[best].metric.values())
    interval = None
    if len(values) >= 2:
        interval = mean_interval(values, test_train_ratio=test_train_ratio, confidence=confidence)
    return {
        "cell": best,
        "val_loss_mean": losses[best],
        "test_mean": float(np.mean(values)),
        "test_interval": interval,
        "indistinguishable": [
            name for name in clean if name != best and not adjusted.get(name, 1.0) < alpha
        ],
    }
