"""Many small images as one PNG in a data URI, one pixel per number: the page enlarges it."""

from __future__ import annotations

import io
from base64 import b64decode, b64encode

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
# The ends of a diverging scale that readers with any colour vision tell apart (ColorBrewer's RdBu); white stands between.
NEGATIVE, POSITIVE = (33, 102, 172), (178, 24, 43)
SHADES = 6
HEAD = "data:image/png;base64,"


def sheet(tiles: Pixels, columns: int, *, gap: int = 0) -> Pixels:
    """Lay tiles out row by row.

    Args:
        tiles: ``[n, h, w]`` or ``[n, h, w, channels]``, n ≥ 1.
        columns: tiles per row; a single row is as wide as it has tiles.
        gap: pixels of value 0 between tiles.

    Returns:
        ``[H, W]`` or ``[H, W, channels]``; places without a tile are 0.
    """
    n, height, width = tiles.shape[:3]
    columns = min(columns, n)
    rows = -(-n // columns)
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap)
    laid = np.zeros((*size, *tiles.shape[3:]), dtype=np.uint8)
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        laid[top : top + height, left : left + width] = tile
    return laid


def data_uri(pixels: Pixels) -> str:
    """A PNG in a data URI, without metadata: the same bytes for the same pixels.

    Args:
        pixels: ``[H, W]`` grey or ``[H, W, 4]`` with opacity.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", optimize=True)
    return HEAD + b64encode(buffer.getvalue()).decode("ascii")


def in_shades(uri: str, shades: int = SHADES) -> str:
    """An image of one colour that covers more or less, with so few degrees of cover that it is a fraction of the size.

    Args:
        uri: a PNG with opacity in a data URI, as :func:`data_uri` gives it. Its colour is that of its most opaque pixel.
        shades: degrees of cover, at least 2 and at most 16; the first is none.
    """
    image = Image.open(io.BytesIO(b64decode(uri.removeprefix(HEAD)))).convert("RGBA")
    pixels = np.asarray(image)
    cover = pixels[..., 3].astype(np.float64)
    strongest = np.unravel_index(int(cover.argmax()), cover.shape)
    colour, most = pixels[strongest][:3].tolist(), float(cover.max()) or 1.0
    reduced = Image.fromarray(np.rint(cover / most * (shades - 1)).astype(np.uint8))
    reduced.putpalette(colour * shades)
    steps = bytes(round(most * step / (shades - 1)) for step in range(shades))
    buffer = io.BytesIO()
    reduced.save(buffer, format="png", optimize=True, transparency=steps)
    return HEAD + b64encode(buffer.getvalue()).decode("ascii")


def ink_on_paper(images: Pixels) -> Pixels:
    """Images whose background is 0 as dark on white, so that a page with a dark ground can invert them."""
    inverted: Pixels = 255 - images
    return inverted


def diverging(weights: NDArray[np.floating]) -> Pixels:
    """Colour each image on a scale of its own, symmetric around 0: blue below, white at, red above.

    Args:
        weights: ``[n, h, w]``, finite.

    Returns:
        ``[n, h, w, 4]``, opaque. An image of zeros is white.
    """
    largest = np.abs(weights).max(axis=(1, 2), keepdims=True)
    share = np.divide(weights, largest, out=np.zeros(weights.shape), where=largest > 0)[..., None]
    ends = np.where(share < 0, np.array(NEGATIVE), np.array(POSITIVE))
    colour = 255 + np.abs(share) * (ends - 255)
    opaque = np.full((*weights.shape, 1), 255.0)
    coloured: Pixels = np.rint(np.concatenate([colour, opaque], axis=-1)).astype(np.uint8)
    return coloured


def colours(weights: NDArray[np.floating]) -> Pixels:
    """Weights of red, green and blue as a colour, each image on a scale of its own around grey, which is 0.

    Args:
        weights: ``[n, h, w, 3]``, finite.

    Returns:
        ``[n, h, w, 4]``, opaque.
    """
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    share = np.divide(weights, largest, out=np.zeros(weights.shape), where=largest > 0)
    opaque = np.full((*weights.shape[:3], 1), 255.0)
    coloured: Pixels = np.rint(np.concatenate([127.5 * (1 + share), opaque], axis=-1)).astype(
        np.uint8
    )
    return coloured


def tiles_of(images: Pixels) -> Pixels:
    """Images as a sheet takes them.

    Args:
        images: ``[n, h, w]`` or ``[n, channels, h, w]``.

    Returns:
        ``[n, h, w, 3]`` where there are three channels, else ``[n, h, w]``: the mean over the channels.
    """
    if images.ndim == 3:
        return images
    if images.shape[1] == 3:
        return images.transpose(0, 2, 3, 1)
    mean: Pixels = np.rint(images.mean(axis=1)).astype(np.uint8)
    return mean


def on_empty_ground(images: Pixels) -> bool:
    """Whether grey images show something drawn on a ground of 0, as handwriting does; a photograph has no such ground."""
    return images.ndim == 3 and bool(images.size) and float((images < 8).mean()) > 0.4
