"""Texts of others that a terminal would obey, wherever lines are printed: they are shown in their line, and obeyed nowhere."""

from __future__ import annotations

import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pages
import pytest
from ablation import cli
from ablation.commands import diff, quick, try_network, verify
from ablation.commands.dispatch import MISTAKE
from ablation.machine.logs import LineFormatter, say
from ablation.stages import failures
from ablation.store.entries import Failure, folder_of, publish
from ablation.store.files import write_json
from ablation.study.components import source_of
from ablation.study.config import ConfigError
from ablation.study.grid import build
from ablation.study.plan import Plan
from ablation.study.progress import CELLS, FOLLOWED, say_trained
from markdown_it import MarkdownIt
from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_ablation import LogHandler, LogHandlerSettings
from test_hostile_texts import CONTROLS, TEXTS, parts, small
from test_logger_handler import KEY, RUN, Text, common, job_info, record, trained

SHOWN = (*TEXTS, *CONTROLS)
NAMES = [text for text in CONTROLS if "/" not in text]  # of files


def obeyed(printed: str) -> set[str]:
    """The characters that a terminal would obey."""
    return {
        char for char in printed if not char.isprintable() and char not in "\n\N{NO-BREAK SPACE}"
    }


def in_one_line(printed: str) -> None:
    assert not obeyed(printed)
    assert printed.count("\n") == 1 and printed.endswith("\n")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (FOLLOWED, CELLS):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ablation", *arguments])
    try:
        return cli.main()
    except SystemExit as error:
        return int(error.code or 0)


# A run


def a_run(text: str) -> list[logging.LogRecord]:
    """What Snakemake tells of a run in which a text stands wherever one can."""
    write_json(Path("cells.json"), {KEY: text})
    trained(KEY, failed=text)
    Path("a.log").write_text(f"10:00:00 {text}\n", "utf-8")
    outputs = {"output": [text], "input": [text], "log": ["a.log"], "shellcmd": text}
    error = {"conda_env": None, "aux": {"text": text}, "msg": text, "wildcards": {"key": KEY}}
    return [
        record(text),
        record(text, logging.WARNING),
        record(text, logging.ERROR),
        record("Job stats:", event=LogEvent.RUN_INFO, stats=RUN),
        job_info(1, "train", wildcards={"key": KEY}, output=[text]),
        job_info(2, "plot", rule_msg=text, reason=text, wildcards={"key": KEY, "x": text}),
        record(text, logging.ERROR, event=LogEvent.JOB_ERROR, jobid=2, rule_name="plot",
               rule_msg=text, **outputs, **error),
        record("Finished", event=LogEvent.JOB_FINISHED, job_id=1),
    ]  # fmt: skip


