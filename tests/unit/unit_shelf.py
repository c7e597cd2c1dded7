"""A small study whose stages are published with some content, for the tests of what is there."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ablation.store.download import copy_embedded
from ablation.store.entries import Failure, publish
from ablation.study.grid import build
from ablation.study.plan import Plan
from ablation.study.shelf import Shelf
from ablation.study.stage import Stage

FILES = {
    "train": ["model.safetensors"],
    "evaluate": ["metrics.json", "predictions.csv"],
    "collect": ["cells.csv", "replicates.csv", "epochs.csv", "courses.csv", "gradients.csv",
                "study.json", "comparisons.json", "claims.json"],
    "draws": ["draws.json"],
    "report": ["report.html"],
    "plot": ["a.svg", "b.svg"],
    "export_crate": ["ro-crate/README.md", "ro-crate.zip"],
}  # fmt: skip
KILLED = Failure("killed by signal 9", ("epoch 1",))


def small_plan(config: dict[str, Any]) -> Plan:
    """The shipped study cut down to two axes; its raw files lie in the working directory."""
    for model, axis in (("fnn", "activation"), ("cnn", "kernel")):
        axes = config["models"][model]["axes"]
        config["models"][model]["axes"] = {axis: axes[axis]}
    plan = Plan(build(config))
    for source in plan.sources.values():
        copy_embedded(source["files"], Path(source["folder"]))
    return plan


def make(stages: Iterable[Stage], failures: dict[str, Failure] | None = None) -> None:
    """Publish entries with some content."""
    for stage in stages:
        with publish(stage.folder, failures) as draft:
            for name in FILES.get(stage.name, ["content"]):
                (draft / name).parent.mkdir(exist_ok=True)
                (draft / name).write_text(f"{name} of {stage.key}")


def everything(plan: Plan) -> list[Stage]:
    return [stage for stage in plan.stages.values() if not stage.name.startswith("export")]


said: list[str] = []


def begin(plan: Plan, *targets: str, real: bool = True) -> list[str]:
    """What a new run does first; ``said`` is what it says."""
    said.clear()
    return Shelf(plan).begin(targets, said.append, real=real)


def names(stages: Iterable[Stage]) -> list[str]:
    return [stage.name for stage in stages]


def missing(plan: Plan, *wanted: Stage) -> list[str]:
    """The names of the stages that a run would make."""
    return names(Shelf(plan).to_make(wanted or plan.default_stages))


def spoil(stage: Stage, name: str = "content") -> None:
    """Flip one bit of a file of an entry."""
    path = stage.folder / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def aside(stage: Stage) -> list[str]:
    return [p.name for p in stage.folder.parent.glob(f".{stage.key}-damaged-*")]


def state(folder: Path = Path()) -> dict[str, tuple[bytes, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
