"""How far a regression's predictions are off, and on which rows. Residuals are predictions minus targets."""

from __future__ import annotations

from typing import Any

import pandas as pd

WORST = 8
# Rows, and their share, from which the largest true value is one that many share.
SHARED = (5, 0.01)


def with_residuals(predictions: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a prediction, with ``residual``. predictions: replicate, index, target, prediction."""
    predicted = predictions.dropna(subset=["prediction"])
    return predicted.assign(residual=predicted["prediction"] - predicted["target"])


def worst_rows(predictions: pd.DataFrame, limit: int = WORST) -> list[dict[str, Any]]:
    """The rows whose mean prediction is furthest off, the furthest first.

    Args:
        predictions: what :func:`with_residuals` gives.
        limit: how many at most.

    Returns:
        index (the row of the raw file, from 0), target, ``prediction`` (the mean over the ``n`` replicates tested on it).
    """
    rows = predictions.groupby("index").agg(
        target=("target", "first"), prediction=("prediction", "mean"), n=("prediction", "size")
    )
    distance = (rows["prediction"] - rows["target"]).abs()
    chosen = rows.loc[distance.sort_values(ascending=False, kind="stable").index[:limit]]
    return [
        {
            "index": int(index),
            "target": float(f"{row['target']:.6g}"),
            "prediction": float(f"{row['prediction']:.6g}"),
            "n": int(row["n"]),
        }
        for index, row in chosen.iterrows()
    ]


def residuals(predictions: pd.DataFrame) -> dict[str, Any] | None:
    """Residuals in figures, in the target's unit; None where no replicate predicted anything.

    Args:
        predictions: replicate, index, target, prediction of all test rows; the prediction is missing for a diverged replicate.

    Returns:
        ``n`` predictions with ``mean`` and ``sd`` of their residuals; ``share_over``, the fraction more than ``over`` off, the
        standard deviation of the true values; where many rows share the largest true value, as they do where a measurement is
        cut off, that value (``top``, else None), ``n_top`` and ``top_mean``, the mean residual of these; ``worst``, see
        :func:`worst_rows`.
    """
    with_errors = with_residuals(predictions)
    if with_errors.empty:
        return None
    rows = with_errors.drop_duplicates("index")["target"]
    over = _rounded(rows.std(ddof=1)) if len(rows) > 1 else 0.0
    n_top = int((rows == rows.max()).sum())
    shared = n_top >= SHARED[0] and SHARED[1] <= n_top / len(rows) < 1
    top = with_errors.loc[with_errors["target"] == rows.max(), "residual"]
    return {
        "n": len(with_errors),
        "mean": _rounded(with_errors["residual"].mean()),
        "sd": _rounded(with_errors["residual"].std(ddof=1)) if len(with_errors) > 1 else None,
        "over": over,
        "share_over": _rounded((with_errors["residual"].abs() > over).mean()),
        "top": float(rows.max()) if shared else None,
        "n_top": n_top if shared else 0,
        "top_mean": _rounded(top.mean()) if shared else None,
        "worst": worst_rows(with_errors),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
