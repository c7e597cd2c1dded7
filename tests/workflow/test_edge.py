"""Whatever folder, terminal, environment or user: real runs of what the machine and the schema allow."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from typing import Any

import pandas as pd
import pytest
from workflow_project import TIMEOUT, Done, Project, prepared, promise, tiny

PYTHON = Path(sys.executable)
NAME = "a `b'c\"d$HOME;touch x&(e{f}#g%h é研究"
TITLE = "It's $5"
OVERRIDES = ("study={name: cli}", f'report={{title: "{TITLE}"}}')
SHOWN = re.compile(r'data-copy="(snakemake [^"]*/odd_null/metrics\.json)"')
# A backend and settings that would change every figure.
DRAWN_OTHERWISE = {"MPLBACKEND": "module://nonsense.backend"}
MATPLOTLIBRC = "savefig.dpi: 7\nfont.size: 40\nsvg.hashsalt: mine\n"


def call(project: Project, words: Sequence[str], umask: int = -1, **environment: str) -> Done:
    """A command in the project's folder."""
    done = subprocess.run(
        words,
        cwd=project.path,
        env={**project.environment, **environment},
        umask=umask,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    return Done(done.returncode, done.stdout)


def ablation(project: Project, *words: str, **environment: str) -> Done:
    """``python -m ablation …`` in a project."""
    path = str(project.path / "workflow")
    return call(project, [str(PYTHON), "-m", "ablation", *words], PYTHONPATH=path, **environment)


def snakemake(*words: str) -> list[str]:
    """The command ``snakemake``, which has the script's folder before all others, not the study's."""
    return [str(PYTHON.with_name("snakemake")), *words]


def tools(folder: Path, *broken: str) -> str:
    """A folder for the PATH with what shell lines need, and with programs that only fail."""
    folder.mkdir()
    for name in ("bash", "sh", "tail", "which"):
        (folder / name).symlink_to(str(which(name)))
    for name in broken:
        (folder / name).write_text("#!/bin/sh\nexit 66\n", "utf-8")
        (folder / name).chmod(0o755)
    return str(folder)


def modes(*tops: Path) -> dict[str, set[str]]:
    """The modes of all files and of all folders."""
    paths = [path for top in tops for path in (top, *top.rglob("*"))]
    return {
        "files": {f"{p.stat().st_mode & 0o777:o}" for p in paths if p.is_file()},
        "folders": {f"{p.stat().st_mode & 0o777:o}" for p in paths if p.is_dir()},
    }


def odd(config: dict[str, Any]) -> None:
    """What the schema allows: one value, texts that pandas reads as missing, cells that are the same, no epoch at all."""
    tiny(config)
    config["models"]["fnn"]["axes"] = {
        "one": {"parameter": "hidden_layers", "values": [2]},
        # With two epochs the learning rate never falls, so that its factor changes nothing.
        "odd": {"values": {"NA": {}, "null": {"lr_factor": 0.5}, "None": {"width": 4}}},
    }
    config["models"]["cnn"]["parameters"]["epochs"] = 0


def everywhere(project: Project) -> dict[str, Any]:
    """An odd study in an odd folder with foreign modules, on a machine without a Python of use and with a site's profile."""
    around = project.path.with_name("everywhere")
    around.mkdir()
    project = Project(project.path.rename(around / NAME))
    project.configure(odd)
    for name in ("random", "torch", "json"):
        (project.path / f"{name}.py").write_text("raise SystemExit('not mine')\n", "utf-8")
    (around / "site").mkdir()
    (around / "site" / "config.yaml").write_text("printshellcmds: true\ncores: 1\n", "utf-8")
    (around / "a tmp").mkdir()
    path = tools(around / "bin", "python", "python3")
    before = {p.name for top in (around, project.path) for p in top.iterdir()}
    words = snakemake("--cores", "2", "all", "results/cli/export/tables", "--config", *OVERRIDES)
    site = {"SNAKEMAKE_PROFILE": str(around / "site"), "TMPDIR": str(around / "a tmp")}
    done = call(project, words, umask=0o002, PATH=path, **site)
    assert done.status == 0, done.text[-3000:]
    new = {p.name for top in (around, project.path) for p in top.iterdir()} - before
    found = modes(*(project.path / name for name in ("results", "resources", "report-cli.html")))
    view = project.path / "results" / "cli" / "fnn" / "odd_null" / "metrics.json"
    page, content = project.text("report-cli.html"), view.read_bytes()
    view.unlink()
    (command,) = {html.unescape(text) for text in SHOWN.findall(page)}
    beside = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
    pasted = call(project, ["sh", "-c", f"{command} --cores 1"], PATH=beside)
    again = view.read_bytes() if view.is_file() else pasted.text
    moved = Project(project.path.rename(around / f"moved {NAME}"))
    return {
        **{"project": moved, "new": new, "modes": found, "page": page},
        **{"remade": again == content, "left": moved.made("--config", *OVERRIDES)},
    }


@promise(8)
@pytest.mark.extended
@prepared(everywhere, fresh=True)
def test_any_path_works_and_nothing_in_it_is_executed(outcome: dict[str, Any]) -> None:
    made = {"report-cli.html", "results", "resources", "logs", ".snakemake"}
    assert outcome["new"] == made
    assert outcome["left"].idle


@pytest.mark.extended
@prepared(everywhere, fresh=True)
def test_modes_are_as_the_umask_says(outcome: dict[str, Any]) -> None:
    assert outcome["modes"] == {"files": {"664"}, "folders": {"775"}}


@pytest.mark.extended
@prepared(everywhere, fresh=True)
def test_the_shown_command_remakes_its_target(outcome: dict[str, Any]) -> None:
    assert outcome["remade"] is True


@pytest.mark.extended
@prepared(everywhere, fresh=True)
def test_what_the_schema_allows_gives_a_report(outcome: dict[str, Any]) -> None:
    page = outcome["page"]
    assert html.escape(TITLE, quote=False) in html.unescape(page)
    assert "null and NA are identical: the factor changes nothing." in page
    project: Project = outcome["project"]
    for cell in ("fnn/one_2", "cnn/kernel_3"):
        assert project.view(f"cli/{cell}")["status"]["failed"] is None
        assert cell in page
    assert all(row["best_epoch"] == 0 for row in project.view("cli/cnn/kernel_5")["replicates"])


@pytest.mark.extended
@prepared(everywhere, fresh=True)
def test_texts_stay_texts_in_every_table(outcome: dict[str, Any]) -> None:
    tables = outcome["project"].path / "results" / "cli" / "export" / "tables"
    expected = ["NA", "None", "null"]
    read = pd.read_parquet(tables / "cells.parquet")
    assert list(read.loc[read["axis"] == "odd", "label"]) == expected
    lines = (tables / "cells.csv").read_text("utf-8").splitlines()
    assert [line.split(",")[2] for line in lines if line.startswith("fnn,odd,")] == expected


def drawn_otherwise(project: Project) -> dict[str, Any]:
    """Figures and a cell once more, with other settings of matplotlib, no Python on the PATH, and for nobody else's eyes."""
    before = project.files("results/figures")
    train = project.store("fnn/depth_1")
    project.drop("results/store/plot", "results/figures", str(train.relative_to(project.path)))
    (project.path / "matplotlibrc").write_text(MATPLOTLIBRC, "utf-8")
    path = tools(project.path / "bin")
    words = snakemake("--cores", "2")
    done = call(project, words, umask=0o077, PATH=path, **DRAWN_OTHERWISE)
    assert done.status == 0, done.text[-3000:]
    plots = project.path / "results" / "store" / "plot"
    return {
        "differs": [p for p, c in project.files("results/figures").items() if before[p] != c],
        "count": len(before) - len(project.files("results/figures")),
        "modes": modes(train, plots),
    }


@pytest.mark.extended
@prepared(drawn_otherwise)
def test_no_setting_of_the_users_changes_a_figure(outcome: dict[str, Any]) -> None:
    assert (outcome["differs"], outcome["count"]) == ([], 0)
    assert outcome["modes"] == {"files": {"600"}, "folders": {"700"}}


def another_users(project: Project) -> dict[str, Any]:
    """A finished study in folders that this user may read alone: root takes off what lets it write everywhere."""
    os.chmod(project.path, 0o755)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "65534:65534", str(project.path)], check=True)
        as_reader = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    else:
        as_reader = []
        subprocess.run(["chmod", "-R", "a-w", str(project.path)], check=True)
    assert call(project, [*as_reader, "touch", "mine"]).status != 0
    home = {"HOME": str(project.path.with_name("home-of-a-reader"))}
    Path(home["HOME"]).mkdir()
    package = {"PYTHONPATH": str(project.path / "workflow")}

    def plan(*words: str) -> Done:
        return call(
            project, [*as_reader, str(PYTHON), "-m", "ablation", "plan", *words], **home, **package
        )

    def run(*words: str) -> Done:
        return call(project, [*as_reader, *snakemake(*words)], **home)

    # With a title of its own the report has a key of its own, whose specification is not there.
    other = ("--config", "report={title: Another}")
    return {
        **{"planned": plan(), "listed": run("-n"), "real": run("--cores", "1", *other)},
        **{"more": plan(*other), "missing": run("-n", *other)},
    }


