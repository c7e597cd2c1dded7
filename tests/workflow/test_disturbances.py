"""Real runs: other studies in between, other core counts, kills, failures, damage."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from workflow_project import Planned, Project, prepared, promise

STORE = "results/store"
NUMBERS = tuple(
    f"{STORE}/{entry}"
    for entry in ("evaluate/*/*", "train/*/history.csv", "train/*/model.safetensors")
)
MADE = ("results/tables", "results/figures", "results/fnn", "results/cnn", "report.html")
# What is made of all cells; without it, it is made again.
STUDY = tuple(f"{STORE}/{stage}" for stage in ("collect", "draws", "plot", "portraits", "report"))
TABLES = {"collect": 1, "draws": 1, "plot": 2, "portraits": 2, "report": 1}
# How many cores a training had depends on the jobs that were left when it began.
COST = re.compile(
    r"^(seconds|cpu_seconds|peak_memory_bytes|samples_per_second|finished_at|threads)$"
)


def numbers(project: Project) -> dict[str, Any]:
    """Everything that must be the same wherever it is made again, but for what it cost."""
    found = project.files(*NUMBERS)
    return {
        path: without_cost(json.loads(content)) if path.endswith("/metrics.json") else content
        for path, content in found.items()
        if "/." not in path and not path.endswith("/manifest.json")
    }


def without_cost(value: Any) -> Any:
    """A document without what it cost to make it."""
    if isinstance(value, dict):
        return {k: without_cost(v) for k, v in value.items() if not COST.match(k)}
    return [without_cost(item) for item in value] if isinstance(value, list) else value


def there_and_back(project: Project) -> dict[str, Any]:
    """A → B → A, each step without Snakemake's memory."""
    before = project.files(*MADE)
    own = project.view("fnn/depth_1")["key"]
    project.forget()
    project.configure(lambda c: c["models"]["fnn"]["recipe"].update(epochs=1))
    project.run()
    changed = {
        cell: project.view(cell) for cell in ("fnn/depth_1", "fnn/shape_base", "cnn/kernel_3")
    }
    study, html = project.json("results/tables/study.json"), project.text("report.html")
    idle = project.plan()
    project.forget()
    project.configure(lambda c: c["models"]["fnn"]["recipe"].update(epochs=2))
    dry = project.run("-n").text
    untouched = project.text("report.html") == html
    back = project.made()
    return {
        "own": own,
        "changed": changed,
        "study": study,
        "html": html,
        "idle": idle,
        "dry": dry,
        "untouched": untouched,
        "back": back,
        "before": before,
        "after": project.files(*MADE),
    }


@promise(4)
@promise(8)
@pytest.mark.extended
@prepared(there_and_back)
def test_another_configuration_leaves_no_stale_number(outcome: dict[str, Any]) -> None:
    views, study, html = outcome["changed"], outcome["study"], outcome["html"]
    for view in views.values():
        expected = {"fnn": 1, "cnn": 1}[view["model"]]
        assert view["spec"]["parameters"]["epochs"] == expected
        assert all(row["best_epoch"] <= expected for row in view["replicates"])
        assert view["key"] in html
    assert outcome["own"] not in html
    keys = {
        cell["cell"]: cell["key"]
        for model in study["models"]
        for axis in model["axes"]
        for cell in axis["cells"]
    }
    assert {cell: keys[cell] for cell in views} == {c: view["key"] for c, view in views.items()}
    mean = views["fnn/depth_1"]["metrics"]["mse"]["mean"]
    assert f"{mean:.0f}" in html
    assert outcome["idle"].idle


@promise(4)
@pytest.mark.extended
@prepared(there_and_back)
def test_changed_back_no_job_runs_and_every_byte_is_the_first_configurations(
    outcome: dict[str, Any],
) -> None:
    assert outcome["back"].idle
    assert outcome["after"] == outcome["before"]


@promise(16)
@pytest.mark.extended
@prepared(there_and_back)
def test_a_dry_run_changes_nothing_and_says_what_would_be_copied(outcome: dict[str, Any]) -> None:
    assert outcome["untouched"]
    (line,) = [line for line in outcome["dry"].splitlines() if "A real run would also" in line]
    assert "copy from the store report.html, results/fnn/depth_1/metrics.json" in line


def on_one_core(project: Project) -> dict[str, Any]:
    """All numbers from nothing, on one core; the finished study had two."""
    before = numbers(project)
    project.forget()
    project.drop("results", "resources", "logs", "report.html")
    cells = ("fnn/depth_1", "cnn/kernel_3")
    project.run(*(f"results/{cell}/metrics.json" for cell in cells), cores=1)
    after = numbers(project)
    assert len(after) == 2 * 4
    return {path: content for path, content in after.items() if before[path] != content}


@promise(12)
@pytest.mark.extended
@prepared(on_one_core)
def test_one_core_and_two_give_the_same_bytes(outcome: dict[str, Any]) -> None:
    assert list(outcome) == []


TRAINING = [
    ("/checkpoint.safetensors", "after"),
    ("/replicates.json", "before"),
    ("/{key}", "after"),
]


def killed_in_training(project: Project) -> tuple[Any, Any, Any]:
    """SIGKILL at several moments of one cell's training, each followed by the same command."""
    cell = "fnn/depth_2"
    before = numbers(project), without_cost(project.json("results/tables/comparisons.json"))
    entry, tested = project.store(cell), project.store(cell, "evaluate")
    project.drop(*(str(each.relative_to(project.path)) for each in (entry, tested)), *STUDY, *MADE)
    found = []
    for moment, when in TRAINING:
        project.forget()
        project.kill_at(moment.format(key=entry.name), when=when)
        saved = list(project.path.glob(f"{STORE}/checkpoints/{entry.name}/checkpoint.*"))
        found.append((len(saved), (entry / "manifest.json").exists()))
        log = (project.path / "logs" / "train" / f"{entry.name}.log").read_text("utf-8")
    project.forget()
    project.run(f"results/{cell}/metrics.json", "results/tables/comparisons.json")
    after = numbers(project), without_cost(project.json("results/tables/comparisons.json"))
    return before, after, (found, log)


