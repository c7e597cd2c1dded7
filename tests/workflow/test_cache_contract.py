"""What runs again after which change: never too little, never too much. All of it dry runs."""

from __future__ import annotations

import ast
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workflow_project import Planned, Project, prepared

DRAWN = {"plot": 2, "portraits": 2, "report": 1}
TABLES = {"collect": 1, "draws": 1, **DRAWN}
DAY = 86_400


def cells(train: int = 0, evaluate: int = 0, view: int = 0, **others: int) -> dict[str, int]:
    """Jobs after a change to cells; what is made of all cells follows."""
    found = {"train": train, "evaluate": evaluate or train, "view": view or train, **others}
    return {rule: count for rule, count in {**found, **TABLES}.items() if count}


def configured(change: Callable[[dict[str, Any]], Any]) -> Callable[[Project], Planned]:
    """A dry run after a change of the configuration."""

    def run(project: Project) -> Planned:
        project.configure(change)
        return project.plan()

    return run


def coded(*modules: str) -> Callable[[Project], Planned]:
    """A dry run after a real change in modules of the package."""

    def run(project: Project) -> Planned:
        project.change_code(*modules)
        return project.plan()

    return run


def without_yardsticks(planned: Planned) -> Planned:
    """Yardsticks share code with evaluation; they are no cells, and take seconds."""
    jobs = {rule: count for rule, count in planned.jobs.items() if rule != "yardsticks"}
    return Planned(jobs, planned.trained)


# 1


@prepared(lambda project: project.plan())
def test_second_run_has_nothing_to_do(outcome: Planned) -> None:
    assert outcome.jobs == {}


# 2


@prepared(configured(lambda c: c["models"]["fnn"]["axes"]["depth"]["values"].append(3)))
def test_one_more_value_trains_exactly_one_cell(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=1), ["fnn"])


@prepared(
    configured(
        lambda c: c["models"]["cnn"]["axes"].update(
            pooling={"parameter": "pooling", "values": ["max", "average"]}
        )
    )
)
def test_a_new_axis_needs_no_code_and_trains_only_what_is_new(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=1, view=2), ["cnn"])


# 3


@prepared(configured(lambda c: c["models"]["cnn"]["parameters"].update(learning_rate=0.002)))
def test_a_training_setting_of_the_cnn_trains_exactly_its_cells(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=2), ["cnn", "cnn"])


# 5


@prepared(configured(lambda c: c["report"].update(title="Another title")))
def test_title_makes_the_report_alone(outcome: Planned) -> None:
    assert outcome.jobs == {"report": 1}


@prepared(configured(lambda c: c["report"].update(palette="deep")))
def test_palette_makes_figures_and_report(outcome: Planned) -> None:
    assert outcome.jobs == {"plot": 2, "report": 1}


@prepared(configured(lambda c: c["report"].update(language="zh")))
def test_language_makes_figures_and_report(outcome: Planned) -> None:
    assert outcome.jobs == DRAWN


@prepared(configured(lambda c: c["statistics"].update(confidence=0.9)))
def test_confidence_judges_anew_and_trains_nothing(outcome: Planned) -> None:
    assert outcome.jobs == TABLES


@prepared(configured(lambda c: c["compute"].update(checkpoint_seconds=5)))
def test_what_changes_no_number_trains_nothing(outcome: Planned) -> None:
    assert outcome.jobs == {"report": 1}


# 6


def reformat(project: Project) -> Planned:
    """Rewrite every module: no comment, other line breaks and quotes, other docstrings."""
    for path in project.path.glob("workflow/ablation/**/*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
                node
            ):
                node.body[0] = ast.Expr(ast.Constant("Other words."))
        path.write_text("# a comment\n\n\n" + ast.unparse(tree) + "\n# another\n", "utf-8")
    return project.plan()


@prepared(reformat)
def test_comments_format_and_docstrings_run_nothing(outcome: Planned) -> None:
    assert outcome.jobs == {}


@prepared(coded("fnn/network"))
def test_the_fnns_code_trains_exactly_its_cells(outcome: Planned) -> None:
    assert without_yardsticks(outcome) == Planned(cells(train=2, view=4), ["fnn", "fnn"])


@prepared(coded("cnn/layers"))
def test_the_cnns_code_trains_exactly_its_cells(outcome: Planned) -> None:
    assert without_yardsticks(outcome) == Planned(cells(train=2), ["cnn", "cnn"])


@prepared(coded("fnn/prepare"))
def test_the_fnns_splitting_trains_exactly_its_cells(outcome: Planned) -> None:
    jobs = cells(train=2, view=4, prepare=1, yardsticks=1)
    assert outcome == Planned(jobs, ["fnn", "fnn"])


@prepared(coded("cnn/prepare"))
def test_the_cnns_splitting_trains_exactly_its_cells(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=2, prepare=1, yardsticks=1), ["cnn", "cnn"])


@prepared(coded("stack/training"))
def test_shared_training_code_trains_all_cells(outcome: Planned) -> None:
    assert outcome.trained == ["cnn", "cnn", "fnn", "fnn"]


@prepared(coded("fnn/evaluate"))
def test_one_networks_evaluation_code_evaluates_its_cells_alone(outcome: Planned) -> None:
    assert without_yardsticks(outcome).jobs == cells(evaluate=2, view=4)


