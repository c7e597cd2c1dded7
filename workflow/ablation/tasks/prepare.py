"""From the arrays of a data set to the two prepared parts: what training may see, and what only evaluation opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation.data.arrays import Array, Data
from ablation.tasks.form import Form, checked
from ablation.tasks.splits import DRAWS, Rows, Split, deal, draw, draw_further, part_sizes

Arrays = dict[str, NDArray[Any]]
FEWEST_ROWS = 2  # of a part


def prepare(
    data: Data, form: Form, parameters: dict[str, Any], seed: int, replicates: int
) -> tuple[Arrays, Arrays]:
    """The part that training may see, and the part that only evaluation opens.

    Args:
        data: all that the data file loaded.
        form: what the data file declares.
        parameters: ``share`` and ``test`` (``drawn`` or ``official``) where splits are drawn.
        seed, replicates: which streams.

    Returns:
        ``inputs [N, …]``, ``target [N]``, ``row [N]`` (the number in the data; an official test set is counted on from the
        rest), ``train_index [R, n]`` and ``validation_index [R, m]`` (padded with 0) with ``train_n [R]`` and
        ``validation_n [R]``, ``mean`` and ``scale`` of the train part (of a table ``[R, F]``; of images in units of 0 to 1,
        ``[R]``, or ``[R, C]`` where they have channels), ``target_mean [R]`` and ``target_scale [R]`` of a regression, and
        ``outputs``, how many numbers a network gives.

        And ``inputs``, ``target``, ``row``, ``test_index [R, k]``, ``test_n [R]``; ``fixed``, whether all replicates share one
        test set; ``pool``, how many samples splits are made of; ``parts``, to how many they are dealt (0 where parts are
        drawn); where they are drawn also ``draw_index [R, 3, l]`` and ``draw_n [R, 3]``: further test draws of samples that
        are in none of the replicate's other parts but the test part. Each holds only the samples that its indices name.

    Raises:
        ValueError: if the data are not what the data file declares, or cannot be split, with one sentence.
    """
    pool, official = _pool(checked(data, form), form, parameters)
    fixed = official is not None
    splits = [_split(pool, form, parameters, seed, r, official=fixed) for r in range(replicates)]
    _check_parts(pool, form, splits)
    seen = {
        **_part(pool, {name: [one[name] for one in splits] for name in ("train", "validation")}),
        **_moments(pool, form, [one["train"] for one in splits]),
        "outputs": np.array(form.classes or 1),
    }
    if official is None:
        test = _tested(pool, form, splits, seed)
    else:
        whole = np.arange(len(official.target))
        test = _tested(official, form, [{"test": whole}] * replicates, seed)
        test["row"] += len(pool.target)
    facts = {"fixed": fixed, "pool": len(pool.target), "parts": form.parts}
    return seen, {**test, **{name: np.array(fact) for name, fact in facts.items()}}


def _pool(data: Data, form: Form, parameters: dict[str, Any]) -> tuple[Data, Data | None]:
    """What splits are made of, and the official test set if all replicates are tested on it."""
    wanted = not form.parts and parameters["test"] == "official"
    if data.test_inputs is None or data.test_target is None:
        if wanted:
            raise ValueError(
                "test is 'official', but the data have no test set of their own: allowed is drawn"
            )
        pool, official = data, None
    elif wanted:
        pool, official = data, Data(data.test_inputs, data.test_target)
    else:
        inputs = np.concatenate([data.inputs, data.test_inputs])
        target = np.concatenate([data.target, data.test_target])
        pool, official = replace(data, inputs=inputs, target=target), None
    if pool.groups is not None and len(pool.groups) != len(pool.target):
        raise ValueError(
            f"groups has {len(pool.groups)} entries, but splits are made of {len(pool.target)} rows: "
            "allowed is one for each"
        )
    return pool, official


def _split(
    pool: Data, form: Form, parameters: dict[str, Any], seed: int, replicate: int, *, official: bool
) -> Split:
    rows, classified = len(pool.target), form.task == "classification"
    if form.parts:
        strata = pool.target if classified else None
        return deal(rows, form.parts, seed, replicate, strata=strata, groups=pool.groups)
    sizes = part_sizes(form.drawn, parameters["share"], rows, official=official)
    strata = pool.target if classified else np.zeros(rows, np.int64)
    return draw(strata, sizes, seed, replicate, groups=pool.groups)


def _check_parts(pool: Data, form: Form, splits: Sequence[Split]) -> None:
    """Every part must be large enough to train on, or to tell a good network from a bad one."""
    for replicate, split in enumerate(splits):
        for name, rows in split.items():
            if len(rows) < FEWEST_ROWS:
                raise ValueError(
                    f"the {name} part of replicate {replicate} has {len(rows)} rows of {len(pool.target)}: "
                    f"allowed are {FEWEST_ROWS} and more, so give more rows or groups, a larger share or fewer parts"
                )
            if form.task == "regression" and np.ptp(pool.target[rows]) == 0:
                raise ValueError(
                    f"the target is {pool.target[rows[0]]} in all rows of the {name} part of replicate {replicate}: "
                    "allowed are two values and more"
                )


def _tested(source: Data, form: Form, splits: Sequence[Split], seed: int) -> Arrays:
    """The test parts, and further draws where parts are drawn."""
    index = {"test": [split["test"] for split in splits]}
    if form.parts:
        return _part(source, index)
    for replicate, split in enumerate(splits):
        taken = [rows for name, rows in split.items() if name != "test"]
        rows, size = len(source.target), len(split["test"])
        further = draw_further(rows, taken, size, seed, replicate, groups=source.groups)
        index.setdefault("draw", []).extend(further)
    found = _part(source, index)
    for name in ("draw_index", "draw_n"):
        found[name] = found[name].reshape(len(splits), DRAWS, *found[name].shape[1:])
    return found


def _part(source: Data, index: dict[str, list[Rows]]) -> Arrays:
    """The samples that some index names, once each, with the indices into them."""
    kept = np.unique(np.concatenate([each for own in index.values() for each in own]))
    found: Arrays = {"inputs": source.inputs[kept], "target": source.target[kept], "row": kept}
    for name, own in index.items():
        counts = np.array([len(each) for each in own])
        padded = np.zeros((len(own), counts.max()), np.int64)
        for place, each in zip(padded, own, strict=True):
            place[: len(each)] = np.searchsorted(kept, each)
        found |= {f"{name}_index": padded, f"{name}_n": counts}
    return found


def _moments(pool: Data, form: Form, train: Sequence[Rows]) -> Arrays:
    """Mean and scale of the train parts, in double precision; what does not vary has the scale 1."""
    measure = _pixels if form.images else _columns
    measured = [measure(pool.inputs[rows]) for rows in train]
    moments = {"mean": [mean for mean, _ in measured], "scale": [scale for _, scale in measured]}
    if form.task == "regression":
        targets = [_columns(pool.target[rows]) for rows in train]
        moments["target_mean"] = [mean for mean, _ in targets]
        moments["target_scale"] = [scale for _, scale in targets]
    found = {name: np.stack(values) for name, values in moments.items()}
    for name, values in found.items():
        if not np.isfinite(values).all():
            raise ValueError(f"{name} of the train part is not finite: allowed are smaller numbers")
    return found


def _columns(values: Array) -> tuple[Array, Array]:
    with np.errstate(over="ignore", invalid="ignore"):
        scale, varies = values.std(0), values.max(0) > values.min(0)
        return np.asarray(values.mean(0)), np.where(varies, scale, 1.0)


def _pixels(images: Array) -> tuple[Array, Array]:
    """Of pixels in units of 0 to 1, exactly, from their histogram; of each channel where there are channels."""
    if images.ndim == 4:
        means, scales = zip(*(_pixels(own) for own in images.swapaxes(0, 1)), strict=True)
        return np.array(means), np.array(scales)
    counts = np.bincount(images.ravel(), minlength=256)
    values, total = np.arange(256) / 255.0, counts.sum()
    mean = values @ counts / total
    scale = np.sqrt(np.square(values - mean) @ counts / total)
    return np.asarray(mean), np.asarray(scale if np.count_nonzero(counts) > 1 else 1.0)
