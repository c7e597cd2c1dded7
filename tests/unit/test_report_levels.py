"""Every interval on the page says at which level it holds, whatever the study's confidence."""

from __future__ import annotations

import re
from functools import cache

import pytest
from ablation.language import numbers as fmt
from report.sample import Sample, draws, fixed, judged_again, only, page, sample
from unit_page import text_of

LEVEL = r"([\d.]+)\s?% (?:CI\b|probability|prediction|two-way|interval|confidence)"
CHINESE = r"([\d.]+) ?% ?(?:的概率|置信区间|预测区间|双向置信区间|区间)"
OWN = {0.95: {"95", "97.5", "98.33", "98.75"}, 0.5: {"50", "75", "83.33", "87.5"}}


@cache
def whole(confidence: float, language: str = "en") -> str:
    made = judged_again(sample(), confidence)
    return page(made, language=language, draws=draws("cnn/kernel_7"))


def row_of(html: str, text: str) -> str:
    """The first row of a table whose head is that text."""
    found = re.search(rf"<tr[^>]*>(?:(?!</tr>).)*?>{re.escape(text)}</a>.*?</tr>", html, re.S)
    assert found is not None, text
    return text_of(found[0])


def section(html: str, name: str) -> str:
    start = html.index(f'<section id="{name}" class="axis">')
    return html[start : html.index("</section>", start)]


@pytest.mark.parametrize("confidence", OWN)
def test_levels_are_those_of_the_confidence(confidence: float) -> None:
    """That of single intervals, and those of families of 2, 3 and 4."""
    assert set(re.findall(LEVEL, text_of(whole(confidence)))) == OWN[confidence]


@pytest.mark.parametrize("confidence", OWN)
def test_levels_are_those_of_the_confidence_in_chinese(confidence: float) -> None:
    found = set(re.findall(CHINESE, text_of(whole(confidence, "zh"))))
    assert found == OWN[confidence]


@pytest.mark.parametrize("confidence", OWN)
@pytest.mark.parametrize(
    ("name", "n"), [("cnn-depth", 2), ("cnn-kernel", 3), ("cnn-dropout", 4), ("cnn-pooling", 1)]
)
def test_means_hold_at_the_confidence_and_differences_at_that_of_their_family(
    confidence: float, name: str, n: int
) -> None:
    table = section(whole(confidence), name)
    heads = re.findall(r"([\d.]+)\s% CI</th>", table[: table.index("</thead>")])
    own, family = (fmt.percent(1 - (1 - confidence) / k) for k in (1, n))
    assert heads == [own, family]


@pytest.mark.parametrize("confidence", OWN)
@pytest.mark.parametrize(
    ("model", "axis"), [("cnn", "dropout_by_batchnorm"), ("fnn", "depth_by_learning_rate")]
)
def test_where_several_factors_judge_every_interval_says_its_own_level(
    confidence: float, model: str, axis: str
) -> None:
    """On a grid the rows are of families of several sizes; the head of their column cannot name one level."""
    made = judged_again(sample(), confidence)
    (entry,) = (each for m in made.study["models"] for each in m["axes"] if each["axis"] == axis)
    rows = made.comparisons["models"][model]["axes"][axis]["rows"]
    assert len({each["difference_level"] for each in rows.values()} - {None}) > 1
    html = section(whole(confidence), f"{model}-{axis.replace('_', '-')}")
    html = html[html.index('<table class="comparison') :]
    heads = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", html[: html.index("</thead>")])
    head = heads[next(i for i, text in enumerate(heads) if text.startswith("Difference")) + 1]
    names = re.findall(r'<a href="#cell-[^"]*">([^<]*)</a>', html[html.index("<tbody>") :])
    bare = [
        name
        for cell, name in zip(entry["cells"], names, strict=False)
        if (found := rows[cell["label"]])["difference_interval"] is not None
        and f"{fmt.percent(found['difference_level'])} %" not in text_of(head) + row_of(html, name)
    ]
    assert bare == []


def two_way(confidence: float) -> Sample:
    return judged_again(fixed(only(sample(), "cnn", "kernel")), confidence)


@pytest.mark.parametrize("confidence", OWN)
def test_two_way_intervals_say_their_level(confidence: float) -> None:
    text = text_of(page(two_way(confidence)))
    assert f"{fmt.percent(confidence)} % two-way CI" in text
    assert f"at a significance threshold of {fmt.percent(1 - confidence)} %" in text


def test_the_words_that_explain_have_the_level_too() -> None:
    text = text_of(whole(0.5))
    assert "Means have 50 % confidence intervals (CI)." in text
    assert "inside our 50 % prediction interval for one new run" in text
    assert " with 50 % probability (observed: " in text
    assert "all tests of one claim hold simultaneously at 50 %" in text
    assert "The error rate of 50 % holds within each factor." in text
    assert "Across 13 factors, up to 6.5 are expected" in text
    assert "No effect is significant at 50 %" in text or "Significant effects:" in text
