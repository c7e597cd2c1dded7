"""The pages are in step with the schemas and with one another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import formats
import pages
import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_formats_is_what_the_schemas_give() -> None:
    text = formats.page(formats.read("config"), formats.read("metrics"))
    assert formats.PAGE.read_text("utf-8") == formats.formatted(text)


def properties(node: Any) -> Iterator[str]:
    """The name of every field that a schema describes, at any depth."""
    if isinstance(node, list):
        for each in node:
            yield from properties(each)
    if isinstance(node, dict):
        yield from node.get("properties", {})
        for each in node.values():
            yield from properties(each)


def test_every_field_of_a_schema_has_a_row() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", formats.PAGE.read_text("utf-8"), re.MULTILINE)
    shown = {row.rpartition(".")[2] for row in rows}
    for name in ("config", "metrics"):
        fields = set(properties(formats.read(name)))
        assert len(fields) > 30
        assert fields - shown == set()


@pytest.mark.parametrize(
    "name",
    [
        "quoted: worked",
        *(f"simulated: {n}" for n in ("ratio", "scale", "spread", "verdicts", "optimism")),
    ],
)
def test_a_block_that_is_written_again_leaves_the_page(name: str) -> None:
    page = (ROOT / "docs" / "statistics.md").read_text("utf-8")
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", page, re.DOTALL)
    assert found is not None
    assert pages.with_block(page, name, found[1].replace("\n   ", " ").strip()) == page


def test_a_page_without_the_block_is_refused() -> None:
    with pytest.raises(ValueError, match="0 blocks of the name quoted: other"):
        pages.with_block("# A page", "quoted: other", "text")
