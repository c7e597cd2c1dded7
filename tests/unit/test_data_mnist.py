"""MNIST and digits: the raw files, the prepared parts, pixel statistics, and what training can see of the test part."""

import gzip
import hashlib
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ablation.data import Data, arrays_digest, digits, mnist
from ablation.tasks.form import form_of
from ablation.tasks.prepare import Arrays, prepare
from ablation.tasks.splits import draw, draw_further, part_sizes
from numpy.typing import NDArray

SEED = 20261
PER_DIGIT = {"train": 240, "validation": 60, "test": 50}
OFFICIAL = Path(__file__).parents[2].parent / "shared" / "data" / "mnist"
EMBEDDED = {"dataset": "mnist-5k", "share": 0.7, "test": "drawn"}
WHOLE = {"dataset": "mnist", "share": 1.0, "test": "official"}
FIVE_PERCENT = {"dataset": "mnist", "share": 0.05, "test": "drawn"}
# Images of each digit in the official training set.
TRAINING_SET = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@pytest.fixture(scope="module")
def embedded(raw: Path) -> Data:
    return mnist.load(raw)


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """The official files; made ones of their sizes where they are not at hand."""
    folder = OFFICIAL if OFFICIAL.is_dir() else make_official(tmp_path_factory.mktemp("mnist"))
    return mnist.load(folder, dataset="mnist")


def make_official(folder: Path) -> Path:
    chance = np.random.default_rng(1)
    labels = {
        "train": chance.permutation(np.repeat(np.arange(10), TRAINING_SET)),
        "t10k": chance.integers(0, 10, 10_000),
    }
    for name, own in labels.items():
        images = np.zeros((len(own), 28, 28), np.uint8)
        images[:, 0] = chance.integers(0, 256, (len(own), 28))
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(idx(own.astype(np.uint8)))
    return folder


def idx(values: NDArray[np.uint8]) -> bytes:
    """An IDX file of unsigned bytes, as MNIST's are."""
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return gzip.compress(header + values.tobytes(), compresslevel=1)


def prepared(data: Data, parameters: dict[str, Any], replicates: int) -> tuple[Arrays, Arrays]:
    return prepare(data, form_of(mnist), parameters, SEED, replicates)


def split_of(labels: NDArray[np.int64], parameters: dict[str, Any], replicate: int) -> Any:
    official = parameters["test"] == "official"
    sizes = part_sizes((4.8, 1.2, 1.0), parameters["share"], len(labels), official=official)
    return draw(labels, sizes, SEED, replicate)


def test_the_embedded_file_is_the_pinned_one(raw: Path) -> None:
    ((name, expected),) = mnist.FILES["mnist-5k"].items()
    assert hashlib.sha256((raw / name).read_bytes()).hexdigest() == expected


def test_the_embedded_digits(embedded: Data) -> None:
    assert embedded.inputs.shape == (mnist.ROWS["mnist-5k"], 28, 28)
    assert embedded.inputs.dtype == np.uint8
    assert (int(embedded.inputs.min()), int(embedded.inputs.max())) == (0, 255)
    assert np.bincount(embedded.target).tolist() == [500] * 10
    assert embedded.test_inputs is None


def test_digits_are_the_pinned_arrays() -> None:
    data = digits.load(Path())
    assert arrays_digest(data) == digits.ARRAYS
    assert data.inputs.shape == (digits.ROWS, 8, 8)
    assert (data.inputs.dtype, int(data.inputs.max())) == (np.uint8, 255)
    train, test = prepare(data, form_of(digits), {"share": 1.0, "test": "drawn"}, SEED, 2)
    assert [
        arrays[f"{name}_n"].tolist() for name, arrays in (("train", train), ("test", test))
    ] == [*([1232, 1232], [257, 257])]


@pytest.mark.parametrize("replicate", range(3))
def test_embedded_split(embedded: Data, replicate: int) -> None:
    train, test = prepared(embedded, EMBEDDED, 3)
    rows = []
    for name, arrays in (("train", train), ("validation", train), ("test", test)):
        index = arrays[f"{name}_index"][replicate]
        assert np.bincount(arrays["target"][index]).tolist() == [PER_DIGIT[name]] * 10
        rows += arrays["row"][index].tolist()
    assert len(set(rows)) == 3500


def test_prepared_parts_hold_the_images_of_the_split(embedded: Data) -> None:
    train, test = prepared(embedded, EMBEDDED, 3)
    assert int(train["outputs"]) == 10
    assert (bool(test["fixed"]), int(test["pool"]), int(test["parts"])) == (False, 5000, 0)
    for r in range(3):
        parts = split_of(embedded.target, EMBEDDED, r)
        for name, arrays in (("train", train), ("validation", train), ("test", test)):
            index = arrays[f"{name}_index"][r]
            assert arrays[f"{name}_n"][r] == len(index)
            assert np.array_equal(arrays["row"][index], parts[name])
            assert np.array_equal(arrays["inputs"][index], embedded.inputs[parts[name]])
            assert np.array_equal(arrays["target"][index], embedded.target[parts[name]])
        pixels = embedded.inputs[parts["train"]] / 255
        assert float(train["mean"][r]) == pytest.approx(float(pixels.mean()))
        assert float(train["scale"][r]) == pytest.approx(float(pixels.std()))
    assert not np.array_equal(train["train_index"][0], train["train_index"][1])


