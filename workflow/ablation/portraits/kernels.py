"""The first layer's kernels of a convolutional network."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablation.figures.sprites import colours, data_uri, diverging, sheet

COLUMNS, GAP = 8, 1
RGB = 3  # channels that a picture shows as colours


def first_layer(shapes: dict[str, list[int]], channels: int) -> str | None:
    """The name of the first convolution's weights; None for a network that does not begin with one.

    Args:
        shapes: of all weights ``[R, …]``, by name.
        channels: of the images. A convolution further back sees maps, which are of another number, unless it has one or
            three; of those left the first by name is it, numbers counted as such.
    """
    fitting = [
        name
        for name, shape in shapes.items()
        if len(shape) == 5 and shape[2] == channels and shape[3] == shape[4] > 1
    ]
    return min(fitting, key=_by_number, default=None)


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    """A name as what sorts ``block.2`` before ``block.10``."""
    parts = re.split(r"(\d+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


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
        weights: ``[R, out, in, k, k]``, that of the replicate finite. Of three input channels the picture shows each as a
            colour, grey for 0; of another number their mean.
        replicate: whose.

    Returns:
        ``sprite`` with ``n`` kernels of ``side`` pixels, ``columns`` per row, ``gap`` transparent pixels between,
        ``width`` × ``height`` in all; ``largest``, the largest absolute weight, and ``largest_each`` of every kernel, to four
        significant digits.
    """
    of_replicate = np.asarray(weights[replicate], dtype=np.float64)
    coloured = of_replicate.shape[1] == RGB
    shown = of_replicate.transpose(0, 2, 3, 1) if coloured else of_replicate.mean(axis=1)
    largest = [float(f"{value:.4g}") for value in np.abs(shown).reshape(len(shown), -1).max(axis=1)]
    laid = sheet(colours(shown) if coloured else diverging(shown), COLUMNS, gap=GAP)
    return {
        "replicate": replicate,
        "n": len(of_replicate),
        "side": int(of_replicate.shape[3]),
        "columns": COLUMNS,
        "gap": GAP,
        "largest": max(largest),
        "largest_each": largest,
        "width": int(laid.shape[1]),
        "height": int(laid.shape[0]),
        "sprite": data_uri(laid),
    }
