"""Real runs: other studies in between, other core counts, kills, failures, damage."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from workflow_project import Project, prepared

NUMBERS = ("results/store/*/*/eval-*/*", "results/store/*/*/train/history.csv")
NETWORKS = "results/store/*/*/train/model.safetensors"
MADE = (
    *("results/tables", "results/figures", "results/portraits"),
    *("results/fnn", "results/cnn", "report.html"),
)
TABLES = {"collect": 1, "draws": 1, "plot": 2, "portraits": 2, "report": 1}
COST = re.compile(r"^(seconds|cpu_seconds|peak_memory_bytes|samples_per_second|finished_at)$")


def numbers(project: Project) -> dict[str, bytes]:
    """Everything that must be the same to the last byte wherever it is made again."""
    found = project.files(*NUMBERS, NETWORKS)
    return {path: content for path, content in found.items() if "/." not in path}


def without_cost(value: Any) -> Any:
    """A document without what it cost to make it."""
    if isinstance(value, dict):
        return {k: without_cost(v) for k, v in value.items() if not COST.match(k)}
    return [without_cost(item) for item in value] if isinstance(value, list) else value


def fingerprint(html: str) -> str:
    found = re.search(r'<meta name="fingerprint" content="([^"]*)"', html)
    assert found
    return found.group(1)


# 4 and the second half of 8


def there_and_back(project: Project) -> dict[str, Any]:
    """A → B → A, each step without Snakemake's memory."""
    before = project.files(*MADE)
    own = project.view("fnn/depth_1")["key"]
    project.forget()
    project.configure(lambda c: c["models"]["fnn"]["parameters"].update(epochs=1))
    project.run()
    changed = {
        cell: project.view(cell) for cell in ("fnn/depth_1", "fnn/shape_base", "cnn/kernel_3")
    }
    study, html = project.json("results/tables/study.json"), project.text("report.html")
    idle = project.jobs()
    project.forget()
    project.configure(lambda c: c["models"]["fnn"]["parameters"].update(epochs=2))
    back = project.plan()
    project.run()
    return {
        **{
            "own": own,
            "changed": changed,
            "study": study,
            "html": html,
            "idle": idle,
            "back": back,
        },
        **{"before": before, "after": project.files(*MADE), "last": project.jobs()},
    }


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
    old = outcome["before"]["report.html"].decode()
    assert fingerprint(html) != fingerprint(old)
    assert not fingerprint(html).startswith("failed")
    mean = views["fnn/depth_1"]["metrics"]["mse"]["mean"]
    assert f"{mean:.0f}" in html
    assert outcome["idle"] == {}


@pytest.mark.extended
@prepared(there_and_back)
def test_changed_back_trains_nothing(outcome: dict[str, Any]) -> None:
    assert outcome["back"].jobs == {"view": 4, **TABLES}


@pytest.mark.extended
@prepared(there_and_back)
def test_changed_back_every_byte_is_the_first_configurations(outcome: dict[str, Any]) -> None:
    assert outcome["after"].keys() == outcome["before"].keys()
    before, after = ({**outcome[when]} for when in ("before", "after"))
    # The report counts the other configuration's cells, which the store keeps.
    report, orphans = (
        after["report.html"].decode(),
        r"    <li>The store holds \d+ trained cells.*\n",
    )
    assert re.search(orphans, report)
    after["report.html"] = re.sub(orphans, "", report).encode()
    assert [p for p in before if after[p] != before[p]] == []
    assert outcome["last"] == {}


# 12


def on_one_core(project: Project) -> dict[str, bytes]:
    """All numbers from nothing, on one core; the finished study had two."""
    before = numbers(project)
    project.forget()
    project.drop("results", "resources", "logs", "report.html")
    cells = ("fnn/depth_1", "cnn/kernel_3")
    project.run(*(f"results/{cell}/metrics.json" for cell in cells), cores=1)
    after = numbers(project)
    assert len(after) == 2 * 5
    return {path: b"" for path, content in after.items() if before[path] != content}


@pytest.mark.extended
@prepared(on_one_core)
def test_one_core_and_two_give_the_same_bytes(outcome: dict[str, bytes]) -> None:
    assert list(outcome) == []


# 13

TRAINING = [
    ("/checkpoint.safetensors", "after"),
    ("/replicates.json", "before"),
    ("/train", "after"),
]