def followed(screen: Text, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stderr", screen)
    handler = LogHandler(common(show_failed_logs=True), LogHandlerSettings())
    for each in a_run(text):
        handler.emit(each)
    handler.close()
    return screen.getvalue()


@pytest.mark.parametrize("text", SHOWN)
def test_the_lines_of_a_run(text: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CELLS, "cells.json")
    printed = followed(Text(), text, monkeypatch)
    assert "failed" in printed and "Error in rule plot" in printed
    assert not obeyed(printed)


@pytest.mark.parametrize("text", CONTROLS)
def test_the_live_table_of_a_run(text: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich and Snakemake move the cursor and colour, and nothing else happens."""
    monkeypatch.setenv(CELLS, "cells.json")
    screen = Text()
    screen.terminal = True
    printed = followed(screen, text, monkeypatch)
    assert "\x1b[" in printed
    assert not obeyed(printed) - {"\x1b", "\r"}
    assert not any(part in printed for part in ("\x1b[2J", "\x1b[H", "\x1b]0;", "\x1b[8m"))


@pytest.mark.parametrize("text", SHOWN)
def test_the_lines_of_a_job(
    text: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CELLS, "cells.json")
    write_json(Path("cells.json"), {KEY: text})
    failures.say("train", KEY, text)
    in_one_line(capsys.readouterr().out)
    with publish(folder_of("train", KEY)) as draft:
        write_json(draft / "run.json", {"cost": {"seconds": 1.0}})
    say_trained(KEY)
    in_one_line(capsys.readouterr().out)


@pytest.mark.parametrize("text", SHOWN)
def test_the_log_of_a_job(text: str) -> None:
    try:
        raise RuntimeError(text)
    except RuntimeError:
        log = logging.LogRecord("ablation", logging.ERROR, "", 0, text, None, sys.exc_info())
    assert not obeyed(LineFormatter().format(log))


# Commands


def test_a_plan(
    here: Path,
    config: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of one cell somebody else's view has such texts as parameters, another failed with them."""
    Path("config.yaml").write_text(json.dumps(config), "utf-8")
    plan = Plan(build(config))
    first, second = (plan.study.by_name[name] for name in ("fnn/depth_1", "fnn/depth_2"))

    def printed(text: str) -> str:
        write_json(
            Path(plan.view(first)),
            {
                "spec": {
                    **first.spec,
                    "parameters": {**first.spec["parameters"], "activation": text, "depth": text},
                }
            },
        )
        with publish(folder_of("train", second.key), {f"train/{second.key}": Failure(text)}):
            pass
        assert (
            command(monkeypatch, "plan", "--config", "compute={device: cpu}", "--cores", "1") == 0
        )
        return capsys.readouterr().out

    expected, found = printed("plain"), printed(" ".join(SHOWN))
    assert not obeyed(found)
    assert found.count("\n") == expected.count("\n")
    assert "activation: " in found


def test_a_quick_look() -> None:
    made = small()

    def printed(text: str) -> str:
        made.study["models"][0]["axes"][0]["cells"][1]["failed"] = text
        screen = io.StringIO()
        console = Console(file=screen, width=120)
        quick.show(console, made.document, made.comparisons, made.tables["cells"])
        return screen.getvalue()

    expected = printed("plain").count("\n")
    for text in SHOWN:
        found = printed(text)
        assert "failed: " in found and not obeyed(found)
        assert found.count("\n") == expected


@pytest.mark.parametrize("text", SHOWN)
def test_a_checked_network(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def findings(*_: Any) -> Any:
        yield text, True
        raise RuntimeError(text)

    monkeypatch.setattr(try_network, "_findings", findings)
    assert command(monkeypatch, "try", "--network", "mlp", "--data", "boston") == 1
    printed = capsys.readouterr().out
    assert not obeyed(printed)
    assert printed.count("\n") == 3


@pytest.mark.parametrize("text", NAMES)
def test_files_with_such_names(
    text: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that is none, a configuration that is none, and an option that is none."""
    Path("config").mkdir()
    for name in (text, f"config/{text}.yaml"):
        Path(name).write_text("\x1b[2J: [", "utf-8")
    for arguments in (("diff", "--", text, text), ("plan", "--configfile", f"config/{text}.yaml")):
        assert command(monkeypatch, *arguments) == MISTAKE
        in_one_line(capsys.readouterr().err)
    assert command(monkeypatch, "plan", f"--{text}") == MISTAKE
    assert not obeyed(capsys.readouterr().err)


def test_files_that_are_told_of(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("config").mkdir()
    for text in NAMES:
        Path(f"config/{text}.yaml").write_text("[", "utf-8")
    assert command(monkeypatch, "prune") == 0
    printed = capsys.readouterr().out
    assert printed.count("counts for nothing") == printed.count("\n") - 2 == len(NAMES)
    assert not obeyed(printed)


@pytest.mark.parametrize("text", SHOWN)
def test_the_sentence_about_a_configuration(
    text: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = {"name": "s", "seed": 1}
    for wrong in ({text: 1}, {"study": {**study, text: 1}}, {"study": {**study, "name": text}},
                  {"models": {"m": {"network": text}}}):  # fmt: skip
        Path("mine.yaml").write_text(json.dumps({"study": study, **wrong}), "utf-8")
        assert command(monkeypatch, "plan", "--configfile", "mine.yaml") == MISTAKE
        in_one_line(capsys.readouterr().err)


@pytest.mark.parametrize("text", SHOWN)
def test_a_verified_cell(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    cell = {"cell": text, "outcome": "different", "changed": {text: (text, text)},
            "broken": [{"what": text, "found": None}]}  # fmt: skip
    say(verify.sentence(cell))
    in_one_line(capsys.readouterr().out)


def test_a_written_comparison(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(diff, "_read", lambda *_: {"config": {}})
    monkeypatch.setattr("ablation.diff.compare", lambda *_: None)
    monkeypatch.setattr("ablation.diff.page.page", lambda *_: "page")
    for text in NAMES:
        diff.diff("a", "b", Path(text), language="en")
        in_one_line(capsys.readouterr().out)


# Pages


@pytest.mark.parametrize("text", SHOWN)
def test_a_cell_of_a_table_in_markdown(text: str) -> None:
    table = f"| a | b |\n| -- | -- |\n| {pages.cell(text)} | end |"
    html = MarkdownIt("commonmark").enable("table").render(table)
    found = parts(html)
    assert found.elements == {"table": 1, "thead": 1, "tbody": 1, "tr": 2, "th": 2, "td": 2}
    assert "end" in found.texts
    assert not obeyed(html)


@pytest.mark.parametrize("text", [text for text in CONTROLS if "\x1b" in text or "\x9b" in text])
def test_a_network_file_that_declares_such_a_text(text: str, here: Path) -> None:
    for literal in (text, {"en": text}, [text]):
        Path("net.py").write_text(f"TITLE = {literal!r}\n", "utf-8")
        with pytest.raises(ConfigError, match=r"^net\.py: TITLE holds the control character '\\x"):
            source_of("net.py").literal("TITLE")
