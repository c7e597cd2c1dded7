"""The logger plugin at its edges: a growing log, Snakemake's events, the two kinds of screen."""

from __future__ import annotations

import io
import json
import logging
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ablation.store.entries import Failure, folder_of, publish
from ablation.store.files import write_json
from ablation.study.progress import CELLS, FOLLOWED, Report, progress_file
from rich.console import Console
from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_ablation import LogHandler, LogHandlerSettings, handler
from snakemake_logger_plugin_ablation import study as states
from snakemake_logger_plugin_ablation.screen import Stream, Terminal
from snakemake_logger_plugin_ablation.tail import Tail
from test_logger_study import epoch, running

KEY = "0123456789abcdef"


def line(number: int, **facts: Any) -> str:
    """What a training tells after an epoch."""
    return json.dumps({"epoch": number, "epochs": 15, **facts})


class Text(io.StringIO):
    """What is on the screen."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


# A growing file


def test_a_file_that_comes_late_grows_and_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    tail = Tail(path)
    assert tail.read() is None
    path.write_text(f"{line(1)}\n{line(2)[:9]}", "utf-8")
    assert tail.read() == Report(1, 15)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"{line(2)[9:]}\n")
    assert tail.read() == Report(2, 15)
    assert tail.read() is None
    path.write_text("", "utf-8")
    assert tail.read() is None
    path.write_text(f"{line(1)}\n", "utf-8")
    assert tail.read() == Report(1, 15)
    path.unlink()
    assert tail.read() is None


def test_what_an_earlier_run_told_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{line(9)}\n", "utf-8")
    tail = Tail(path)
    assert tail.read() is None
    path.write_text(f"{line(10)}\n", "utf-8")
    assert tail.read() == Report(10, 15)


def test_a_job_that_is_over_is_read_whatever_there_was_before(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{line(15)}\n", "utf-8")
    assert Tail(path).read(ended=True) == Report(15, 15)


# Snakemake's events


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Text:
    monkeypatch.chdir(tmp_path)
    for name in (FOLLOWED, CELLS):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(handler, "POLL", 3600)
    return Text()


def common(**changes: Any) -> Any:
    settings = {
        **{"printshellcmds": False, "nocolor": False, "quiet": None, "debug_dag": False},
        **{"verbose": False, "show_failed_logs": False, "stdout": False, "dryrun": False},
    }
    return SimpleNamespace(**{**settings, **changes})


def record(message: str | None, level: int = logging.INFO, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", level, "", 0, message, None, None)
    made.__dict__.update(extra)
    return made


def job_info(job: int, rule: str, **given: Any) -> logging.LogRecord:
    facts = {
        **{"jobid": job, "rule_name": rule, "rule_msg": f"Do {rule}", "log": [], "output": ["x"]},
        **{"wildcards": {}, "reason": "why", "local": True, "is_checkpoint": False},
        **given,
    }
    return record(f"Rule: {rule}", event=LogEvent.JOB_INFO, **facts)


def train_info(job: int) -> logging.LogRecord:
    output = f"results/store/train/{KEY}/manifest.json"
    return job_info(job, "train", output=[output], wildcards={"key": KEY})


ALL = ["a" * 16, "b" * 16, "c" * 16]
RUN = {"train": 1, "show_cell": 2, "total": 3}


def trained(key: str, failed: str | None = None) -> None:
    """What a training leaves."""
    failures = {f"train/{key}": Failure(failed)} if failed else {}
    with publish(folder_of("train", key), failures) as draft:
        if not failed:
            write_json(draft / "run.json", {"cost": {"seconds": 12.34}})


def tell(*lines: str) -> None:
    path = progress_file(KEY)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{each}\n" for each in lines), "utf-8")


FIGURES = {"val_loss": 0.25, "val_accuracy": 0.9125}


def a_run(failed: str | None = None) -> list[logging.LogRecord]:
    """The events of a run that trains one cell; its files as they are in the end."""
    write_json(Path("cells.json"), {KEY: "cnn/kernel_5"})
    trained(KEY, failed)
    tell(line(14), line(15, **FIGURES, seconds_left=0.0))
    return [
        record("Building DAG of jobs..."),
        record("Job stats:", event=LogEvent.RUN_INFO, stats=RUN),
        record("Select jobs to execute..."),
        record("Execute 1 jobs...", event=LogEvent.JOB_STARTED, jobs=[1]),
        train_info(1),
        record("None", event=LogEvent.SHELLCMD),
        record("Finished jobid: 1", event=LogEvent.JOB_FINISHED, job_id=1),
        record("None", event=LogEvent.PROGRESS, done=1, total=3),
        record("Complete log(s): x"),
    ]


def make(screen: Text, settings: Any = None, every: int = 30) -> LogHandler:
    with redirect_stderr(screen):
        return LogHandler(settings or common(), LogHandlerSettings(every=every))


def play(screen: Text, records: list[logging.LogRecord], settings: Any = None) -> None:
    made = make(screen, settings)
    for each in records:
        made.handle(each)
    made.close()


def test_a_run_away_from_a_terminal(screen: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CELLS, "cells.json")
    play(screen, a_run())
    assert screen.getvalue().splitlines() == [
        "Building DAG of jobs...",
        "Job stats:",
        "cnn/kernel_5 started",
        "cnn/kernel_5 trained in 12.3 s (epoch 15/15, val_loss 0.25, val_accuracy 0.9125);"
        " 1 of 1 configurations trained, 1 of 3 jobs done",
        "Complete log(s): x",
        "1 of 1 configurations trained, 1 of 3 jobs done",
    ]


def test_a_failed_cell_is_told_without_control_characters(screen: Text) -> None:
    play(screen, a_run("bad \x1b[31mluck\x07 <script>\r\n"))
    said = [line for line in screen.getvalue().split("\n") if "failed" in line]
    assert said == [f"{KEY} failed: bad  [31mluck  <script>  ; 1 of 3 jobs done"]


def test_cells_that_are_there_count_and_failed_ones_do_not(
    screen: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CELLS, "cells.json")
    records = a_run()
    write_json(Path("cells.json"), {key: f"cnn/{key}" for key in (KEY, *ALL)})
    trained(ALL[0])
    trained(ALL[1], "killed")
    play(screen, records)
    assert screen.getvalue().endswith("2 of 4 configurations trained, 1 of 3 jobs done\n")


def test_nothing_is_needed_of_the_files_that_a_job_leaves(screen: Text) -> None:
    records = [
        record("Job stats:", event=LogEvent.RUN_INFO, stats=RUN),
        train_info(1),
        record("Finished jobid: 1", event=LogEvent.JOB_FINISHED, job_id=1),
        record("Finished jobid: 9", event=LogEvent.JOB_FINISHED, job_id=9),
    ]
    play(screen, records)
    assert f"{KEY} trained; 1 of 3 jobs done" in screen.getvalue()
    assert "Traceback" not in screen.getvalue()


def test_an_event_of_another_form_is_shown_as_snakemake_would(
    screen: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    play(screen, [record("Job stats: none", event=LogEvent.RUN_INFO)])
    assert screen.getvalue() == "Job stats: none\n"


def test_the_poll_tells_of_epochs(screen: Text) -> None:
    made = make(screen, every=0)
    made.handle(train_info(1))
    tell(line(3, **FIGURES, seconds_left=24.0))
    made._read(1)
    made.close()
    assert "epoch 3/15, val_loss 0.25, val_accuracy 0.9125, about 24 s left" in screen.getvalue()


# Everything else is as before

ERRORS = [
    record("models.fnn.replicates: 7 is no multiple of 6.", logging.ERROR),
    record("<script>alert(1)</script> [bold]x[/bold]", logging.WARNING),
    record("Nothing to be done"),
    record("debugging", logging.DEBUG),
    record("ended", logging.ERROR, event=LogEvent.ERROR, exception="WorkflowError"),
    record(
        "Error in rule prepare, jobid: 3",
        logging.ERROR,
        **{"event": LogEvent.JOB_ERROR, "jobid": 3, "rule_name": "prepare", "rule_msg": None},
        **{"input": ["a"], "output": ["b"], "log": ["c"], "conda_env": None, "aux": {}},
        shellcmd="false",
    ),
    job_info(3, "show_cell"),
]
QUIET = [None, {Quietness.RULES}, {Quietness.PROGRESS}, {Quietness.ALL}]


def as_before(records: list[logging.LogRecord], settings: Any) -> str:
    """What Snakemake's own handler prints."""
    text = Text()
    own = ColorizingTextHandler(
        settings.nocolor,
        text,
        DefaultFormatter(settings.quiet, settings.show_failed_logs),
        DefaultFilter(
            settings.quiet,
            settings.debug_dag,
            settings.verbose,
            settings.dryrun,
            settings.printshellcmds,
        ),
    )
    for each in records:
        own.handle(each)
    return text.getvalue()