def test_the_official_test_set_is_that_of_every_replicate(official: Data) -> None:
    train, test = prepared(official, WHOLE, 2)
    assert np.bincount(official.target).tolist() == TRAINING_SET
    assert len(train["inputs"]) == 60_000
    for r in range(2):
        parts = {name: train[f"{name}_index"][r] for name in ("train", "validation")}
        assert [len(rows) for rows in parts.values()] == [48_000, 12_000]
        assert len(np.unique(np.concatenate(list(parts.values())))) == 60_000
        counts = np.bincount(official.target[parts["train"]])
        assert np.abs(counts - np.array(TRAINING_SET) * 0.8).max() < 1
        pixels = official.inputs[parts["train"]]
        assert float(train["mean"][r]) == pytest.approx(float(pixels.mean()) / 255)
        assert float(train["scale"][r]) == pytest.approx(float(pixels.std()) / 255)
    assert official.test_inputs is not None
    assert np.array_equal(test["inputs"], official.test_inputs)
    assert np.array_equal(test["target"], official.test_target)
    assert test["test_index"].tolist() == [list(range(10_000))] * 2
    assert (test["row"][0], test["row"][-1]) == (60_000, 69_999)
    assert bool(test["fixed"])


def together(official: Data) -> Data:
    """All 70,000 images and labels, the training set first."""
    assert official.test_inputs is not None
    assert official.test_target is not None
    return Data(
        np.concatenate([official.inputs, official.test_inputs]),
        np.concatenate([official.target, official.test_target]),
    )


def test_five_percent_of_all_images(official: Data) -> None:
    train, test = prepared(official, FIVE_PERCENT, 2)
    whole = together(official)
    assert (bool(test["fixed"]), int(test["pool"])) == (False, 70_000)
    for r in range(2):
        parts = split_of(whole.target, FIVE_PERCENT, r)
        # The pool includes the official test set: about one image in seven comes from there.
        assert 300 < (np.concatenate(list(parts.values())) >= 60_000).sum() < 700
        for name, arrays in (("train", train), ("validation", train), ("test", test)):
            index = arrays[f"{name}_index"][r]
            assert np.array_equal(arrays["inputs"][index], whole.inputs[parts[name]])
            assert np.array_equal(arrays["target"][index], whole.target[parts[name]])
            assert np.array_equal(arrays["row"][index], parts[name])
    # Neither file holds the 70,000.
    assert len(train["inputs"]) <= 2 * 3000
    assert len(test["inputs"]) <= 2 * 2000


@pytest.mark.parametrize("parameters", [EMBEDDED, FIVE_PERCENT, WHOLE], ids=str)
def test_further_draws_are_of_images_that_the_replicate_never_saw(
    official: Data, embedded: Data, parameters: dict[str, Any]
) -> None:
    data = embedded if parameters is EMBEDDED else official
    _, test = prepared(data, parameters, 2)
    drawn = test["draw_index"]
    assert drawn.shape == (2, 3, 3333 if parameters is WHOLE else 500)
    assert (test["draw_n"] == drawn.shape[2]).all()
    if parameters is WHOLE:
        assert all(len(np.unique(each)) == each.size for each in drawn)
        return
    whole = embedded if parameters is EMBEDDED else together(official)
    for r in range(2):
        parts = split_of(whole.target, parameters, r)
        taken = [parts["train"], parts["validation"]]
        expected = np.stack(draw_further(len(whole.target), taken, 500, SEED, r))
        assert not np.isin(expected, np.concatenate(taken)).any()
        assert np.array_equal(test["row"][drawn[r]], expected)
        assert np.array_equal(test["inputs"][drawn[r]], whole.inputs[expected])
    assert not np.array_equal(drawn[0], drawn[1])


@pytest.mark.promise(24)
def test_images_that_are_only_tested_on_are_not_in_the_train_file(embedded: Data) -> None:
    train, _ = prepared(embedded, EMBEDDED, 3)
    splits = [split_of(embedded.target, EMBEDDED, r) for r in range(3)]
    used = {i for parts in splits for name in ("train", "validation") for i in parts[name].tolist()}
    tested_only = {i for parts in splits for i in parts["test"].tolist()} - used
    assert len(tested_only) > 20
    assert set(train["row"].tolist()) == used
    assert np.array_equal(train["inputs"], embedded.inputs[sorted(used)])


@pytest.mark.promise(24)
def test_test_images_leak_into_nothing(embedded: Data) -> None:
    """Change every test image: not one byte of the train part changes."""
    changed = embedded.inputs.copy()
    tested = split_of(embedded.target, EMBEDDED, 0)["test"]
    changed[tested] = 255 - changed[tested]
    train, test = prepared(embedded, EMBEDDED, 1)
    other_train, other_test = prepared(replace(embedded, inputs=changed), EMBEDDED, 1)
    index = test["test_index"][0]
    assert not np.array_equal(test["inputs"][index], other_test["inputs"][index])
    assert all(np.array_equal(train[name], other_train[name]) for name in train)


@pytest.mark.promise(23)
def test_more_replicates_leave_the_first_ones_data(embedded: Data) -> None:
    (few, few_test), (many, many_test) = (prepared(embedded, EMBEDDED, n) for n in (2, 3))
    assert np.array_equal(many["mean"][:2], few["mean"])
    for name in ("train", "validation", "test", "draw"):
        one, other = (few, many) if name in ("train", "validation") else (few_test, many_test)
        rows = [each["row"][each[f"{name}_index"][:2]] for each in (one, other)]
        assert np.array_equal(*rows)