@promise(13)
@pytest.mark.extended
@prepared(killed_in_training)
def test_killed_in_training_the_numbers_are_the_undisturbed_ones(outcome: Any) -> None:
    before, after, (moments, log) = outcome
    assert moments == [(1, False), (1, False), (1, True)]
    assert "resumed after epoch 1" in log
    assert before[0].keys() == after[0].keys()
    assert [path for path in before[0] if before[0][path] != after[0][path]] == []
    assert before[1] == after[1]


FAILING = """
import os, pathlib, sys

words = ["", "", "", "", *sys.orig_argv][-7:]  # ablation train <key> --threads <number> --evaluation <key>
path = pathlib.Path("results/store/specs", words[2] + ".json")
spec = path.read_text() if words[:2] == ["ablation", "train"] and path.is_file() else ""
if '"kernel":3' in spec:
    os.kill(os.getpid(), 9)
if '"model":"fnn"' in spec:
    import safetensors.torch

    def load_file(path):
        raise RuntimeError("injected: no such luck")

    safetensors.torch.load_file = load_file
"""


def failing(project: Project) -> dict[str, Any]:
    """A cell that is killed, and a model of which every cell raises; then the repair."""
    before = numbers(project)
    for cell in ("cnn/kernel_3", "fnn/depth_1", "fnn/depth_2"):
        for stage in ("train", "evaluate"):
            project.drop(str(project.store(cell, stage).relative_to(project.path)))
    project.drop(*STUDY, *MADE)
    project.sabotage(FAILING)
    project.run(cores=2)
    views = {cell: project.view(cell) for cell in ("cnn/kernel_3", "fnn/depth_1", "fnn/shape_flat")}
    html, dry = project.text("report.html"), project.run("-n").text
    project.forget()
    again = project.made(cores=2)
    project.repair()
    project.run(cores=2)
    return {
        "views": views,
        "html": html,
        "dry": dry,
        "again": again,
        "repaired": project.text("report.html"),
        "left": project.made(),
        "same": before == numbers(project),
    }


RETRY = {"train": 3, "evaluate": 3, **TABLES}


@promise(14)
@pytest.mark.extended
@prepared(failing)
def test_failed_cells_are_named_by_the_report(outcome: dict[str, Any]) -> None:
    views = outcome["views"]
    assert "signal 9" in views["cnn/kernel_3"]["status"]["failed"]
    assert "injected: no such luck" in views["fnn/depth_1"]["status"]["failed"]
    assert "injected: no such luck" in views["fnn/shape_flat"]["status"]["failed"]
    assert all(view["metrics"] is None for view in views.values())
    assert "signal 9" in outcome["html"]
    assert "injected: no such luck" in outcome["html"]


@promise(14)
@pytest.mark.extended
@prepared(failing)
def test_failed_cells_and_no_others_are_tried_again_by_each_run(outcome: dict[str, Any]) -> None:
    names = "fnn/depth_1, fnn/depth_2, fnn/shape_base, fnn/shape_flat, cnn/kernel_3"
    assert f"A real run would also try again {names}, which failed." in outcome["dry"]
    assert outcome["again"] == Planned(RETRY, ["cnn", "fnn", "fnn"])


@promise(14)
@pytest.mark.extended
@prepared(failing)
def test_once_repaired_nothing_is_left_to_do(outcome: dict[str, Any]) -> None:
    assert "injected" not in outcome["repaired"]
    assert outcome["same"]
    assert outcome["left"].idle


def made_again(project: Project) -> tuple[dict[str, Any], dict[str, Any]]:
    """Everything that is made of the cells, once more."""
    before = project.files(*MADE)
    project.drop(*STUDY, *MADE)
    project.run(cores=2)
    return before, project.files(*MADE)


@promise(18)
@pytest.mark.extended
@prepared(made_again)
def test_the_same_keys_give_the_same_bytes(outcome: tuple[Any, Any]) -> None:
    before, after = outcome
    assert before == after


def another_study(project: Project) -> tuple[Any, ...]:
    """A run of a study of another name between two runs of the default study."""
    watched = (*MADE, f"{STORE}/*/*")
    before = project.files(*watched, stamps=True)
    variant = project.path / "other.yaml"
    variant.write_text(
        "study: {name: other}\nreport: {title: Another one}\n"
        "models:\n  cnn: null\n  fnn:\n    axes:\n      shape: null\n"
        "      depth: {parameter: hidden_layers, values: [2, 3]}\n",
        "utf-8",
    )
    project.run("--configfile", "other.yaml")
    after = project.files(*watched, stamps=True)
    html = project.text("report-other.html")
    return before, after, project.plan(), project.plan("--configfile", "other.yaml"), html


@promise(15)
@pytest.mark.extended
@prepared(another_study)
def test_another_study_changes_nothing_of_the_default_study(outcome: tuple[Any, ...]) -> None:
    before, after, left, left_of_other, html = outcome
    assert [path for path in before if after.get(path) != before[path]] == []
    new = {path.split("/")[3] for path in after.keys() - before.keys() if "/store/train/" in path}
    assert len(new) == 1, "one new cell in the store"
    assert left.idle
    assert left_of_other.idle
    assert "Another one" in html