def killed_in_training(project: Project) -> tuple[Any, Any, list[str]]:
    """SIGKILL at several moments of one cell's training, each followed by the same command."""
    cell = "fnn/depth_2"
    before = numbers(project), without_cost(project.json("results/tables/comparisons.json"))
    views = {c: without_cost(project.view(c)) for c in (cell, "cnn/kernel_5")}
    entry = project.store(cell)
    name = str(entry.relative_to(project.path))
    project.drop(name, *MADE)
    found = []
    for moment, when in TRAINING:
        project.forget()
        project.kill_at(moment, when=when)
        found.append(",".join(sorted({path.name.split("-")[0] for path in entry.iterdir()})))
        log = (project.path / "logs" / "train" / f"fnn-{entry.name}.log").read_text("utf-8")
    project.forget()
    project.run(f"results/{cell}/metrics.json", "results/tables/comparisons.json")
    after = numbers(project), without_cost(project.json("results/tables/comparisons.json"))
    assert {c: without_cost(project.view(c)) for c in views} == views
    return before, after, [*found, log]


@prepared(killed_in_training)
def test_killed_in_training_the_numbers_are_the_undisturbed_ones(outcome: Any) -> None:
    before, after, moments = outcome
    assert moments[:3] == [
        "checkpoint.safetensors",
        ".train,checkpoint.safetensors",
        ".train,checkpoint.safetensors,train",
    ]
    assert "resumed after epoch 1" in moments[3]
    assert before[0].keys() == after[0].keys()
    assert [path for path in before[0] if before[0][path] != after[0][path]] == []
    assert before[1] == after[1]


def killed_later(project: Project) -> tuple[dict[str, Any], dict[str, Any], dict[str, int]]:
    """SIGKILL in evaluation, view, tables and report, each followed by the same command."""
    before = project.files(*MADE)
    evaluation = next(project.store("fnn/depth_2").glob("eval-*"))
    project.drop(str(evaluation.relative_to(project.path)), *MADE)
    for moment in (f"/{evaluation.name}", "/depth_2/metrics.json", "/study.json", "report.html"):
        project.forget()
        project.kill_at(moment)
    project.forget()
    project.run()
    project.forget()
    return before, project.files(*MADE), project.jobs()


@pytest.mark.extended
@prepared(killed_later)
def test_killed_later_the_report_is_the_undisturbed_one(outcome: Any) -> None:
    before, after, left = outcome
    hidden = [path for path in after if path.rpartition("/")[2].startswith(".")]
    drafts = [path for path in hidden if path not in before]
    assert [path for path in before if after.get(path) != before[path]] == []
    assert sorted(after) == sorted([*before, *drafts])
    assert left == {}


def killed_and_remembered(project: Project) -> tuple[bool, int, str, dict[str, int], bool]:
    """SIGKILL, then the same command with Snakemake's memory, its lock included, as the kill left it."""
    entry = project.store("fnn/depth_2").relative_to(project.path)
    # Both prepared parts are in place, but Snakemake holds them for incomplete.
    project.drop("results/store/data/fnn-*", str(entry), *MADE)
    target = "results/tables/study.json"
    project.kill_at("/test.safetensors", target, when="after")
    locked = any((project.path / ".snakemake" / "locks").iterdir())
    done = project.snakemake("--cores", "1", target)
    made = (project.path / target).exists()
    return locked, done.status, done.text, project.jobs(target), made


@pytest.mark.extended
@prepared(killed_and_remembered)
def test_after_a_kill_the_same_command_does_all_there_is_to_do(outcome: tuple[Any, ...]) -> None:
    locked, status, text, left, made = outcome
    assert locked
    assert status == 0, text[-2000:]
    assert made
    assert left == {}


# 14

FAILING = """
import os, sys

stage, spec = (sys.orig_argv + [""] * 6)[3:6:2]
if stage == "train" and '"kernel":3' in spec:
    os.kill(os.getpid(), 9)
if stage == "train" and '"model":"fnn"' in spec:
    import safetensors.torch

    def load_file(path):
        raise RuntimeError("injected: no such luck")

    safetensors.torch.load_file = load_file
"""


def failing(project: Project) -> dict[str, Any]:
    """A cell that is killed, and a model of which every cell raises; then the repair."""
    before = numbers(project)
    for cell in ("cnn/kernel_3", "fnn/depth_1", "fnn/depth_2"):
        project.drop(str(project.store(cell).relative_to(project.path)))
    project.drop(*MADE)
    project.sabotage(FAILING)
    project.run(cores=2)
    views = {cell: project.view(cell) for cell in ("cnn/kernel_3", "fnn/depth_1", "fnn/shape_flat")}
    html = project.text("report.html")
    remembered = project.plan()
    project.forget()
    forgotten = project.plan()
    project.repair()
    project.run(cores=2)
    return {
        **{"views": views, "html": html, "repaired": project.text("report.html")},
        **{"retries": [remembered, forgotten], "left": project.jobs()},
        "same": before == numbers(project),
    }


