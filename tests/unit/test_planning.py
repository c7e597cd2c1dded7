"""Why a cell would train, and how long it would take."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from ablation.commands.costs import estimate, rates
from ablation.commands.reasons import Change as Reason
from ablation.commands.reasons import changes, listed, nearest, reason
from ablation.store.entries import folder_of, publish
from ablation.store.files import write_json
from ablation.study.config import model_in, resolve
from ablation.study.grid import Cell, build

Config = dict[str, Any]
Change = Callable[[Config], Any]


MODELS = {name: model_in(name, {}) for name in ("fnn", "cnn")}


def cells(config: Config, *edits: Change) -> dict[str, Cell]:
    own = copy.deepcopy(config)
    for edit in edits:
        edit(own)
    return build(resolve(own)).by_name


def difference(old: Cell, new: Cell) -> str:
    return listed(changed(old.spec, new))


def changed(old: Config, new: Cell) -> list[Reason]:
    return changes(old, new, MODELS[new.model])


def nearest_to(cell: Cell, stored: Config) -> str | None:
    return nearest(cell, MODELS[cell.model], stored)


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
        (
            lambda c: c["compute"].update(replicates_at_once=2),
            "fnn/depth_2",
            "replicates_at_once: auto → 2",
        ),
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
        assert [c.name for c in changed(old.spec, new) if not c.implied] == ["augmentation"]


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
    assert listed(changed(old, cell)) == (
        "raw files of mnist-5k changed; code of cnn changed; reads pooling max; no longer reads momentum"
    )
    assert len([c for c in changed(old, cell) if not c.implied]) == 4
    moved = {**cell.spec, "code": {"modules": ["ablation.old"], "digest": "0" * 16}}
    assert listed(changed(moved, cell)) == "code of cnn changed"


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
    assert nearest_to(new, stored) == now["cnn/kernel_9"].key
    assert nearest_to(new, {}) is None
    fnn_only = {c.key: c.spec for c in now.values() if c.model == "fnn"}
    assert nearest_to(new, fnn_only) is None


def test_reasons(config: Config) -> None:
    now = cells(config)
    cell, other = now["cnn/kernel_5"], now["cnn/kernel_9"]
    stored = {other.key: other.spec}
    longer = {**cell.spec, "replicates": 24}
    assert reason(cell, MODELS["cnn"], {}) == "never trained"
    assert reason(cell, MODELS["cnn"], stored) == "not trained yet (kernel: 9 → 5)"
    assert reason(cell, MODELS["cnn"], stored, new="new factor") == "new factor (kernel: 9 → 5)"
    assert (
        reason(cell, MODELS["cnn"], stored, viewed=longer, new="new level") == "replicates: 24 → 12"
    )
    assert (
        reason(cell, MODELS["cnn"], stored, viewed=cell.spec) == "its entry is gone from the store"
    )
    killed = reason(
        cell, MODELS["cnn"], stored, failed="killed by signal 9", is_damaged=True, viewed=longer
    )
    assert killed == "failed before: killed by signal 9"
    assert reason(cell, MODELS["cnn"], stored, is_damaged=True, viewed=longer) == "damaged entry"


# Estimates


Costs = dict[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def stored(cell: Cell, seconds: float, device: str = "cpu") -> Costs:
    """A trained cell in the store: its key and specification."""
    with publish(folder_of("train", cell.key)) as draft:
        cost = {"device": device, "seconds": seconds, "cpu_seconds": 0.8 * seconds}
        write_json(draft / "run.json", {"cost": cost})
    return {cell.key: cell.spec}


def guess(
    cell: Cell, known: Costs, device: str = "cuda", study: Collection[str] = ()
) -> float | None:
    return estimate(cell.spec, MODELS, rates(known, study, MODELS, device))


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
    known = stored(cells(config)["cnn/kernel_5"], 80.0, "cuda")
    assert guess(cells(config, edit)["cnn/kernel_5"], known) == pytest.approx(80 * factor)


def test_an_estimate_is_the_median_of_the_studys_cells_or_of_others(config: Config) -> None:
    now = cells(config)
    known: Costs = {}
    for name, seconds in (("kernel_3", 50.0), ("kernel_5", 80.0), ("kernel_9", 200.0)):
        known |= stored(now[f"cnn/{name}"], seconds, "cuda")
    assert guess(now["cnn/kernel_7"], known) == pytest.approx(80)
    assert guess(now["cnn/kernel_7"], known, study=list(known)[:2]) == pytest.approx(65)
    assert guess(now["cnn/kernel_7"], known, study=["another"]) == pytest.approx(80)


def test_no_estimate_from_another_device_or_model_or_time(config: Config) -> None:
    now = cells(config)
    cell = now["cnn/kernel_5"]
    assert guess(cell, {}) is None
    assert guess(cell, stored(now["fnn/depth_2"], 3.0, "cuda")) is None
    assert guess(cell, stored(cell, 3.0, "cuda"), "cpu") is None
    others = {
        "parameters": {"epochs": 15, "kernel": 5},
        "network": {"file": "my/net.py", "entry": "Net"},
        "data": {**cell.spec["data"], "file": "my/digits.py"},
    }
    assert guess(cell, {cell.key: cell.spec}) is not None
    for name, value in others.items():
        assert guess(cell, {cell.key: {**cell.spec, name: value}}) is None, name


def test_a_cost_is_of_the_processor(config: Config) -> None:
    cell = cells(config)["cnn/kernel_5"]
    assert guess(cell, stored(cell, 100.0), "cpu") == pytest.approx(80)
    (folder_of("train", cell.key) / "run.json").write_text("[")
    assert guess(cell, {cell.key: cell.spec}, "cpu") is None


def test_another_network_is_named(config: Config) -> None:
    cell = cells(config)["cnn/kernel_5"]
    old = {**cell.spec, "network": {"file": "my/net.py", "entry": "Net"}}
    assert listed(changed(old, cell)) == (
        "network: my/net.py:Net → ablation/networks/convnet.py:ConvNet"
    )
