"""Random rotation, translation and brightness, drawn per replicate and applied to all of them at once."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional


def draw(
    stream: np.random.Generator, count: int, degrees: float, translation: float, brightness: float
) -> NDArray[np.float32]:
    """Draw ``[count, 4]``: angle in radians, shift in x and y (fractions of the side), brightness factor."""
    high = np.array([math.radians(degrees), translation, translation, brightness])
    values = stream.uniform(-high, high, (count, 4))
    values[:, 3] += 1.0
    return values.astype(np.float32)


def apply(images: Tensor, values: Tensor) -> Tensor:
    """Rotate about the centre, shift and brighten.

    Args:
        images: ``[N, C, H, W]`` in units of 0 to 1.
        values: ``[N, 4]`` as :func:`draw` gives them.

    Returns:
        Images of the same shape, bilinear, black outside, clipped to 0 to 1. The same distribution as torchvision's
        ``RandomAffine`` followed by ``ColorJitter(brightness=…)``.
    """
    angle, shift_x, shift_y, factor = values.unbind(1)
    cos, sin = angle.cos(), angle.sin()
    # The grid maps output to input: undo the shift (in units of half a side), then the rotation.
    x, y = -2 * shift_x, -2 * shift_y
    theta = torch.stack([cos, sin, cos * x + sin * y, -sin, cos, -sin * x + cos * y], 1)
    grid = functional.affine_grid(theta.view(-1, 2, 3), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, mode="bilinear", align_corners=False)
    return (moved * factor.view(-1, 1, 1, 1)).clamp(0, 1)
