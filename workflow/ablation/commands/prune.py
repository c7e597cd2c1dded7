"""Remove from the store what no study needs: other settings' entries, drafts of killed jobs, what was set aside as damaged."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ablation.commands.dispatch import MistakeError
from ablation.machine.logs import say
from ablation.store.entries import CHECKPOINTS, SPECS, STORE
from ablation.store.locking import BusyError, claim, jobs_are_left
from ablation.study.config import ConfigError
from ablation.study.plan import Plan, read_plan

VARIANTS = Path("config")
BUSY = "a run is going on in this folder: nothing is removed while it does."


def prune(named: Sequence[Path], *, yes: bool) -> int:
    """Say what nobody needs and how large it is; with yes, remove it.

    Needed is what the study of ``config.yaml``, each variant in ``config/`` and each named file asks for.

    Returns:
        The exit status.

    Raises:
        MistakeError: if a run is going on in this folder.
        ConfigError: one sentence, for a configuration of yours or a named one that is not valid.
    """
    plans = [read_plan([])]
    for path in (*sorted(VARIANTS.glob("*.yaml")), *named):
        try:
            plans.append(read_plan([path]))
        except ConfigError as error:
            if path in named:
                raise
            say(f"{path} does not fit the configuration and counts for nothing: {error}")
    say(f"Needed by: {', '.join(sorted({plan.study.name for plan in plans}))}.")
    paths = unneeded(plans)
    if not paths:
        say("The store holds nothing else.")
        return 0
    sizes = {path: size_of(path) for path in paths}
    for kind, count in sorted(Counter(map(kind_of, paths)).items()):
        size_of_kind = sum(size for path, size in sizes.items() if kind_of(path) == kind)
        say(f"  {kind}: {count}, {size_of_kind:,} bytes")
    total = f"{len(paths)} files and folders of {sum(sizes.values()):,} bytes"
    if not yes:
        say(f"{total} are not needed; make prune YES=1 removes them.")
        return 0
    try:
        lock = claim()
    except BusyError:
        raise MistakeError(BUSY) from None
    with lock:
        if jobs_are_left():
            raise MistakeError(BUSY)
        for path in paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    say(f"{total} are removed.")
    return 0


def unneeded(plans: Iterable[Plan]) -> list[Path]:
    """What of the store none of some plans names."""
    kept = {key for plan in plans for key in plan.stages}
    names = {Path(plan.names_file).name for plan in plans}
    paths = []
    for folder in sorted(path for path in STORE.glob("*") if path.is_dir()):
        for path in sorted(folder.iterdir()):
            if path.name.removesuffix(".json") not in kept and path.name not in names:
                paths.append(path)
    return paths


def kind_of(path: Path) -> str:
    """What a path of the store is, in words."""
    if path.name.startswith("."):
        return "damaged or half-made"
    kinds = {SPECS.name: "specifications", CHECKPOINTS.name: "checkpoints"}
    return kinds.get(path.parent.name, path.parent.name)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