@prepared(another_users)
def test_a_finished_study_of_another_user_is_read_and_refused_in_one_sentence(
    outcome: dict[str, Done],
) -> None:
    assert all("Traceback" not in done.text for done in outcome.values())
    assert outcome["planned"].text.rstrip().endswith("Nothing to be done.")
    assert outcome["more"].text.rstrip().endswith("Also to run: 1 report.")
    assert "Nothing to be done" in outcome["listed"].text
    statuses = {name: done.status for name, done in outcome.items()}
    assert statuses == {"planned": 0, "listed": 0, "real": 1, "more": 0, "missing": 1}
    assert last(outcome["real"]).endswith(
        "cannot be written by this user: a run needs a folder of its own."
    )
    assert last(outcome["missing"]).endswith(
        ".json is missing and cannot be written: Permission denied."
    )


def last(done: Done) -> str:
    return done.text.rstrip().splitlines()[-1]


def asked_twice(project: Project, *words: str) -> tuple[Done, Done]:
    return call(project, snakemake("-n", *words)), ablation(project, "plan", *words)


def in_two_lines(project: Project) -> tuple[Done, Done]:
    return asked_twice(Project(project.path.rename(project.path.with_name("two\nlines"))))


@promise(8)
@prepared(in_two_lines, fresh=True)
def test_a_folder_of_two_lines_is_refused(outcome: tuple[Done, Done]) -> None:
    listed, planned = outcome
    assert (listed.status, planned.status) == (1, 2)
    assert planned.text.endswith(
        "has a control character in its name: allowed is any other name.\n"
    )
    assert planned.text.strip() in listed.text
    assert "Traceback" not in listed.text


