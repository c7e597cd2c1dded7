"""The oracle of the page turns red when one thing is wrong on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from oracle.page import Element, by_id
from oracle.page_check import checks, page_of
from oracle.study import Study


@contextmanager
def other_text(element: Element, old: str, new: str) -> Iterator[None]:
    """One piece of text of an element is another for a while."""
    for each in [element, *element.below]:
        for place, child in enumerate(each.children):
            if isinstance(child, str) and old in child:
                each.children[place] = child.replace(old, new, 1)
                try:
                    yield
                finally:
                    each.children[place] = child
                return
    raise LookupError(f"no “{old}”")


Place = tuple[str, str, str, int, str, str]
# What is looked at, where the text is (the id of an element, a tag, which of them), and what it becomes.
PAGE: dict[str, Place] = {
    "one digit of a mean": ("cnn: kernel, tables", "cnn-kernel", "td", 1, ".", ".9"),
    "label of a level": ("cnn: kernel, tables", "cnn-kernel", "th", 5, "95 %", "97.5 %"),
    "label of the means' level": ("cnn: kernel, tables", "cnn-kernel", "th", 3, "95 %", "90 %"),
    "a verdict": ("cnn: kernel, tables", "cnn-kernel", "td", 0, "inconclusive", "worse"),
    "a sign": ("cnn: kernel, tables", "cnn-kernel", "td", 3, "−", "+"),
    "end of an interval": ("cnn: kernel, tables", "cnn-kernel", "td", 4, "]", "1]"),
    "degrees of freedom": (
        "fnn: depth_by_learning_rate, tables",
        "fnn-depth-by-learning-rate",
        "section",
        -1,
        "1, 11",
        "1, 12",
    ),
    "count of diverged": ("fnn: effects", "findings", "table", 0, "12/12", "11/12"),
    "a largest effect": ("cnn: effects", "findings", "section", -1, "+4.7 perc", "+4.8 perc"),
    "a headline": ("fnn: headlines", "findings", "section", -1, "between 5 and", "between 6 and"),
    "level of a headline": ("cnn: headlines", "findings", "ul", 1, "95 % CI", "90 % CI"),
    "count of comparisons": ("cnn: headlines", "findings", "section", -1, "4 compar", "5 compar"),
    "interval of a simple model": ("fnn: simple models", "fnn", "table", 1, "[", "[1"),
    "Wilson's interval": ("cnn: draws", "cnn-draws", "", -1, "", ""),
    "a sentence": ("cnn: kernel, sentences", "cnn-kernel", "p", 1, "95 %", "97.5 %"),
    "a sentence too many": ("cnn: kernel, sentences", "cnn-kernel", "p", 1, "3", "2. 3"),
    "a replicate": ("cnn: cells", "cnn", "details", -1, "", ""),
    "answer of a claim": ("claims", "claims", "section", -1, "confirmed", "contradicted"),
    "evidence of a claim": ("claims", "claims", "section", -1, "12 of 12", "11 of 12"),
    "share of the variance": ("threats", "threats", "section", -1, "0.35", "0.30"),
}


def element_of(page: Element, name: str, tag: str, which: int) -> Element:
    """An element by its place below another one."""
    found = by_id(page, name)
    return found if which < 0 else found.all(tag)[which]


def edited(page: Element, case: str) -> tuple[Element, str, str]:
    """Where the text of a case is, and what it becomes."""
    _, name, tag, which, old, new = PAGE[case]
    if case == "Wilson's interval":
        heads = [t for t in by_id(page, "cnn").all("table", "digits") if "Draw" in t.text]
        cell = heads[0].all("tbody")[0].all("td")[2]
        return cell, cell.text[-2], str((int(cell.text[-2]) + 1) % 10)
    if case == "a replicate":
        drawer = by_id(page, "cnn").all("details", "cell")[0]
        cell = drawer.all("tbody")[0].all("td")[1]
        return cell, cell.text[-1], str((int(cell.text[-1]) + 1) % 10)
    return element_of(page, name, tag, which), old, new


@pytest.mark.parametrize("case", PAGE)
def test_a_broken_page_is_seen(study: Study, case: str) -> None:
    page, check = page_of(study), checks(study)[PAGE[case][0]]
    assert check(page) > 0
    with other_text(*edited(page, case)), pytest.raises(AssertionError):
        check(page)
    assert check(page) > 0


def test_a_page_without_a_row_is_seen(study: Study) -> None:
    page, check = page_of(study), checks(study)["cnn: kernel, tables"]
    body = by_id(page, "cnn-kernel").all("tbody")[0]
    whole = body.children
    rows = [each for each in whole if isinstance(each, Element)]
    body.children = rows[1:]
    del body.below
    try:
        with pytest.raises(AssertionError):
            check(page)
    finally:
        body.children = whole
        del body.below


def test_a_page_without_tables_is_seen(study: Study) -> None:
    empty = Element("page")
    for name, check in checks(study).items():
        if name == "fnn: draws":  # the regression has none
            continue
        with pytest.raises(AssertionError):
            check(empty)
