"""The comparisons of a study in the terminal: the numbers of its files, one line per cell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ablation import cli
from ablation.commands import quick
from ablation.commands.dispatch import MISTAKE
from ablation.language.numbers import TIED
from conftest import REPOSITORY
from report.sample import Sample, sample
from rich.console import Console
from unit_tables import tables_of

FAILED = "cnn/kernel_9"
NUMBER = r"[+−]?\d[\d,]*(?:\.\d+)?"


def lines(made: Sample) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """(model, factor, level) → n, mean ± SD, difference, conclusion."""
    found = {}
    for axis in quick.rows(made.document, made.comparisons, made.tables["cells"]):
        model, name = axis[0][:2]
        assert all(line[:2] == ("", "") for line in axis[1:])
        found |= {(model, name, line[2]): line[3:] for line in axis}
    return found


def value(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def test_every_cell_has_its_numbers() -> None:
    made = sample(failed=(FAILED,))
    shown = lines(made)
    assert len(shown) == len(made.tables["cells"])
    for row in made.tables["cells"].to_dict("records"):
        metric, scale = {"fnn": ("mse", 1), "cnn": ("accuracy", 100)}[row["model"]]
        model = f"{row['model']} ({metric}{TIED + '%' if scale == 100 else ''})"
        n, mean, gap, verdict = shown[model, row["axis"], row["label"]]
        judged = made.comparisons["models"][row["model"]]["axes"][row["axis"]]["rows"][row["label"]]
        assert n == str(row["n_ok"])
        assert verdict.startswith(judged["verdict"])
        if row["cell"] == FAILED:
            assert (mean, gap, verdict) == ("–", "–", "failed")
            continue
        if row["n_ok"]:
            shown_mean, shown_sd = map(
                value, re.fullmatch(rf"({NUMBER}) ± ({NUMBER})", mean).groups()
            )  # type: ignore[union-attr]
            assert shown_mean == pytest.approx(scale * row[f"{metric}_mean"], rel=0.06, abs=0.06)
            assert shown_sd == pytest.approx(scale * row[f"{metric}_sd"], rel=0.5, abs=0.06)
        if judged["difference"] is None:
            assert gap == "–"
        else:
            ends = [judged["difference"], *(judged["difference_interval"] or [])]
            numbers = list(map(value, re.findall(NUMBER, gap)))
            assert len(numbers) == len(ends)
            for found, expected in zip(numbers, ends, strict=True):
                assert found == pytest.approx(scale * expected, rel=0.1, abs=0.6)


def test_what_became_of_replicates_stands_beside_the_verdict() -> None:
    shown = lines(sample())
    assert "24 diverged" in shown["fnn (mse)", "learning_rate", "0.1"][-1]
    assert shown["fnn (mse)", "learning_rate", "0.1"][1] == "–"


def test_a_failed_cell_is_followed_by_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    made = sample(failed=(FAILED,))
    console = Console(width=120, color_system=None)
    quick.show(console, made.document, made.comparisons, made.tables["cells"])
    text = capsys.readouterr().out
    title = f"Study default, differences with simultaneous 95{TIED}% confidence intervals"
    assert text.startswith(title)
    assert text.rstrip().endswith(f"{FAILED} failed: Killed: out of memory (signal 9).")
    assert "Differences of mse are of geometric means." in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """``call(*words)``: the status of the command, and the call of Snakemake, which does nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_bytes((REPOSITORY / "config.yaml").read_bytes())
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> Any:
        calls.append(command)
        return SimpleNamespace(returncode=3 if "smoke" in command[-1] else 0)

    monkeypatch.setattr(subprocess, "run", run)

    def command(*words: str) -> tuple[int, list[list[str]]]:
        monkeypatch.setattr(sys, "argv", ["ablation", "quick", *words])
        return cli.main(), calls

    return command


def test_the_command_asks_for_the_tables_alone(
    call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tables_of(sample(), Path("results"))
    status, ((*_, separator, target),) = call("--config", "compute={device: cpu}", "--cores", "2")
    assert (status, separator, target) == (0, "--", "results/tables/study.json")
    assert "Study default" in capsys.readouterr().out


def test_a_run_that_fails_prints_no_table(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, (command,) = call("--configfile", str(REPOSITORY / "config" / "smoke.yaml"))
    assert status == 3
    assert command[-1] == "results/smoke/tables/study.json"
    assert "--configfile" in command
    assert capsys.readouterr().out == ""
    assert call("--cores", "0")[0] == MISTAKE
    assert "--cores is 0: allowed is an integer at least 1." in capsys.readouterr().err
