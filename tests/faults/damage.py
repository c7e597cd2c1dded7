"""A flipped bit or a removed file of each kind, a damaged checkpoint; what Snakemake remembers."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from workflow_project import Project

from faults.bench import AFTER, CELLS, STUDY, Bench, Fault, Outcome
from faults.compare import identities, is_whole

FNN, FURTHER_FNN, CNN, FURTHER_CNN = CELLS


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: as the table says it.
        find: gives the file in a project.
        drop: stages, or a stage and a cell, without which a run reads the file.
        named: whether the run says that it is damaged; what is written or copied again is not named.
    """

    name: str
    find: Callable[[Project], Path]
    drop: tuple[str, ...] = ()
    named: bool = True


def _of(cell: str, stage: str, file: str) -> Callable[[Project], Path]:
    return lambda project: project.store(cell, stage) / file


def _match(pattern: str, number: int = 0) -> Callable[[Project], Path]:
    return lambda project: sorted(project.path.glob(pattern))[number]


def _spec(project: Project) -> Path:
    name = project.store(FURTHER_FNN, "evaluate").name
    return project.path / f"results/store/specs/{name}.json"


def _manifest(project: Project) -> Path:
    """Of the figures of another model than the damaged figure's."""
    return _match("results/store/plot/[!.]*/fnn*.svg")(project).with_name("manifest.json")


TRAINED, TESTED = f"train {FURTHER_FNN}", f"evaluate {FURTHER_FNN}"
FROM_RAW = tuple(f"{stage} {FURTHER_CNN}" for stage in ("prepare", "train", "evaluate"))
# Spoilt together, no two of a list are in each other's way.
OF_CELLS = [
    Kind("raw data", _match("resources/mnist-5k/*"), (*FROM_RAW, *AFTER)),
    Kind("training data", _of(FNN, "prepare", "train.safetensors"), (TRAINED, TESTED, *AFTER)),
    Kind("test data", _of(FNN, "prepare", "test.safetensors"), (TESTED, *AFTER)),
    Kind(
        "check",
        _match("results/store/check/[!.]*/check.json"),
        (TRAINED, TESTED, *FROM_RAW, *AFTER),
    ),
    Kind("weights", _of(CNN, "train", "model.safetensors"), (f"evaluate {CNN}", *AFTER)),
    Kind("gradients", _of(CNN, "train", "gradients.csv"), AFTER),
    Kind("history", _of(FNN, "train", "history.csv"), AFTER),
    Kind("replicates", _of(FNN, "train", "replicates.json"), (f"evaluate {FNN}", *AFTER)),
    Kind("cost", _of(FNN, "train", "run.json"), (f"evaluate {FNN}", *AFTER)),
    Kind("yardsticks", _match("results/store/yardsticks/[!.]*/yardsticks.json"), AFTER),
    Kind("specification", _spec, (TESTED, *AFTER), named=False),
]
OF_STUDY = [
    Kind("metrics", _of(FNN, "evaluate", "metrics.json"), ("portraits", "report")),
    Kind("predictions", _of(CNN, "evaluate", "predictions.csv"), ("portraits", "report")),
    *(
        Kind(f"table {name}", _match(f"results/store/collect/[!.]*/{name}"), ("report",))
        for name in (
            *("cells.csv", "replicates.csv", "epochs.csv", "courses.csv", "gradients.csv"),
            *("study.json", "comparisons.json", "claims.json"),
        )
    ),
    Kind("further draws", _match("results/store/draws/[!.]*/draws.json"), ("report",)),
    Kind("figure", _match("results/store/plot/[!.]*/cnn*.svg"), ("report",)),
    Kind("manifest", _manifest, named=False),
    Kind("shown metrics", lambda p: p.path / f"results/{CNN}/metrics.json", named=False),
    Kind("shown table", lambda p: p.path / "results/tables/comparisons.json", named=False),
    Kind("shown figure", _match("results/figures/fnn/*.svg"), named=False),
    Kind("report.html", lambda p: p.path / "report.html", named=False),
]
ALONE = [
    Kind("portraits", _match("results/store/portraits/[!.]*/portraits.json"), ("report",)),
    Kind("stored report", _match("results/store/report/[!.]*/report.html"), ("report.html",)),
]


def _drop(project: Project, drops: Sequence[str]) -> None:
    cells = [drop.split(" ") for drop in drops if " " in drop]
    for entry in [project.store(cell, stage) for stage, cell in cells]:
        shutil.rmtree(entry, ignore_errors=True)
    for stage in (drop for drop in drops if " " not in drop):
        project.drop(stage if "." in stage else f"results/store/{stage}")


def flip(path: Path, rng: random.Random) -> None:
    """Flip one bit: of a digit in a text, if it has one, else of any byte."""
    content = bytearray(path.read_bytes())
    digits = [i for i, byte in enumerate(content) if 48 <= byte <= 57]
    text = path.suffix not in (".safetensors", ".gz")
    content[rng.choice(digits) if text and digits else rng.randrange(len(content))] ^= 1
    path.write_bytes(content)


def _flipped(bench: Bench, rng: random.Random, *, kinds: list[Kind]) -> Outcome:
    """Flip a bit in one file of each kind, have all of them read, and see that they are named and right again."""
    project = bench.copy()
    found = {kind: kind.find(project) for kind in kinds}
    for path in found.values():
        flip(path, rng)
    _drop(project, [drop for kind in kinds for drop in kind.drop])
    kept = _others(project, found.values())
    done = bench.again(project)
    unnamed = [k.name for k, p in found.items() if k.named and not _is_named(p, done.text)]
    return _mended(bench, project, found, bench.judge(project, done, kept), unnamed)


