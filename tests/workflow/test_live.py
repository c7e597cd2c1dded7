"""Following a study while it runs: plain lines, a terminal, and what must be shown as ever."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
from typing import Any

import pytest
from test_disturbances import FAILING
from workflow_project import TIMEOUT, Done, Project, prepared

pytestmark = pytest.mark.extended

CELLS = ("fnn/depth_1", "cnn/kernel_5")
TARGETS = [f"results/{cell}/metrics.json" for cell in CELLS]
FOLLOW = (
    "--cores",
    "2",
    "--quiet",
    "rules",
    "--logger",
    "ablation",
    "--logger-ablation-every",
    "0",
)
PLUGINS = {"PYTHONPATH": "workflow:workflow/plugins"}
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

# The second epoch ends when the first was seen.
WAIT = """
import logging, pathlib, time


class Wait(logging.Filter):
    def filter(self, record):
        end = time.monotonic() + 300
        waiting = "epoch 2/2" in record.getMessage()
        while waiting and time.monotonic() < end and not pathlib.Path({seen!r}).exists():
            time.sleep(0.05)
        return True


logging.getLogger("ablation").addFilter(Wait())
"""


def forget_cells(project: Project) -> None:
    """Remove the cells that are to be trained anew."""
    for cell in CELLS:
        entries = (project.store(cell, stage) for stage in ("train", "evaluate"))
        project.drop(*(str(e.relative_to(project.path)) for e in entries), f"results/{cell}")


def followed(project: Project, *, terminal: bool) -> dict[str, Any]:
    """Train two cells under the eyes of a reader."""
    forget_cells(project)
    seen = project.path / "seen"
    project.sabotage(WAIT.format(seen=str(seen)))
    if terminal:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (30, 120))
    else:
        ours, theirs = os.pipe()
    process = subprocess.Popen(
        project.command(*FOLLOW, "--", *TARGETS),
        cwd=project.path,
        env={**project.environment, **PLUGINS, "TERM": "xterm"},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    output = b""
    while True:
        try:
            some = os.read(ours, 65536)
        except OSError:  # a terminal at its end
            break
        if not some:
            break
        output += some
        if b"epoch 1/2" in output:
            seen.touch()
    os.close(ours)
    status = process.wait(timeout=TIMEOUT)
    project.repair()
    return {
        **{"done": Done(status, output.decode()), "seen": seen.exists()},
        **{"logs": [project.store(cell) / "log.txt" for cell in CELLS]},
        "left": project.jobs(*TARGETS),
    }


def in_plain_lines(project: Project) -> dict[str, Any]:
    return followed(project, terminal=False)


def on_a_terminal(project: Project) -> dict[str, Any]:
    return followed(project, terminal=True)


TRAINED = [
    r"^fnn/depth_1 trained in [\d.]+ s \(epoch 2/2, val_loss [\d.]+\); \d of 4 configurations trained, \d of 6 jobs done",
    r"^cnn/kernel_5 trained in [\d.]+ s \(epoch 1/1, val_loss [\d.]+, val_accuracy [\d.]+\); ",
    r"^4 of 4 configurations trained, 6 of 6 jobs done$",
]


@prepared(in_plain_lines)
def test_away_from_a_terminal_there_are_plain_lines(outcome: dict[str, Any]) -> None:
    done = outcome["done"]
    assert done.status == 0, done.text
    assert outcome["seen"], done.text
    patterns = [
        *(rf"^{cell} started$" for cell in CELLS),
        r"^fnn/depth_1 epoch 1/2, val_loss [\d.]+, about \d+ s left$",
        *TRAINED,
    ]
    for pattern in patterns:
        found = re.findall(pattern, done.text, re.MULTILINE)
        assert len(found) == 1, (pattern, done.text)
    assert [char for char in done.text if not char.isprintable() and char != "\n"] == []
    assert not re.search("^(Execute|Select|Finished) ", done.text, re.MULTILINE)
    assert outcome["left"] == {}
    assert all(path.read_text("utf-8").count("\n") > 1 for path in outcome["logs"])


@prepared(on_a_terminal)
def test_on_a_terminal_epochs_are_shown_while_they_run(outcome: dict[str, Any]) -> None:
    done = outcome["done"]
    assert done.status == 0, done.text
    assert outcome["seen"], done.text
    lines = ESCAPE.sub("", done.text).replace("\r", "\n").splitlines()
    rows = [line for line in lines if line.startswith("fnn/depth_1 ") and "epoch 1/2" in line]
    assert rows
    assert all("val_loss" in row and "left" in row for row in rows)
    for pattern in TRAINED:
        found = [line for line in lines if re.match(pattern, line.rstrip())]
        assert found, (pattern, done.text)
    assert done.text.rfind("\x1b[?25h") > done.text.rfind("\x1b[?25l"), "the cursor is there again"


# As ever


def refused(project: Project) -> dict[str, Done]:
    undeclared = project.snakemake(
        "--cores", "1", "results/cnn/kernel_6/metrics.json", "--logger", "ablation",
        environment=PLUGINS,
    )  # fmt: skip
    project.configure(lambda config: config["models"]["fnn"].update(replicates=7))
    mistaken = project.snakemake(*FOLLOW, environment=PLUGINS)
    return {"undeclared": undeclared, "mistaken": mistaken}


@prepared(refused)
def test_refusals_are_one_sentence_as_ever(outcome: dict[str, Done]) -> None:
    for name, start in (("undeclared", "results/cnn/kernel_6"), ("mistaken", "models.fnn.replic")):
        done = outcome[name]
        assert done.status != 0
        lines = [line for line in done.text.splitlines() if line.strip().startswith(start)]
        assert len(lines) == 1, done.text
        assert lines[0].endswith(".")
        assert "Traceback" not in done.text


def failing(project: Project) -> dict[str, Any]:
    forget_cells(project)
    project.sabotage(FAILING)
    done = project.snakemake(*FOLLOW, "--", *TARGETS, environment=PLUGINS)
    return {"done": done, "views": {cell: project.view(cell) for cell in CELLS}}


@prepared(failing)
def test_a_failed_cell_is_told_and_keeps_the_end_of_its_log(outcome: dict[str, Any]) -> None:
    done, views = outcome["done"], outcome["views"]
    assert done.status == 0, done.text
    blamed = r"RuntimeError: injected: no such luck \(workflow/sitecustomize\.py:\d+\)"
    assert re.search(f"^fnn/depth_1 failed: {blamed}; ", done.text, re.MULTILINE)
    assert re.search("^cnn/kernel_5 trained in ", done.text, re.MULTILINE)
    log = views["fnn/depth_1"]["status"]["log"]
    assert re.search(f" {blamed}$", log[-1])
    assert any(line.startswith("Traceback") for line in log)
    assert "log" not in views["cnn/kernel_5"]["status"]
    assert views["cnn/kernel_5"]["cost"]["finished_at"].endswith("Z")
