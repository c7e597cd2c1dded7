"""The rules themselves, what a mistake in the input looks like, and what the plan decides."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from workflow_project import REPOSITORY, Done, Project, prepared, promise

RULE = re.compile(r"^(?=(?:use rule \w+ as|rule) (\w+))(.*?\n)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
LOG = re.compile(r"^    log:\n((?:        .*\n)+)", re.MULTILINE)


def rules() -> dict[str, str]:
    """Rule → its text."""
    files = [REPOSITORY / "Snakefile", *(REPOSITORY / "workflow" / "rules").glob("*.smk")]
    return dict(rule for path in files for rule in RULE.findall(path.read_text("utf-8")))


def test_every_rule_that_runs_has_a_log_of_its_own() -> None:
    running = {
        name: text
        for name, text in rules().items()
        if "    shell:" in text or text.startswith("use rule")
    }
    assert {"download", "prepare", "train", "evaluate", "collect", "plot", "portraits"} <= set(
        running
    )
    logs = {name: LOG.search(text) for name, text in running.items()}
    assert [name for name, log in logs.items() if log is None] == []
    texts = [log.group(1).strip() for log in logs.values() if log]
    assert len(set(texts)) == len(texts)


def test_no_rule_has_a_script_or_a_parameter_but_names() -> None:
    for name, text in rules().items():
        assert "    script:" not in text
        assert "    run:" not in text
        found = re.search(r"^    params:\n((?:        .*\n)+)", text, re.MULTILINE)
        names = re.findall(r"^        (\w+)=", found.group(1), re.MULTILINE) if found else []
        assert names in ([], ["name"], ["name", "stage"], ["name", "evaluation"]), name


def test_the_snakefile_is_short() -> None:
    assert len((REPOSITORY / "Snakefile").read_text("utf-8").splitlines()) < 60


@prepared(lambda project: project.snakemake("--lint"), fresh=True)
def test_lint_has_nothing_to_say(outcome: Done) -> None:
    assert outcome.status == 0, outcome.text


def test_snakefmt_has_nothing_to_say() -> None:
    pytest.importorskip("snakefmt")
    done = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "workflow/rules"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# The shipped study


@prepared(lambda project: (project.jobs(), project), fresh=True)
def test_the_default_profile_gives_cores_and_each_specification_is_trained_once(
    outcome: tuple[dict[str, int], Project],
) -> None:
    from ablation.study.grid import build
    from ablation.study.reading import load

    jobs, project = outcome
    study = build(load(project.path / "config.yaml"))
    assert len(study.by_key) < len(study.cells)
    assert (jobs["train"], jobs["evaluate"]) == (len(study.by_key), len(study.by_key))
    assert jobs["report"] == 1


@prepared(lambda project: project.snakemake("-n", "--configfile", "config/smoke.yaml"), fresh=True)
def test_the_smoke_study_has_files_of_its_own(outcome: Done) -> None:
    assert outcome.status == 0
    assert "input: report-smoke.html" in outcome.text
    assert "results/smoke/tables/study.json" in outcome.text
    assert "results/tables" not in outcome.text


def asked_for(*targets: str) -> Callable[[Project], tuple[list[Done], bool]]:
    """How real runs for targets end, and whether they left the files as they were."""

    def run(project: Project) -> tuple[list[Done], bool]:
        before = project.files("results", "report.html", "resources", stamps=True)
        ends = [project.snakemake("--cores", "1", target) for target in targets]
        return ends, before == project.files("results", "report.html", "resources", stamps=True)

    return run


UNDECLARED = ("results/cnn/kernel_6/metrics.json", "results/fnn/kernel_3/metrics.json")


@promise(10)
@prepared(asked_for(*UNDECLARED))
def test_an_undeclared_cell_is_an_error_that_lists_the_valid_ones(
    outcome: tuple[list[Done], bool],
) -> None:
    ends, same = outcome
    valid = "fnn/depth_1, fnn/depth_2, fnn/shape_base, fnn/shape_flat, cnn/kernel_3, cnn/kernel_5"
    for end, target in zip(ends, UNDECLARED, strict=True):
        assert end.status != 0
        cell = target.removesuffix("/metrics.json")
        assert (
            f"{cell} is no configuration of study default; its configurations are: {valid}."
            in end.text
        )
        assert "Traceback" not in end.text
        assert "Error" not in end.text
    assert same


@prepared(lambda project: project.snakemake("-n", "results/cnn/kernel_5/metrics.json"))
def test_a_declared_cell_is_found_without_a_word_of_others(outcome: Done) -> None:
    assert outcome.status == 0
    assert "is no configuration" not in outcome.text


# Bad input

Change = Callable[[dict[str, Any]], Any]
MISTAKES: dict[str, tuple[Change, str]] = {
    "unknown key": (lambda c: c["report"].update(titel="x"), "report.titel"),
    "wrong type": (lambda c: c["study"].update(seed="x"), "study.seed"),
    "out of range": (
        lambda c: c["models"]["cnn"]["parameters"].update(dropout=1.5),
        "models.cnn.parameters.dropout",
    ),
    "labels on one path": (
        lambda c: c["models"]["cnn"]["axes"]["kernel"].update(values=[3, 5, 5]),
        "models.cnn.axes.kernel.values",
    ),
    "no file name": (
        lambda c: c["models"]["fnn"]["axes"]["shape"]["values"].update({"a/b": {"width": 9}}),
        "models.fnn.axes.shape.values",
    ),
    "kernel too large": (
        lambda c: c["models"]["cnn"]["axes"]["kernel"]["values"].append(29),
        "models.cnn.axes.kernel.values",
    ),
    "not a multiple of six": (
        lambda c: c["models"]["fnn"].update(replicates=7),
        "models.fnn.replicates",
    ),
    "an old margin": (
        lambda c: c["statistics"].update(margin={"fnn": 3.0}),
        "statistics.margin is {'fnn': 3.0}, an old spelling",
    ),
    "a margin of the other kind": (
        lambda c: c["models"]["fnn"]["margin"].update(margin=0.1),
        "models.fnn.margin.margin",
    ),
    "empty axis": (
        lambda c: c["models"]["fnn"]["axes"]["depth"].update(values=[]),
        "models.fnn.axes.depth.values",
    ),
}


def mistaken(change: Change) -> Callable[[Project], tuple[Done, bool]]:
    def run(project: Project) -> tuple[Done, bool]:
        before = project.files("results", "report.html", stamps=True)
        project.configure(change)
        done = project.snakemake("--cores", "1")
        return done, before == project.files("results", "report.html", stamps=True)

    return run


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(key, marks=prepared(mistaken(change)), id=name)
        for name, (change, key) in MISTAKES.items()
    ],
)
def test_a_mistake_is_one_sentence_and_touches_nothing(
    key: str, outcome: tuple[Done, bool]
) -> None:
    done, same = outcome
    assert done.status != 0
    assert "Traceback" not in done.text
    sentences = [line.strip() for line in done.text.splitlines() if line.strip().startswith(key)]
    assert len(sentences) == 1, done.text
    assert sentences[0].endswith(".")
    assert same
