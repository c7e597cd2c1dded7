"""Links between the pages lead somewhere, and paths that the pages name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import REPOSITORY

FOLDERS = ("benchmarks", "config", "docs", "tests")
PAGES = sorted(
    [*REPOSITORY.glob("*.md"), *(p for name in FOLDERS for p in (REPOSITORY / name).rglob("*.md"))]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"`((?:\.ci|benchmarks|config|docker|docs|profiles|tests|workflow)/[\w./-]+)`")


def anchors(text: str) -> set[str]:
    """The names by which a page's headings are linked."""
    headings = re.findall(r"^#+ (.*)$", CODE.sub(lambda m: m[0].replace("#", ""), text), re.M)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {word.strip().replace(" ", "-") for word in words}


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
        name, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            found.append(link)
    return found


def name(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_named_path_is_there(page: Path) -> None:
    named = NAMED.findall(page.read_text("utf-8"))
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `thing`, two\n[a](page.md#one-thing-two) [b](#gone) [c](none.md) [d](https://x.org) `[e](f)`\n",
        "utf-8",
    )
    assert broken(page) == ["#gone", "none.md"]
