"""What each stage imports, and what a run with nothing to do reads: watched, and never timed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from workflow_calls import ablation
from workflow_project import IDLE, Project, prepared
from workflow_watch import Seen, records, seen, watched

HEAVY = {
    *("torch", "torch._dynamo", "torch._inductor", "torchvision", "triton", "sympy", "networkx"),
    *("numpy", "pandas", "pyarrow", "scipy", "scipy.stats", "sklearn", "statsmodels", "mlxtend"),
    *("matplotlib", "seaborn", "PIL", "jinja2", "babel", "rich", "rocrate", "snakemake"),
    *("jsonschema", "yaml", "requests"),
}
TENSORS = {"torch", "numpy"}
SCHEMAS = {"jsonschema", "yaml"}
STATISTICS = {"numpy", "pandas", "pyarrow", "scipy", "scipy.stats"}
FIGURES = STATISTICS | SCHEMAS | {"statsmodels", "matplotlib", "seaborn", "PIL", "babel"}
# What of these each process may import; less is welcome.
ALLOWED = {
    "download": {"numpy"},
    "prepare": {"numpy"},
    "check": TENSORS,
    "train": TENSORS | SCHEMAS | {"triton"},  # and tests what it has trained
    "evaluate": set[str](),  # it takes what the training has left
    "yardsticks": TENSORS | STATISTICS | {"sklearn", "rich"},
    "collect": STATISTICS | SCHEMAS,
    "draws": TENSORS | SCHEMAS | {"scipy", "scipy.stats", "triton"},
    "plot": FIGURES,
    "portraits": FIGURES,
    "report": STATISTICS | SCHEMAS | {"statsmodels", "babel", "jinja2"},
    "show": set[str](),
    "plan": SCHEMAS,
    # Snakemake itself needs these; what the workflow adds is what the plan may import.
    "snakemake": SCHEMAS | {"snakemake", "numpy", "pandas", "pyarrow", "PIL", "jinja2", "requests"},
}
DIGESTS = 4  # of texts, for each entry: its key, its manifest, its code and the texts that it is made from
READ = 5  # how often a file of the workflow is: for its code, what it declares, and each stage that is made from it


def process_of(one: Seen) -> str:
    """The stage or command of a job, or ``snakemake``."""
    package = Path(one.words[0]).parent.name
    return one.words[1] if package == "ablation" else package


def making_and_planning(project: Project) -> list[Seen]:
    """The run that made the study of which this is a copy, and a plan."""
    done = ablation(project, "plan", WATCHED=watched(project)["WATCHED"])
    assert done.status == 0, done.text
    return [*seen(project.path.with_name("base-watched")), *seen(records(project))]


@prepared(making_and_planning)
def test_no_process_imports_more_than_it_may(outcome: list[Seen]) -> None:
    assert {process_of(one) for one in outcome} == set(ALLOWED)
    more = [
        (process_of(one), HEAVY & set(one.modules) - ALLOWED[process_of(one)]) for one in outcome
    ]
    assert [(name, packages) for name, packages in more if packages] == []


def idle(project: Project) -> tuple[Path, Seen]:
    """A real run that has nothing to do."""
    done = project.run(environment=watched(project))
    assert IDLE in done.text
    (main,) = seen(records(project))
    return project.path, main


def below(folder: Path, paths: Iterable[str]) -> Counter[str]:
    """The files in a folder, as paths from it, and how often each is named."""
    return Counter(
        Path(path).relative_to(folder).as_posix()
        for path in paths
        if Path(path).is_relative_to(folder)
    )


def manifests(top: Path) -> set[str]:
    """The manifest of each entry, from the store."""
    store = top / "results" / "store"
    return {path.relative_to(store).as_posix() for path in store.glob("*/*/manifest.json")}


@prepared(idle)
def test_nothing_to_do_reads_the_manifests_and_no_result(outcome: tuple[Path, Seen]) -> None:
    top, main = outcome
    read = below(top / "results" / "store", main.opened)
    (collected,) = top.glob("results/store/collect/*/manifest.json")
    # It is a readable file, too.
    read[f"collect/{collected.parent.name}/manifest.json"] -= 1
    others = {".run.lock": 2, ".jobs.lock": 1, "cells/default.json": 1}
    assert read == Counter({**dict.fromkeys(manifests(top), 1), **others})


@prepared(idle)
def test_nothing_to_do_takes_one_digest_of_each_readable_file(outcome: tuple[Path, Seen]) -> None:
    top, main = outcome
    shown = [top / "report.html", *top.glob("results/[!s]*/**/*.*")]
    collected = top.glob("results/store/collect/*/manifest.json")
    copies = [str(path) for path in (*shown, *collected) if not path.name.startswith(".")]
    assert below(top, main.hashed) == below(top, copies)
    own = Counter(name for name in main.texts if name.startswith("ablation."))
    assert own.total() <= DIGESTS * len(manifests(top)), own


@prepared(idle)
def test_nothing_to_do_reads_no_file_of_the_workflow_more_often(outcome: tuple[Path, Seen]) -> None:
    top, main = outcome
    read = below(top / "workflow", main.opened)
    assert max(read.values()) <= READ, read.most_common(9)
