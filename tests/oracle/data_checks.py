"""Whether prepared parts, as they lie on disk, are what docs/by-hand.md makes of the raw bytes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from oracle.parts import image_rows
from oracle.raw import boston, digits
from oracle.recipe import (
    CLASSES,
    PARTS,
    Rows,
    boston_inputs,
    boston_moments,
    boston_split,
    image_moments,
    image_sizes,
)
from oracle.study import Arrays, Cell, read_arrays

NAMES = ("train", "validation", "test")


def prepared(cell: Cell) -> tuple[Arrays, Arrays]:
    """The train and the test file."""
    train, test = (read_arrays(cell.data / f"{name}.safetensors") for name in ("train", "test"))
    return train, test


def boston_rows(cell: Cell) -> Iterator[tuple[int, dict[str, Rows]]]:
    """Each replicate with the rows of its parts as stored, without padding."""
    train, test = prepared(cell)
    stored = {**train, **test}
    for replicate in range(cell.spec["replicates"]):
        yield (
            replicate,
            {
                name: stored[f"{name}_index"][replicate][: stored[f"{name}_n"][replicate]]
                for name in NAMES
            },
        )


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
    """Scaler, features and targets of every part are those of its rows; padding is zero."""
    raw, (train, test) = boston(cell.resources), prepared(cell)
    stored = {**train, **test}
    for replicate, rows in boston_rows(cell):
        mean, deviation = boston_moments(raw, rows["train"])
        assert_allclose(stored["mean"][replicate], mean, rtol=1e-12, err_msg=f"mean {replicate}")
        scale = stored["scale"][replicate]
        assert_allclose(scale, deviation, rtol=1e-12, err_msg=f"scale {replicate}")
        for name, index in rows.items():
            own = {part: stored[f"{name}_{part}"][replicate] for part in ("x", "y", "index")}
            features, target = boston_inputs(raw, index, (mean, deviation))
            what, count = f"{name} part of replicate {replicate}", len(index)
            assert own["x"].dtype == own["y"].dtype == np.float32, what
            assert_allclose(own["x"][:count], features, rtol=3e-7, atol=3e-7, err_msg=what)
            assert_array_equal(own["y"][:count], target, what)
            assert not any(each[count:].any() for each in own.values()), f"{what}: padding"


def digit_rows(cell: Cell) -> tuple[list[dict[str, Rows]], dict[str, Rows]]:
    """By the recipe: the images of each replicate's parts, and the images that either file holds, in its order."""
    rows = [image_rows(cell, replicate) for replicate in range(cell.spec["replicates"])]
    held = {
        file: np.unique(np.concatenate([each[name].ravel() for each in rows for name in names]))
        for file, names in (("train", ("train", "validation")), ("test", ("test", "draws")))
    }
    return rows, held


def stored_digit_rows(cell: Cell, held: dict[str, Rows]) -> dict[str, Rows]:
    """The images ``[R, …]`` of the parts as stored, as indices of the pool."""
    train, test = prepared(cell)
    return {
        "train": held["train"][train["train_index"]],
        "validation": held["train"][train["validation_index"]],
        "test": held["test"][test["test_index"]],
        "draws": held["test"][test["draw_index"]],
    }


def check_digit_indices(cell: Cell) -> None:
    """The images, their labels and the indices in either file are the recipe's."""
    rows, held = digit_rows(cell)
    pool, tested = digits(cell.resources, cell.parameters["test"])
    for file, source, stored in zip(("train", "test"), (pool, tested), prepared(cell), strict=True):
        assert_array_equal(stored["images"], source.images[held[file]], f"images of {file}")
        assert_array_equal(stored["labels"], source.labels[held[file]], f"labels of {file}")
    assert bool(prepared(cell)[1]["fixed"]) == (cell.parameters["test"] == "official")
    for name, index in stored_digit_rows(cell, held).items():
        for replicate, each in enumerate(index):
            expected = rows[replicate][name]
            assert_array_equal(each, expected, f"{name} images of replicate {replicate}")


def check_digit_promises(cell: Cell) -> None:
    """Parts have their sizes, are disjoint, ascending and stratified; further draws hold nothing that training saw."""
    pool, _ = digits(cell.resources, cell.parameters["test"])
    fixed = cell.parameters["test"] == "official"
    sizes = image_sizes(cell.parameters, len(pool.labels))
    index = stored_digit_rows(cell, digit_rows(cell)[1])
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
        mean, deviation = image_moments(train["images"][index])
        assert_allclose(
            [train["mean"][replicate], train["scale"][replicate]],
            [mean, deviation],
            rtol=1e-12,
            err_msg=f"mean and scale of replicate {replicate}",
        )
