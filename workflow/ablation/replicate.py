"""Take a trained replicate home: a plain network, and the test data that it never saw."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from ablation.store import StoreError, read_json, require_whole


def _view(cell: str, results: Path) -> dict[str, Any]:
    target = results / cell / "metrics.json"
    view: dict[str, Any] | None = read_json(target)
    if view is None:
        raise StoreError(f"{target.parent} has no metrics.json: run snakemake {target}")
    if "failed" in view["status"]:
        raise StoreError(f"{cell} failed: {view['status']['failed']}")
    return view


def load_replicate(cell: str, replicate: int, results: str | Path = "results") -> nn.Sequential:
    """Load one replicate of a trained cell as a plain ``torch.nn.Sequential`` in evaluation mode.

    Args:
        cell: its name, such as ``cnn/kernel_5``.
        replicate: its number, from 0.
        results: the folder of results; of another study than the default, ``results/<study>``.

    Returns:
        A network that takes standardised features ``[B, 13]`` or images ``[B, 1, 28, 28]``, as
        :func:`load_test_part` gives them.

    Raises:
        StoreError: if the cell is not there, failed, or its files are damaged.
        IndexError: if there is no such replicate.
    """
    view = _view(cell, Path(results))
    entry = _store(Path(results)) / view["model"] / view["key"] / "train"
    require_whole(entry)
    tensors = load_file(entry / "model.safetensors")
    count = len(next(iter(tensors.values())))
    if not 0 <= replicate < count:
        raise IndexError(f"replicate {replicate} of {cell}: there are 0 to {count - 1}")
    module = import_module(f"ablation.{view['model']}.evaluate")
    network: nn.Sequential = module.plain(view["spec"]["parameters"], tensors, replicate)
    return network


def load_test_part(
    cell: str, replicate: int, results: str | Path = "results"
) -> tuple[Tensor, Tensor]:
    """Load the standardised inputs and the targets that a replicate was tested on.

    Raises:
        StoreError: if the cell is not there or failed.
    """
    view = _view(cell, Path(results))
    folder = _store(Path(results)) / "data" / view["data"]["prepared"]
    train, test = (load_file(folder / f"{part}.safetensors") for part in ("train", "test"))
    module = import_module(f"ablation.{view['model']}.evaluate")
    seen = {name: train[name] for name in ("mean", "scale")}
    inputs, targets = module.test_part({**test, **seen}, replicate)
    return inputs, targets


def _store(results: Path) -> Path:
    """The store is shared by all studies: it lies in the folder, or beside it."""
    return next((p for p in (results / "store", results.parent / "store") if p.is_dir()), results)