MISTAKES = {
    "report: {title: a}\nreport: {title: b}\n": "has the key 'report' twice in one mapping",
    '{"report": {"title": "a", "title": "b"}}': "has the key 'title' twice in one mapping",
    'report: {title: "\\ud83d x"}\n': "report.title holds half a surrogate pair",
    'report: {title: "a\\nb"}\n': "report.title holds the control character '\\n'",
}
TYPED = "models={fnn: {replicates: 0}}"


def mistaken(project: Project) -> list[tuple[str, Done, Done]]:
    """What Snakemake and the command say of the same mistake."""
    found = []
    for text, said in MISTAKES.items():
        (project.path / "mistake.yaml").write_text(text, "utf-8")
        found.append((said, *asked_twice(project, "--configfile", "mistake.yaml")))
    said = "models.fnn.replicates is 0: allowed is an integer at least 6"
    found.append((said, *asked_twice(project, "--config", TYPED)))
    (project.path / "config.yaml").write_text("report: {title: 研究}\n", "gbk")
    found.append(("config.yaml is of another encoding from line 1 on", *asked_twice(project)))
    return found


@promise(7)
@pytest.mark.extended
@prepared(mistaken, fresh=True)
def test_snakemake_and_the_command_refuse_in_the_same_sentence(
    outcome: list[tuple[str, Done, Done]],
) -> None:
    for said, listed, planned in outcome:
        assert (listed.status, planned.status) == (1, 2)
        assert said in planned.text
        assert planned.text.count("\n") == 1
        assert planned.text in listed.text
        assert "Traceback" not in listed.text


def in_ascii(project: Project) -> list[Done]:
    """The commands on a terminal that has no é, each of which has one to say."""
    plain = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    commands = (
        ("plan", "--configfile", "é.yaml"),
        ("verify", "--cell", "é"),
        ("diff", "report.html", "é"),
        ("diff", "report.html", "results", "--output", "é.html"),
        ("prune", "--configfile", "é.yaml"),
        ("plan",),
        ("prune",),
    )
    return [ablation(project, *words, **plain) for words in commands]


@prepared(in_ascii)
def test_a_terminal_of_another_encoding_shows_a_sign_for_what_it_lacks(outcome: list[Done]) -> None:
    assert [done.status for done in outcome] == [2, 2, 2, 0, 2, 0, 0]
    assert all("Traceback" not in done.text for done in outcome)
    assert all("?" in done.text for done in outcome[:5])
