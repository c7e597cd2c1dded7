"""MNIST: the raw files, stratified splits, pixel statistics, and what training can see of the test part."""

import gzip
import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ablation.networks.cnn import prepare as preparing
from ablation.networks.cnn.prepare import draws, prepare, split
from ablation.networks.cnn.raw import FILES, load, part_sizes
from ablation.networks.cnn.train import run
from numpy.typing import NDArray

SEED = 20261
PER_DIGIT = {"train": 240, "validation": 60, "test": 50}
OFFICIAL = Path(__file__).parents[2].parent / "shared" / "data" / "mnist"
EMBEDDED = {"dataset": "mnist-5k", "share": 0.7, "test": "drawn"}
WHOLE = {"dataset": "mnist", "share": 1.0, "test": "official"}
FIVE_PERCENT = {"dataset": "mnist", "share": 0.05, "test": "drawn"}
Digits = tuple[NDArray[np.uint8], NDArray[np.int64]]
# Images of each digit in the official training set.
TRAINING_SET = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def test_the_embedded_file_is_the_pinned_one(raw: Path) -> None:
    (name, expected), *rest = FILES["mnist-5k"].items()
    assert rest == []
    assert hashlib.sha256((raw / name).read_bytes()).hexdigest() == expected


def test_the_embedded_digits(digits: Digits) -> None:
    images, labels = digits
    assert images.shape == (5000, 28, 28)
    assert images.dtype == np.uint8
    assert (int(images.min()), int(images.max())) == (0, 255)
    assert np.bincount(labels).tolist() == [500] * 10


@pytest.mark.parametrize("replicate", range(4))
def test_embedded_split(digits: Digits, replicate: int) -> None:
    _, labels = digits
    parts = split(labels, part_sizes(EMBEDDED), SEED, replicate)
    assert {name: len(index) for name, index in parts.items()} == {
        name: 10 * count for name, count in PER_DIGIT.items()
    }
    for name, index in parts.items():
        assert np.bincount(labels[index], minlength=10).tolist() == [PER_DIGIT[name]] * 10
    together = np.concatenate(list(parts.values()))
    assert len(np.unique(together)) == 3500


def test_each_replicate_draws_its_own_split(digits: Digits) -> None:
    _, labels = digits
    first, second = (split(labels, part_sizes(EMBEDDED), SEED, r) for r in range(2))
    assert not np.array_equal(first["test"], second["test"])
    again = split(labels, part_sizes(EMBEDDED), SEED, 1)
    assert all(np.array_equal(second[name], again[name]) for name in again)
    other = split(labels, part_sizes(EMBEDDED), SEED + 1, 1)
    assert not np.array_equal(second["test"], other["test"])


def official_labels() -> NDArray[np.int64]:
    """As many labels of each digit as the official training set has, in random order."""
    labels = np.repeat(np.arange(10), TRAINING_SET)
    return np.random.default_rng(0).permutation(labels)


def assert_official_split(labels: NDArray[np.int64], parts: dict[str, NDArray[np.int64]]) -> None:
    assert set(parts) == {"train", "validation"}
    assert (len(parts["train"]), len(parts["validation"])) == (48_000, 12_000)
    assert len(np.unique(np.concatenate(list(parts.values())))) == 60_000
    expected = np.bincount(labels) * 0.8
    counts = np.bincount(labels[parts["train"]])
    assert np.abs(counts - expected).max() < 1


def test_official_split_of_made_labels() -> None:
    labels = official_labels()
    first, second = (split(labels, part_sizes(WHOLE), SEED, r) for r in range(2))
    assert_official_split(labels, first)
    assert_official_split(labels, second)
    assert not np.array_equal(first["train"], second["train"])


