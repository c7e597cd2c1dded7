"""``make check``: whether a network of one's own, on data of one's own, keeps what the engine promises; nothing is stored."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ablation.machine import faults
from ablation.machine.logs import say
from ablation.store.places import PACKAGE
from ablation.study.config import resolve
from ablation.study.grid import Cell, Study, build
from ablation.study.models import Model, model_of
from ablation.study.plan import Plan
from ablation.study.reading import overrides_of
from ablation.study.table import Given

NAME = "checked"
REPLICATES = 3


def try_network(network: str, data: str, settings: Sequence[str]) -> int:
    """Print one sentence per finding; 1 if a promise is broken.

    Args:
        network, data: as a configuration names them.
        settings: ``NAME=VALUE`` of parameters other than their defaults.
    """
    model = model_of(NAME, network, data)
    study = build(resolve(_config(model, network, data, settings)))
    say(f"{network} on {data}")
    wrong = 0
    try:
        for text, bad in _findings(model, study, next(iter(study.cells))):
            wrong += bad
            say(f"{'✗' if bad else '✓'} {text}")
    except Exception as error:  # whatever the files' own code raises
        say(f"✗ {_sentence(error)}")
        return 1
    say("nothing is wrong with it" if not wrong else f"{wrong} to mend")
    return int(wrong > 0)


def _sentence(error: Exception) -> str:
    """A sentence of the package's own as it is; of all else, its type and the line that raised it, too."""
    place = faults.blamed(error).rpartition(":")[0]
    is_ours = type(error) is ValueError and Path(place).resolve().is_relative_to(PACKAGE)
    return " ".join(str(error).split()) if is_ours else faults.sentence(error)


def _config(model: Model, network: str, data: str, settings: Sequence[str]) -> dict[str, Any]:
    """A study of one cell."""
    step = model.replicate_step
    overrides = overrides_of([f"models.{NAME}.parameters.{setting}" for setting in settings])
    parameters = overrides.get("models", {}).get(NAME, {}).get("parameters", {})
    size = parameters.get("batch_size", model.rules["batch_size"]["default"])
    body = {
        "network": network,
        "data": data,
        "replicates": step * -(-REPLICATES // step),
        "parameters": parameters,
        "axes": {"batch_size": {"parameter": "batch_size", "values": [size]}},
    }
    return {"study": {"name": "check", "seed": 1}, "models": {NAME: body}}


def _findings(model: Model, study: Study, cell: Cell) -> Iterator[tuple[str, bool]]:
    import torch
    from safetensors.torch import load_file

    from ablation.stages.prepare import download, prepare
    from ablation.training import conformance, run

    torch.set_num_threads(1)
    plan = Plan(study, Given())
    for name, source in plan.sources.items():
        missing = [f for f in source["files"] if not Path(source["folder"], f).is_file()]
        if missing and source["from"]:
            download(name, plan.facts)
    with tempfile.TemporaryDirectory() as folder:
        prepare(cell.data_spec, {}, Path(folder), plan.facts)
        part = load_file(Path(folder, "train.safetensors"))
    counts = part["train_n"].tolist()
    yield (
        f"the data: {len(part['row']):,} samples to train and validate on, each "
        f"{' × '.join(map(str, part['inputs'].shape[1:]))}, of which {min(counts):,} form the training set of a replicate",
        False,
    )
    trained = run.Cell(cell.spec, part, torch.device("cpu"))
    for finding in conformance.check(trained):
        yield finding.text, finding.wrong
    idle = list(conformance.unread(trained, model.network.parameters))
    for name in idle:
        yield f"`{name}` changes nothing: another value gives the same network", True
    if not idle and model.network.parameters:
        yield "every parameter changes the network", False
