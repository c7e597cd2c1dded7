"""Marks have a contrast of 3:1 and text of 4.5:1 to every ground of the page, by day and by night, whatever the palette."""

from __future__ import annotations

import re

import pytest
import yaml
from ablation.figures.portraits import GREY
from ablation.figures.style import DEFAULT_PALETTE, colours, looks, luminance
from ablation.report.page import STYLE
from ablation.report.render import joined
from conftest import REPOSITORY

SCHEMA = REPOSITORY / "workflow/schemas/config.schema.yaml"
GARISH = ["#ffff00", "#000000", "#ffffff", "#00ff00", "#0000ff", "#56b4e9"]
TEXT = ("ink", "soft", "link", "better", "worse", "same", "unsure", "broken")
GROUNDS = ("paper", "wash")


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def schemes() -> dict[str, dict[str, str]]:
    """The variables of the style sheets by medium."""
    found = {}
    for rules in re.findall(r":root \{(.*?)\}", joined(*STYLE), re.S):
        names = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", rules))
        full = {
            n: c if len(c) == 7 else "#" + "".join(2 * x for x in c[1:]) for n, c in names.items()
        }
        found[("light", "dark", "paper")[len(found)]] = full
    return found


def palettes() -> list[str | list[str]]:
    named = yaml.safe_load(SCHEMA.read_text("utf-8"))["properties"]["report"]["properties"]
    return [*named["palette"]["anyOf"][0]["enum"], GARISH, list(DEFAULT_PALETTE)]


@pytest.mark.parametrize("scheme", ["light", "dark", "paper"])
def test_text_is_read_on_every_ground(scheme: str) -> None:
    variables = schemes()[scheme]
    faint = {
        (name, ground): contrast(variables[name], variables[ground])
        for name in TEXT
        for ground in GROUNDS
    }
    assert {pair: level for pair, level in faint.items() if level < 4.5} == {}


@pytest.mark.parametrize("palette", palettes(), ids=str)
def test_marks_of_any_palette_are_seen_on_every_ground(palette: str | list[str]) -> None:
    labels = [str(i) for i in range(9)]
    marks = {look.colour for look in looks(labels, "0", palette).values()} | {GREY}
    grounds = {(name, schemes()[name][ground]) for name in schemes() for ground in GROUNDS}
    faint = {
        (mark, *ground): contrast(mark, ground[1])
        for mark in marks
        for ground in grounds
        if contrast(mark, ground[1]) < 3
    }
    assert faint == {}


def test_a_colour_that_is_seen_stays_as_it_is() -> None:
    assert colours(["#0072b2", "#d55e00"], 2) == ["#0072b2", "#d55e00"]
    assert len(set(colours(GARISH, 6))) == 6