def idx(values: NDArray[np.uint8]) -> bytes:
    """An IDX file of unsigned bytes, as MNIST's are."""
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return gzip.compress(header + values.tobytes(), compresslevel=1)


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four official files; made ones of their sizes where they are not at hand."""
    if OFFICIAL.is_dir():
        return OFFICIAL
    folder = tmp_path_factory.mktemp("mnist")
    chance = np.random.default_rng(1)
    labels = {"train": official_labels(), "t10k": chance.integers(0, 10, 10_000)}
    for name, own in labels.items():
        images = np.zeros((len(own), 28, 28), np.uint8)
        images[:, 0] = chance.integers(0, 256, (len(own), 28))
        images[0, 14, 14] = 255
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(idx(own.astype(np.uint8)))
    return folder


def test_official_files(official: Path) -> None:
    if official == OFFICIAL:
        for name, expected in FILES["mnist"].items():
            assert hashlib.sha256((official / name).read_bytes()).hexdigest() == expected
    train, test = prepare(official, WHOLE, SEED, 1)
    images, labels, test_images, test_labels = load(official, "mnist")
    assert np.bincount(labels).tolist() == TRAINING_SET
    assert_official_split(
        labels, {name: train[f"{name}_index"][0] for name in ("train", "validation")}
    )
    assert test_images is not None
    assert len(images) == len(train["images"]) == 60_000
    assert np.array_equal(test["images"], test_images)
    assert np.array_equal(test["labels"], test_labels)
    assert test["test_index"].tolist() == [list(range(10_000))]
    assert bool(test["fixed"])
    pixels = images[train["train_index"][0]]
    assert float(train["mean"][0]) == pytest.approx(float(pixels.mean()) / 255)
    assert float(train["scale"][0]) == pytest.approx(float(pixels.std()) / 255)


def together(official: Path) -> Digits:
    """All 70,000 images and labels, the training set first."""
    images, labels, test_images, test_labels = load(official, "mnist")
    assert test_images is not None
    assert test_labels is not None
    return np.concatenate([images, test_images]), np.concatenate([labels, test_labels])


def test_five_percent_of_all_images(official: Path) -> None:
    train, test = prepare(official, FIVE_PERCENT, SEED, 2)
    sizes = {"train": 2400, "validation": 600, "test": 500}
    assert part_sizes(FIVE_PERCENT) == sizes
    assert not bool(test["fixed"])
    images, labels = together(official)
    for r in range(2):
        parts = split(labels, sizes, SEED, r)
        assert len(np.unique(np.concatenate(list(parts.values())))) == 3500
        # The pool includes the official test set: about one image in seven comes from there.
        assert 300 < (np.concatenate(list(parts.values())) >= 60_000).sum() < 700
        for name, arrays in (("train", train), ("validation", train), ("test", test)):
            index = arrays[f"{name}_index"][r]
            assert index.shape == (sizes[name],)
            assert np.array_equal(arrays["images"][index], images[parts[name]])
            assert np.array_equal(arrays["labels"][index], labels[parts[name]])
            expected = np.bincount(labels) * sizes[name] / 70_000
            assert np.abs(np.bincount(labels[parts[name]]) - expected).max() < 2
    # Neither file holds the 70,000.
    assert len(train["images"]) <= 2 * 3000
    assert len(test["images"]) <= 2 * 2000


def test_a_share_of_the_training_set_is_tested_on_the_whole_test_set(official: Path) -> None:
    share = {**WHOLE, "share": 0.05}
    train, test = prepare(official, share, SEED, 1)
    assert part_sizes(share) == {"train": 2400, "validation": 600}
    assert (train["train_index"].shape, train["validation_index"].shape) == ((1, 2400), (1, 600))
    assert bool(test["fixed"])
    assert test["test_index"].tolist() == [list(range(10_000))]


@pytest.mark.parametrize("parameters", [EMBEDDED, FIVE_PERCENT, WHOLE], ids=str)
def test_further_draws_are_of_images_that_the_replicate_never_saw(
    official: Path, raw: Path, parameters: dict[str, Any]
) -> None:
    folder = raw if parameters is EMBEDDED else official
    _, test = prepare(folder, parameters, SEED, 2)
    drawn = test["draw_index"]
    assert drawn.shape == (2, 3, 3333 if parameters is WHOLE else 500)
    if parameters is WHOLE:
        assert all(len(np.unique(each)) == each.size for each in drawn)
        return
    images, labels = load(raw, "mnist-5k")[:2] if parameters is EMBEDDED else together(official)
    for r in range(2):
        parts = split(labels, part_sizes(parameters), SEED, r)
        taken = [parts["train"], parts["validation"]]
        expected = draws(len(labels), taken, 500, SEED, r)
        assert len(np.unique(expected)) == 1500
        assert not np.isin(expected, np.concatenate(taken)).any()
        assert np.array_equal(test["images"][drawn[r]], images[expected])
        assert np.array_equal(test["labels"][drawn[r]], labels[expected])
    assert not np.array_equal(drawn[0], drawn[1])


def test_draws_of_a_small_rest_are_smaller() -> None:
    taken = [np.arange(0, 90)]
    found = draws(100, taken, 50, SEED, 0)
    assert found.shape == (3, 3)
    assert len(np.unique(found)) == 9
    assert found.min() >= 90


@pytest.mark.parametrize(
    ("changes", "sizes"),
    [
        ({}, [48_000, 12_000]),
        ({"share": 0.1}, [4_800, 1_200]),
        ({"test": "drawn"}, [48_000, 12_000, 10_000]),
        ({"test": "drawn", "dataset": "kmnist", "share": 0.05}, [2_400, 600, 500]),
    ],
)
def test_part_sizes(changes: dict[str, Any], sizes: list[int]) -> None:
    assert list(part_sizes({**WHOLE, **changes}).values()) == sizes


@pytest.fixture
def from_memory(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let ``prepare`` read given arrays instead of the raw file."""

    def given(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        monkeypatch.setattr(preparing, "load", lambda folder, name: (images, labels, None, None))

    return given


def test_prepared_parts_hold_the_images_of_the_split(digits: Digits, from_memory: Any) -> None:
    images, labels = digits
    from_memory(images, labels)
    train, test = prepare(Path(), EMBEDDED, SEED, 3)
    assert not bool(test["fixed"])
    for r in range(3):
        parts = split(labels, part_sizes(EMBEDDED), SEED, r)
        for name, arrays in (("train", train), ("validation", train), ("test", test)):
            index = arrays[f"{name}_index"][r]
            assert np.array_equal(arrays["images"][index], images[parts[name]])
            assert np.array_equal(arrays["labels"][index], labels[parts[name]])
        pixels = images[parts["train"]] / 255
        assert float(train["mean"][r]) == pytest.approx(float(pixels.mean()))
        assert float(train["scale"][r]) == pytest.approx(float(pixels.std()))


def test_images_that_are_only_tested_on_are_not_in_the_train_file(
    digits: Digits, from_memory: Any
) -> None:
    images, labels = digits
    numbered = images.copy()  # each image carries its number in its first two pixels
    numbered[:, 0, 0], numbered[:, 0, 1] = np.divmod(np.arange(5000), 256)
    from_memory(numbered, labels)
    train, _ = prepare(Path(), EMBEDDED, SEED, 3)
    kept = train["images"][:, 0, 0].astype(int) * 256 + train["images"][:, 0, 1]
    splits = [split(labels, part_sizes(EMBEDDED), SEED, r) for r in range(3)]
    used = {i for parts in splits for name in ("train", "validation") for i in parts[name].tolist()}
    tested_only = {i for parts in splits for i in parts["test"].tolist()} - used
    assert len(tested_only) > 20
    assert set(kept.tolist()) == used


def test_test_images_leak_into_nothing(
    digits: Digits, from_memory: Any, cnn_parameters: dict[str, Any]
) -> None:
    """Change every test image: pixel statistics, the train file and trained weights stay."""
    images, labels = digits
    changed = images.copy()
    tested = split(labels, part_sizes(EMBEDDED), SEED, 0)["test"]
    changed[tested] = 255 - changed[tested]
    prepared = []
    for version in (images, changed):
        from_memory(version, labels)
        prepared.append(prepare(Path(), EMBEDDED, SEED, 1))
    (train, test), (other_train, other_test) = prepared
    index = test["test_index"][0]
    assert not np.array_equal(test["images"][index], other_test["images"][index])
    assert all(np.array_equal(train[name], other_train[name]) for name in train)
    trained = [
        run(
            {**cnn_parameters, "epochs": 1, "batch_size": 200},
            {name: torch.from_numpy(array) for name, array in part.items()},
            seed=SEED,
            device=torch.device("cpu"),
            precision="fp32",
        )
        for part in (train, other_train)
    ]
    for name, tensor in trained[0].tensors.items():
        assert torch.equal(tensor, trained[1].tensors[name])


def test_more_replicates_leave_the_first_ones_data(digits: Digits, from_memory: Any) -> None:
    from_memory(*digits)
    (few, _), (many, _) = (prepare(Path(), EMBEDDED, SEED, n) for n in (2, 3))
    assert np.array_equal(many["mean"][:2], few["mean"])
    for r in range(2):
        index, other = few["train_index"][r], many["train_index"][r]
        assert np.array_equal(few["images"][index], many["images"][other])
