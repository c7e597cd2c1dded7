"""Why a cell would train, and how long it would take."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ablation.commands.costs import Cost, between, bounds, duration, estimate, read_cost
from ablation.commands.reasons import Found, Target, changes, listed, nearest, reason
from ablation.networks.registry import MODELS
from ablation.study.config import resolve
from ablation.study.grid import Cell, build

Config = dict[str, Any]
Change = Callable[[Config], Any]
NOTHING = Found(failed=None, is_damaged=False, viewed=None, place=None)


def cells(config: Config, *edits: Change) -> dict[str, Cell]:
    own = copy.deepcopy(config)
    for edit in edits:
        edit(own)
    return build(resolve(own)).by_name


def target(cell: Cell) -> Target:
    return Target(cell.spec, cell.parameters, MODELS[cell.model].relevant)


def difference(old: Cell, new: Cell) -> str:
    return listed(changes(old.spec, target(new)))


def cnn(**values: Any) -> Change:
    return lambda config: config["models"]["cnn"]["parameters"].update(values)


def fnn(**values: Any) -> Change:
    return lambda config: config["models"]["fnn"]["parameters"].update(values)


@pytest.mark.parametrize(
    ("edit", "cell", "said"),
    [
        (cnn(epochs=20), "cnn/kernel_5", "epochs: 15 → 20"),
        (cnn(learning_rate=0.0001), "cnn/kernel_5", "learning_rate: 0.001 → 0.0001"),
        (cnn(batchnorm=True), "cnn/kernel_5", "batchnorm: off → on"),
        (lambda c: c["study"].update(seed=7), "fnn/depth_2", "seed: 20261 → 7"),
        (lambda c: c["models"]["cnn"].update(replicates=24), "cnn/depth_4", "replicates: 12 → 24"),
        (lambda c: c["compute"].update(precision="fp32"), "cnn/depth_4", "precision: auto → fp32"),
        (lambda c: c["compute"].update(threads=2), "fnn/depth_2", "threads: 1 → 2"),
        (cnn(dataset="mnist"), "cnn/depth_2", "dataset: mnist-5k → mnist"),
        (
            cnn(epochs=20, channels=[8, 16, 16, 16]),
            "cnn/depth_4",
            "channels: 16-32-32-32 → 8-16-16-16; epochs: 15 → 20",
        ),
        # The ranges of an augmentation that this cell does not have change nothing.
        (cnn(rotation_degrees=20), "cnn/augmentation_affine", "rotation_degrees: 10 → 20"),
    ],
)
def test_a_change_is_named(config: Config, edit: Change, cell: str, said: str) -> None:
    assert difference(cells(config)[cell], cells(config, edit)[cell]) == said


def test_what_follows_from_another_change_is_no_change_of_its_own(config: Config) -> None:
    now = cells(config)
    assert difference(now["cnn/depth_2"], now["cnn/depth_4"]) == "depth: 2 → 4"
    assert difference(now["cnn/depth_4"], now["cnn/depth_1"]) == "depth: 4 → 1"
    none, affine = now["cnn/augmentation_none"], now["cnn/augmentation_affine"]
    assert difference(none, affine) == (
        "augmentation: none → affine; reads rotation_degrees 10; reads translation 0.1; "
        "reads brightness 0.2"
    )
    assert difference(affine, none).startswith(
        "augmentation: affine → none; no longer reads rotation_degrees; no longer"
    )
    for old, new in ((none, affine), (affine, none)):
        assert [c.name for c in changes(old.spec, target(new)) if not c.implied] == ["augmentation"]


def test_a_list_that_another_parameter_does_not_explain_is_named(config: Config) -> None:
    now, wide = cells(config), cells(config, cnn(channels=[16, 64, 64, 64]))
    assert difference(now["cnn/depth_1"], wide["cnn/depth_2"]) == (
        "depth: 1 → 2"  # the second block is new, whatever its channels
    )
    assert difference(now["cnn/depth_4"], wide["cnn/depth_2"]) == (
        "depth: 4 → 2; channels: 16-32-32-32 → 16-64"
    )


def test_code_files_and_parameters_of_other_times_are_named(config: Config) -> None:
    cell = cells(config)["cnn/kernel_5"]
    old = copy.deepcopy(cell.spec)
    old["code"] = {**old["code"], "digest": "0" * 16}
    old["data"]["files"] = {"mnist_5k.csv.gz": "0" * 64}
    old["parameters"]["momentum"] = old["parameters"].pop("pooling")
    assert listed(changes(old, target(cell))) == (
        "raw files of mnist-5k changed; code of cnn changed; reads pooling max; no longer reads momentum"
    )
    assert len([c for c in changes(old, target(cell)) if not c.implied]) == 4


def test_many_changes_are_counted(config: Config) -> None:
    edit = cnn(epochs=1, batch_size=8, kernel=3, fc_width=16, dropout=0.4, learning_rate=0.1)
    said = difference(cells(config)["cnn/depth_2"], cells(config, edit)["cnn/depth_2"])
    assert said.endswith("; and 2 more")
    assert said.count("→") == 4


def test_the_nearest_entry_differs_least(config: Config) -> None:
    now = cells(config)
    stored = {c.key: c.spec for c in now.values()}

    def add(config: Config) -> None:
        config["models"]["cnn"]["axes"]["kernel"]["values"].append(11)

    new = cells(config, add)["cnn/kernel_11"]
    assert nearest(target(new), stored) == now["cnn/kernel_9"].key
    assert nearest(target(new), {}) is None
    fnn_only = {c.key: c.spec for c in now.values() if c.model == "fnn"}
    assert nearest(target(new), fnn_only) is None


def found(**facts: Any) -> Found:
    return Found(**{**vars(NOTHING), **facts})


def test_reasons(config: Config) -> None:
    now = cells(config)
    cell, other = now["cnn/kernel_5"], now["cnn/kernel_9"]
    stored = {other.key: other.spec}
    longer = {**cell.spec, "replicates": 24}

    def said(on_disk: Found, entries: dict[str, Any] = stored) -> str:
        return reason(target(cell), on_disk, entries)

    assert said(NOTHING, {}) == "never trained"
    assert said(found(place="study")) == "not trained yet (kernel: 9 → 5)"
    assert said(found(place="axis")) == "new axis (kernel: 9 → 5)"
    assert said(found(place="value")) == "new axis value (kernel: 9 → 5)"
    assert said(found(viewed=longer, place="value")) == "replicates: 24 → 12"
    assert said(found(viewed=cell.spec)) == "its entry is gone from the store"
    killed = found(failed="killed by signal 9", is_damaged=True, viewed=longer)
    assert said(killed) == "failed before: killed by signal 9"
    assert said(found(is_damaged=True, viewed=longer)) == "damaged entry"


# Estimates


def costs_of(cell: Cell, seconds: float, device: str = "cpu") -> dict[str, Cost]:
    return {cell.key: Cost(cell.spec, seconds, device)}


def guess(cell: Cell, known: dict[str, Cost], device: str = "cpu") -> float | None:
    size = MODELS[cell.model].train_size
    made = estimate(target(cell), known, size, device)
    return None if made is None else made.seconds


@pytest.mark.parametrize(
    ("edit", "factor"),
    [
        (cnn(epochs=45), 3),
        (lambda c: c["models"]["cnn"].update(replicates=24), 2),
        (lambda c: c["study"].update(seed=7), 1),
        (cnn(dataset="mnist", share=1.0, test="official"), 48000 / 2400),
        (cnn(epochs=30, dataset="mnist", share=0.5, test="official"), 2 * 24000 / 2400),
    ],
)
def test_an_estimate_scales_with_the_work(config: Config, edit: Change, factor: float) -> None:
    known = costs_of(cells(config)["cnn/kernel_5"], 80.0)
    assert guess(cells(config, edit)["cnn/kernel_5"], known) == pytest.approx(80 * factor)


def test_an_estimate_rests_on_the_most_similar_network(config: Config) -> None:
    now, later = cells(config), cells(config, cnn(epochs=30))
    known = costs_of(now["cnn/kernel_5"], 80.0) | costs_of(now["cnn/kernel_9"], 200.0)
    assert guess(later["cnn/kernel_9"], known) == 400
    assert guess(later["cnn/kernel_7"], known) == 400  # 9 is nearer than 5 by its ratio
    assert guess(later["cnn/kernel_3"], known) == 160
    deep, slow = now["fnn/depth_8"], now["fnn/learning_rate_0.01"]
    known_fnn = costs_of(deep, 8.0) | costs_of(slow, 2.0)
    assert guess(now["fnn/depth_at_0.01_8"], known_fnn) == 8  # a learning rate costs nothing
    twice = {"a": Cost(now["cnn/kernel_5"].spec, 60.0, "cpu"), **known}
    assert guess(now["cnn/kernel_5"], twice) == 70  # the median of both
    made = estimate(target(now["cnn/kernel_5"]), twice, MODELS["cnn"].train_size, "cpu")
    assert made is not None
    assert made.basis == tuple(sorted(["a", now["cnn/kernel_5"].key]))


def test_no_estimate_from_another_device_or_model_or_time(config: Config) -> None:
    now = cells(config)
    assert guess(now["cnn/kernel_5"], {}) is None
    assert guess(now["cnn/kernel_5"], costs_of(now["fnn/depth_2"], 3.0)) is None
    assert guess(now["cnn/kernel_5"], costs_of(now["cnn/kernel_5"], 3.0, "cuda")) is None
    assert guess(now["cnn/kernel_5"], costs_of(now["cnn/kernel_5"], 3.0, "cuda"), "cuda") == 3
    old = {**now["cnn/kernel_5"].spec, "parameters": {"epochs": 15, "kernel": 5}}
    assert guess(now["cnn/kernel_5"], {"old": Cost(old, 3.0, "cpu")}) is None


def test_a_cost_is_of_the_processor_or_of_the_gpus_clock(config: Config) -> None:
    spec = {**cells(config)["cnn/kernel_5"].spec, "threads": 2}
    cost = {"device": "cpu", "seconds": 90.0, "cpu_seconds": 80.0}
    made = read_cost(spec, cost)
    assert made is not None
    assert made.seconds == 40
    made = read_cost(spec, {**cost, "device": "cuda"})
    assert made is not None
    assert made.seconds == 90
    assert read_cost(spec, {}) is None


def test_bounds_hold_for_every_order() -> None:
    assert bounds([], 2) == (0, 0)
    assert bounds([10.0, 10.0, 10.0, 10.0], 1) == (40, 40)
    assert bounds([10.0] * 4, 2) == (20, 25)
    assert bounds([60.0, 1.0], 8)[0] == 60


def test_durations_read_well() -> None:
    assert [duration(s) for s in (0.2, 60, 600, 9000)] == ["1 s", "60 s", "10 min", "2.5 h"]
    assert between(40, 40.2) == "40 s"
    assert between(120, 180) == "2 to 3 min"
    assert between(80, 180) == "80 s to 3 min"
