"""What a classifier got wrong: its most confident mistakes, and how its confusions differ from the baseline's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablation.figures.sprites import data_uri, ink_on_paper, on_empty_ground, sheet, tiles_of

SHOWN, COLUMNS = 24, 12


def most_confident(predictions: pd.DataFrame, limit: int = SHOWN) -> pd.DataFrame:
    """The most confident mistakes over all replicates, the most confident first; each image once.

    Args:
        predictions: replicate, index, label, predicted, confidence, one row per test prediction; rows without a prediction
            (of a diverged replicate) do not count. ``index`` names the same image in all replicates.
        limit: how many at most.

    Returns:
        The rows, with ``n_wrong`` and ``n_tested``: how many replicates mistook the image, of how many that were tested on it.
    """
    predicted = predictions.dropna(subset=["predicted", "confidence"])
    predicted = predicted.assign(wrong=predicted["predicted"] != predicted["label"])
    seen = predicted.groupby("index")["wrong"].agg(n_wrong="sum", n_tested="size")
    wrong = predicted[predicted["wrong"]].sort_values(
        ["confidence", "replicate", "index"], ascending=[False, True, True]
    )
    return wrong.drop_duplicates("index").head(limit).join(seen, on="index")


def mistakes(predictions: pd.DataFrame, images: NDArray[np.uint8]) -> dict[str, Any] | None:
    """The mistakes of a cell with their images, or None where no replicate predicted anything.

    Args:
        predictions: see :func:`most_confident`.
        images: ``[N, h, w]`` or ``[N, channels, h, w]``, in which ``index`` counts.

    Returns:
        ``n_mistakes`` of ``n_predictions``; ``items``, the most confident first; ``sprite``, their images in that order,
        ``columns`` per row, each of ``width`` × ``height`` pixels (None where nothing is wrong); ``ink``, whether they are
        drawn on an empty ground and stand in the sprite as ink on paper.
    """
    predicted = predictions.dropna(subset=["predicted", "confidence"])
    if predicted.empty:
        return None
    worst = most_confident(predicted)
    items = [
        {
            "true": int(row["label"]),
            "predicted": int(row["predicted"]),
            "confidence": round(float(row["confidence"]), 6),
            "replicate": int(row["replicate"]),
            "index": int(row["index"]),
            "n_wrong": int(row["n_wrong"]),
            "n_tested": int(row["n_tested"]),
        }
        for row in worst.to_dict("records")
    ]
    tiles = tiles_of(images[worst["index"].to_numpy(dtype=np.int64)])
    ink = on_empty_ground(tiles)
    tiles = ink_on_paper(tiles) if ink else tiles
    return {
        "n_mistakes": int((predicted["predicted"] != predicted["label"]).sum()),
        "n_predictions": len(predicted),
        "width": int(images.shape[-1]),
        "height": int(images.shape[-2]),
        "ink": ink,
        "columns": max(min(COLUMNS, len(items)), 1),
        "sprite": data_uri(sheet(tiles, COLUMNS)) if items else None,
        "items": items,
    }


def confusion_difference(
    counts: list[list[int]], baseline: list[list[int]]
) -> list[list[float | None]]:
    """How the shares of each true class differ from the baseline's, in percentage points, to two decimals.

    Args:
        counts, baseline: ``[classes][classes]``; rows are the true class.

    Returns:
        The difference row by row; a row of None for a class of which either has no sample.
    """
    rows: list[list[float | None]] = []
    for row, other in zip(counts, baseline, strict=True):
        if sum(row) == 0 or sum(other) == 0:
            rows.append([None] * len(row))
            continue
        shares = 100 * np.asarray(row) / sum(row) - 100 * np.asarray(other) / sum(other)
        # Adding 0 makes 0 of the −0 that rounding leaves.
        rows.append([round(float(share), 2) + 0.0 for share in shares])
    return rows


def confusion(
    counts: list[list[int]] | None, baseline: list[list[int]] | None
) -> dict[str, Any] | None:
    """A cell's confusion matrix and its difference from the baseline's.

    Args:
        counts: summed over the ok replicates; None or all 0 where there are none.
        baseline: the baseline's; None where there is none to compare with.
    """
    if not counts or not np.any(counts):
        return None
    comparable = baseline is not None and bool(np.any(baseline))
    difference = confusion_difference(counts, baseline) if baseline and comparable else None
    return {"counts": counts, "difference": difference}
