"""The oracle of the page turns red when one thing is wrong on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from oracle.page import Element, by_id
from oracle.page_check import checks, page_of
from oracle.study import Study

DIGIT = "digit"  # the digit that the pattern's group begins with becomes another one
Place = tuple[str, str, str, int, str, str]
KERNEL, GRID = "cnn: kernel, tables", "fnn: depth_by_learning_rate, tables"
# What is looked at; the id of a section, a tag in it (none: itself) and which of them; a pattern, and what its group becomes.
PAGE: dict[str, Place] = {
    "one digit of a mean": (KERNEL, "cnn-kernel", "td", 1, r"(\d)$", DIGIT),
    "one decimal more": (KERNEL, "cnn-kernel", "td", 1, r"\.()", "9"),
    "label of a difference's level": (KERNEL, "cnn-kernel", "th", 5, r"(\d[\d.]*)\s%", "99"),
    "label of the means' level": (KERNEL, "cnn-kernel", "th", 3, r"(\d+)\s%", "90"),
    "a verdict": (
        KERNEL,
        "cnn-kernel",
        "td",
        0,
        r"(inconclusive|better|worse|practically equivalent)",
        "not tested",
    ),
    "a sign": (KERNEL, "cnn-kernel", "td", 3, r"^(−)", "+"),
    "end of an interval": (KERNEL, "cnn-kernel", "td", 4, r"(\d)\]", DIGIT),
    "degrees of freedom": (GRID, "fnn-depth-by-learning-rate", "", 0, r"^1, (\d\d)$", DIGIT),
    "count of diverged": ("fnn: effects", "findings", "table", 0, r"(\d+)/\d+ diverged", DIGIT),
    "a largest effect": ("cnn: effects", "findings", "table", 1, r"largest effect .(\d)", DIGIT),
    "single runs": ("fnn: answer", "fnn", "", 0, r"between (\d)", DIGIT),
    "level of the best": ("cnn: answer", "cnn", "", 0, r"(\d+)\s% CI [\[]", "90"),
    "comparisons in all": ("cnn: answer", "answer", "ul", 1, r"Of (\d+) comparisons", DIGIT),
    "an open factor": ("fnn: answer", "answer", "details", -1, r"(Hidden)", "Other"),
    "an effect of the answer": ("cnn: answer", "answer", "ul", 1, r"[\[][+−](\d)", DIGIT),
    "optimism": ("fnn: answer", "fnn", "", 0, r"up to about (\d)", DIGIT),
    "interval of a simple model": ("fnn: simple models", "fnn", "table", 1, r"\[(\d)", DIGIT),
    "Wilson's interval": ("cnn: draws", "cnn", "table", 1, r"^\[(\d)", DIGIT),
    "level of a sentence": (
        "cnn: kernel, sentences",
        "cnn-kernel",
        "p",
        1,
        r"(\d\d[\d.]*)\s% CI",
        "90",
    ),
    "a sentence too many": ("cnn: kernel, sentences", "cnn-kernel", "p", 1, r"^()", "Or 3. "),
    "ω² in words": ("cnn: kernel, sentences", "cnn-kernel", "", 0, r"set apart\): 0\.(\d)", DIGIT),
    "a replicate": ("cnn: cells", "cnn", "details", -1, r"^(\d\d)\.\d+$", DIGIT),
    "answer of a claim": ("claims", "claims", "table", 0, r"^(confirmed)$", "contradicted"),
    "evidence of a claim": ("claims", "claims", "table", 0, r"(\d+) of \d+ replicates", DIGIT),
    "claims counted": ("claims", "answer", "p", 0, r"(\d+) confirmed", DIGIT),
    "runs that fit": (
        "fnn: learning_rate, sentences",
        "fnn-learning-rate",
        "",
        0,
        r"runs, (\d)",
        DIGIT,
    ),
    "noise": ("threats", "threats", "", 0, r"vary by (\d)", DIGIT),
}


def another(group: str, new: str) -> str:
    """What stands in the place of a group."""
    return str((int(group[0]) + 1) % 10) + group[1:] if new == DIGIT else new


@contextmanager
def other_text(element: Element, pattern: str, new: str) -> Iterator[None]:
    """The first text of an element that has the pattern is another for a while."""
    for each in [element, *element.below]:
        for place, child in enumerate(each.children):
            match = re.search(pattern, child.strip()) if isinstance(child, str) else None
            if match:
                start, end = match.span(1)
                text = match.string[:start] + another(match[1], new) + match.string[end:]
                each.children[place] = text
                try:
                    yield
                finally:
                    each.children[place] = child
                return
    raise LookupError(f"no “{pattern}”")


def place_of(page: Element, case: str) -> Element:
    """Where the text of a case is."""
    _, name, tag, which, _, _ = PAGE[case]
    found = by_id(page, name)
    if case == "a replicate":
        return found.all("details", "cell")[0].all("tbody")[0]
    if case == "Wilson's interval":
        return next(t for t in found.all("table", "by-class") if "Test set" in t.text)
    return found.all(tag)[which] if tag else found


@pytest.mark.parametrize("case", PAGE)
def test_a_broken_page_is_seen(study: Study, case: str) -> None:
    page, check = page_of(study), checks(study)[PAGE[case][0]]
    assert check(page) > 0
    with other_text(place_of(page, case), *PAGE[case][4:]), pytest.raises(AssertionError):
        check(page)
    assert check(page) > 0


def test_a_page_without_a_row_is_seen(study: Study) -> None:
    page, check = page_of(study), checks(study)[KERNEL]
    body = by_id(page, "cnn-kernel").all("tbody")[0]
    whole = body.children
    rows = [each for each in whole if isinstance(each, Element)]
    body.children = [*rows[1:]]
    del body.below
    try:
        with pytest.raises(AssertionError):
            check(page)
    finally:
        body.children = whole
        del body.below


def test_a_contradicted_claim_too_many_is_seen(study: Study) -> None:
    page, check = page_of(study), checks(study)["claims"]
    box = by_id(page, "answer")
    box.children.append(Element("a", {"href": "#claim-1"}, ["“A claim”"]))
    del box.below
    try:
        with pytest.raises(AssertionError, match="contradicted claims in the box"):
            check(page)
    finally:
        box.children.pop()
        del box.below


def test_a_page_without_tables_is_seen(study: Study) -> None:
    empty = Element("page")
    for name, check in checks(study).items():
        if name != "fnn: draws":  # there are none of a regression
            with pytest.raises(AssertionError):
                check(empty)
