"""The jobs around training: raw files, prepared data, yardsticks, and the record of a failure."""

from __future__ import annotations

import logging
import os
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from ablation.canonical import key_of
from ablation.download import copy_embedded, fetch_official, mirror_variable, verify
from ablation.loglines import tail
from ablation.registry import MODELS, REPACKED
from ablation.sources import code_digest
from ablation.store import StoreError, write_json
from ablation.tensors import save_arrays

log = logging.getLogger("ablation")
PAUSES = (2.0, 4.0)  # seconds between rounds over all mirrors


def download(spec: dict[str, Any], run: dict[str, Any], folder: Path) -> None:
    """Put the raw files of a data set into a folder, verified.

    Args:
        spec: ``dataset``, ``files`` (name → SHA-256), and whether they are ``embedded`` in a package.
        run: ``mirrors`` per data set, tried after the one that the environment names.
        folder: where they go, all or none.
    """
    if spec["embedded"]:
        copy_embedded(spec["files"], folder)
    else:
        name = spec["dataset"]
        first = os.environ.get(mirror_variable(name))
        mirrors = [*([first] if first else []), *run["mirrors"][name]]
        served = fetch_official(
            name, spec["files"], folder, mirrors, repacked=REPACKED, pauses=PAUSES
        )
        log.info("served by %s", served)


def prepare(spec: dict[str, Any], raw: Path, output: Path) -> None:
    """Split and standardise, and publish the train and the test part as two files."""
    model = MODELS[spec["model"]]
    _require_code(spec, *model.code("prepare"))
    for name, expected in spec["data"]["files"].items():
        verify(raw / name, expected, REPACKED)
    module = import_module(model.module("prepare"))
    train, test = module.prepare(raw, spec["parameters"], spec["seed"], spec["replicates"])
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".prepare-") as draft:
        for name, part in (("train", train), ("test", test)):
            save_arrays(Path(draft) / f"{name}.safetensors", part)
        for name in ("train", "test"):
            (Path(draft) / f"{name}.safetensors").rename(output / f"{name}.safetensors")


def _require_code(spec: dict[str, Any], *entries: str) -> None:
    """Refuse to compute under a key that another version of the code made."""
    found = code_digest(*entries)
    if spec["code"] != found:
        raise StoreError(
            f"the specification was made for code {spec['code']}, but this is code {found}: "
            "the sources changed after the workflow was read; start it again"
        )


def yardsticks(spec: dict[str, Any], train_part: Path, test_part: Path, output: Path) -> None:
    """Fit the simple models on the same splits."""
    from safetensors.numpy import load_file

    model = MODELS[spec["model"]]
    _require_code(spec, *model.code("prepare", "yardsticks"))
    module = import_module(model.module("yardsticks"))
    results = module.yardsticks(load_file(train_part), load_file(test_part), spec["seed"])
    write_json(output, {"key": key_of(spec), "spec": spec, "yardsticks": results})


def fail(output: Path, fingerprint: str, status: int, log_file: Path) -> None:
    """Record that a cell's job failed, in place of its result.

    Args:
        output: the job's target.
        fingerprint: what the target would carry; marked as failed, so that the next run tries again.
        status: the exit status of the job as the shell gives it (128 + signal for a killed one).
        log_file: its last line is the reason; its last lines are kept.
    """
    reason, lines = f"exit status {status}", tail(log_file) or []
    if status > 128:
        reason = f"killed by signal {status - 128}"
        reason += " (by hand, or out of memory)" if status == 137 else ""
    elif lines:
        reason = lines[-1].partition(" ")[2][:300] or reason
    write_json(output, {"fingerprint": f"failed {fingerprint}", "failed": reason, "log": lines})