@pytest.mark.parametrize("quiet", QUIET)
def test_errors_and_warnings_are_those_of_snakemake(screen: Text, quiet: Any) -> None:
    settings = common(quiet=quiet)
    made = make(screen, settings)
    for each in ERRORS[:-1]:
        made.handle(each)
    assert screen.getvalue() == as_before(ERRORS[:-1], settings)
    if quiet != {Quietness.ALL}:
        assert "models.fnn.replicates" in screen.getvalue()
    made.close()


@pytest.mark.parametrize(
    "settings",
    [common(dryrun=True), common(quiet={Quietness.PROGRESS}), common(quiet={Quietness.ALL})],
)
def test_a_dry_run_and_a_quiet_one_are_snakemakes_alone(screen: Text, settings: Any) -> None:
    if settings.dryrun:
        settings.stdout = False
    records = [*ERRORS, *a_run()]
    play(screen, records, settings)
    assert screen.getvalue() == as_before(records, settings)
    assert FOLLOWED not in handler.os.environ


def test_a_message_of_none_is_none_again() -> None:
    assert handler.as_sent(record("None", event=LogEvent.PROGRESS)).msg is None
    assert handler.as_sent(record("None")).msg == "None"


# On a terminal


def test_the_table_has_a_line_per_cell_and_no_markup() -> None:
    study = running("cnn/a", "fnn/c")
    study, _ = states.read(study, 0, epoch(3), 1.0, 30)
    study = states.other_started(study, 8, "Show [bold]<b>")
    text = Text()
    console = Console(file=text, width=100, force_terminal=True, no_color=True)
    screen = Terminal(console, lambda: study)
    screen.start()
    screen.say("cnn/kernel_9 [red]trained[/red]")
    Stream(console).flush()
    stream = Stream(console)
    stream.write(
        "\x1b[31ma warning\x1b[0m that is longer than the line is wide " + "x" * 150 + "\n"
    )
    stream.flush()
    screen.stop()
    shown = text.getvalue()
    assert "cnn/kernel_9 [red]trained[/red]" in shown
    assert "x" * 150 in shown
    assert "0 of 3 configurations trained, 0 of 12 jobs done" in shown
    line = next(line for line in shown.splitlines() if "cnn/kernel_3" in line)
    for word in ("epoch 3/15", "val_loss 0.25, val_accuracy 0.9125", "24 s left"):
        assert word in line
    assert any("fnn/depth_1" in line and "starting" in line for line in shown.splitlines())
    assert "Show [bold]<b>" in shown


def test_on_a_terminal_the_run_ends_with_plain_lines(
    screen: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.terminal = True
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(CELLS, "cells.json")
    play(screen, a_run())
    assert "cnn/kernel_5 trained in 12.3 s" in screen.getvalue()
    assert "\x1b[?25h" in screen.getvalue(), "the cursor is there again"


def test_a_dumb_terminal_gets_plain_lines(screen: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    screen.terminal = True
    monkeypatch.setenv("TERM", "dumb")
    play(screen, a_run())
    assert "\x1b" not in screen.getvalue()
    assert "trained in" in screen.getvalue()
    assert "started" in screen.getvalue()
