"""The command line behind the rules: ``python -m ablation <stage> …``. Each stage imports only what it needs."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from ablation import commands
from ablation.download import DownloadError
from ablation.loglines import DATE_FORMAT, FORMAT
from ablation.store import StoreError

log = logging.getLogger("ablation")
RUN_FACTS = "ABLATION_RUN"
FOLLOWED = "ABLATION_FOLLOWED"  # set by the logger plugin, which shows what a job would print


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ablation", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)

    def stage(name: str, *paths: str, spec: bool = True) -> argparse.ArgumentParser:
        sub = stages.add_parser(name)
        if spec:
            sub.add_argument("--spec", type=json.loads, required=True)
        for path in paths:
            sub.add_argument(f"--{path}", type=Path, required=True)
        return sub

    runs = [
        stage("download", "output"),
        stage("train", "data", "output"),
        stage("report", "mark", "tables", "figures", "portraits", "output", spec=False),
    ]
    for sub in runs:
        sub.add_argument("--run", type=Path, default=os.environ.get(RUN_FACTS), help="run facts")
    stage("prepare", "raw", "output")
    stage("evaluate", "entry", "train", "test", "output")
    stage("view", "entry", "metrics", "output")
    stage("yardsticks", "train", "test", "output")
    stage("collect", "mark", "output", spec=False)
    stage("draws", "mark", "tables", "output", spec=False)
    stage("plot", "mark", "tables", "output", spec=False)
    stage("portraits", "mark", "tables", "output", spec=False)
    stage("export", "mark", "tables", "output", spec=False)
    commands.add(stages)
    fail = stage("fail", "output", "log", spec=False)
    fail.add_argument("--fingerprint", required=True)
    fail.add_argument("--status", type=int, required=True)
    plan = stages.add_parser("plan", help="what would run, why, and for how long; writes nothing")
    plan.add_argument("--configfile", type=Path, nargs="+", action="extend", default=[])
    plan.add_argument("--config", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    plan.add_argument("--cores", type=int, help="as many as there are where left out")
    return parser


def _run_facts(options: argparse.Namespace) -> dict[str, Any]:
    """What a job needs to know and no number depends on."""
    facts: dict[str, Any] = json.loads(Path(options.run).read_text(encoding="utf-8"))
    return facts


def _run(options: argparse.Namespace) -> None:
    given: dict[str, Any] = vars(options)
    stage: str = given["stage"]
    spec: dict[str, Any] = given.get("spec") or {}
    if stage == "train":
        from ablation.train_job import train

        line = train(spec, options.data, options.output, _run_facts(options))
        if not os.environ.get(FOLLOWED):
            print(line, flush=True)
    elif stage == "plan":
        from ablation.plan_job import show

        show(options.configfile, options.config, options.cores)
    elif stage in ("collect", "draws", "plot", "portraits", "report", "export"):
        job = importlib.import_module(f"ablation.{stage}_job")
        names = ("tables", "figures", "portraits", "output")
        paths = {name: given[name] for name in names if name in given}
        spec = json.loads(options.mark.read_text(encoding="utf-8"))["spec"]
        run = [_run_facts(options)] if "run" in given else []
        getattr(job, stage)(spec, *run, **paths)
    else:
        from ablation import jobs

        if stage == "download":
            jobs.download(spec, _run_facts(options), options.output)
        elif stage == "prepare":
            jobs.prepare(spec, options.raw, options.output)
        elif stage == "evaluate":
            from ablation.evaluate_job import evaluate

            evaluate(spec, options.entry, options.train, options.test, options.output)
        elif stage == "view":
            from ablation.views import view

            view(spec, options.entry, options.metrics, options.output)
        elif stage == "yardsticks":
            jobs.yardsticks(spec, options.train, options.test, options.output)
        elif stage == "fail":
            jobs.fail(options.output, options.fingerprint, options.status, options.log)


def main() -> int:
    """Run one stage; an error is one line at the end of the log, after its traceback."""
    logging.basicConfig(level=logging.INFO, format=FORMAT, datefmt=DATE_FORMAT, stream=sys.stderr)
    options = _parser().parse_args()
    if options.stage in commands.NAMES:
        return commands.run(options)
    try:
        _run(options)
    except Exception as error:
        if not isinstance(error, DownloadError | StoreError):  # these say all there is to know
            log.exception("%s failed", options.stage)
        log.error("%s: %s", type(error).__name__, " ".join(str(error).split()))
        return 1
    return 0
