"""The roofline counts operations and bytes as they are counted by hand, and compares them with the right ceiling."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import ceilings
import roofline
from step_parts import Step, Work

IMAGES, ROWS, REPLICATES = 64, 32, 24
# Multiplications per sample: outputs × what each of them sums over.
CNN = {
    "blocks.0.0 Conv2d": (28 * 28 * 16) * (1 * 5 * 5),
    "blocks.1.0 Conv2d": (14 * 14 * 32) * (16 * 5 * 5),
    "head.1 Linear": 128 * (7 * 7 * 32),
    "head.4 Linear": 10 * 128,
}
FNN = {"layers.1 Linear": 64 * 13, "layers.3 Linear": 64 * 64, "layers.5 Linear": 1 * 64}


def operations(layers: dict[str, int], samples: int) -> dict[str, int]:
    """The first layer has no gradient of its input; any other has two products on the way back."""
    forward = {f"{name}, forward": 2 * samples * count for name, count in layers.items()}
    ways = {name: 1 if place == 0 else 2 for place, name in enumerate(layers)}
    backward = {f"{name}, backward": 2 * samples * layers[name] * ways[name] for name in layers}
    return forward | backward


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return roofline.measure("fp32", 2, ceilings.QUICK, 1)


@pytest.fixture(scope="module")
def half() -> dict[str, Work]:
    cell = roofline.baselines("bf16", 1, 0.06)["CNN"][1]
    return {part.what: part for part in Step(cell, 0.001).parts()}


def parts(measured: dict[str, Any], name: str, key: str) -> dict[str, Any]:
    return {part["what"]: part[key] for part in measured["networks"][name]["parts"]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("CNN", operations(CNN, IMAGES)), ("FNN", operations(FNN, ROWS * REPLICATES))],
)
def test_operations_are_those_counted_by_hand(
    measured: dict[str, Any], name: str, expected: dict[str, int]
) -> None:
    found = parts(measured, name, "flop")
    assert {what: flop for what, flop in found.items() if flop} == expected
    assert {"gathering of the batch", "loss and its gradient", "update of the weights"} < set(found)
    one, *others = measured["networks"][name]["steps"]
    assert one["flop"] == sum(expected.values())
    assert [step["flop"] for step in others] == ([2 * one["flop"]] if name == "CNN" else [])


def test_bytes_are_inputs_weights_outputs_and_gradients(measured: dict[str, Any]) -> None:
    found = parts(measured, "CNN", "bytes")
    pixels, maps, weights = IMAGES * 28 * 28, IMAGES * 16 * 28 * 28, 16 * 25 + 16
    assert found["blocks.0.0 Conv2d, forward"] == 4 * (pixels + weights + maps)
    assert found["blocks.0.0 Conv2d, backward"] == 4 * (maps + pixels + weights)
    assert found["blocks.0.1 MaxPool2d, forward"] == 4 * (maps + maps // 4)
    assert found["blocks.0.1 MaxPool2d, backward"] == 4 * (maps // 4 + maps + maps)
    weights, units = 128 * 10 + 10, 128 * IMAGES
    assert found["head.4 Linear, forward"] == 4 * (units + weights + 10 * IMAGES)
    assert found["head.4 Linear, backward"] == 4 * (10 * IMAGES + 2 * units + 2 * weights)
    assert found["gathering of the batch"] == 8 * IMAGES + pixels + 4 * pixels
    every = 416 + (32 * 16 * 25 + 32) + (128 * 1568 + 128) + 1290
    assert found["update of the weights"] == 4 * 7 * every
    assert "head.3 Dropout, forward" not in found  # at rate 0 it moves nothing
    every = REPLICATES * (13 * 64 + 64 + 64 * 64 + 64 + 64 + 1)
    assert parts(measured, "FNN", "bytes")["update of the weights"] == 4 * 3 * every


def test_products_are_as_large_as_the_layers(measured: dict[str, Any]) -> None:
    for name, layers, samples in (("CNN", CNN, IMAGES), ("FNN", FNN, ROWS * REPLICATES)):
        sizes: dict[str, list[int]] = {}
        for row in measured["networks"][name]["products"]:
            count, m, k, n = row["shape"]
            sizes.setdefault(row["layer"], []).append(count * m * k * n)
        first, *others = layers
        expected = {each: [samples * layers[each]] * 3 for each in others}
        assert sizes == {first: [samples * layers[first]] * 2, **expected}


def test_in_bf16_layers_pass_on_half_the_bytes(half: dict[str, Work]) -> None:
    maps = IMAGES * 16 * 28 * 28
    assert half["blocks.0.1 MaxPool2d, forward"].bytes == 2 * (maps + maps // 4)
    assert {what: part.flop for what, part in half.items() if part.flop} == operations(CNN, IMAGES)


def test_the_longer_of_arithmetic_and_memory_is_the_ceiling() -> None:
    rates: dict[ceilings.Limit, float] = {
        ("matrix product", "fp32", 1): 80.0,
        ("convolution", "fp32", 1): 100.0,
        ("triad", 10, 1): 40.0,
        ("triad", 1000, 1): 20.0,
        ("triad", 1000, 2): 500.0,
    }
    assert ceilings.least(200, 10, rates, "fp32") == (2.0, "arithmetic")
    assert ceilings.least(200, 100, rates, "fp32") == (5.0, "memory")
    assert ceilings.least(0, 4000, rates, "fp32") == (200.0, "memory")


def test_shares_follow_from_what_was_measured(measured: dict[str, Any]) -> None:
    rates = {(c["kind"], c["of"], c["threads"]): c["per_second"] for c in measured["ceilings"]}
    for network in measured["networks"].values():
        for step in network["steps"]:
            kinds = ("matrix product", "convolution")
            fastest = max(rates[kind, "fp32", step["threads"]] for kind in kinds)
            reached = step["flop"] / step["seconds"]
            assert step["share_of_peak"] == pytest.approx(reached / fastest)


def test_the_command_prints_tables_or_json(
    measured: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(roofline, "measure", lambda *given: asked.append(given) or measured)
    roofline.main(["--quick", "--rounds", "3", "--threads", "2", "--precision", "bf16"])
    assert asked == [("bf16", 2, ceilings.QUICK, 3)]
    text = capsys.readouterr().out
    assert "\n| blocks.1.0 Conv2d, forward | 321.13 | 2.46 | 130.6 |" in text
    assert "FNN, fp32, 24 replicates at once: a step on one thread" in text
    assert "On 2 threads training reaches" in text
    roofline.main(["--json"])
    assert asked[1][2] == ceilings.Sizes()
    assert json.loads(capsys.readouterr().out)["networks"].keys() == {"CNN", "FNN"}
    with pytest.raises(SystemExit):
        roofline.main(["--rounds", "0"])
    assert "--threads and --rounds must be at least 1" in capsys.readouterr().err
