"""Whether prepared parts, as they lie on disk, are what docs/by-hand.md makes of the raw bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from oracle.parts import image_rows
from oracle.raw import boston, digits
from oracle.recipe import (
    CLASSES,
    PARTS,
    TRAINING_SET,
    Rows,
    boston_moments,
    boston_split,
    image_moments,
    image_sizes,
)
from oracle.study import Arrays, Cell, read_arrays


def prepared(cell: Cell) -> tuple[Arrays, Arrays]:
    """The train and the test file."""
    train, test = (read_arrays(cell.data / f"{name}.safetensors") for name in ("train", "test"))
    return train, test


def rows_of(stored: Arrays, name: str, replicate: int) -> Rows:
    """The rows of one part as stored, without padding, as numbers in the raw data."""
    index = stored[f"{name}_index"][replicate]
    count = stored[f"{name}_n"][replicate]
    assert not index[count:].any(), f"{name} part of replicate {replicate}: padding"
    return np.asarray(stored["row"][index[:count]])


def boston_rows(cell: Cell) -> Iterator[tuple[int, dict[str, Rows]]]:
    """Each replicate with the rows of its parts as stored."""
    train, test = prepared(cell)
    files = {"train": train, "validation": train, "test": test}
    for replicate in range(cell.spec["replicates"]):
        yield replicate, {name: rows_of(file, name, replicate) for name, file in files.items()}


def check_boston_promises(cell: Cell) -> None:
    """Each replicate deals out all rows once, in sizes as equal as can be; each block tests every row once."""
    count = len(boston(cell.resources).target)
    tested: dict[int, list[int]] = {}
    for replicate, rows in boston_rows(cell):
        together = np.concatenate(list(rows.values()))
        assert_array_equal(np.sort(together), np.arange(count), f"replicate {replicate}")
        for name in ("validation", "test"):
            assert len(rows[name]) in (count // PARTS, count // PARTS + 1), (replicate, name)
        tested.setdefault(replicate // PARTS, []).extend(rows["test"].tolist())
    for block, each in tested.items():
        assert sorted(each) == list(range(count)), f"block {block} does not test each row once"


def check_boston_indices(cell: Cell) -> None:
    """The rows are the recipe's, in its order."""
    count = len(boston(cell.resources).target)
    for replicate, rows in boston_rows(cell):
        for name, expected in boston_split(count, cell.spec["seed"], replicate).items():
            assert_array_equal(rows[name], expected, f"{name} rows of replicate {replicate}")


def check_boston_values(cell: Cell) -> None:
    """Features and targets are those of the rows, and scalers those of the train rows; no file holds a row of no part."""
    raw, (train, test) = boston(cell.resources), prepared(cell)
    named: dict[str, set[int]] = {"train": set(), "test": set()}
    for replicate, rows in boston_rows(cell):
        note = f"replicate {replicate}"
        named["train"] |= {*rows["train"].tolist(), *rows["validation"].tolist()}
        named["test"] |= set(rows["test"].tolist())
        mean, deviation = boston_moments(raw, rows["train"])
        assert_allclose(train["mean"][replicate], mean, rtol=1e-12, err_msg=f"mean of {note}")
        assert_allclose(
            train["scale"][replicate], deviation, rtol=1e-12, err_msg=f"scale of {note}"
        )
        target = raw.target[rows["train"]].tolist()
        middle = math.fsum(target) / len(target)
        spread = math.sqrt(math.fsum((value - middle) ** 2 for value in target) / len(target))
        found = [train[f"target_{name}"][replicate] for name in ("mean", "scale")]
        assert_allclose(found, [middle, spread], rtol=1e-12, err_msg=f"target of {note}")
    for name, file in (("train", train), ("test", test)):
        assert file["inputs"].dtype == file["target"].dtype == np.float64, name
        assert_array_equal(file["inputs"], raw.features[file["row"]], f"features of {name}")
        assert_array_equal(file["target"], raw.target[file["row"]], f"targets of {name}")
        assert_array_equal(file["row"], sorted(named[name]), f"rows of {name}")
    assert (int(train["outputs"]), bool(test["fixed"])) == (1, False)


