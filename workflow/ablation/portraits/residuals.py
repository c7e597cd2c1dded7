"""How far a regression's predictions are off, and on which rows. Residuals are predictions minus targets."""

from __future__ import annotations

from typing import Any

import pandas as pd

OVER = 10.0  # 1000 USD: half of the median house
WORST = 8


def with_residuals(predictions: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a prediction, with ``residual``. predictions: replicate, index, target, prediction."""
    made = predictions.dropna(subset=["prediction"])
    return made.assign(residual=made["prediction"] - made["target"])


def worst_rows(made: pd.DataFrame, limit: int = WORST) -> list[dict[str, Any]]:
    """The rows whose mean prediction is furthest off, the furthest first.

    Args:
        made: what :func:`with_residuals` gives.
        limit: how many at most.

    Returns:
        index (the row of the raw file, from 0), target, ``prediction`` (the mean over the ``n`` replicates tested on it).
    """
    rows = made.groupby("index").agg(
        target=("target", "first"), prediction=("prediction", "mean"), n=("prediction", "size")
    )
    distance = (rows["prediction"] - rows["target"]).abs()
    chosen = rows.loc[distance.sort_values(ascending=False, kind="stable").index[:limit]]
    return [
        {
            "index": int(index),
            "target": round(float(row["target"]), 2),
            "prediction": round(float(row["prediction"]), 2),
            "n": int(row["n"]),
        }
        for index, row in chosen.iterrows()
    ]


def residuals(predictions: pd.DataFrame, censored_at: float | None) -> dict[str, Any] | None:
    """Residuals in figures, in 1000 USD; None where no replicate predicted anything.

    Args:
        predictions: replicate, index, target, prediction of all test rows; the prediction is missing for a diverged replicate.
        censored_at: the target at which the data are cut off, or None where they are not.

    Returns:
        ``n`` predictions with ``mean`` and ``sd`` of their residuals; ``share_over``, the fraction more than ``over`` off;
        ``n_censored`` of them on rows cut off at ``censored_at``, with ``censored_mean``, the mean residual of these (None
        without one); ``worst``, see :func:`worst_rows`.
    """
    made = with_residuals(predictions)
    if made.empty:
        return None
    cut = made[made["target"] == censored_at] if censored_at is not None else made.iloc[:0]
    return {
        "n": len(made),
        "mean": _rounded(made["residual"].mean()),
        "sd": _rounded(made["residual"].std(ddof=1)) if len(made) > 1 else None,
        "over": OVER,
        "share_over": _rounded((made["residual"].abs() > OVER).mean()),
        "censored_at": censored_at,
        "n_censored": len(cut),
        "censored_mean": _rounded(cut["residual"].mean()) if len(cut) else None,
        "worst": worst_rows(made),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
