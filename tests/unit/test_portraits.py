"""What a cell shows when looked at closer, by hand."""

from __future__ import annotations

import io
from base64 import b64decode
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from ablation.figures import portraits as figures
from ablation.figures.sprites import (
    HEAD,
    NEGATIVE,
    POSITIVE,
    data_uri,
    diverging,
    in_shades,
    ink_on_paper,
    sheet,
)
from ablation.portraits.kernels import first_layer, first_replicate, kernels
from ablation.portraits.mistakes import confusion, confusion_difference, mistakes, most_confident
from ablation.portraits.residuals import residuals, with_residuals, worst_rows
from PIL import Image

DIGITS = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)


def decoded(uri: str) -> np.ndarray:
    assert uri.startswith(HEAD)
    return np.asarray(Image.open(io.BytesIO(b64decode(uri.removeprefix(HEAD)))))


class Keys:
    """Keys in place of a catalogue."""

    def __call__(self, key: str, /, **_: object) -> str:
        return key

    of_target = __call__


words: Any = Keys()


# Sprites


def test_the_tiles_of_a_sprite_are_the_images():
    found = decoded(data_uri(sheet(DIGITS, 3)))
    assert found.shape == (56, 84)
    for i, image in enumerate(DIGITS):
        top, left = 28 * (i // 3), 28 * (i % 3)
        assert np.array_equal(found[top : top + 28, left : left + 28], image)
    assert not found[28:, 56:].any()


def test_tiles_can_stand_apart():
    found = sheet(np.full((3, 2, 2), 9, dtype=np.uint8), 2, gap=1)
    assert found.tolist() == [
        *[[9, 9, 0, 9, 9]] * 2, [0] * 5, *[[9, 9, 0, 0, 0]] * 2,
    ]  # fmt: skip


def test_a_png_is_the_same_bytes_without_metadata():
    uri = data_uri(DIGITS[0])
    assert uri == data_uri(DIGITS[0].copy())
    kinds, png = [], b64decode(uri.removeprefix(HEAD))
    place = 8
    while place < len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        kinds.append(png[place + 4 : place + 8])
        place += 12 + length
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


def test_an_image_of_one_colour_keeps_its_cover_in_shades():
    pixels = np.zeros((20, 30, 4), dtype=np.uint8)
    pixels[..., :3] = (125, 60, 10)
    pixels[..., 3] = np.random.default_rng(0).integers(0, 200, (20, 30))
    uri = data_uri(pixels)
    found = np.asarray(
        Image.open(io.BytesIO(b64decode(in_shades(uri, 8)[len(HEAD) :]))).convert("RGBA")
    )
    assert len(in_shades(uri)) < len(uri) / 2
    assert len(np.unique(found[..., 3])) == 8
    apart = np.abs(found[..., 3].astype(int) - pixels[..., 3])
    assert apart.max() <= 200 / 7 / 2 + 1
    assert (found[found[..., 3] > 0][:, :3] == (125, 60, 10)).all()


def test_ink_is_dark_on_paper():
    assert ink_on_paper(np.array([[[0, 255]]], dtype=np.uint8)).tolist() == [[[255, 0]]]


def test_colours_of_weights_are_symmetric_around_white():
    found = diverging(np.array([[[-2.0, -1.0], [0.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]]))
    assert found[0, 0, 0].tolist() == [*NEGATIVE, 255]
    assert found[0, 1, 1].tolist() == [*POSITIVE, 255]
    assert found[0, 1, 0].tolist() == [255] * 4
    half = [round((255 + end) / 2) for end in NEGATIVE]
    assert found[0, 0, 1, :3].tolist() == pytest.approx(half, abs=1)
    assert (found[1] == 255).all()


# Mistakes


def predictions() -> pd.DataFrame:
    """Two replicates that predict and one that diverged; image 3 is mistaken by both."""
    nan = np.nan
    return pd.DataFrame(
        [
            (0, 0, 7, 7, 0.99), (0, 1, 2, 3, 0.60), (0, 3, 5, 6, 0.70), (0, 4, 1, 1, 0.90),
            (1, 3, 5, 8, 0.95), (1, 2, 4, 9, 0.80), (1, 0, 7, 7, 0.97), (1, 1, 2, 2, 0.51),
            (2, 3, 5, nan, nan), (2, 0, 7, nan, nan),
        ],
        columns=["replicate", "index", "label", "predicted", "confidence"],
    )  # fmt: skip


def test_the_most_confident_mistake_comes_first_and_an_image_once():
    found = most_confident(predictions())
    assert found["index"].tolist() == [3, 2, 1]
    assert found["confidence"].tolist() == [0.95, 0.80, 0.60]
    assert found["replicate"].tolist() == [1, 1, 0]
    assert found["n_wrong"].tolist() == [2, 1, 1]
    assert found["n_tested"].tolist() == [2, 1, 2]
    assert most_confident(predictions(), 2)["index"].tolist() == [3, 2]


def test_mistakes_carry_their_images():
    found = mistakes(predictions(), DIGITS)
    assert found is not None
    assert (found["n_mistakes"], found["n_predictions"]) == (4, 8)
    assert found["items"][0] == {
        "true": 5, "predicted": 8, "confidence": 0.95, "replicate": 1, "index": 3,
        "n_wrong": 2, "n_tested": 2,
    }  # fmt: skip
    sprite = decoded(found["sprite"])
    assert sprite.shape == (28, 28 * found["columns"])
    for place, item in enumerate(found["items"]):
        tile = sprite[:, 28 * place : 28 * (place + 1)]
        assert np.array_equal(tile, DIGITS[item["index"]])  # noise is no drawing on an empty ground
    assert not found["ink"]


def test_drawings_become_ink_on_paper_and_pictures_stay():
    drawn = np.where(DIGITS > 200, DIGITS, 0).astype(np.uint8)
    found = mistakes(predictions(), drawn)
    assert found is not None and found["ink"]
    assert np.array_equal(decoded(found["sprite"])[:, :28], 255 - drawn[3])
    coloured = np.random.default_rng(1).integers(0, 256, (5, 3, 6, 4), dtype=np.uint8)
    found = mistakes(predictions(), coloured)
    assert found is not None and not found["ink"]
    assert (found["width"], found["height"]) == (4, 6)
    assert np.array_equal(decoded(found["sprite"])[:, :4], coloured[3].transpose(1, 2, 0))
    two = mistakes(predictions(), np.full((5, 2, 6, 4), 9, dtype=np.uint8))
    assert two is not None and decoded(two["sprite"]).shape == (6, 12)


def test_no_mistake_has_no_sprite_and_no_prediction_has_no_mistakes():
    made = predictions()
    right = made.assign(predicted=made["label"])
    found = mistakes(right[right["replicate"] < 2], DIGITS)
    assert found is not None
    assert (found["n_mistakes"], found["sprite"], found["items"]) == (0, None, [])
    assert mistakes(made[made["replicate"] == 2], DIGITS) is None


def matrix(*rows: list[int]) -> list[list[int]]:
    """A confusion matrix of which only the first classes occur."""
    filled = [[*row, *[0] * (10 - len(row))] for row in rows]
    return filled + [[0] * 10] * (10 - len(rows))


def test_the_difference_of_matrices_is_in_points_of_the_true_class():
    own, baseline = matrix([8, 2], [5, 15], [4]), matrix([9, 1], [0, 40])
    found = confusion_difference(own, baseline)
    assert found[0] == [-10.0, 10.0, *[0.0] * 8]
    assert found[1] == [25.0, -25.0, *[0.0] * 8]
    assert found[2:] == [[None] * 10] * 8
    assert str(confusion_difference(own, own)[0]) == str([0.0] * 10)


def test_a_confusion_without_samples_or_without_a_baseline():
    own = matrix([1])
    assert confusion(None, own) is None
    assert confusion(matrix(), own) is None
    assert confusion(own, None) == {"counts": own, "difference": None}
    assert confusion(own, matrix()) == {"counts": own, "difference": None}


# Kernels


def test_the_first_replicate_that_did_not_diverge_is_shown_whatever_it_reached():
    rows = pd.DataFrame(
        {"replicate": [3, 1, 0, 2], "status": ["ok", "ok", "diverged", "ok"],
         "val_loss": [0.1, 0.3, 0.01, 0.2]}
    )  # fmt: skip
    assert first_replicate(rows) == 1
    assert first_replicate(rows[rows["status"] == "diverged"]) is None


def test_kernels_are_those_of_the_network():
    weights = np.random.default_rng(0).normal(size=(3, 6, 1, 5, 5))
    found = kernels(weights, 1)
    assert (found["n"], found["side"], found["replicate"]) == (6, 5, 1)
    assert found["largest"] == pytest.approx(np.abs(weights[1]).max(), rel=1e-3)
    assert found["largest_each"][2] == pytest.approx(np.abs(weights[1, 2]).max(), rel=1e-3)
    sprite = decoded(found["sprite"])
    assert sprite.shape == (found["height"], found["width"], 4)
    for i in range(6):
        left = i * (5 + found["gap"])
        expected = diverging(weights[1, i])
        assert np.array_equal(sprite[:, left : left + 5], expected[0])


def test_kernels_of_colours_are_coloured_and_of_other_channels_a_mean():
    weights = np.zeros((1, 2, 3, 2, 2))
    weights[0, 0, 0, 0, 0], weights[0, 0, 2, 1, 1] = 2.0, -2.0
    pixels = decoded(kernels(weights, 0)["sprite"])
    assert pixels[0, 0].tolist() == [255, 128, 128, 255]
    assert pixels[1, 1].tolist() == [128, 128, 0, 255]
    pair = np.stack([np.full((3, 3), 1.0), np.full((3, 3), 3.0)])[None, None]
    assert kernels(pair, 0)["largest"] == 2.0


@pytest.mark.parametrize(
    ("shapes", "channels", "found"),
    [
        ({"convolution.0.weight": [6, 16, 1, 5, 5], "convolution.1.weight": [6, 32, 16, 5, 5]}, 1,
         "convolution.0.weight"),
        ({"block.10.weight": [6, 8, 3, 3, 3], "block.2.weight": [6, 8, 3, 3, 3]}, 3,
         "block.2.weight"),
        ({"a.weight": [6, 8, 16, 3, 3], "stem.weight": [6, 16, 3, 7, 7]}, 3, "stem.weight"),
        ({"mix.weight": [6, 8, 1, 1, 1], "out.weight": [6, 10, 784]}, 1, None),
        ({}, 1, None),
    ],
)  # fmt: skip
def test_the_first_layer_is_a_convolution_that_sees_the_image(
    shapes: dict[str, list[int]], channels: int, found: str | None
):
    assert first_layer(shapes, channels) == found


# Residuals


def several() -> pd.DataFrame:
    return pd.DataFrame(
        [
            (0, 4, 50.0, 38.0), (0, 5, 20.0, 21.0), (1, 4, 50.0, 46.0), (1, 6, 10.0, 13.0),
            (2, 4, 50.0, np.nan),
        ],
        columns=["replicate", "index", "target", "prediction"],
    )  # fmt: skip


def test_residuals_by_hand():
    found = residuals(several())
    assert found is not None
    assert found["n"] == 4
    assert found["mean"] == pytest.approx((-12 + 1 - 4 + 3) / 4)
    assert found["sd"] == pytest.approx(np.std([-12, 1, -4, 3], ddof=1), rel=1e-3)
    # Larger than the spread of the true values, each row once.
    assert found["over"] == pytest.approx(np.std([50, 20, 10], ddof=1), rel=1e-3)
    assert found["share_over"] == 0.0
    assert found["worst"] == [
        {"index": 4, "target": 50.0, "prediction": 42.0, "n": 2},
        {"index": 6, "target": 10.0, "prediction": 13.0, "n": 1},
        {"index": 5, "target": 20.0, "prediction": 21.0, "n": 1},
    ]
    assert len(worst_rows(with_residuals(several()), 1)) == 1


def test_what_is_large_has_the_unit_of_the_target():
    small = several().assign(
        target=several()["target"] / 1e3, prediction=several()["prediction"] / 1e3
    )
    found, other = residuals(small), residuals(several())
    assert found is not None and other is not None
    assert found["over"] == pytest.approx(other["over"] / 1e3, rel=1e-3)
    assert found["worst"][0]["prediction"] == 0.042
    far = several().assign(prediction=[0.0, 21.0, 0.0, 13.0, np.nan])
    assert (residuals(far) or {})["share_over"] == 0.5


@pytest.mark.parametrize(("n_top", "known"), [(5, True), (4, False), (100, False)])
def test_a_largest_value_that_many_rows_share_is_told(n_top: int, known: bool):
    target = np.where(np.arange(100) < n_top, 50.0, np.arange(100) / 10)
    made = pd.DataFrame({"replicate": 0, "index": np.arange(100), "target": target,
                         "prediction": target - 3.0})  # fmt: skip
    found = residuals(pd.concat([made, made.assign(replicate=1)]))
    assert found is not None
    expected = (50.0, n_top, -3.0) if known else (None, 0, None)
    assert (found["top"], found["n_top"], found["top_mean"]) == expected


def test_residuals_of_nothing():
    assert residuals(several()[lambda rows: rows["replicate"] == 2]) is None


# Series and figures


def epochs(accurate: bool = False, length: int = 3) -> pd.DataFrame:
    """Five replicates whose loss in epoch e is r + 1 over e, and one that diverged."""
    rows = [
        (r, True, e, (r + 1) / e, 2 * (r + 1) / e, 0.9 if accurate else np.nan)
        for r in range(5)
        for e in range(1, length + 1)
    ]
    rows += [(5, False, 1, 7.0, 8.0, np.nan), (5, False, 2, np.inf, np.nan, np.nan)]
    columns = ["replicate", "ok", "epoch", "train_loss", "val_loss", "val_accuracy"]
    return pd.DataFrame(rows, columns=columns)


def test_thinned_epochs_keep_the_ends():
    found = sorted(figures.thinned(epochs(length=101), 11)["epoch"].unique())
    assert len(found) <= 12
    assert (found[0], found[-1]) == (1, 101)
    assert len(figures.thinned(epochs(), 11)) == len(epochs())


@pytest.mark.parametrize("accurate", [True, False])
def test_curves_are_small_and_say_what_they_show(accurate: bool):
    svg = figures.curves(epochs(accurate, length=100), words, "c0123")
    ElementTree.fromstring(svg)
    text = svg.decode()
    assert len(svg) <= 13_000
    for key in ("figure.train_loss", "figure.val_loss", "figure.epoch"):
        assert key in text
    assert ("figure.val_accuracy" in text) is accurate
    assert "currentColor" in text
    assert svg == figures.curves(epochs(accurate, length=100), words, "c0123")


def test_curves_of_diverged_replicates_alone_are_drawn():
    rows = epochs()[lambda rows: ~rows["ok"]]
    never = rows.assign(train_loss=np.nan, val_loss=np.nan)
    many = pd.concat([rows, *(never.assign(replicate=r) for r in range(6, 30))])
    svg = figures.curves(many, words, "c0123")
    ElementTree.fromstring(svg)
    assert len(svg) <= 18_000
    assert b"None" not in svg


def test_the_points_of_residuals_are_one_small_image():
    chance = np.random.default_rng(0)
    target = np.round(chance.uniform(5, 50, 2000), 1)
    made = pd.DataFrame({"target": target, "residual": chance.normal(0, 3.5, 2000)})
    svg = figures.residuals(made, words, "r0123")
    root = ElementTree.fromstring(svg)
    assert len(svg) <= 15_000
    images = [each for each in root.iter() if each.tag.endswith("image")]
    assert len(images) == 1
    assert images[0].get("href", "").startswith(HEAD)
    assert b"portrait.residual" in svg and b"figure.true_value" in svg