def _removed(bench: Bench, rng: random.Random, *, kinds: list[Kind]) -> Outcome:
    """Remove one file of each kind; what the command does not make again is asked for."""
    project = bench.copy()
    found = {kind: kind.find(project) for kind in kinds}
    for path in found.values():
        path.unlink()
    kept = _others(project, found.values())
    done = bench.again(project)
    missing = [path.relative_to(project.path) for path in found.values() if not path.is_file()]
    if missing and done.status == 0:
        done = bench.again(project, *dict.fromkeys(map(_target, missing)))
    return _mended(bench, project, found, bench.judge(project, done, kept), [])


def _mended(
    bench: Bench,
    project: Project,
    found: dict[Kind, Path],
    outcome: Outcome,
    unnamed: list[str],
) -> Outcome:
    """Add what became of the files to an outcome."""
    bad = [k.name for k, path in found.items() if not is_whole(path)]
    remarks = [f"not named: {', '.join(unnamed)}"] if unnamed else []
    remarks += [f"not made again: {', '.join(bad)}"] if bad else []
    bench.drop(project)
    fine = outcome.identical and not remarks
    return Outcome(outcome.recovered, fine, "; ".join([*remarks, outcome.remark]).strip("; "))


def _others(project: Project, paths: Sequence[Path]) -> dict[str, tuple[int, int]]:
    """The entries that none of some files belongs to."""
    hit = {path.parent.name for path in paths}
    found = identities(project.path)
    return {name: facts for name, facts in found.items() if name.partition("/")[2] not in hit}


def _is_named(path: Path, text: str) -> bool:
    """Whether a line says that the file is damaged: with its entry, or as a raw file."""
    lines = [line for line in text.splitlines() if "is damaged" in line]
    return any(path.name in line and path.parent.name in line for line in lines)


def _target(path: Path) -> str:
    """What to ask for, so that a file is made again."""
    in_entry = path.parts[:2] == ("results", "store") and path.parts[2] != "specs"
    return str(path.parent / "manifest.json" if in_entry else path)


# Checkpoints


def _checkpoint(bench: Bench, rng: random.Random, *, how: str) -> Outcome:
    """Kill a training between two epochs, and damage the checkpoints that it left."""
    cell = rng.choice(CELLS)
    project = bench.without(cell, stages=AFTER)
    key = project.store(cell).name
    project.kill_at(".safetensors", when="after")
    paths = list(project.path.glob(f"results/store/checkpoints/{key}/checkpoint*.safetensors"))
    for path in paths:
        size = path.stat().st_size
        if how == "flipped":
            flip(path, rng)
        else:
            path.write_bytes(path.read_bytes()[: size // 2] if how == "cut" else bytes(size))
    kept = identities(project.path)
    done = bench.again(project)
    log = (project.path / "logs" / "train" / f"{key}.log").read_text("utf-8")
    outcome = bench.judge(project, done, kept)
    bench.drop(project)
    if not paths or "resumed" in log:
        return Outcome(False, False, f"{len(paths)} checkpoints, resumed: {'resumed' in log}")
    return outcome


# What Snakemake remembers


def _forgotten(bench: Bench, rng: random.Random) -> Outcome:
    """``.snakemake`` removed after a kill."""
    project = bench.without(rng.choice(CELLS), stages=AFTER)
    bench.interrupted(project, rng, lambda run: run.send(signal.SIGKILL, group=True))
    project.forget()
    kept = identities(project.path)
    outcome = bench.judge(project, bench.again(project), kept)
    bench.drop(project)
    return outcome


def _stale(bench: Bench, rng: random.Random) -> Outcome:
    """Locks of all files, and marks that half of them are incomplete, of a run that nobody ended properly."""
    project = bench.copy()
    memory = project.path / ".snakemake"
    (memory / "locks").mkdir(exist_ok=True)
    manifests = project.path.glob("results/store/*/*/manifest.json")
    files = "\n".join(str(path.relative_to(project.path)) for path in manifests)
    for kind in ("input", "output"):
        (memory / "locks" / f"0.{kind}.lock").write_text(files, "utf-8")
    for path in [p for p in (memory / "metadata").rglob("*") if p.is_file()]:
        if rng.random() < 0.5:
            mark = memory / "incomplete" / path.relative_to(memory / "metadata")
            mark.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, mark)
    kept = identities(project.path, "prepare", "train", "evaluate", *STUDY)
    outcome = bench.judge(project, bench.again(project), kept)
    bench.drop(project)
    return outcome


LISTS = {"cells": OF_CELLS, "the study": OF_STUDY}
FAULTS = [
    *(
        Fault(
            "damage",
            f"one bit flipped in each kind of file of {of}",
            partial(_flipped, kinds=kinds),
            1,
        )
        for of, kinds in LISTS.items()
    ),
    Fault("damage", "a file of each kind removed", partial(_removed, kinds=OF_CELLS + OF_STUDY), 1),
    *(
        Fault("damage", f"{what}: {kind.name}", partial(run, kinds=[kind]), 1, short=False)
        for what, run in {"one bit flipped": _flipped, "removed": _removed}.items()
        for kind in OF_CELLS + OF_STUDY + ALONE
    ),
    *(
        Fault(
            "damage",
            f"checkpoint {how} in mid-training",
            partial(_checkpoint, how=how),
            short=how == "flipped",
        )
        for how in ("flipped", "cut", "zeroed")
    ),
    Fault("damage", ".snakemake removed after a kill", _forgotten),
    Fault("damage", "stale locks and marks of incomplete files", _stale),
]
