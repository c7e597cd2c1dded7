"""`ablation run` hands its targets to Snakemake as targets."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from ablation import cli
from conftest import REPOSITORY
from snakemake.cli import parse_args


class Replaced(Exception):  # noqa: N818
    """The process became another one."""


@pytest.mark.parametrize(
    "options", [(), ("--configfile", "config/smoke.yaml"), ("--config", "report={palette: deep}")]
)
def test_targets_are_no_values_of_options(
    options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def replace(path: str, command: list[str], environment: dict[str, str]) -> Any:
        calls.append(command)
        raise Replaced

    monkeypatch.setattr(os, "execve", replace)
    monkeypatch.setattr(sys, "argv", ["ablation", "run", *options, "--", "export", "report.html"])
    monkeypatch.syspath_prepend(str(REPOSITORY / "workflow" / "plugins"))
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(Replaced):
        cli.main()
    (command,) = calls
    _, parsed = parse_args(command[command.index("snakemake") + 1 :])
    assert sorted(parsed.targets) == ["export", "report.html"]
    assert parsed.logger == ["ablation"]
