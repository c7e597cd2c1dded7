"""What is there, what is to be made, what failed, and what the names of targets stand for."""

import shutil
from pathlib import Path

import pytest
from ablation.store.entries import find, read_spec, spec_path
from ablation.store.files import read_json
from ablation.study.plan import Plan
from ablation.study.shelf import Shelf
from ablation.study.stage import Stage
from unit_shelf import (
    KILLED,
    aside,
    begin,
    everything,
    make,
    missing,
    names,
    said,
    spoil,
    state,
)

# What is missing


def test_of_nothing_all_is_made(plan: Plan) -> None:
    assert begin(plan) == []
    assert said == []
    assert len(missing(plan)) == len(everything(plan))
    assert "export_tables" not in missing(plan)


def test_what_is_there_is_settled_and_asks_for_nothing(made: Plan) -> None:
    before = state()
    assert begin(made) == []
    assert (said, missing(made)) == ([], [])
    assert state() == before
    shelf = Shelf(made)
    assert all(shelf.inputs(stage.key) == [] for stage in everything(made))


def test_a_check_finds_the_specifications_of_cells_that_are_not_asked_for(plan: Plan) -> None:
    """Where a single cell is asked for, no other one's job asks for its own."""
    (check, *_) = plan.checked.values()
    assert len(check.spec["cells"]) > 1
    Shelf(plan).inputs(check.key)
    assert all(read_spec(key)["stage"] == "train" for key in check.spec["cells"])


def test_only_what_a_missing_stage_reads_is_made_with_it(made: Plan) -> None:
    """A cell's weights are not made again for a figure, nor the data for what does not read them."""
    for stage in (*made.trained.values(), *made.prepared.values()):
        shutil.rmtree(stage.folder)
    assert missing(made, made.reported, *made.evaluated.values()) == []
    assert set(missing(made)) == {"prepare", "train"}  # the trained cells themselves are wanted
    make(made.trained.values())
    shutil.rmtree(made.figures["cnn"].folder)
    assert missing(made) == ["plot"]
    shutil.rmtree(made.drawn.folder)
    assert missing(made) == [*["prepare"] * len(made.prepared), "draws", "plot"]
    assert missing(made, made.figures["fnn"]) == []


def test_keys_that_count_as_missing_are_made_again(made: Plan) -> None:
    again = Shelf(made).to_make(made.default_stages, frozenset({made.collected.key}))
    assert names(again) == ["collect"]


def test_a_missing_stage_names_what_it_is_made_from(plan: Plan) -> None:
    cell = plan.study.by_name["cnn/kernel_3"]
    stage, shelf = plan.evaluated[cell.key], Shelf(plan)
    expected = [plan.trained[cell.key].manifest, plan.prepared[cell.data_key].manifest]
    assert shelf.inputs(stage.key) == expected
    assert read_spec(stage.key) == stage.spec
    data = plan.prepared[cell.data_key]
    assert shelf.inputs(data.key) == ["resources/mnist-5k/mnist_5k.csv.gz"]
    make([stage])
    spec_path(stage.key).unlink()
    assert Shelf(plan).inputs(stage.key) == []
    assert not spec_path(stage.key).exists()
    assert Shelf(plan).inputs(stage.key, everything=True) == expected


# Failures


def test_a_failure_goes_with_all_that_was_made_of_it(plan: Plan) -> None:
    cell = plan.study.by_name["cnn/kernel_9"]
    key, why = cell.key, {f"train/{cell.key}": KILLED}
    follows = [plan.trained[key], plan.evaluated[key], plan.collected, plan.drawn, plan.reported]
    follows += [plan.figures["cnn"], plan.portraits["cnn"]]
    make(follows, why)
    make(stage for stage in everything(plan) if stage not in follows)
    shelf = Shelf(plan)
    assert set(shelf.failed()) == {stage.key for stage in follows}
    assert shelf.failed_cells() == ["cnn/kernel_9"]
    assert missing(plan) == []  # they are there until a run begins
    begin(plan)
    assert said == []
    assert set(missing(plan)) == set(names(follows))
    assert not any(stage.folder.exists() for stage in follows)
    assert not aside(follows[0])
    kept = [stage for stage in everything(plan) if stage not in follows]
    assert all(find(stage.folder) for stage in kept)


