"""How long training would take, by what earlier cells of the same model took per sample."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from statistics import median
from typing import Any

from ablation.commands.reasons import Spec, is_spec
from ablation.store.entries import STORE, find, folder_of, spec_path
from ablation.store.files import read_json
from ablation.study.models import Model


def stored(models: Collection[str]) -> dict[str, Spec]:
    """The specification of every trained entry of some models in the store, by key."""
    specs: dict[str, Spec] = {}
    for folder in sorted((STORE / "train").glob("[!.]*")):
        spec = read_json(spec_path(folder.name))
        entry = find(folder)
        if entry and not entry.failures and is_spec(spec) and spec["model"] in models:
            specs[folder.name] = spec
    return specs


def _cost(key: str, device: str) -> dict[str, Any]:
    """What a stored cell took on ``cpu`` or ``cuda``; nothing if it was trained on the other."""
    run = read_json(folder_of("train", key) / "run.json")
    cost = run.get("cost") if isinstance(run, dict) else None
    return cost if isinstance(cost, dict) and cost.get("device") == device else {}


def peaks(stored: Mapping[str, Spec], device: str) -> dict[str, int]:
    """Model → the most bytes of memory that a stored cell of it took on such a device."""
    found: dict[str, int] = {}
    for key, spec in stored.items():
        if peak := _cost(key, device).get("peak_memory_bytes"):
            found[spec["model"]] = max(found.get(spec["model"], 0), int(peak))
    return found


def work(spec: Spec, models: Mapping[str, Model]) -> int:
    """Samples that training goes through: epochs · replicates · training samples; 0 for what none of the models trains."""
    model, parameters = models.get(spec["model"]), spec["parameters"]
    data = spec["data"].get("file")
    if model is None or (spec.get("network"), data) != (model.network.spec, model.data.file):
        return 0
    try:
        size = model.train_size(parameters)
        return int(parameters["epochs"]) * int(spec["replicates"]) * size
    except (KeyError, TypeError):  # a specification of other times
        return 0


def seconds_per_sample(
    key: str, spec: Spec, models: Mapping[str, Model], device: str
) -> float | None:
    """What a stored cell took on ``cpu`` or ``cuda``; None where nothing tells.

    On a processor it is the processor's seconds, which other work on the machine does not stretch.
    """
    seconds = _cost(key, device).get("seconds" if device == "cuda" else "cpu_seconds")
    if not seconds or not work(spec, models):
        return None
    return float(seconds / work(spec, models))


def rates(
    stored: Mapping[str, Spec], study: Collection[str], models: Mapping[str, Model], device: str
) -> dict[str, list[float]]:
    """Model → seconds per sample of each of its cells in the study, or of its others where none of these is there.

    Args:
        stored: key → specification of the cells in the store.
        study: the keys of the study's cells.
        models: the study's, by name; what another network or other data took tells nothing.
        device: only what ran on such a device counts.
    """
    of_study: dict[str, list[float]] = {}
    of_others: dict[str, list[float]] = {}
    for key, spec in stored.items():
        rate = seconds_per_sample(key, spec, models, device)
        if rate is not None:
            group = of_study if key in study else of_others
            group.setdefault(spec["model"], []).append(rate)
    return of_others | of_study


def estimate(
    spec: Spec, models: Mapping[str, Model], rates: Mapping[str, list[float]]
) -> float | None:
    """Seconds that a cell would take, by the median of what its model's cells took; None without any."""
    of_model = rates.get(spec["model"])
    return median(of_model) * work(spec, models) if of_model else None
