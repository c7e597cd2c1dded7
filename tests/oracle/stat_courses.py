"""What the learning curves say in numbers: ``courses.csv`` from ``epochs.csv`` and ``gradients.csv``."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from oracle.stat_inputs import read_mixed
from oracle.stat_methods import Floats
from oracle.study import Study

MEASURES = (
    *("early_change", "epochs_to_final", "end_change", "final_ratio", "rise", "train_loss_5"),
    *("best_val_loss", "best_val_accuracy", "accuracy_change", "gradient_ratio"),
)
NEAR = 1.1  # within 10 % of the final validation loss
SLOPE_EPOCHS = 3  # the least that a slope is fitted to
Course = dict[str, float]


def changes(values: Floats) -> float:
    """The mean absolute change from one to the next."""
    return float(np.abs(np.diff(values)).mean())


def course(epochs: pd.DataFrame, norms: Floats) -> Course:
    """All measures of one replicate; NaN where an epoch that one needs is missing or not finite."""
    columns = ("train_loss", "val_loss", "val_accuracy", "learning_rate")
    train, loss, accuracy, rate = (epochs[name].to_numpy(float) for name in columns)
    count = len(loss)
    early = max(2, count // 2)
    cuts = np.flatnonzero(rate < rate[0])
    uncut = min(early, cuts[0]) if len(cuts) else early
    last = min(count, max(SLOPE_EPOCHS, count // 5))
    near = np.flatnonzero(loss <= NEAR * loss[-1])
    ending = np.log(loss[-last:])
    fitted = last > 1 and bool(np.isfinite(ending).all())
    slope = np.polyfit(np.arange(last), ending, 1)[0] if fitted else np.nan
    lowest = loss.min()  # NaN where a loss is
    kept = accuracy[loss == lowest]
    return {
        "early_change": changes(np.log(loss[:uncut])) if uncut > 1 else np.nan,
        "epochs_to_final": near[0] + 1 if len(near) else np.nan,
        "end_change": float(np.expm1(slope * count / 10)),
        "final_ratio": loss[-1] / train[-1],
        "rise": loss[-1] / lowest,
        "train_loss_5": train[4] if count >= 5 else np.nan,
        "best_val_loss": lowest,
        "best_val_accuracy": kept[0] if len(kept) else np.nan,
        "accuracy_change": changes(accuracy[:early]),
        "gradient_ratio": norms[0] / norms[-1],
    }


@cache
def courses(study: Study) -> pd.DataFrame:
    """All replicates, by key and replicate."""
    epochs = read_mixed(study.tables / "epochs.csv")
    gradients = read_mixed(study.tables / "gradients.csv")
    initial = gradients[gradients["epoch"] == 0].sort_values(["layer"])
    norms = {
        where: rows["norm"].to_numpy(float)
        for where, rows in initial.groupby(["key", "replicate"], sort=False)
    }
    rows = {
        where: course(own.sort_values("epoch"), norms[where])
        for where, own in epochs.groupby(["key", "replicate"], sort=False)
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(MEASURES), dtype=float)


def check_courses(found: pd.DataFrame, expected: pd.DataFrame) -> int:
    """Every measure of every replicate; returns how many numbers agreed."""
    own = found.set_index(["key", "replicate"])[list(MEASURES)].astype(float)
    assert set(own.index) == set(expected.index)
    own = own.loc[list(expected.index)]
    for measure in MEASURES:
        left, right = own[measure].to_numpy(), expected[measure].to_numpy()
        assert (np.isnan(left) == np.isnan(right)).all(), measure
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12, err_msg=measure)
    return int(own.notna().to_numpy().sum())