def test_a_job_that_was_cut_off_keeps_what_it_had_finished(plan: Plan) -> None:
    first, second, third, *_ = plan.trained.values()
    evaluated = next(s for s in plan.evaluated.values() if second.key in s.inputs)
    make([first, third])
    make([second, evaluated], {f"train/{second.key}": KILLED})
    (third.folder / "model.safetensors").unlink()
    keys = [first.key, second.key, third.key, evaluated.key]
    shelf = Shelf(plan)
    assert shelf.take_up(keys) == {first.manifest}
    assert [stage.folder.exists() for stage in (first, second, third, evaluated)] == [
        True,
        False,
        True,
        False,
    ]
    assert shelf.inputs(first.key) == []
    assert second.manifest in shelf.inputs(evaluated.key)


def test_a_dry_run_says_what_it_does_not_show(made: Plan) -> None:
    cell = made.study.by_name["cnn/kernel_9"]
    stage = made.evaluated[cell.key]
    shutil.rmtree(stage.folder)
    make([stage], {f"evaluate/{stage.key}": KILLED})
    shown = [made.table("cells.csv"), made.view(made.study.by_name["cnn/kernel_3"])]
    for path in shown:
        Path(path).write_text("other")
    spoil(made.drawn, "draws.json")
    before = state()
    begin(made, real=False)
    stale = ", ".join(sorted(shown, key=list(made.copies).index))
    assert said == [
        f"A real run would also try again cnn/kernel_9, which failed; and copy from the store {stale}."
    ]
    assert state() == before


@pytest.mark.parametrize("what", ["failed", "stale", "neither"])
def test_the_note_of_a_dry_run_is_as_long_as_it_must_be(made: Plan, what: str) -> None:
    cell = made.study.by_name["cnn/kernel_9"]
    if what == "failed":
        shutil.rmtree(made.trained[cell.key].folder)
        make([made.trained[cell.key]], {f"train/{cell.key}": KILLED})
    elif what == "stale":
        Path(made.report_file).unlink()
    begin(made, real=False)
    assert (
        said
        == {
            "failed": ["A real run would also try again cnn/kernel_9, which failed."],
            "stale": ["A real run would also copy from the store report.html."],
            "neither": [],
        }[what]
    )


# Targets and names


def test_targets_stand_for_their_stages(plan: Plan) -> None:
    cell = plan.study.by_name["cnn/kernel_3"]
    trained = plan.trained[cell.key]

    def asked(*targets: str) -> list[Stage]:
        return plan.asked_for(targets)

    assert asked() == asked("all") == plan.default_stages
    assert asked("report.html", "./results/tables/../tables/cells.csv") == [
        plan.reported,
        plan.collected,
    ]
    assert asked("results/cnn/kernel_3/metrics.json") == [plan.evaluated[cell.key]]
    assert asked(trained.manifest) == [trained]
    assert asked("results/export/ro-crate.zip") == [plan.exported["ro-crate"]]
    assert asked("results/export/figures/cnn") == [plan.exported["figures/cnn"]]
    of_all = [stage for stage in plan.stages.values() if stage.name != "prepare"]
    unknown = f"results/store/train/{'0' * 16}/manifest.json"
    assert asked("export") == asked("some_rule") == asked(unknown) == of_all


def test_a_run_writes_the_names_of_its_cells(plan: Plan) -> None:
    begin(plan, real=False)
    assert not Path(plan.names_file).exists()
    begin(plan)
    assert read_json(Path(plan.names_file)) == {
        key: cell.name for key, cell in plan.study.by_key.items()
    }


def test_a_specification_that_is_gone_is_written_again(made: Plan) -> None:
    path = spec_path(made.evaluated[made.study.by_name["cnn/kernel_3"].key].key)
    begin(made)
    before = path.read_bytes()
    path.unlink()
    begin(made, real=False)
    assert not path.exists()
    begin(made)
    assert path.read_bytes() == before