@prepared(coded("evaluate_job"))
def test_shared_evaluation_code_trains_nothing(outcome: Planned) -> None:
    assert without_yardsticks(outcome).jobs == cells(evaluate=4, view=6)


@prepared(coded("statistics/verdicts"))
def test_statistics_code_makes_tables_and_what_follows(outcome: Planned) -> None:
    assert outcome.jobs == TABLES


@prepared(coded("figures/curves", "report/render"))
def test_drawing_code_makes_figures_and_report(outcome: Planned) -> None:
    assert outcome.jobs == DRAWN


# 7


def respell(value: Any) -> Any:
    """The same configuration with keys in reverse order and whole numbers written ``5.0``."""
    if isinstance(value, dict):
        return {name: respell(value[name]) for name in reversed(value)}
    if isinstance(value, list):
        return [respell(item) for item in value]
    return float(value) if type(value) is int else value


def respelt(project: Project) -> tuple[Planned, str]:
    def change(config: dict[str, Any]) -> None:
        other = respell(config)
        config.clear()
        config.update(other)

    project.configure(change)
    return project.plan(), project.text("config.yaml")


@prepared(respelt)
def test_order_of_keys_and_spelling_of_numbers_run_nothing(outcome: tuple[Planned, str]) -> None:
    plan, text = outcome
    assert "replicates: 6.0" in text
    assert text.index("models:") < text.index("study:")
    assert plan.jobs == {}


# 8


def touch(project: Project, stamp: Callable[[Path], float]) -> None:
    """Give every file of the project a time stamp."""
    for path in project.path.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path, times=(stamp(path), stamp(path)))


def touched(
    stamp: Callable[[random.Random], float], *, forget: bool = True
) -> Callable[[Project], Planned]:
    """A dry run after touching all files, mostly without Snakemake's own memory."""

    def run(project: Project) -> Planned:
        rng = random.Random(8)
        touch(project, lambda path: stamp(rng))
        if forget:
            project.forget()
        return project.plan()

    return run


def forgotten(project: Project) -> Planned:
    project.forget()
    return project.plan()


@prepared(forgotten)
def test_without_snakemakes_memory_nothing_runs(outcome: Planned) -> None:
    assert outcome.jobs == {}


NOW = time.time()


@prepared(touched(lambda rng: NOW - rng.random() * DAY))
def test_files_touched_in_any_order_run_nothing(outcome: Planned) -> None:
    assert outcome.jobs == {}


@prepared(touched(lambda rng: NOW - rng.random() * DAY, forget=False))
def test_files_touched_beside_snakemakes_memory_run_nothing(outcome: Planned) -> None:
    assert outcome.jobs == {}


@prepared(touched(lambda rng: NOW))
def test_files_touched_at_once_run_nothing(outcome: Planned) -> None:
    assert outcome.jobs == {}


@prepared(touched(lambda rng: NOW + rng.choice([-DAY, DAY])))
def test_files_touched_into_the_future_run_nothing(outcome: Planned) -> None:
    assert outcome.jobs == {}


@prepared(lambda project: project.clone().plan())
def test_a_clone_with_results_runs_nothing(outcome: Planned) -> None:
    assert outcome.jobs == {}


def touched_and_changed(project: Project) -> Planned:
    touch(project, lambda path: NOW + DAY)
    project.forget()
    project.configure(lambda c: c["models"]["cnn"]["parameters"].update(learning_rate=0.002))
    return project.plan()


@prepared(touched_and_changed)
def test_a_change_is_seen_whatever_the_time_stamps(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=2), ["cnn", "cnn"])


# 9


@prepared(
    configured(
        lambda c: c["models"]["fnn"]["axes"]["shape"]["values"]["flat"].update(
            hidden_layers=8, width=1
        )
    )
)
def test_two_fields_that_swap_their_values_train(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=1), ["fnn"])


# 11


@prepared(lambda project: (project.jobs("--forceall"), project))
def test_a_specification_on_several_axes_is_one_job(
    outcome: tuple[dict[str, int], Project],
) -> None:
    jobs, project = outcome
    assert (jobs["train"], jobs["evaluate"], jobs["view"]) == (4, 4, 6)
    assert project.view("fnn/depth_1")["key"] == project.view("fnn/shape_flat")["key"]
    assert len(list(project.path.glob("results/store/fnn/*/train"))) == 2


# Dry runs beyond the contract


def removed(*patterns: str) -> Callable[[Project], Planned]:
    def run(project: Project) -> Planned:
        key = project.view("fnn/depth_1")["key"]
        project.drop(*(pattern.format(key=key) for pattern in patterns))
        return project.plan()

    return run


@prepared(removed("results/store/fnn/{key}"))
def test_a_removed_entry_is_made_again(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=1, view=2), ["fnn"])


@prepared(removed("results/store/fnn/{key}/train"))
def test_removed_weights_are_made_again(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=1, view=2), ["fnn"])


@prepared(removed("results/fnn", "results/cnn", "results/tables", "results/figures", "report.html"))
def test_from_the_store_everything_is_made_without_training(outcome: Planned) -> None:
    assert outcome.jobs == {"view": 6, **TABLES}
