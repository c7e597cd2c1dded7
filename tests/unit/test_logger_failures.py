"""The logger plugin tells at once of a job that failed, in one line, whether Snakemake counts it as failed or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ablation.store.entries import Failure, folder_of, publish, write_spec
from ablation.store.files import write_json
from ablation.study.progress import CELLS
from ablation.study.stage import Stage, stage
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from test_logger_handler import RUN, Text, common, job_info, play, record, screen

__all__ = ["screen"]
REASON = "ValueError: no (net.py:3)"


@pytest.fixture
def tested(screen: Text, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The evaluation of a cell whose name is known."""
    trained = stage("train", model="cnn")
    made = stage("evaluate", [trained], model="cnn")
    for each in (trained, made):
        write_spec(each.spec)
    write_json(Path("cells.json"), {trained.key: "cnn/kernel_5"})
    monkeypatch.setenv(CELLS, "cells.json")
    return made


def told(screen: Text, made: Stage, last: Any, quiet: set[Quietness] | None = None) -> list[str]:
    """What the screen has of a job that is started and ends."""
    begin = record("Job stats:", event=LogEvent.RUN_INFO, stats=RUN)
    started = job_info(1, made.name, wildcards={"key": made.key})
    play(screen, [begin, started, last], common(quiet=quiet))
    return [text for text in screen.getvalue().splitlines() if "failed in" in text]


def test_a_cell_that_fails_when_it_is_tested(screen: Text, tested: Stage) -> None:
    failures = {f"evaluate/{tested.key}": Failure(REASON)}
    with publish(folder_of("evaluate", tested.key), failures):
        pass
    ended = record("Finished jobid: 1", event=LogEvent.JOB_FINISHED, job_id=1)
    assert told(screen, tested, ended) == [
        f"cnn/kernel_5 failed in evaluate: {REASON}; log: logs/evaluate/{tested.key}.log"
    ]


@pytest.mark.parametrize("own", [True, False])
def test_a_cell_without_a_failure_of_its_own_is_not_told_again(
    screen: Text, tested: Stage, own: bool
) -> None:
    (trained,) = tested.inputs
    with publish(
        folder_of("evaluate", tested.key), {f"train/{trained}": Failure(REASON)} if own else {}
    ):
        pass
    ended = record("Finished jobid: 1", event=LogEvent.JOB_FINISHED, job_id=1)
    assert told(screen, tested, ended) == []


@pytest.mark.parametrize("quiet", [None, {Quietness.RULES}])
def test_a_job_that_stops_the_run_gives_its_last_words(
    screen: Text, quiet: set[Quietness] | None
) -> None:
    prepared = stage("prepare", model="cnn")
    write_spec(prepared.spec)
    log = Path("logs", "prepare", f"{prepared.key}.log")
    log.parent.mkdir(parents=True)
    log.write_text(f"10:00:00 begins\n10:00:01 {REASON}\n", "utf-8")
    facts = {
        "jobid": 1,
        "rule_name": "prepare",
        "rule_msg": "",
        "input": [],
        "output": [],
        "aux": {},
    }
    ended = record(
        "Error in rule prepare", event=LogEvent.JOB_ERROR, **facts,
        log=[str(log)], conda_env=None, container_img=None, shellcmd="", indent=False,
    )  # fmt: skip
    assert told(screen, prepared, ended, quiet) == [f"cnn failed in prepare: {REASON}; log: {log}"]
