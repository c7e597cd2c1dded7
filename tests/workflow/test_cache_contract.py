"""What runs again after which change: never too little, never too much. All of it dry runs.

``promise(n)`` names the promise of ``docs/contracts.md`` that a test shows.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from workflow_project import Planned, Project, prepared, promise

DRAWN = {"plot": 2, "portraits": 2, "report": 1}
TABLES = {"collect": 1, "draws": 1, **DRAWN}


def cells(train: int = 0, evaluate: int = 0, **others: int) -> dict[str, int]:
    """Jobs after a change to cells of one model, checked before they are trained; what is made of all cells follows."""
    checked = int(train > 0)
    found = {"check": checked, "train": train, "evaluate": evaluate or train, **others}
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


@promise(1)
@prepared(lambda project: project.plan())
def test_second_run_has_nothing_to_do(outcome: Planned) -> None:
    assert outcome.idle


@promise(2)
@prepared(configured(lambda c: c["models"]["fnn"]["axes"]["depth"]["values"].append(3)))
def test_one_more_value_trains_exactly_one_cell(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=1), ["fnn"])


@promise(2)
@prepared(
    configured(
        lambda c: c["models"]["cnn"]["axes"].update(
            pooling={"parameter": "pooling", "values": ["max", "average"]}
        )
    )
)
def test_a_new_axis_needs_no_code_and_trains_only_what_is_new(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=1), ["cnn"])


@promise(3)
@prepared(configured(lambda c: c["models"]["cnn"]["recipe"].update(learning_rate=0.002)))
def test_a_training_setting_of_the_cnn_trains_exactly_its_cells(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=2), ["cnn", "cnn"])


@promise(5)
@prepared(configured(lambda c: c["report"].update(title="Another title")))
def test_title_makes_the_report_alone(outcome: Planned) -> None:
    assert outcome.jobs == {"report": 1}


@promise(5)
@prepared(configured(lambda c: c["report"].update(palette="deep")))
def test_palette_makes_figures_and_report(outcome: Planned) -> None:
    assert outcome.jobs == {"plot": 2, "report": 1}


@promise(5)
@prepared(configured(lambda c: c["report"].update(language="zh")))
def test_language_makes_figures_and_report(outcome: Planned) -> None:
    assert outcome.jobs == DRAWN


@promise(5)
@prepared(configured(lambda c: c["statistics"].update(confidence=0.9)))
def test_confidence_judges_anew_and_trains_nothing(outcome: Planned) -> None:
    assert outcome.jobs == TABLES


@promise(5)
@prepared(configured(lambda c: c["compute"].update(checkpoint_seconds=5)))
def test_what_changes_no_number_trains_nothing(outcome: Planned) -> None:
    assert outcome.jobs == {"report": 1}


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


@promise(6)
@prepared(reformat)
def test_comments_format_and_docstrings_run_nothing(outcome: Planned) -> None:
    assert outcome.idle


@promise(6)
@prepared(coded("networks/mlp"))
def test_the_fnns_code_trains_exactly_its_cells(outcome: Planned) -> None:
    assert without_yardsticks(outcome) == Planned(cells(train=2), ["fnn", "fnn"])


@promise(6)
@prepared(coded("networks/convnet"))
def test_the_cnns_code_trains_exactly_its_cells(outcome: Planned) -> None:
    assert without_yardsticks(outcome) == Planned(cells(train=2), ["cnn", "cnn"])


@promise(6)
@prepared(coded("store/download", "store/entries", "stages/evaluate"))
def test_code_that_makes_no_cells_number_leaves_them(outcome: Planned) -> None:
    assert not {"prepare", "train", "evaluate", "yardsticks"} & set(outcome.jobs)


@promise(6)
@prepared(coded("data/boston"))
def test_the_fnns_splitting_trains_exactly_its_cells(outcome: Planned) -> None:
    jobs = cells(train=2, prepare=1, yardsticks=1)
    assert outcome == Planned(jobs, ["fnn", "fnn"])


@promise(6)
@prepared(coded("data/mnist"))
def test_the_cnns_splitting_trains_exactly_its_cells(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=2, prepare=1, yardsticks=1), ["cnn", "cnn"])


@promise(6)
@prepared(coded("training/loop"))
def test_shared_training_code_trains_all_cells(outcome: Planned) -> None:
    assert outcome.trained == ["cnn", "cnn", "fnn", "fnn"]


@promise(6)
@prepared(coded("training/optimisers/adam"))
def test_an_optimisers_code_trains_the_cells_that_it_steps(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=2), ["cnn", "cnn"])


@promise(6)
@prepared(coded("tasks/regression"))
def test_a_tasks_loss_and_scores_train_its_cells_alone(outcome: Planned) -> None:
    assert without_yardsticks(outcome) == Planned(cells(train=2), ["fnn", "fnn"])


@promise(6)
@prepared(coded("results/evaluation"))
def test_shared_evaluation_code_trains_nothing(outcome: Planned) -> None:
    assert without_yardsticks(outcome).jobs == cells(evaluate=4)


@promise(6)
@prepared(coded("statistics/verdicts"))
def test_statistics_code_makes_tables_and_what_follows(outcome: Planned) -> None:
    assert outcome.jobs == TABLES


@promise(6)
@prepared(coded("figures/curves", "report/render"))
def test_drawing_code_makes_figures_and_report(outcome: Planned) -> None:
    assert outcome.jobs == DRAWN


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


@promise(7)
@prepared(respelt)
def test_order_of_keys_and_spelling_of_numbers_run_nothing(outcome: tuple[Planned, str]) -> None:
    plan, text = outcome
    assert "replicates: 6.0" in text
    assert text.index("models:") < text.index("study:")
    assert plan.idle


@promise(9)
@prepared(
    configured(
        lambda c: c["models"]["fnn"]["axes"]["shape"]["values"]["flat"].update(
            hidden_layers=8, width=1
        )
    )
)
def test_two_fields_that_swap_their_values_train(outcome: Planned) -> None:
    assert outcome == Planned(cells(train=1), ["fnn"])


@promise(11)
@prepared(lambda project: (project.jobs("--forceall"), project))
def test_a_specification_on_several_axes_is_one_job(
    outcome: tuple[dict[str, int], Project],
) -> None:
    jobs, project = outcome
    assert (jobs["train"], jobs["evaluate"]) == (4, 4)
    assert project.view("fnn/depth_1")["key"] == project.view("fnn/shape_flat")["key"]
    assert len(list(project.path.glob("results/store/train/*"))) == 4


# What is removed


def removed(*stages: str) -> Callable[[Project], Planned]:
    """A dry run without some entries of a cell, or without all of a stage that has no cell."""

    def run(project: Project) -> Planned:
        entries = [project.store("fnn/depth_1", stage) for stage in stages]
        project.drop(*(str(entry.relative_to(project.path)) for entry in entries))
        return project.plan()

    return run


@prepared(removed("train"))
def test_a_removed_entry_is_made_again(outcome: Planned) -> None:
    assert outcome == Planned({"train": 1}, ["fnn"])


@prepared(removed("evaluate"))
def test_a_removed_evaluation_is_made_again_without_training(outcome: Planned) -> None:
    assert outcome == Planned({"evaluate": 1}, [])


@prepared(removed("prepare"))
def test_data_that_nothing_reads_are_not_made_again(outcome: Planned) -> None:
    assert outcome.idle


def evaluated_again(project: Project) -> Planned:
    project.change_code("results/evaluation")
    return removed("prepare")(project)


@prepared(evaluated_again)
def test_data_that_are_made_again_train_nothing(outcome: Planned) -> None:
    assert outcome == Planned(cells(evaluate=4, prepare=1), [])


def without_a_weight(project: Project) -> Planned:
    (project.store("fnn/depth_1") / "model.safetensors").unlink()
    return project.plan()


@prepared(without_a_weight)
def test_an_entry_that_lacks_a_file_is_made_again(outcome: Planned) -> None:
    assert outcome == Planned({"train": 1}, ["fnn"])


SHOWN = ("results/fnn", "results/cnn", "results/tables", "results/figures", "report.html")


def shown_again(project: Project) -> tuple[Planned, bool]:
    before = project.files(*SHOWN)
    project.drop(*SHOWN)
    return project.made(), project.files(*SHOWN) == before


@prepared(shown_again)
def test_what_people_read_comes_back_from_the_store_without_a_job(
    outcome: tuple[Planned, bool],
) -> None:
    planned, same = outcome
    assert planned.idle
    assert same
