"""Augmentation is torchvision's RandomAffine and brightness jitter, drawn from a stream of one's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from ablation.training.augmentation import apply, draw
from torch import Tensor
from torch.nn import functional


@pytest.fixture(params=[1, 3])
def images(request: pytest.FixtureRequest) -> Tensor:
    """Smooth strokes on black, as digits are, grey or coloured."""
    chance = torch.Generator().manual_seed(0)
    coarse = torch.rand(8, request.param, 8, 8, generator=chance) * 2 - 0.8
    smooth = functional.interpolate(coarse, size=(20, 20), mode="bicubic").clamp(0, 1)
    return functional.pad(smooth, (4, 4, 4, 4))


def values(count: int, angle: float = 0, x: float = 0, y: float = 0, factor: float = 1) -> Tensor:
    return torch.tensor([[math.radians(angle), x, y, factor]] * count)


def test_nothing_drawn_changes_nothing(images: Tensor) -> None:
    torch.testing.assert_close(apply(images, values(len(images))), images, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("x", "y"), [(2, 0), (0, -3), (1, 2)])
def test_a_shift_by_whole_pixels(images: Tensor, x: int, y: int) -> None:
    moved = apply(images, values(len(images), x=x / 28, y=y / 28))
    expected = torch.roll(images, (y, x), (2, 3))
    if y > 0:
        expected[:, :, :y] = 0
    if y < 0:
        expected[:, :, y:] = 0
    if x > 0:
        expected[:, :, :, :x] = 0
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("angle", "x", "y"), [(90, 0, 0), (10, 0, 0), (-7, 2, -1), (5, -1, 2)])
def test_torchvision_agrees(images: Tensor, angle: float, x: int, y: int) -> None:
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import affine

    moved = apply(images, values(len(images), angle, x / 28, y / 28))
    # torchvision's angle is clockwise, in image coordinates as ours.
    expected = affine(images, angle, [x, y], 1.0, [0.0, 0.0], InterpolationMode.BILINEAR)
    torch.testing.assert_close(moved, expected, rtol=0, atol=2e-3)


def test_brightness_is_clipped(images: Tensor) -> None:
    images[0, 0, 9, 9] = 0.9
    bright = apply(images, values(len(images), factor=1.2))
    torch.testing.assert_close(bright, (images * 1.2).clamp(0, 1), rtol=0, atol=1e-5)
    assert float(bright.max()) == 1.0


def test_each_image_has_its_own_values(images: Tensor) -> None:
    own = torch.cat([values(1, angle=3 * i, x=i / 100) for i in range(len(images))])
    together = apply(images, own)
    for i in range(len(images)):
        torch.testing.assert_close(together[i : i + 1], apply(images[i : i + 1], own[i : i + 1]))


def test_draws_are_uniform_within_their_ranges() -> None:
    drawn = draw(np.random.default_rng(0), 20_000, 10, 0.1, 0.2)
    assert drawn.shape == (20_000, 4)
    low, high = drawn.min(0), drawn.max(0)
    limit = math.radians(10)
    assert low.tolist() == pytest.approx([-limit, -0.1, -0.1, 0.8], abs=1e-3)
    assert high.tolist() == pytest.approx([limit, 0.1, 0.1, 1.2], abs=1e-3)
    assert drawn.mean(0).tolist() == pytest.approx([0, 0, 0, 1], abs=5e-3)
    assert drawn.std(0)[1] == pytest.approx(0.1 / math.sqrt(3), rel=0.02)
    assert abs(np.corrcoef(drawn.T)[1, 2]) < 0.03
