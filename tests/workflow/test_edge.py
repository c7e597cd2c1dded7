"""Whatever folder, environment or study the machine and the schema allow: real runs of it."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from shutil import which
from typing import Any

import pandas as pd
import pytest
from ablation.commands.dispatch import workflow_command
from workflow_calls import PYTHON, ablation, call, snakemake
from workflow_project import IDLE, Project, prepared, promise, tiny

NAME = "a `b'c\"d$HOME;touch x&(e{f}#g%h é研究"
TITLE = "It's $5"
OVERRIDES = ("study={name: cli}", f'report={{title: "{TITLE}"}}')
SHOWN = re.compile(r'data-copy="(snakemake [^"]*/odd_null/metrics\.json)"')
# Settings that would change every figure, and backends that do not exist: one that fails when used, one at once.
MATPLOTLIBRC = "font.size: 40\naxes.linewidth: 7\nlines.linewidth: 9\nxtick.major.size: 20\n"
LATE, AT_ONCE = "module://nonsense.backend", "nonsense"


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
    config["models"]["cnn"]["recipe"]["epochs"] = 0


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
    done = call(project, words, umask=0o002, PATH=path, MPLBACKEND=LATE, **site)
    assert done.status == 0, done.text[-3000:]
    new = {p.name for top in (around, project.path) for p in top.iterdir()} - before
    found = modes(*(project.path / name for name in ("results", "resources", "report-cli.html")))
    view = project.path / "results" / "cli" / "fnn" / "odd_null" / "metrics.json"
    page, content = project.text("report-cli.html"), view.read_bytes()
    view.unlink()
    (command,) = {html.unescape(text) for text in SHOWN.findall(page)}
    beside = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
    pasted = call(project, ["sh", "-c", command], PATH=beside)
    again = view.read_bytes() if view.is_file() else pasted.text
    moved = Project(project.path.rename(around / f"moved {NAME}"))
    return {
        **{"project": moved, "new": new, "modes": found, "page": page},
        "remade": again == content,
        "left": call(moved, snakemake("--cores", "1", "--config", *OVERRIDES)),
        "planned": ablation(moved, "plan", "--config", *OVERRIDES),
    }


@promise(8)
@pytest.mark.extended
@prepared(everywhere, fresh=True)
def test_any_path_works_and_nothing_in_it_is_executed(outcome: dict[str, Any]) -> None:
    made = {"report-cli.html", "results", "resources", "logs", ".snakemake"}
    assert outcome["new"] == made
    assert IDLE in outcome["left"].text
    assert outcome["planned"].text.rstrip().endswith(f"{IDLE}.")


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
    assert TITLE in html.unescape(page)
    assert "null and NA are identical: the factor changes nothing." in page
    project: Project = outcome["project"]
    for cell in ("fnn/one_2", "cnn/kernel_3"):
        assert project.view(f"cli/{cell}")["metrics"] is not None
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
    done = call(project, words, umask=0o077, PATH=path, MPLBACKEND=AT_ONCE)
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


def test_a_run_that_a_command_starts_has_modules_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('not mine')\n", "utf-8")
    command = workflow_command(tmp_path / "Snakefile", 1, options=["--version"])
    done = call(Project(tmp_path), command)
    assert done.status == 0, done.text
