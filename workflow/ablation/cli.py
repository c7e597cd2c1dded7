"""The command line: ``python -m ablation <stage> <key>`` behind the rules, and the commands that a person gives."""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from ablation.commands import dispatch as commands
from ablation.machine import faults
from ablation.machine.devices import resolves_to_cuda
from ablation.machine.logs import LineFormatter, printable
from ablation.stages import failures
from ablation.stages.job import RECORDED, STAGES
from ablation.store.code import OtherCodeError
from ablation.store.copies import Copy
from ablation.store.download import DownloadError
from ablation.store.entries import StoreError, find, folder_of, require
from ablation.study.progress import RUN_FACTS, say_trained

log = logging.getLogger("ablation")
SAY_ALL = (DownloadError, StoreError, OtherCodeError)  # these sentences say all there is to know


def run_facts() -> dict[str, Any]:
    """What a job needs to know and no number depends on: ``device``, ``checkpoint_seconds``, ``mirrors``."""
    facts: dict[str, Any] = json.loads(os.environ[RUN_FACTS])
    return facts


class _Parser(argparse.ArgumentParser):
    """Repeats what was given without control characters."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(prog="ablation", description=__doc__)
    words = parser.add_subparsers(dest="command", required=True)
    for stage in STAGES:
        stage_parser = words.add_parser(stage)
        stage_parser.add_argument("key", help="names its specification in the store")
        if stage == "train":
            stage_parser.add_argument(
                "--threads", type=int, default=1, help="groups trained side by side"
            )
            stage_parser.add_argument(
                "--evaluation", help="key of its evaluation, made ahead in the same process"
            )
    words.add_parser("download").add_argument("dataset")
    show = words.add_parser("show", help="make a readable copy of what an entry holds")
    show.add_argument("manifest", type=Path)
    show.add_argument("target", nargs="+")
    show.add_argument("--source", help="a file of the entry; the target's own name where left out")
    fail = words.add_parser("fail", help="tell of a failed job, and record it where it is a cell's")
    fail.add_argument("stage", choices=STAGES)
    fail.add_argument("key")
    fail.add_argument("status", type=int)
    fail.add_argument("log", type=Path)
    commands.add(words)
    return parser


def _show(options: argparse.Namespace) -> None:
    entry = require(options.manifest.parent)
    for target in options.target:
        source = options.source or entry.holds(Path(target).name)
        Copy(target, entry.folder, source).refresh(entry)


def _fail(options: argparse.Namespace) -> None:
    from ablation.stages.job import fail

    if options.stage == "train" and find(folder_of(options.stage, options.key)):
        return  # it was trained and published; the process ended in the evaluation, which has a job of its own
    reason = fail(options.stage, options.key, options.status, options.log)
    failures.say(options.stage, options.key, reason)
    if options.stage not in RECORDED:
        sys.exit(1)


def _download(options: argparse.Namespace) -> None:
    from ablation.stages.prepare import download

    download(options.dataset, run_facts())


def _stage(options: argparse.Namespace) -> None:
    from ablation.stages.job import run

    facts = run_facts()
    if options.command == "train":
        facts["threads"] = options.threads
    run(options.command, options.key, facts)
    if options.command == "train":
        say_trained(options.key)
        if options.evaluation and not resolves_to_cuda(facts["device"]):
            _evaluate_ahead(options.evaluation, facts)


def _evaluate_ahead(key: str, facts: dict[str, Any]) -> None:
    """Test what was just trained and published: a job of its own would import torch again, most of an evaluation's time.

    Not where a GPU was leased, which another training can use meanwhile. A failure is left to the evaluation's own job.
    """
    from ablation.stages.job import run

    try:
        run("evaluate", key, facts, ahead=True)
    except Exception as error:
        log.warning("The evaluation is left to its own job: %s", faults.sentence(error))


JOBS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "show": _show,
    "fail": _fail,
    "download": _download,
}


def main() -> int:
    """Run one job or command; an error is one line at the end of the log, after its traceback."""
    # A terminal of another encoding shows a sign for what it lacks.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args()
    if options.command in commands.NAMES:
        return commands.run(options)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    try:
        JOBS.get(options.command, _stage)(options)
    except Exception as error:
        if isinstance(error, SAY_ALL):
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        else:
            log.exception("%s failed", options.command)
            reason = faults.sentence(error)
        log.error("%s", reason)
        return 1
    return 0
