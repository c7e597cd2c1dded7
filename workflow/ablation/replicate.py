"""Take a trained replicate home: a plain network, and the test data that it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from ablation.store.entries import STORE, StoreError, require_or_set_aside
from ablation.store.files import read_json
from ablation.training.network import network_of, standardised


def _view(cell: str, results: Path) -> tuple[dict[str, Any], Path]:
    """The numbers of a cell as the store has them, and the folder of the store."""
    target = results / cell / "metrics.json"
    shown = read_json(target)
    if not isinstance(shown, dict):
        raise StoreError(
            f"{target.parent} has no metrics.json that can be read: run snakemake {target}"
        )
    store = _store(results)
    key = str(shown.get("evaluation") or "unknown")
    tested = require_or_set_aside(store / "evaluate" / key, target)
    view: dict[str, Any] = tested.read("metrics.json")
    if shown != view:
        raise StoreError(f"{target} is not what the store holds: run snakemake {target}")
    if "failed" in view["status"]:
        raise StoreError(f"{cell} failed: {view['status']['failed']}")
    return view, store


def load_replicate(cell: str, replicate: int, results: str | Path = "results") -> nn.Module:
    """Load one replicate of a trained cell as the network of its file, in evaluation mode.

    Args:
        cell: its name, such as ``cnn/kernel_5``.
        replicate: its number, from 0.
        results: the folder of results; of another study than the default, ``results/<study>``.

    Returns:
        A network that takes standardised features ``[B, F]`` or images ``[B, C, H, W]``, as :func:`load_test_part` gives
        them.

    Raises:
        StoreError: if the cell is not there, failed, or its files are damaged.
        IndexError: if there is no such replicate.
    """
    view, store = _view(cell, Path(results))
    entry = require_or_set_aside(store / "train" / view["key"])
    train, _ = _parts(view, store)
    _require_replicate(cell, replicate, train)
    tensors = load_file(entry.folder / "model.safetensors")
    return network_of(view["spec"], tensors, train, replicate)


def load_test_part(
    cell: str, replicate: int, results: str | Path = "results"
) -> tuple[Tensor, Tensor]:
    """Load the standardised inputs and the targets that a replicate was tested on.

    Raises:
        StoreError: if the cell is not there, failed, or its files are damaged.
        IndexError: if there is no such replicate.
    """
    train, test = _parts(*_view(cell, Path(results)))
    _require_replicate(cell, replicate, train)
    index = test["test_index"][replicate, : int(test["test_n"][replicate])]
    return standardised(test, train, replicate, index), test["target"][index]


def _parts(view: dict[str, Any], store: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The prepared train and test part."""
    folder = require_or_set_aside(store / "prepare" / view["data"]["prepared"]).folder
    train, test = (load_file(folder / f"{part}.safetensors") for part in ("train", "test"))
    return train, test


def _require_replicate(cell: str, replicate: int, train: dict[str, Tensor]) -> None:
    count = len(train["train_n"])
    if not 0 <= replicate < count:
        raise IndexError(f"replicate {replicate} of {cell}: there are 0 to {count - 1}")


def _store(results: Path) -> Path:
    """The store is shared by all studies: it lies in the folder, or beside it."""
    beside = (results / STORE.name, results.parent / STORE.name)
    return next((path for path in beside if path.is_dir()), results)