RETRY = {"train": 3, "evaluate": 3, "view": 5, **TABLES}


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
    assert fingerprint(outcome["html"]).startswith("failed")


@pytest.mark.extended
@prepared(failing)
def test_failed_cells_and_no_others_are_tried_again_by_each_run(outcome: dict[str, Any]) -> None:
    assert [plan.jobs for plan in outcome["retries"]] == [RETRY] * 2
    assert [plan.trained for plan in outcome["retries"]] == [["cnn", "fnn", "fnn"]] * 2


@pytest.mark.extended
@prepared(failing)
def test_once_repaired_nothing_is_left_to_do(outcome: dict[str, Any]) -> None:
    assert "injected" not in outcome["repaired"]
    assert not fingerprint(outcome["repaired"]).startswith("failed")
    assert outcome["same"]
    assert outcome["left"] == {}


# Damage


def damaged(project: Project) -> dict[str, Any]:
    """One bit of a network flips, and its evaluation is wanted again."""
    before = numbers(project)
    entry = project.store("cnn/kernel_5")
    network = entry / "train" / "model.safetensors"
    content = bytearray(network.read_bytes())
    content[-5] ^= 1
    network.write_bytes(content)
    metrics = next(entry.glob("eval-*")) / "metrics.json"
    text = metrics.read_text("utf-8")
    project.drop(str(metrics.parent.relative_to(project.path)))
    spec = '{"key": "%s", "eval": "%s", "module": "ablation.cnn.evaluate", "metrics": ["accuracy"]}'
    data = project.path / "results" / "store" / "data" / json.loads(text)["data"]["prepared"]
    refused = subprocess.run(
        [
            *(sys.executable, "-m", "ablation", "evaluate"),
            *("--spec", spec % (entry.name, metrics.parent.name.removeprefix("eval-"))),
            *("--entry", str(entry), "--output", str(metrics)),
            *("--train", str(data / "train.safetensors"), "--test", str(data / "test.safetensors")),
        ],
        cwd=project.path,
        env={**project.environment, "PYTHONPATH": str(project.path / "workflow")},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    made = metrics.exists()
    project.drop("results/cnn")
    target = "results/cnn/kernel_5/metrics.json"
    project.run(target)
    return {
        **{"refused": refused, "made": made, "left": project.jobs(target)},
        **{"same": numbers(project) == before, "view": project.view("cnn/kernel_5")},
    }


@prepared(damaged)
def test_a_damaged_network_is_refused_and_trained_again(outcome: dict[str, Any]) -> None:
    assert outcome["refused"].returncode == 1
    assert "damaged" in outcome["refused"].stderr
    assert not outcome["made"]
    assert "failed" not in outcome["view"]["status"]
    assert outcome["same"]
    assert outcome["left"] == {}


# 15


def another_study(project: Project) -> tuple[Any, ...]:
    """A run of a study of another name between two runs of the default study."""
    watched = (*MADE, "results/.marks", "results/store/fnn/*", "results/store/cnn/*")
    before = project.files(*watched, stamps=True)
    variant = project.path / "other.yaml"
    variant.write_text(
        "study: {name: other}\nreport: {title: Another one}\n"
        "models:\n  cnn: null\n  fnn:\n    axes:\n      shape: null\n"
        "      depth: {values: [2, 3]}\n",
        "utf-8",
    )
    project.run("--configfile", "other.yaml")
    after = project.files(*watched, stamps=True)
    html = project.text("report-other.html")
    return before, after, project.jobs(), project.jobs("--configfile", "other.yaml"), html


@pytest.mark.extended
@prepared(another_study)
def test_another_study_changes_nothing_of_the_default_study(outcome: tuple[Any, ...]) -> None:
    before, after, left, left_of_other, html = outcome
    assert [path for path in before if after.get(path) != before[path]] == []
    new = {path.split("/")[3] for path in after.keys() - before.keys()}
    assert len(new) == 1, "one new cell in the store, and nothing else"
    assert left == {}
    assert left_of_other == {}
    assert "Another one" in html
