"""Boston Housing: the raw file, the splits, the scaler, and what training can see of the test part."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ablation.networks.fnn.prepare import prepare, split
from ablation.networks.fnn.raw import load, raw_files
from ablation.networks.fnn.train import run

ROWS, SEED = 506, 20261
STATLIB = Path(__file__).parents[2].parent / "shared" / "data" / "boston" / "housing.data"


def test_the_embedded_file_is_the_pinned_one(raw: Path) -> None:
    (name, expected), *rest = raw_files("boston").items()
    assert rest == []
    assert hashlib.sha256((raw / name).read_bytes()).hexdigest() == expected


def test_the_numbers_are_statlibs(raw: Path) -> None:
    """All of them where StatLib's file is at hand; its known facts everywhere."""
    features, target = load(raw)
    assert features.shape == (ROWS, 13)
    assert target.shape == (ROWS,)
    assert float(target.mean()) == pytest.approx(22.532806, abs=1e-6)
    assert int((target == 50.0).sum()) == 16  # censored
    assert features[0].tolist() == pytest.approx(
        [0.00632, 18, 2.31, 0, 0.538, 6.575, 65.2, 4.09, 1, 296, 15.3, 396.9, 4.98]
    )
    wrong = {8: 27.1, 39: 24.7, 191: 37.0, 241: 22.0, 438: 8.7, 443: 18.4, 455: 14.9, 506: 11.9}
    assert {row: target[row - 1] for row in wrong} == wrong  # the original's errors, uncorrected
    if STATLIB.is_file():
        table = np.loadtxt(STATLIB)
        assert np.array_equal(np.column_stack([features, target]), table)


@pytest.mark.parametrize("replicate", range(12))
def test_a_replicate_uses_each_row_once(replicate: int) -> None:
    parts = split(ROWS, SEED, replicate)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(ROWS))
    assert len(parts["test"]) in (84, 85)
    assert len(parts["validation"]) in (84, 85)
    assert len(parts["train"]) in (336, 337, 338)


@pytest.mark.parametrize("block", [0, 1, 3])
def test_a_block_tests_on_each_row_once(block: int) -> None:
    splits = [split(ROWS, SEED, 6 * block + turn) for turn in range(6)]
    tested = np.concatenate([parts["test"] for parts in splits])
    assert sorted(tested.tolist()) == list(range(ROWS))
    for turn, parts in enumerate(splits):  # it validates on the part that the next one tests on
        assert np.array_equal(parts["validation"], splits[(turn + 1) % 6]["test"])


def test_each_block_is_shuffled_anew() -> None:
    first, second = split(ROWS, SEED, 0)["test"], split(ROWS, SEED, 6)["test"]
    assert set(first.tolist()) != set(second.tolist())
    assert not np.array_equal(first, np.sort(first))
    assert set(split(ROWS, SEED + 1, 0)["test"].tolist()) != set(first.tolist())
    assert np.array_equal(split(ROWS, SEED, 0)["test"], first)


def test_prepared_parts_hold_the_rows_of_the_split(raw: Path) -> None:
    features, target = load(raw)
    train, test = prepare(raw, {}, SEED, 12)
    assert not any(name.startswith("test") for name in train)
    assert set(test) == {"test_x", "test_y", "test_n", "test_index"}
    for r in (0, 5, 11):
        parts = split(ROWS, SEED, r)
        seen = features[parts["train"]]
        mean, scale = seen.mean(0), seen.std(0)
        for name, arrays in (("train", train), ("validation", train), ("test", test)):
            count = arrays[f"{name}_n"][r]
            assert count == len(parts[name])
            expected = (features[parts[name]] - mean) / scale
            assert arrays[f"{name}_x"][r, :count] == pytest.approx(expected, rel=1e-5, abs=1e-5)
            assert np.array_equal(
                arrays[f"{name}_y"][r, :count], target[parts[name]].astype(np.float32)
            )
            assert not arrays[f"{name}_x"][r, count:].any()
        assert train["mean"][r] == pytest.approx(mean)
        assert train["scale"][r] == pytest.approx(scale)
    assert np.array_equal(test["test_index"][3, : test["test_n"][3]], split(ROWS, SEED, 3)["test"])


def test_more_replicates_leave_the_first_ones_data(raw: Path) -> None:
    few, few_test = prepare(raw, {}, SEED, 6)
    many, many_test = prepare(raw, {}, SEED, 12)
    assert all(np.array_equal(many[name][:6], few[name]) for name in few)
    assert all(np.array_equal(many_test[name][:6], few_test[name]) for name in few_test)


def test_test_rows_leak_into_nothing(
    raw: Path, tmp_path: Path, fnn_parameters: dict[str, Any]
) -> None:
    """Change every test row of the raw file: scaler, train part and trained weights stay."""
    table = np.loadtxt(raw / "boston_housing.csv", delimiter=",")
    tested = split(ROWS, SEED, 0)["test"]
    changed = table.copy()
    changed[tested] = changed[tested] * 3 + 100
    for name, rows in (("as_it_is", table), ("changed", changed)):
        (tmp_path / name).mkdir()
        np.savetxt(tmp_path / name / "boston_housing.csv", rows, delimiter=",", fmt="%.10g")
    shutil.copy(raw / "boston_housing.csv", tmp_path / "as_it_is")
    train, test = prepare(tmp_path / "as_it_is", {}, SEED, 1)
    other_train, other_test = prepare(tmp_path / "changed", {}, SEED, 1)
    assert not np.array_equal(test["test_x"], other_test["test_x"])
    assert not np.array_equal(test["test_y"], other_test["test_y"])
    assert train.keys() == other_train.keys()
    assert all(np.array_equal(train[name], other_train[name]) for name in train)
    trained = [
        run(
            {**fnn_parameters, "epochs": 3},
            {name: torch.from_numpy(array) for name, array in part.items()},
            seed=SEED,
            device=torch.device("cpu"),
            precision="fp32",
        )
        for part in (train, other_train)
    ]
    for name, tensor in trained[0].tensors.items():
        assert torch.equal(tensor, trained[1].tensors[name])


def test_changed_train_rows_do_change_the_scaler(raw: Path, tmp_path: Path) -> None:
    """The counterpart: the comparison above can fail."""
    table = np.loadtxt(raw / "boston_housing.csv", delimiter=",")
    table[split(ROWS, SEED, 0)["train"][0]] += 100
    np.savetxt(tmp_path / "boston_housing.csv", table, delimiter=",", fmt="%.10g")
    train, _ = prepare(raw, {}, SEED, 1)
    other, _ = prepare(tmp_path, {}, SEED, 1)
    assert not np.array_equal(train["mean"], other["mean"])