def digit_rows(cell: Cell) -> tuple[list[dict[str, Rows]], dict[str, Rows]]:
    """By the recipe: the images of each replicate's parts, and the images that either file holds, in its order."""
    rows = [image_rows(cell, replicate) for replicate in range(cell.spec["replicates"])]
    held = {
        file: np.unique(np.concatenate([each[name].ravel() for each in rows for name in names]))
        for file, names in (("train", ("train", "validation")), ("test", ("test", "draws")))
    }
    return rows, held


def stored_digit_rows(cell: Cell) -> dict[str, Rows]:
    """The images ``[R, …]`` of the parts as stored, as indices of the pool, or of the official test set."""
    train, test = prepared(cell)
    before = first_test_row(cell)
    for name, file in (("train", train), ("validation", train), ("test", test), ("draw", test)):
        assert (file[f"{name}_n"] == file[f"{name}_index"].shape[-1]).all(), f"{name}: padding"
    return {
        "train": train["row"][train["train_index"]],
        "validation": train["row"][train["validation_index"]],
        "test": test["row"][test["test_index"]] - before,
        "draws": test["row"][test["draw_index"]] - before,
    }


def first_test_row(cell: Cell) -> int:
    """The number of the first image that is tested on: an official test set is counted on from the training set."""
    return TRAINING_SET if cell.parameters["test"] == "official" else 0


def check_digit_indices(cell: Cell) -> None:
    """The images, their labels and the indices in either file are the recipe's."""
    rows, held = digit_rows(cell)
    sources, before = digits(cell.resources, cell.parameters["test"]), (0, first_test_row(cell))
    train, test = prepared(cell)
    for name, source, first, stored in zip(held, sources, before, (train, test), strict=True):
        assert stored["inputs"].dtype == np.uint8, name
        assert_array_equal(stored["row"], held[name] + first, f"rows of {name}")
        assert_array_equal(stored["inputs"], source.images[held[name]], f"images of {name}")
        assert_array_equal(stored["target"], source.labels[held[name]], f"labels of {name}")
    assert int(train["outputs"]) == CLASSES
    assert bool(test["fixed"]) == (cell.parameters["test"] == "official")
    for name, index in stored_digit_rows(cell).items():
        for replicate, each in enumerate(index):
            expected = rows[replicate][name]
            assert_array_equal(each, expected, f"{name} images of replicate {replicate}")


def check_digit_promises(cell: Cell) -> None:
    """Parts have their sizes, are disjoint, ascending and stratified; further draws hold nothing that training saw."""
    pool, _ = digits(cell.resources, cell.parameters["test"])
    fixed = cell.parameters["test"] == "official"
    sizes = image_sizes(cell.parameters, len(pool.labels))
    index = stored_digit_rows(cell)
    shares = np.bincount(pool.labels, minlength=CLASSES) / len(pool.labels)
    for replicate in range(cell.spec["replicates"]):
        own = {name: each[replicate] for name, each in index.items()}
        seen = np.concatenate([own["train"], own["validation"]])
        drawn = seen if fixed else np.concatenate([seen, own["test"]])
        assert len(set(drawn.tolist())) == len(drawn), f"parts of replicate {replicate} overlap"
        for name, size in sizes.items():
            assert len(own[name]) == size, (replicate, name)
            assert all(a < b for a, b in pairwise(own[name].tolist())), (replicate, name)
            counts = np.bincount(pool.labels[own[name]], minlength=CLASSES)
            # Each of the two divisions that lead to a part rounds by less than one image.
            off = np.abs(counts - shares * len(own[name])).max()
            assert off < 2, f"{name} part of replicate {replicate} is not stratified"
        further = own["draws"].ravel()
        assert len(set(further.tolist())) == len(further), f"draws of {replicate} overlap"
        assert fixed or not np.isin(further, seen).any(), f"draws of {replicate} were seen"


def check_digit_moments(cell: Cell) -> None:
    """Mean and scale are those of the pixels that the file's own train index names."""
    train, _ = prepared(cell)
    for replicate, index in enumerate(train["train_index"]):
        mean, deviation = image_moments(train["inputs"][index])
        assert_allclose(
            [train["mean"][replicate], train["scale"][replicate]],
            [mean, deviation],
            rtol=1e-12,
            err_msg=f"mean and scale of replicate {replicate}",
        )
