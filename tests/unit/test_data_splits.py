"""Splits: disjoint, complete, stratified, whole groups, and the same whatever other replicates there are."""

import numpy as np
import pytest
from ablation.tasks.splits import Rows, Split, deal, draw, draw_further, part_sizes
from hypothesis import given
from hypothesis import strategies as st

SEED = 20261
DRAWN = (4.8, 1.2, 1.0)
seeds, replicates = st.integers(0, 2**32), st.integers(0, 40)
some_groups = st.lists(st.integers(0, 30), min_size=40, max_size=200).map(np.array)
some_classes = st.lists(st.integers(0, 4), min_size=40, max_size=200).map(np.array)


def together(split: Split) -> list[int]:
    return sorted(np.concatenate(list(split.values())).tolist())


def whole_groups(split: Split, groups: Rows) -> bool:
    """Whether no group stands in two parts."""
    named = [set(groups[rows].tolist()) for rows in split.values()]
    return sum(map(len, named)) == len(set().union(*named))


@given(st.integers(12, 300), st.integers(3, 9), seeds, replicates)
def test_parts_deal_out_every_row_once(rows: int, parts: int, seed: int, replicate: int) -> None:
    split = deal(rows, parts, seed, replicate)
    assert together(split) == list(range(rows))
    assert {len(split[name]) - rows // parts for name in ("validation", "test")} <= {0, 1}


@given(st.integers(12, 300), st.integers(3, 9), seeds, st.integers(0, 5))
def test_a_block_tests_on_every_row_once(rows: int, parts: int, seed: int, block: int) -> None:
    splits = [deal(rows, parts, seed, parts * block + turn) for turn in range(parts)]
    tested = np.concatenate([split["test"] for split in splits])
    assert sorted(tested.tolist()) == list(range(rows))
    for turn, split in enumerate(splits):  # it validates on the part that the next one tests on
        assert np.array_equal(split["validation"], splits[(turn + 1) % parts]["test"])


def test_each_block_is_shuffled_anew() -> None:
    first, second = (deal(506, 6, SEED, replicate)["test"] for replicate in (0, 6))
    assert set(first.tolist()) != set(second.tolist())
    assert not np.array_equal(first, np.sort(first))
    assert set(deal(506, 6, SEED + 1, 0)["test"].tolist()) != set(first.tolist())


@given(some_classes, st.integers(3, 9), seeds, replicates)
def test_parts_hold_as_many_of_each_class(
    classes: Rows, parts: int, seed: int, replicate: int
) -> None:
    split = deal(len(classes), parts, seed, replicate, strata=classes)
    assert together(split) == list(range(len(classes)))
    for rows in (split["validation"], split["test"]):
        off = np.bincount(classes[rows], minlength=5) - np.bincount(classes, minlength=5) / parts
        assert np.abs(off).max() < 1
        assert len(rows) - len(classes) // parts in (0, 1)


@given(some_groups, st.integers(3, 6), seeds, replicates)
def test_parts_hold_whole_groups(groups: Rows, parts: int, seed: int, replicate: int) -> None:
    split = deal(len(groups), parts, seed, replicate, groups=groups)
    assert together(split) == list(range(len(groups)))
    assert whole_groups(split, groups)
    largest = np.bincount(groups).max()
    assert abs(len(split["test"]) - len(split["validation"])) <= largest
    block = [deal(len(groups), parts, seed, turn, groups=groups)["test"] for turn in range(parts)]
    assert sorted(np.concatenate(block).tolist()) == list(range(len(groups)))
    assert max(map(len, block)) - min(map(len, block)) <= largest


@pytest.mark.promise(24)
@given(some_classes, st.floats(0.3, 1), seeds, replicates)
def test_draws_are_disjoint_and_stratified(
    classes: Rows, share: float, seed: int, replicate: int
) -> None:
    sizes = part_sizes(DRAWN, share, len(classes), official=False)
    split = draw(classes, sizes, seed, replicate)
    assert {name: len(rows) for name, rows in split.items()} == sizes
    assert len(set(together(split))) == sum(sizes.values()) == round(share * len(classes))
    for rows in split.values():
        assert np.array_equal(rows, np.unique(rows))
        expected = np.bincount(classes, minlength=5) * len(rows) / len(classes)
        # Each of the two divisions that lead to a part rounds by less than one row.
        assert np.abs(np.bincount(classes[rows], minlength=5) - expected).max() < 2


@given(some_classes, st.floats(0.5, 1), seeds, replicates, st.data())
def test_draws_hold_whole_groups(
    classes: Rows, share: float, seed: int, replicate: int, data: st.DataObject
) -> None:
    count = len(classes)
    each = st.lists(st.integers(0, 60), min_size=count, max_size=count)
    groups = np.array(data.draw(each))
    sizes = part_sizes(DRAWN, share, count, official=False)
    split = draw(classes, sizes, seed, replicate, groups=groups)
    assert len(set(together(split))) == sum(map(len, split.values()))
    assert whole_groups(split, groups)
    # A rest of rows whose group is also drawn would be rows that belong together on two sides.
    left_out = np.setdiff1d(np.arange(count), together(split))
    assert not np.isin(groups[left_out], groups[together(split)]).any()


def test_groups_meet_sizes_and_classes_as_well_as_they_can() -> None:
    chance = np.random.default_rng(0)
    groups = chance.integers(0, 150, 3000)
    classes = chance.integers(0, 3, 3000)
    sizes = part_sizes(DRAWN, 0.7, 3000, official=False)
    for replicate in range(5):
        split = draw(classes, sizes, SEED, replicate, groups=groups)
        for name, rows in split.items():
            assert abs(len(rows) - sizes[name]) < 25  # one group has about 20 rows
            share = np.bincount(classes[rows]) / len(rows)
            assert np.abs(share - 1 / 3).max() < 0.03


@given(some_groups, seeds, replicates)
def test_one_row_a_group_is_as_good_as_none(groups: Rows, seed: int, replicate: int) -> None:
    count = len(groups)
    alone = np.arange(count)
    sizes = part_sizes(DRAWN, 0.8, count, official=False)
    split = draw(np.zeros(count, int), sizes, seed, replicate, groups=alone)
    assert {name: len(rows) for name, rows in split.items()} == sizes
    parts = deal(count, 5, seed, replicate, groups=alone)
    assert len(parts["test"]) - count // 5 in (0, 1)


@given(st.integers(60, 200), st.integers(1, 30), seeds, replicates)
def test_further_draws_are_of_what_was_not_taken(
    rows: int, size: int, seed: int, replicate: int
) -> None:
    taken = [np.arange(0, 20), np.arange(30, 40)]
    draws = draw_further(rows, taken, size, seed, replicate)
    found = np.concatenate(draws)
    assert {len(each) for each in draws} == {min(size, (rows - 30) // 3)}
    assert len(np.unique(found)) == len(found)
    assert not np.isin(found, np.concatenate(taken)).any()


@given(some_groups, st.integers(5, 30), seeds, replicates)
def test_further_draws_hold_whole_groups(
    groups: Rows, size: int, seed: int, replicate: int
) -> None:
    taken = [np.flatnonzero(groups < 5)]
    draws = draw_further(len(groups), taken, size, seed, replicate, groups=groups)
    split = {str(number): rows for number, rows in enumerate([*taken, *draws])}
    assert whole_groups(split, groups)
    assert max(map(len, draws)) <= size
    drawn = np.concatenate(draws)
    others = np.setdiff1d(np.arange(len(groups)), drawn)
    assert not np.isin(groups[others], groups[drawn]).any()


def test_draws_of_a_small_rest_are_smaller() -> None:
    found = draw_further(100, [np.arange(90)], 50, SEED, 0)
    assert [len(each) for each in found] == [3, 3, 3]


@pytest.mark.parametrize(
    ("share", "rows", "official", "sizes"),
    [
        (1.0, 60_000, True, [48_000, 12_000]),
        (0.1, 60_000, True, [4_800, 1_200]),
        (1.0, 70_000, False, [48_000, 12_000, 10_000]),
        (0.05, 70_000, False, [2_400, 600, 500]),
        (0.7, 5_000, False, [2_400, 600, 500]),
        (1.0, 1_797, False, [1_232, 308, 257]),
    ],
)
def test_part_sizes(share: float, rows: int, official: bool, sizes: list[int]) -> None:
    found = part_sizes(DRAWN, share, rows, official=official)
    assert list(found.values()) == sizes
    assert list(found) == ["train", "validation", "test"][: len(sizes)]
