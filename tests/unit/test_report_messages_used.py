"""No message is asked for in vain and none is left over: of names put together, every group is listed here with its members."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import ablation
import yaml
from ablation.claims.rules import Answer
from ablation.language.catalogue import load
from ablation.language.words import slug
from ablation.report.answer import UNDECIDED
from ablation.report.context import PAGE_WORDS
from ablation.results.courses import MEASURES
from ablation.results.published import load as published
from ablation.statistics.verdicts import Reason, Verdict
from ablation.store.places import TEMPLATES
from ablation.tasks.task import METRICS, TASKS
from conftest import REPOSITORY

# What every study shares: how data are split and how networks are trained. A network's own parameters bring their words.
RECIPE = {
    *("learning_rate", "batch_size", "epochs", "optimizer", "schedule", "lr_factor", "lr_patience"),
    *("weight_decay", "clip_norm", "target"),
    *("augmentation", "rotation_degrees", "translation", "brightness", "share", "test"),
}
CHOICES = {
    *("sgd", "adam", "adamw", "constant", "plateau", "raw", "standardised", "none", "affine"),
    *("drawn", "official", "on", "off"),
}
SIDES = ("a", "b")


def produced() -> dict:
    """The schema of produced files."""
    path = REPOSITORY / "workflow" / "schemas" / "metrics.schema.yaml"
    found: dict = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found["$defs"]


@cache
def groups() -> dict[str, set[str]]:
    """Beginning of a key → its possible ends, where code or a template puts the two together."""
    judged = published()["models"].values()
    defs = produced()
    return {
        "verdict.": {slug(verdict) for verdict in Verdict},
        "reason.": {slug(reason) for reason in Reason},
        "axis.verdict.": {slug(verdict) for verdict in Verdict if verdict.tested},
        "axis.broken.": {slug(verdict) for verdict in Verdict if verdict.tested},
        "axis.not_tested.": {slug(reason) for reason in Reason if reason is not Reason.DIVERGED},
        "axis.collapsed_": set(TASKS),
        "axis.scored_": set(TASKS),
        "answer.": {slug(answer) for answer in Answer},
        "answer.only_": {slug(verdict) for verdict in UNDECIDED},
        "measure.": set(MEASURES),
        "claim.event.": {"diverged"},
        "claim.": {"at_most", "at_least"},
        "flag.": {"diverged", "collapsed"},
        "fate.": set(defs["replicate"]["properties"]["status"]["enum"]),
        "factorial.": {
            reason.replace(" ", "_")
            for reason in defs["factorial"]["properties"]["reason"]["enum"]
            if reason
        },
        "metric.": set(METRICS),
        "metric_unit.": set(METRICS),
        "with_unit.": set(METRICS),
        "difference_unit.": set(METRICS),
        "difference_with_unit.": set(METRICS),
        "figure.": {"train_loss", "val_loss", "val_accuracy"},
        "parameter.": RECIPE,
        "fixed.": RECIPE,
        "value.": CHOICES,
        "text.fixed_": {"on", "off"},
        "text.level_": {"on", "off", "none"},
        "model.heading_": set(TASKS),
        "model.trained_": set(TASKS),
        "yardstick.": {"predict_mean", "ridge", "gradient_boosting", "logistic_regression"},
        "environment.": set(defs["environment"]["properties"]),
        "published.run_": {run["name"] for model in judged for run in model["runs"]},
        "published.": {
            *("inside", "outside", "both-diverged", "only-ours-diverged", "only-theirs-diverged")
        },
        "published.counted.": {"both-diverged", "only-ours-diverged", "only-theirs-diverged"},
        "verified.": {slug(outcome) for outcome in defs["outcome"]["enum"]},
        "caption.": {
            f"{kind}{end}"
            for kind in ("curves", "metrics", "confusion", "predictions", "interaction")
            for end in ("", "_label", "_term")
        },
        "reading.": {f"{term}.{part}" for term in terms() for part in ("term", "text")},
        "page.": set(PAGE_WORDS),
        "export.": {"model", "axis", "reference_head"},
        "diff.summary.": {"new", "gone"},
        "diff.only_in_": set(SIDES),
        "diff.diverged_": set(SIDES),
        "diff.why.": {"seed", "data", "code"},
    }


def terms() -> list[str]:
    """What the section on reading the numbers explains."""
    text = (TEMPLATES / "report.html.jinja").read_text(encoding="utf-8")
    return re.findall(r'"(\w+)"', re.findall(r"for term in (.*?) %}", text)[0])


@cache
def written() -> set[str]:
    """Every text in the code and the templates that could be a whole key."""
    found: set[str] = set()
    for path in Path(ablation.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    for path in TEMPLATES.rglob("*.jinja"):
        found |= set(re.findall(r'"([a-z_]+(?:\.[\w-]+)+)"', path.read_text(encoding="utf-8")))
    return found


def put_together() -> set[str]:
    return {f"{start}{end}" for start, ends in groups().items() for end in ends}


def test_no_message_is_left_over() -> None:
    assert set(load("en")) - written() - put_together() == set()


def test_no_message_that_is_put_together_is_missing() -> None:
    assert put_together() - set(load("en")) == set()


def test_every_group_of_the_code_is_listed() -> None:
    """A key that begins as none of the groups do would be looked for here in vain."""
    starts: set[str] = set()
    for path in Path(ablation.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0]
            if name in ("words", "t") and isinstance(first, ast.JoinedStr):
                head = first.values[0]
                starts |= {head.value} if isinstance(head, ast.Constant) else set()
            if name == "named" and isinstance(first, ast.Constant):
                starts.add(f"{first.value}.")
    assert len(starts) > 20
    assert {start for start in starts if not any(g.startswith(start) for g in groups())} == set()
