"""The first layer's kernels of a convolutional network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablation.figures.sprites import data_uri, diverging, sheet

FIRST_LAYER = "convolution.0.weight"  # in the stacked network of ablation.networks.cnn.network
COLUMNS, GAP = 8, 1


def first_replicate(replicates: pd.DataFrame) -> int | None:
    """The ok replicate of the lowest number, fixed before anything was trained; None without one.

    Args:
        replicates: replicate, status; one row each.
    """
    ok = replicates.loc[replicates["status"] == "ok", "replicate"]
    return None if ok.empty else int(ok.min())


def kernels(weights: NDArray[np.floating], replicate: int) -> dict[str, Any]:
    """One replicate's kernels as a sprite of one pixel per weight, each on a scale of its own around 0.

    Args:
        weights: ``[R, out, 1, k, k]``, that of the replicate finite.
        replicate: whose.

    Returns:
        ``sprite`` with ``n`` kernels of ``side`` pixels, ``columns`` per row, ``gap`` transparent pixels between,
        ``width`` × ``height`` in all; ``largest``, the largest absolute weight, and ``largest_each`` of every kernel, to four
        significant digits.
    """
    own = np.asarray(weights[replicate, :, 0], dtype=np.float64)
    each = [float(f"{value:.4g}") for value in np.abs(own).max(axis=(1, 2))]
    laid = sheet(diverging(own), COLUMNS, gap=GAP)
    return {
        "replicate": replicate,
        "n": len(own),
        "side": int(own.shape[-1]),
        "columns": COLUMNS,
        "gap": GAP,
        "largest": max(each),
        "largest_each": each,
        "width": int(laid.shape[1]),
        "height": int(laid.shape[0]),
        "sprite": data_uri(laid),
    }
