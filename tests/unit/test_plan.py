"""The table of stages: what each is made from, and what a change of the configuration makes anew."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ablation.results import verification
from ablation.stages.job import STAGES
from ablation.store.entries import MANIFEST
from ablation.store.files import write_json
from ablation.store.keys import key_of
from ablation.store.places import TEMPLATES
from ablation.study.config import resolve
from ablation.study.grid import build
from ablation.study.plan import Given, Plan
from test_verification import record

Config = dict[str, Any]
Change = Callable[[Config], Any]
ALL = set(STAGES)
EXPORTS = {"export_tables", "export_figures", "export_crate"}
SHOWN = {"report", "export_crate"}
FIGURES = {"plot", "export_figures"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def plan(config: Config) -> Plan:
    return Plan(build(config))


def test_every_stage_stands_after_what_it_is_made_from(plan: Plan) -> None:
    seen: set[str] = set()
    for key, stage in plan.stages.items():
        assert key == stage.key == key_of(stage.spec)
        assert set(stage.inputs) <= seen
        seen.add(key)
    assert {stage.name for stage in plan.stages.values()} == ALL
    assert {stage.name for stage in plan.default_stages} == ALL - EXPORTS - {"prepare", "check"}


def test_a_specification_is_the_same_read_back(plan: Plan) -> None:
    for stage in plan.stages.values():
        assert key_of(json.loads(json.dumps(stage.spec))) == stage.key


def test_inputs_are_of_the_stages_that_are_named(plan: Plan) -> None:
    for stage in plan.stages.values():
        for name, keys in stage.spec["inputs"].items():
            assert {plan.stages[key].name for key in keys} == {name}
            assert len(set(keys)) == len(keys)


def renewed(config: Config, change: Change) -> set[str]:
    """The stages of which a change of the configuration makes one anew."""
    other = copy.deepcopy(config)
    change(other)
    before, after = Plan(build(resolve(copy.deepcopy(config)))), Plan(build(resolve(other)))
    return {after.stages[key].name for key in after.stages.keys() - before.stages.keys()}


def report(**values: Any) -> Change:
    return lambda config: config["report"].update(values)


@pytest.mark.parametrize(
    ("change", "made"),
    [
        (lambda c: c["study"].update(seed=7), ALL),
        (lambda c: c["models"]["cnn"]["parameters"].update(epochs=20), ALL - {"prepare", "yardsticks"}),
        (lambda c: c["models"]["fnn"].update(replicates=12), ALL),
        (lambda c: c["statistics"].update(confidence=0.9),
         ALL - {"prepare", "check", "train", "evaluate", "yardsticks"}),
        (lambda c: c["models"]["cnn"]["axes"]["kernel"].update(values=[3, 5]),
         ALL - {"prepare", "train", "evaluate", "yardsticks"}),
        (report(language="zh"), {*FIGURES, "portraits", "export_tables", *SHOWN}),
        (report(palette="deep"), {*FIGURES, *SHOWN}),
        (report(title="Another"), SHOWN),
        (lambda c: c["export"].update(agent={"name": "A", "affiliation": "B"}), SHOWN),
        # The report prints the whole configuration.
        (lambda c: c["compute"].update(checkpoint_seconds=5), SHOWN),
    ],
)  # fmt: skip
def test_a_change_makes_anew_what_depends_on_it(
    config: Config, change: Change, made: set[str]
) -> None:
    assert renewed(config, change) == made


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("report", {"export_tables", *SHOWN}),
        ("figure", {*FIGURES, "portraits", "export_tables", *SHOWN}),
    ],
)
def test_a_mended_word_makes_anew_what_has_it(
    part: str,
    expected: set[str],
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = set(Plan(build(config)).stages)
    templates = shutil.copytree(TEMPLATES, tmp_path / "templates")
    with (templates / "locale" / "en" / f"{part}.po").open("a", encoding="utf-8") as stream:
        stream.write("# mended")
    monkeypatch.setattr("ablation.study.table.TEMPLATES", templates)
    after = Plan(build(config)).stages
    assert {after[key].name for key in after.keys() - before} == expected


def test_a_change_of_one_network_leaves_the_other(config: Config) -> None:
    before = Plan(build(config))
    kept = {stage.key for stages in (before.trained, before.evaluated) for stage in stages.values()
            if stage.spec["model"] == "fnn"}  # fmt: skip
    other = copy.deepcopy(config)
    other["models"]["cnn"]["parameters"]["epochs"] += 1
    assert kept <= Plan(build(other)).stages.keys()


def test_what_the_command_line_said_and_a_verification_make_the_report_anew(
    config: Config, plan: Plan
) -> None:
    def anew(other: Plan) -> set[str]:
        return {other.stages[key].name for key in other.stages.keys() - plan.stages.keys()}

    assert anew(Plan(plan.study)) == set()
    assert anew(Plan(plan.study, Given(("config/smoke.yaml",), ()))) == SHOWN
    assert anew(Plan(plan.study, Given((), ("study={seed: 1}",)))) == SHOWN
    verification.write(Path("results"), record())
    verified = Plan(plan.study)
    assert anew(verified) == SHOWN
    assert verified.reported.spec["verification"]["outcome"] == "identical"
    path = Path("results", verification.FILE)
    path.write_text(path.read_text("utf-8").replace('"seed": 7', '"seed": 8'), "utf-8")
    assert anew(Plan(plan.study)) == set()  # a damaged record is none


def test_only_data_and_the_crate_read_raw_files(plan: Plan) -> None:
    reading = {stage.name for stage in plan.stages.values() if stage.raw}
    assert reading == {"prepare", "export_crate"}
    for stage in plan.prepared.values():
        files = stage.spec["data"]["files"]
        assert {Path(path).name: digest for path, digest in stage.raw.items()} == files
        assert {Path(p).parent for p in stage.raw} == {
            Path("resources", stage.spec["data"]["dataset"])
        }


def test_what_people_read_has_its_usual_place(config: Config, plan: Plan) -> None:
    assert {c.name for c in plan.study.cells} == {
        target.removeprefix("results/").removesuffix("/metrics.json")
        for target in plan.copies
        if target.endswith("/metrics.json")
    }
    for target in ("report.html", "results/tables/cells.csv", "results/tables/draws.json",
                   f"results/tables/{MANIFEST}", "results/figures/cnn"):  # fmt: skip
        assert target in plan.copies
    assert set(plan.export_copies) == {
        f"results/export/{name}"
        for name in ("tables", "figures/fnn", "figures/cnn", "ro-crate", "ro-crate.zip")
    }
    config["study"]["name"] = "mine"
    mine = Plan(build(config))
    targets = [*mine.copies, *mine.export_copies]
    assert "report-mine.html" in targets
    assert all(t == "report-mine.html" or t.startswith("results/mine/") for t in targets)
    # The same cells, whatever the study is called.
    assert set(mine.trained) == set(plan.trained)
    assert mine.place("results/mine/cnn/kernel_5") is mine.study.by_name["cnn/kernel_5"]


def name_of(plan: Plan, key: str) -> str:
    return plan.name_of(SimpleNamespace(key=key))


def test_a_stage_has_the_name_of_its_cell_or_model(plan: Plan) -> None:
    cell = plan.study.by_name["cnn/kernel_7"]
    assert name_of(plan, cell.key) == name_of(plan, plan.evaluated[cell.key].key) == "cnn/kernel_7"
    assert name_of(plan, plan.prepared[cell.data_key].key) == "mnist-5k"
    assert name_of(plan, plan.figures["fnn"].key) == "fnn"
    assert name_of(plan, plan.portraits["cnn"].key) == "cnn"
    assert name_of(plan, plan.collected.key) == name_of(plan, plan.reported.key) == ""


def test_jobs_are_told_what_no_number_depends_on(plan: Plan) -> None:
    facts = json.loads(plan.environment["ABLATION_RUN"])
    assert set(facts) == {"device", "checkpoint_seconds", "mirrors", "sources"}
    assert facts["sources"]["boston"] == {
        "folder": "resources/boston",
        "files": plan.study.by_name["fnn/depth_2"].spec["data"]["files"],
        "from": "mlxtend",
        "repacked": {},
    }
    assert facts["device"] == plan.study.config["compute"]["device"]
    assert plan.environment["ABLATION_CELLS"] == "results/store/cells/default.json"


def test_a_cell_that_is_not_declared_is_named_with_those_that_are(plan: Plan) -> None:
    said = plan.undeclared("results/cnn/kernel_4/metrics.json")
    assert said.startswith(
        "results/cnn/kernel_4 is no configuration of study default; its configurations are: fnn/"
    )
    assert said.endswith("cnn/dropout_by_batchnorm_dropout-0.4_batchnorm-on.")


def test_a_cell_that_is_asked_for_at_the_place_of_another_study_is_shown_its_own(
    plan: Plan,
) -> None:
    assert plan.undeclared("results/full/cnn/kernel_5/metrics.json") == (
        "results/full/cnn/kernel_5 is of another study; of study default it is results/cnn/kernel_5/metrics.json."
    )


def test_the_tables_are_told_of_every_cell(plan: Plan) -> None:
    places = {
        cell["cell"]: cell
        for model in plan.collected.spec["models"]
        for axis in model["axes"]
        for cell in axis["cells"]
    }
    assert set(places) == set(plan.study.by_name)
    for name, cell in plan.study.by_name.items():
        place = places[name]
        assert (place["key"], place["prepared"]) == (cell.key, cell.data_key)
        assert place["evaluation"] == plan.evaluated[cell.key].key
        assert place["target"] == plan.view(cell)
        assert place["evaluation"] in plan.collected.spec["inputs"]["evaluate"]


def test_a_record_of_another_study_is_not_this_ones(config: Config, plan: Plan) -> None:
    write_json(Path("results/mine", verification.FILE), {})
    verification.write(Path("results/mine"), record())
    assert Plan(plan.study).reported == plan.reported
    config["study"]["name"] = "mine"
    assert Plan(build(config)).reported.spec["verification"] is not None
