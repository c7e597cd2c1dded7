"""The options of the commands that a person gives, and how they end: a mistake is one sentence, without a traceback."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablation.machine.logs import say
from ablation.store.places import PROJECT, WORKFLOW

if TYPE_CHECKING:
    from ablation.study.table import Given

    Stages = argparse._SubParsersAction[argparse.ArgumentParser]

NAMES = ("plan", "run", "quick", "try", "verify", "diff", "prune")
MISTAKE = 2  # the exit status of a mistake in the input; 1 says that cells are different


class MistakeError(ValueError):
    """Input that cannot be used; the message is one sentence that says what is allowed."""


def add(stages: Stages) -> None:
    """Add the options of all commands."""
    plan = stages.add_parser("plan", help="what would run, why, and for how long; writes nothing")
    work = stages.add_parser("run", help="run the study, after a look at its configuration")
    quick = stages.add_parser("quick", help="train and print the comparisons, without a report")
    verify = stages.add_parser(
        "verify", help="train configurations again and compare with the store"
    )
    prune = stages.add_parser("prune", help="remove from the store what no study needs")
    for command in (plan, work, quick, verify, prune):
        command.add_argument("--configfile", type=Path, nargs="+", default=[], action="extend")
    for command in (plan, work, quick, verify):
        command.add_argument(
            "--config", nargs="+", action="extend", default=[], metavar="KEY=VALUE"
        )
        command.add_argument("--cores", type=int, help="as many as there are where left out")
    work.add_argument("rest", nargs="*", metavar="-- ...", help="targets and options of snakemake")
    verify.add_argument("--cells", type=int, help="how many, drawn at random; 3 by default")
    verify.add_argument(
        "--cell", nargs="+", default=[], action="extend", help="which configurations, by name"
    )
    verify.add_argument("--seed", type=int, help="of the choice; drawn where left out")
    verify.add_argument("--keep", action="store_true", help="keep the scratch folder")
    verify.add_argument("--report", action="store_true", help="make the report anew after it")
    prune.add_argument("--yes", action="store_true", help="remove it; else it is only said")
    attempt = stages.add_parser("try", help="try a network of one's own on data of one's own")
    attempt.add_argument("--network", required=True, help="mlp, convnet or my/net.py[:Class]")
    attempt.add_argument("--data", required=True, help="boston, mnist, … or my/data.py")
    attempt.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters")
    diff = stages.add_parser("diff", help="compare two studies in one HTML file")
    diff.add_argument("a", help="a report, or a folder of results")
    diff.add_argument("b", help="the same; differences are B minus A")
    diff.add_argument("--output", type=Path, default=Path("diff.html"))
    diff.add_argument("--language", choices=("en", "zh"), help="that of B where left out")


def run(options: argparse.Namespace) -> int:
    """Run a command; its exit status."""
    from ablation.store.entries import StoreError
    from ablation.study.config import ConfigError

    try:
        status = _run(options)
        sys.stdout.flush()  # a pipe whose reader has gone is told of here, and not at the end of the process
        return status
    except (MistakeError, ConfigError, StoreError) as error:
        sentence = " ".join(str(error).split())
    except BrokenPipeError:  # the reader of a pipe has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        sentence = f"{error.filename or 'a file'} cannot be used: {error.strerror}."
    except KeyboardInterrupt:
        return 130
    say(sentence, sys.stderr)
    return MISTAKE


def _run(options: argparse.Namespace) -> int:
    arguments: dict[str, Any] = vars(options)
    if options.command == "plan":
        from ablation.commands.plan import show

        show(options.configfile, options.config, options.cores)
        return 0
    if options.command == "run":
        return _work(options.configfile, options.config, options.cores, options.rest)
    if options.command == "quick":
        from ablation.commands.quick import quick

        return quick(options.configfile, options.config, options.cores)
    if options.command == "try":
        from ablation.commands.try_network import try_network

        return try_network(options.network, options.data, options.set)
    if options.command == "prune":
        from ablation.commands.prune import prune

        return prune(options.configfile, yes=options.yes)
    if options.command == "verify":
        from ablation.commands.verify import verify

        choice = {name: arguments[name] for name in ("cells", "seed", "cores", "keep", "report")}
        return verify(options.configfile, options.config, named=options.cell, **choice)
    from ablation.commands.diff import diff

    diff(options.a, options.b, options.output, language=options.language)
    return 0


def variant(arguments: Given) -> list[str]:
    """Snakemake's options for a configuration."""
    files = ["--configfile", *arguments.files] if arguments.files else []
    return files + (["--config", *arguments.overrides] if arguments.overrides else [])


def _work(
    files: Sequence[Path], overrides: Sequence[str], cores: int | None, rest: Sequence[str]
) -> int:
    """Run the workflow and follow it, once the project's own reader has found nothing wrong with the configuration.

    Snakemake's reader comes first in a run of its own: of a file that is no YAML it names neither file nor line, and it knows
    no dotted names.
    """
    from ablation.study.plan import read_plan

    options = [
        *variant(read_plan(files, overrides).given),
        *(["--cores", str(cores)] if cores else []),
    ]
    paths = os.pathsep.join(map(str, (WORKFLOW, WORKFLOW / "plugins")))
    several = ["--quiet", "rules", "--logger", "ablation", *options]  # they would take targets, too
    last = ["--snakefile", str(PROJECT / "Snakefile")]
    command = [sys.executable, "-P", "-m", "snakemake", *several, *last, *rest]
    os.execve(command[0], command, {**os.environ, "PYTHONPATH": paths})


def workflow_command(
    snakefile: Path, cores: int | None, *targets: str, options: Sequence[str] = ()
) -> list[str]:
    """The call of Snakemake on this machine, whatever profile the environment names."""
    limit = "all" if cores is None else str(cores)
    return [
        *(sys.executable, "-P", "-m", "snakemake", "--snakefile", str(snakefile)),
        *("--executor", "local", "--cores", limit, "--quiet", "rules", *options, "--", *targets),
    ]
