"""The check of what the documentation quotes: it passes on what is quoted and names what is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import quoted

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "statistics.md").read_text("utf-8")
CLAIMS = (DOCS / "claims.md").read_text("utf-8")
BLOCK = re.compile(r"<!-- quoted: worked -->\n(.*?)\n<!-- end -->", re.DOTALL)


def row() -> str:
    found = BLOCK.search(PAGE)
    assert found is not None
    return found[1]


def test_what_is_quoted_holds() -> None:
    assert quoted.stale_row(PAGE, row()) == []
    assert quoted.stale_claims(CLAIMS) == []
    assert quoted.same_arithmetic(PAGE, row())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (r"(\| depth 1 \| )\d\.\d{3}", r"\g<1>0.500", "other numbers"),
        (r"\*\*worse\*\*", "**better**", "other numbers"),
        (r"key\s+`\w+`", "key `0123456789abcdef`", "another key"),
        (r"\| depth 2 .*\n", "", "other numbers"),
    ],
)
def test_another_row_is_named(old: str, new: str, said: str) -> None:
    changed, count = re.subn(old, new, row(), count=1)
    assert count == 1
    (sentence,) = quoted.stale_row(PAGE, changed)
    assert said in sentence


def test_another_answer_is_named() -> None:
    changed, count = re.subn(r"^(\| 13 .*) confirmed ", r"\1 contradicted ", CLAIMS, flags=re.M)
    assert count == 1
    (sentence,) = quoted.stale_claims(changed)
    assert "claim 13 is 'contradicted', quoted as 'confirmed'" in sentence


def test_another_arithmetic_is_seen() -> None:
    changed = re.sub(r"(default\s+study\s+\()\w+", r"\1another", row())
    assert changed != row()
    assert not quoted.same_arithmetic(PAGE, changed)


def test_a_page_without_the_block_is_named() -> None:
    assert quoted.stale_row("no block", row()) == ["docs/statistics.md has no row worked by hand."]
