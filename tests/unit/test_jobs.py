"""What every job does: it reads its specification and inputs, believes neither unread, and publishes whole."""

from __future__ import annotations

import errno
import json
import logging
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ablation import cli
from ablation.stages import failures
from ablation.stages import job as jobs
from ablation.stages.job import Inputs, Spec, entry_of, run
from ablation.store.code import OtherCodeError, code_of
from ablation.store.entries import (
    CHECKPOINTS,
    MANIFEST,
    Failure,
    StoreError,
    find,
    publish,
    require,
    spec_path,
    write_spec,
)
from ablation.store.files import write_json
from ablation.study.progress import CELLS, FOLLOWED, Outcome, outcome, say_trained
from ablation.study.stage import Stage, stage

KILLED = Failure("killed by signal 9", ("epoch 1",))
CODE = code_of("ablation.store.keys")


def seen(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Stands for a stage: it writes what it was given."""
    keys = {name: list(group) for name, group in inputs.items()}
    text = entry_of(inputs, "collect").folder.joinpath("content").read_text()
    write_json(draft / "seen.json", {"spec": spec, "inputs": keys, "text": text, "facts": facts})


@pytest.fixture
def collected() -> Stage:
    return stage("collect", code=CODE)


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collected: Stage) -> Stage:
    """A stage of one input, which is there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jobs, "import_module", lambda name: SimpleNamespace(draws=seen, name=name))
    made = stage("draws", [collected], code=CODE)
    for each in (collected, made):
        write_spec(each.spec)
    with publish(collected.folder) as draft:
        (draft / "content").write_text("numbers")
    return made


def test_a_job_is_given_its_specification_and_inputs(drawn: Stage, collected: Stage) -> None:
    saved = CHECKPOINTS / drawn.key / "checkpoint.safetensors"
    saved.parent.mkdir(parents=True)
    saved.touch()
    run("draws", drawn.key, {"device": "cpu"})
    entry = require(drawn.folder)
    assert (entry.failures, set(entry.files)) == ({}, {"seen.json"})
    assert entry.read("seen.json") == {
        "spec": drawn.spec,
        "inputs": {"collect": [collected.key]},
        "text": "numbers",
        "facts": {"device": "cpu"},
    }
    assert not saved.parent.exists()  # what is published needs none


def fails(*_: Any) -> None:
    raise MemoryError


