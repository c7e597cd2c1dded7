"""The style sheets know the verdicts and answers that the page writes as classes, and no others."""

from __future__ import annotations

import re

import pytest
from ablation.claims.rules import Answer
from ablation.language.words import slug
from ablation.report.render import joined
from ablation.statistics.verdicts import Verdict
from report.sample import page, sample

STYLE = joined("style/page.css", "style/drawers.css", "style/looks.css")
VERDICTS = {slug(verdict) for verdict in Verdict}


def variants(of: str) -> set[str]:
    """The second classes that rules name beside one."""
    return set(re.findall(rf"\.{of}\.([\w-]+)", STYLE))


@pytest.mark.parametrize("of", ["verdict", "effect"])
def test_no_rule_is_left_for_a_verdict_that_is_gone(of: str) -> None:
    assert variants(of) - VERDICTS == set()


def test_every_verdict_has_its_look() -> None:
    assert variants("verdict") == VERDICTS


def test_every_tested_verdict_has_its_look_in_the_plot() -> None:
    assert {slug(verdict) for verdict in Verdict if verdict.tested} - variants("effect") == set()


def test_every_answer_has_its_look() -> None:
    assert variants("answer") == {slug(answer) for answer in Answer}


def test_what_keeps_an_answer_on_one_line_does_not_keep_a_sentence_there() -> None:
    """The first finding of a model has the class of an answer, too, and may be longer than a line."""
    everywhere = re.search(r"^\.answer \{[^}]*nowrap", STYLE, re.M)
    assert everywhere is None or '<li class="answer"' not in page(sample())
