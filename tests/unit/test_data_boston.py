"""Boston Housing and diabetes: the raw numbers, the prepared parts, and what training can see of the test part."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from ablation.data import Data, arrays_digest, boston, diabetes
from ablation.tasks.form import form_of
from ablation.tasks.prepare import Arrays, prepare
from ablation.tasks.splits import deal

ROWS, SEED = 506, 20261
STATLIB = Path(__file__).parents[2].parent / "shared" / "data" / "boston" / "housing.data"


def prepared(data: Data, replicates: int) -> tuple[Arrays, Arrays]:
    return prepare(data, form_of(boston), {}, SEED, replicates)


def test_the_embedded_file_is_the_pinned_one(raw: Path) -> None:
    ((name, expected),) = boston.FILES.items()
    assert hashlib.sha256((raw / name).read_bytes()).hexdigest() == expected


def test_the_numbers_are_statlibs(raw: Path) -> None:
    """All of them where StatLib's file is at hand; its known facts everywhere."""
    data = boston.load(raw)
    features, target = data.inputs, data.target
    assert features.shape == (ROWS, 13)
    assert target.shape == (boston.ROWS,)
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


def test_diabetes_are_the_pinned_arrays_as_they_were_measured() -> None:
    data = diabetes.load(Path())
    assert arrays_digest(data) == diabetes.ARRAYS
    assert data.inputs.shape == (diabetes.ROWS, 10)
    assert set(data.inputs[:, 1].tolist()) == {1, 2}  # sex; scaled numbers would leak the test part
    assert (data.target.min(), data.target.max()) == (25, 346)
    assert data.features[:4] == ("age", "sex", "bmi", "bp")


def test_prepared_parts_hold_the_rows_of_the_split(raw: Path) -> None:
    data = boston.load(raw)
    train, test = prepared(data, 12)
    assert not any(name.startswith("test") for name in train)
    assert set(test) == {
        *("inputs", "target", "row", "test_index", "test_n", "fixed", "pool", "parts")
    }
    assert (int(train["outputs"]), int(test["pool"]), int(test["parts"])) == (1, ROWS, 6)
    assert not bool(test["fixed"])
    for r in (0, 5, 11):
        parts = deal(ROWS, 6, SEED, r)
        for name, arrays in (("train", train), ("validation", train), ("test", test)):
            count = arrays[f"{name}_n"][r]
            index = arrays[f"{name}_index"][r]
            assert not index[count:].any()
            assert np.array_equal(arrays["row"][index[:count]], parts[name])
            assert np.array_equal(arrays["inputs"][index[:count]], data.inputs[parts[name]])
            assert np.array_equal(arrays["target"][index[:count]], data.target[parts[name]])
        seen, target = data.inputs[parts["train"]], data.target[parts["train"]]
        assert train["mean"][r] == pytest.approx(seen.mean(0), rel=1e-12)
        assert train["scale"][r] == pytest.approx(seen.std(0), rel=1e-12)
        assert train["target_mean"][r] == pytest.approx(target.mean(), rel=1e-12)
        assert train["target_scale"][r] == pytest.approx(target.std(), rel=1e-12)


@pytest.mark.promise(23)
def test_more_replicates_leave_the_first_ones_data(raw: Path) -> None:
    data = boston.load(raw)
    for few, many in zip(prepared(data, 6), prepared(data, 12), strict=True):
        for name, array in few.items():  # a block tests on all rows, so that both hold the same
            found = many[name][:6] if array.shape[:1] == (6,) else many[name]
            assert np.array_equal(found, array), name


@pytest.mark.promise(24)
def test_test_rows_leak_into_nothing(raw: Path) -> None:
    """Change every test row of the raw file: not one byte of the train part changes."""
    data = boston.load(raw)
    tested = deal(ROWS, 6, SEED, 0)["test"]
    inputs, target = data.inputs.copy(), data.target.copy()
    inputs[tested] = inputs[tested] * 3 + 100
    target[tested] += 100
    train, test = prepared(data, 1)
    other_train, other_test = prepared(Data(inputs, target), 1)
    assert not np.array_equal(test["inputs"], other_test["inputs"])
    assert not np.array_equal(test["target"], other_test["target"])
    assert train.keys() == other_train.keys()
    assert all(np.array_equal(train[name], other_train[name]) for name in train)


def test_changed_train_rows_do_change_the_scaler(raw: Path) -> None:
    """The counterpart: the comparison above can fail."""
    data = boston.load(raw)
    inputs = data.inputs.copy()
    inputs[deal(ROWS, 6, SEED, 0)["train"][0]] += 100
    train, _ = prepared(data, 1)
    other, _ = prepared(Data(inputs, data.target), 1)
    assert not np.array_equal(train["mean"], other["mean"])