def test_a_job_takes_what_was_made_for_it_ahead(
    drawn: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("draws", drawn.key, {"device": "cpu"}, ahead=True)
    assert find(drawn.folder) is None
    made = require(CHECKPOINTS / drawn.key)
    monkeypatch.setattr(jobs, "import_module", lambda name: SimpleNamespace(draws=fails))
    run("draws", drawn.key, {"device": "cpu"})
    assert require(drawn.folder).files == made.files
    assert not made.folder.exists()


def test_what_was_made_ahead_and_damaged_is_made_anew(drawn: Stage) -> None:
    run("draws", drawn.key, {"device": "other"}, ahead=True)
    (CHECKPOINTS / drawn.key / "seen.json").write_text("{}")
    run("draws", drawn.key, {"device": "cpu"})
    assert require(drawn.folder).read("seen.json")["facts"] == {"device": "cpu"}


def test_nothing_is_made_ahead_of_what_failed(drawn: Stage, collected: Stage) -> None:
    shutil.rmtree(collected.folder)
    with publish(collected.folder, {f"train/{'0' * 16}": KILLED}) as draft:
        (draft / "content").write_text("numbers")
    run("draws", drawn.key, {}, ahead=True)
    assert not (CHECKPOINTS / drawn.key).exists()


def test_failures_are_handed_on(drawn: Stage, collected: Stage) -> None:
    shutil.rmtree(collected.folder)
    why = {f"train/{'0' * 16}": KILLED}
    with publish(collected.folder, why) as draft:
        (draft / "content").write_text("numbers")
    run("draws", drawn.key, {})
    entry = require(drawn.folder)
    assert (entry.failures, entry.failure) == (why, None)


def test_a_damaged_input_is_refused(drawn: Stage, collected: Stage) -> None:
    (collected.folder / "content").write_text("nunbers")
    with pytest.raises(StoreError, match=f"{collected.folder} is missing or damaged"):
        run("draws", drawn.key, {})
    shutil.rmtree(collected.folder)
    with pytest.raises(StoreError, match=f"{collected.folder} is missing or damaged"):
        run("draws", drawn.key, {})
    assert not drawn.folder.exists()


def test_another_specification_is_refused(drawn: Stage) -> None:
    with pytest.raises(StoreError, match=f"{drawn.key} is a key of draws, not of report"):
        run("report", drawn.key, {})
    path = spec_path(drawn.key)
    path.write_text(path.read_text().replace("collect", "collecT"))
    with pytest.raises(StoreError, match=f"{path} is missing or damaged"):
        run("draws", drawn.key, {})


def test_other_code_is_refused(drawn: Stage, collected: Stage) -> None:
    other = stage("draws", [collected], code={**CODE, "digest": "0" * 16})
    write_spec(other.spec)
    with pytest.raises(OtherCodeError, match="changed after the workflow was read; start it again"):
        run("draws", other.key, {})
    assert not other.folder.exists()


def test_a_job_that_fails_leaves_its_checkpoint_and_nothing_else(
    drawn: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
        (draft / "half").touch()
        raise MemoryError

    monkeypatch.setattr(jobs, "import_module", lambda name: SimpleNamespace(draws=fails))
    (CHECKPOINTS / drawn.key).mkdir(parents=True)
    with pytest.raises(MemoryError):
        run("draws", drawn.key, {})
    assert list(drawn.folder.parent.iterdir()) == []
    assert (CHECKPOINTS / drawn.key).is_dir()


# The command line


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ablation", *words])
    monkeypatch.setenv(cli.RUN_FACTS, json.dumps({"device": "cpu"}))
    return cli.main()


def test_the_command_of_a_rule(
    drawn: Stage,
    collected: Stage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert call(monkeypatch, "draws", drawn.key) == 0
    assert require(drawn.folder).read("seen.json")["facts"] == {"device": "cpu"}
    shutil.rmtree(drawn.folder)
    (collected.folder / MANIFEST).unlink()
    caplog.set_level(logging.INFO)
    assert call(monkeypatch, "draws", drawn.key) == 1
    assert caplog.messages == [
        f"StoreError: {collected.folder} is missing or damaged (manifest.json): start the run again, which makes it anew"
    ]


def test_a_failure_is_recorded_in_place_of_a_result(
    drawn: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("a.log").write_text("10:00:00 ValueError: no\n", "utf-8")
    assert call(monkeypatch, "fail", "train", drawn.key, "1", "a.log") == 0
    entry = find(Path("results/store/train", drawn.key))
    assert entry is not None
    assert entry.failure == Failure("ValueError: no", ("10:00:00 ValueError: no",))


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("1", "ImportError: libtorch_cpu.so: failed to map segment from shared object"),
        ("1", "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 8"),
        ("1", "ArrayMemoryError: Unable to allocate 8 GiB"),
        ("139", "OpenBLAS blas_thread_init: pthread_create failed: Cannot allocate memory"),
        ("1", "RuntimeError: can't start new thread"),
    ],
)
def test_a_failure_for_lack_of_memory_says_so(
    drawn: Stage, monkeypatch: pytest.MonkeyPatch, status: str, text: str
) -> None:
    Path("a.log").write_text(f"10:00:00 {text}\n", "utf-8")
    assert call(monkeypatch, "fail", "train", drawn.key, status, "a.log") == 0
    failure = failures.failure_of("train", drawn.key)
    assert failure is not None and failure.endswith(" (memory is short)")


def test_a_failure_that_finds_no_room_is_told_with_its_reason(
    drawn: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    Path("a.log").write_text("10:00:00 ValueError: no\n", "utf-8")
    monkeypatch.setattr(jobs, "publish", full)
    assert call(monkeypatch, "fail", "train", drawn.key, "1", "a.log") == 1
    assert caplog.messages == [
        f"StoreError: train {drawn.key} failed: ValueError: no; "
        "this could not be written down: No space left on device"
    ]


def test_a_training_that_was_published_has_not_failed(
    drawn: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its process may be killed in the evaluation after it."""
    with publish(Path("results/store/train", drawn.key)) as draft:
        (draft / "content").touch()
    assert call(monkeypatch, "fail", "train", drawn.key, "137", "a.log") == 0
    entry = require(Path("results/store/train", drawn.key))
    assert (entry.failures, capsys.readouterr().out) == ({}, "")


def evaluation_of_a_cell(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The evaluation of a cell whose name is known."""
    trained = stage("train", model="cnn", code=CODE)
    made = stage("evaluate", [trained], model="cnn", code=CODE)
    for each in (trained, made):
        write_spec(each.spec)
    write_json(Path("cells.json"), {trained.key: "cnn/kernel_5"})
    monkeypatch.setenv(CELLS, "cells.json")
    return made


@pytest.fixture
def training(drawn: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A training that leaves a file, and the evaluation that reads it."""

    def trains(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
        (draft / "model").write_text("weights")

    def tests(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
        shutil.copyfile(entry_of(inputs, "train").folder / "model", draft / "metrics")

    stages = SimpleNamespace(train=trains, evaluate=tests, turn=nullcontext)
    monkeypatch.setattr(jobs, "import_module", lambda name: stages)
    monkeypatch.setenv(FOLLOWED, "1")
    return evaluation_of_a_cell(monkeypatch)


def test_a_training_tests_what_it_has_published(
    training: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    (trained,) = training.inputs
    assert call(monkeypatch, "train", trained, "--evaluation", training.key) == 0
    require(Path("results/store/train", trained))
    made = require(CHECKPOINTS / training.key)
    assert (made.folder / "metrics").read_text() == "weights"


def test_a_test_that_fails_after_a_training_is_left_to_its_own_job(
    training: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (trained,) = training.inputs
    spec_path(training.key).unlink()
    assert call(monkeypatch, "train", trained, "--evaluation", training.key) == 0
    require(Path("results/store/train", trained))
    assert caplog.messages[-1].startswith("The evaluation is left to its own job: StoreError: ")
    monkeypatch.setattr(cli, "resolves_to_cuda", lambda device: True)
    write_spec(training.spec)
    assert call(monkeypatch, "train", trained, "--evaluation", training.key) == 0
    assert not (CHECKPOINTS / training.key).exists()  # a GPU is given back first


# A failure is told at once


@pytest.fixture
def tested(drawn: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """An evaluation in a run that nobody follows."""
    monkeypatch.delenv(FOLLOWED, raising=False)
    return evaluation_of_a_cell(monkeypatch)


def test_a_failed_cell_is_told_by_its_name(
    tested: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.log").write_text("10:00:00 ValueError: no (net.py:3)\n", "utf-8")
    words = ["fail", "evaluate", tested.key, "1", "a.log"]
    assert call(monkeypatch, *words) == 0
    assert capsys.readouterr().out == (
        "cnn/kernel_5 failed in evaluate: ValueError: no (net.py:3); "
        f"log: logs/evaluate/{tested.key}.log\n"
    )
    assert failures.failure_of("evaluate", tested.key) == "ValueError: no (net.py:3)"
    (trained,) = tested.inputs
    assert failures.failure_of("train", trained) is None
    assert failures.line("train", trained, "killed").startswith("cnn/kernel_5 failed in train: k")
    monkeypatch.setenv(FOLLOWED, "1")
    assert call(monkeypatch, *words) == 0
    assert capsys.readouterr().out == ""


def test_a_job_of_more_than_a_cell_is_told_and_stays_failed(
    tested: Stage, drawn: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Path("a.log")
    for status, reason in ((1, "ValueError: no"), (137, "killed by signal 9 (by hand, or ")):
        log.write_text("10:00:00 ValueError: no\n", "utf-8")
        with pytest.raises(SystemExit) as ended:
            call(monkeypatch, "fail", "draws", drawn.key, str(status), "a.log")
        assert ended.value.code == 1
        assert capsys.readouterr().out.startswith(f"the study failed in draws: {reason}")
        assert log.read_text("utf-8").splitlines()[-1].partition(" ")[2].startswith(reason)
    assert find(drawn.folder) is None
    assert failures.line("draws", "0" * 16, "no").startswith("0000000000000000 failed in draws: no")


def test_the_last_line_of_a_log_blames_a_line_of_code(
    drawn: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("my\nown bug")

    monkeypatch.setattr(jobs, "import_module", lambda name: SimpleNamespace(draws=fails))
    assert call(monkeypatch, "draws", drawn.key) == 1
    place = f"{Path(__file__)}:{fails.__code__.co_firstlineno + 1}"
    assert caplog.messages[-1] == f"ValueError: my own bug ({place})"
    assert caplog.records[0].exc_info is not None


def test_what_is_made_of_failed_data_fails_like_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    prepared = stage("prepare", data={"dataset": "mnist-5k"}, code=CODE)
    trained = stage("train", [prepared], model="cnn", code=CODE)
    tested = stage("evaluate", [trained, prepared], model="cnn", code=CODE)
    yardsticks = stage("yardsticks", [prepared], model="cnn", code=CODE)
    checked = stage("check", [prepared], model="cnn", cells={trained.key: "cnn/a"}, code=CODE)
    for each in (prepared, checked, trained, tested, yardsticks):
        write_spec(each.spec)
    Path("a.log").write_text("10:00:00 ValueError: no\n", "utf-8")
    assert call(monkeypatch, "fail", "prepare", prepared.key, "1", "a.log") == 0
    assert capsys.readouterr().out.startswith("mnist-5k failed in prepare: ValueError: no; log: ")
    for each in (checked, trained, tested, yardsticks):
        assert call(monkeypatch, each.name, each.key) == 0
        assert list(require(each.folder).failures) == [f"prepare/{prepared.key}"]
        assert failures.failure_of(each.name, each.key) is None
    assert require(tested.folder).read("metrics.json")["status"]["failed"] == "ValueError: no"
    assert require(yardsticks.folder).read("yardsticks.json") == {}
    assert outcome(trained.key) == Outcome(failed="ValueError: no")
    assert capsys.readouterr().out == ""


def test_what_an_entry_holds_is_shown(
    drawn: Stage, collected: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the target's own name, by a name that is given, or all of it; a damaged one is not."""
    manifest = collected.manifest
    assert call(monkeypatch, "show", manifest, "shown/content", f"shown/{MANIFEST}") == 0
    assert call(monkeypatch, "show", manifest, "report.html", "--source", "content") == 0
    assert call(monkeypatch, "show", manifest, "all") == 0
    for path in ("shown/content", "report.html", "all/content"):
        assert Path(path).read_text() == "numbers"
    assert Path("shown", MANIFEST).read_bytes() == Path(manifest).read_bytes()
    (collected.folder / "content").write_text("damaged")
    assert call(monkeypatch, "show", manifest, "other/content") == 1
    assert not Path("other").exists()


# Who trains is told of


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of three cells: one is trained, one failed, one is missing."""
    monkeypatch.chdir(tmp_path)
    keys = [letter * 16 for letter in "abc"]
    write_json(Path("cells.json"), {key: f"cnn/{key[0]}" for key in keys})
    monkeypatch.setenv(CELLS, "cells.json")
    monkeypatch.delenv(FOLLOWED, raising=False)
    with publish(Path("results/store/train", keys[0])) as draft:
        write_json(draft / "run.json", {"cost": {"seconds": 12.34}})
    with publish(Path("results/store/train", keys[1]), {f"train/{keys[1]}": KILLED}):
        pass
    return keys


def test_a_trained_cell_is_told_with_how_far_the_study_is(
    trained: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say_trained(trained[0])
    assert capsys.readouterr().out == "cnn/a trained in 12.3 s; 1 of 3 configurations done\n"
    monkeypatch.setenv(FOLLOWED, "1")
    say_trained(trained[0])
    assert capsys.readouterr().out == ""


def test_without_the_names_a_cell_has_its_key(
    trained: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("cells.json").unlink()
    say_trained(trained[0])
    assert (
        capsys.readouterr().out == f"{trained[0]} trained in 12.3 s; 0 of 0 configurations done\n"
    )
