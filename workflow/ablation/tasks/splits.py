"""Which samples a replicate trains on, validates on and is tested on: parts of equal size, or stratified draws.

A split is a dictionary of row numbers: ``train``, ``validation`` and, where it is drawn, ``test``. Each replicate's split comes
from streams of its own, so that more replicates leave the first ones' splits as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ablation.training.streams import Purpose, generator

Rows = NDArray[np.int64]
Split = dict[str, Rows]
DRAWS = 3


def deal(
    rows: int,
    parts: int,
    seed: int,
    replicate: int,
    *,
    strata: Rows | None = None,
    groups: Rows | None = None,
) -> Split:
    """The split of one replicate where all rows are dealt to parts of (nearly) equal size.

    The rows are shuffled once per block of as many replicates as there are parts. Replicate r tests on part r mod k, validates
    on the next and trains on the others, so that a block tests on every row once.

    Args:
        rows: how many there are.
        parts: k, at least 3.
        seed, replicate: which stream.
        strata: the class of each row: parts hold (nearly) equal numbers of each.
        groups: rows of equal value land in one part; classes are not looked at then.
    """
    block, turn = divmod(replicate, parts)
    stream = generator(seed, Purpose.SPLIT, block)
    if groups is not None:
        dealt = _deal_groups(groups, parts, stream)
    elif strata is not None:
        order = stream.permutation(rows)
        order = order[np.argsort(strata[order], kind="stable")]
        dealt = [order[part::parts] for part in range(parts)]
    else:
        dealt = np.array_split(stream.permutation(rows), parts)
    test, validation = turn, (turn + 1) % parts
    train = np.concatenate([part for i, part in enumerate(dealt) if i not in (test, validation)])
    return {"train": train, "validation": dealt[validation], "test": dealt[test]}


def _deal_groups(groups: Rows, parts: int, stream: np.random.Generator) -> list[Rows]:
    """Whole groups, the largest first and else in random order, each to the part with the fewest rows."""
    dealt: list[list[Rows]] = [[] for _ in range(parts)]
    filled = [0] * parts
    for members in _largest_first(groups, stream):
        least = filled.index(min(filled))
        dealt[least].append(members)
        filled[least] += len(members)
    return [np.concatenate(part) if part else np.empty(0, np.int64) for part in dealt]


def _shuffled(groups: Rows, stream: np.random.Generator) -> list[Rows]:
    """The rows of each group, groups in random order."""
    names = stream.permutation(np.unique(groups))
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], names, side="left")
    ends = np.searchsorted(groups[order], names, side="right")
    return [order[start:end] for start, end in zip(starts, ends, strict=True)]


def _largest_first(groups: Rows, stream: np.random.Generator) -> list[Rows]:
    return sorted(_shuffled(groups, stream), key=len, reverse=True)


def part_sizes(
    drawn: Sequence[float], share: float, rows: int, *, official: bool
) -> dict[str, int]:
    """How many samples each part that is drawn per replicate holds.

    Args:
        drawn: train : validation : test.
        share: of all rows that is divided so.
        rows: how many there are to draw from; of an official training set, how many it holds.
        official: whether the test set is the official one, so that only train and validation are drawn.
    """
    kept = drawn[:2] if official else drawn
    total, whole = round(share * rows), sum(kept)
    rest = {
        name: round(total * part / whole)
        for name, part in zip(("validation", "test"), kept[1:], strict=False)
    }
    return {"train": total - sum(rest.values()), **rest}


def draw(
    strata: Rows, sizes: dict[str, int], seed: int, replicate: int, *, groups: Rows | None = None
) -> Split:
    """The split of one replicate where parts are drawn: disjoint, stratified by class, in ascending order.

    Args:
        strata: the class of each row ``[N]``, counted from 0; all 0 where there are none.
        sizes: rows of each part, in the order in which they are dealt.
        seed, replicate: which stream.
        groups: rows of equal value land in one part, or in none; sizes and classes are then met as well as groups allow.
    """
    stream = generator(seed, Purpose.SPLIT, replicate)
    if groups is not None:
        return _draw_groups(strata, sizes, groups, stream)
    classes = range(int(strata.max()) + 1)
    shuffled = [stream.permutation(np.flatnonzero(strata == each)) for each in classes]
    left = _quotas(np.array([len(members) for members in shuffled]), sum(sizes.values()))
    start, parts = np.zeros_like(left), {}
    for name, size in sizes.items():
        quotas = _quotas(left, size)
        cut = zip(shuffled, start, start + quotas, strict=True)
        parts[name] = np.sort(np.concatenate([members[a:b] for members, a, b in cut]))
        start, left = start + quotas, left - quotas
    return parts


def _quotas(sizes: Rows, total: int) -> Rows:
    """Share ``total`` among classes in proportion to their sizes, by largest remainder."""
    exact = sizes * total / sizes.sum()
    quota = np.floor(exact).astype(np.int64)
    order = np.argsort(quota - exact, kind="stable")
    quota[order[: total - quota.sum()]] += 1
    return np.asarray(quota)


def _draw_groups(
    strata: Rows, sizes: dict[str, int], groups: Rows, stream: np.random.Generator
) -> Split:
    """Whole groups, the largest first, each to the part that lacks most of its classes; what no part lacks is left out.

    The squares of what the parts lack of each class fall fastest that way.
    """
    counts = np.bincount(strata)
    wanted = np.array([*sizes.values(), len(strata) - sum(sizes.values())], dtype=np.float64)
    lacking = wanted[:, None] * counts / counts.sum()
    chosen: list[list[Rows]] = [[] for _ in wanted]
    for members in _largest_first(groups, stream):
        own = np.bincount(strata[members], minlength=len(counts))
        part = int(np.argmax(lacking @ own))
        chosen[part].append(members)
        lacking[part] -= own
    return {
        name: np.sort(np.concatenate([np.empty(0, np.int64), *parts]))
        for name, parts in zip(sizes, chosen, strict=False)
    }


def draw_further(
    rows: int,
    taken: Sequence[Rows],
    size: int,
    seed: int,
    replicate: int,
    *,
    groups: Rows | None = None,
) -> list[Rows]:
    """Three disjoint random test draws, each in ascending order, out of the rows that are not taken.

    Each has ``size`` rows, or fewer where the rows that are left do not hold three of that size.

    Args:
        rows: how many there are.
        taken: what the replicate has seen.
        size: of its test part.
        seed, replicate: which stream.
        groups: a draw holds a whole group or none of it; then it may be smaller.
    """
    free = np.setdiff1d(np.arange(rows), np.concatenate([np.empty(0, np.int64), *taken]))
    stream, size = generator(seed, Purpose.DRAW, replicate), min(size, len(free) // DRAWS)
    if groups is None:
        drawn = stream.permutation(free)[: DRAWS * size].reshape(DRAWS, size)
        return list(np.sort(drawn, axis=1))
    filled: list[list[Rows]] = [[] for _ in range(DRAWS)]
    room = [size] * DRAWS
    for members in _shuffled(groups[free], stream):
        most = room.index(max(room))
        if len(members) <= room[most]:
            filled[most].append(free[members])
            room[most] -= len(members)
    return [np.sort(np.concatenate([np.empty(0, np.int64), *each])) for each in filled]
