"""Fetch raw files; split and standardise them."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from ablation.networks.registry import DATASETS, EMBEDDED, MODELS, REPACKED
from ablation.stages.job import Inputs, Spec
from ablation.store.download import copy_embedded, fetch_official, mirror_variable, verify
from ablation.store.tensors import save_arrays

log = logging.getLogger("ablation")
PAUSES = (2.0, 4.0)  # seconds between rounds over all mirrors


def download(dataset: str, facts: dict[str, Any]) -> None:
    """Put the raw files of a data set into ``resources/<data set>/``, verified, all or none.

    Args:
        dataset: its name.
        facts: ``mirrors`` per data set, tried after the one that the environment names.
    """
    folder, files = Path("resources", dataset), DATASETS[dataset]
    if dataset in EMBEDDED:
        copy_embedded(files, folder)
    else:
        first = os.environ.get(mirror_variable(dataset))
        mirrors = [*([first] if first else []), *facts["mirrors"][dataset]]
        served = fetch_official(dataset, files, folder, mirrors, repacked=REPACKED, pauses=PAUSES)
        log.info("served by %s", served)


def prepare(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Split and standardise: the train and the test part as two files."""
    model, raw = MODELS[spec["model"]], Path("resources", spec["data"]["dataset"])
    for name, expected in spec["data"]["files"].items():
        verify(raw / name, expected, REPACKED)
    module = model.load("prepare")
    train, test = module.prepare(raw, spec["parameters"], spec["seed"], spec["replicates"])
    for name, part in (("train", train), ("test", test)):
        save_arrays(draft / f"{name}.safetensors", part)
