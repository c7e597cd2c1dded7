"""What the page looks like: on a screen, on a phone, at night and on paper. REPORT_HTML=<path> checks a real report."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from report.chromium import opened

UNFOLD = "for (const fold of document.querySelectorAll('details')) fold.open = true"
ADDRESSES = ["address", "chinese"]

# One pixel of text that only a screen reader sees makes a scroll bar; the numbers of a real report may round a width up.
SLACK = 1 if os.environ.get("REPORT_HTML") else 0
SCROLLING = f"""[...document.querySelectorAll('.scroll:not(pre)')]
  .filter(e => e.clientWidth)
  .filter(e => e.scrollWidth > e.clientWidth + {SLACK} || e.scrollHeight > e.clientHeight + {SLACK})
  .map(e => [e.getAttribute('aria-label'), e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight])"""

# Lines of text in each of the elements, by the tops of their characters' boxes.
LINES = """selector => [...document.querySelectorAll(selector)].map(e => {
  const range = document.createRange();
  range.selectNodeContents(e);
  const tops = [...range.getClientRects()].filter(box => box.width > 1).map(box => Math.round(box.bottom));
  const lines = tops.sort((a, b) => a - b).filter((top, i) => !i || top - tops[i - 1] > 6);
  return [e.textContent.trim().replace(/\\s+/g, ' '), lines.length];
}).filter(([text, lines]) => lines)"""


@pytest.fixture(params=ADDRESSES)
def either(request: pytest.FixtureRequest) -> str:
    """The page in both languages."""
    found: str = request.getfixturevalue(request.param)
    return found


def test_an_effect_beyond_the_scale_is_an_arrow_with_its_number(browser: Any, address: str) -> None:
    tab = opened(browser, address)
    rows = "table.effects tbody tr:has(.effect)"
    drawn = tab.evaluate(
        f"""[...document.querySelectorAll('{rows}')].map(row => [
          row.querySelector('.effect .dot') !== null, row.querySelector('.beyond')?.dataset.number ?? '',
          row.querySelector('.num').textContent])"""
    )
    beyond = [(number, difference) for dot, number, difference in drawn if not dot]
    assert drawn
    assert all(number and number == difference for number, difference in beyond)
    assert [number for dot, number, _ in drawn if dot and number] == []
    edges = tab.evaluate(
        """[...document.querySelectorAll('.effect .beyond, .forest .beyond')].map(e => {
          const [own, room] = [e, e.closest('td')].map(each => each.getBoundingClientRect());
          return own.left >= room.left - 1 && own.right <= room.right + 1;
        })"""
    )
    assert all(edges)
    tab.close()


@pytest.mark.parametrize("width", [1280, 1920])
def test_no_table_scrolls_on_a_laptop(browser: Any, either: str, width: int) -> None:
    tab = opened(browser, either, width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(SCROLLING) == []
    tab.evaluate(UNFOLD)
    assert tab.evaluate(SCROLLING) == []
    tab.close()


def test_names_take_two_lines_and_heads_three_at_most(browser: Any, either: str) -> None:
    tab = opened(browser, either, 1280)
    names = tab.evaluate(LINES, "main section.axis tbody th > a, table.effects tbody th > a")
    assert names
    assert [found for found in names if found[1] > 2] == []
    heads = tab.evaluate(LINES, "main thead th")
    assert [found for found in heads if found[1] > 3] == []
    tab.close()


def test_a_conclusion_is_on_one_line(browser: Any, either: str) -> None:
    tab = opened(browser, either, 1280)
    found = tab.evaluate(LINES, ":is(table.effects, table.comparison) .verdict")
    plain = [text for text in found if not set("(（") & set(text[0])]  # without a reason
    assert plain
    assert [text for text in plain if text[1] > 1] == []
    assert [text for text in found if text[1] > 2] == []
    tab.close()


def test_a_phone_shows_every_conclusion_without_scrolling(browser: Any, either: str) -> None:
    tab = opened(browser, either, 360)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    out = tab.evaluate(
        """[...document.querySelectorAll(':is(table.effects, table.comparison) .verdict')]
          .filter(e => e.getBoundingClientRect().right > 360 || e.getBoundingClientRect().left < 0)
          .map(e => e.closest('tr').textContent.trim().replace(/\\s+/g, ' '))"""
    )
    assert out == []
    assert tab.evaluate("document.querySelector('table.effects').scrollWidth") <= 360
    plots = "[...document.querySelectorAll('.effect')].map(e => e.getBoundingClientRect().width)"
    assert min(tab.evaluate(plots)) > 200
    tab.close()


def test_the_answer_fits_the_first_screen_of_a_phone(browser: Any, either: str) -> None:
    tab = opened(browser, either, 360)
    tab.set_viewport_size({"width": 360, "height": 800})
    box = tab.locator("#answer").bounding_box()
    assert box["y"] + box["height"] <= 800
    assert tab.locator("#answer li").first.is_visible()
    assert tab.locator("#answer-claims").is_visible()
    tab.close()


def test_only_a_phone_folds_the_names_of_contradicted_claims(browser: Any, either: str) -> None:
    for width, folded in ((360, True), (768, False), (1280, False)):
        tab = opened(browser, either, width)
        names = tab.locator("#answer details.wide p")
        assert names.is_visible() != folded
        if folded:
            tab.locator("#answer details.wide summary").press("Enter")
            assert names.is_visible()
        tab.emulate_media(media="print")
        assert names.is_visible()
        tab.close()


def test_no_caption_is_cut_on_a_phone(browser: Any, either: str) -> None:
    tab = opened(browser, either, 360)
    tab.evaluate(UNFOLD)
    cut = tab.evaluate(
        """[...document.querySelectorAll('caption, figcaption')]
          .filter(e => e.getBoundingClientRect().right > 360 || e.scrollWidth > e.clientWidth)
          .map(e => e.textContent)"""
    )
    assert cut == []
    tab.close()


@pytest.mark.parametrize(("width", "folded"), [(360, True), (768, True), (1280, False)])
def test_the_contents_are_folded_unless_they_stand_beside_the_page(
    browser: Any, address: str, width: int, folded: bool
) -> None:
    tab = opened(browser, address, width)
    link = tab.locator("nav a").first
    assert link.is_visible() != folded
    assert tab.locator("nav summary").is_visible() == folded
    if folded:
        tab.locator("nav summary").press("Enter")
        assert link.is_visible()
    tab.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_effect_is_drawn_in_the_colour_of_its_conclusion(
    browser: Any, address: str, scheme: str
) -> None:
    """The colours of levels are for figures and their keys."""
    tab = opened(browser, address, color_scheme=scheme)
    found = tab.evaluate(
        """[...document.querySelectorAll('tr:has(.effect), tr:has(.forest svg)')].map(row => [
          getComputedStyle(row.querySelector('.effect, .forest svg')).color,
          getComputedStyle(row.querySelector('.verdict')).color])"""
    )
    assert len(found) > 10
    assert [pair for pair in found if pair[0] != pair[1]] == []
    assert tab.evaluate("document.querySelectorAll('.forest [style]').length") == 0
    tab.close()


def printed(tab: Any, folder: Path) -> Path:
    if not shutil.which("pdftotext"):
        pytest.skip("needs poppler")
    path = folder / "page.pdf"
    path.write_bytes(tab.pdf(prefer_css_page_size=True))
    return path


def lines_of(pdf: Path) -> list[list[str]]:
    """The lines of text of each page of paper, without spaces."""
    done = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True)
    pages = done.stdout.decode().split("\f")[:-1]
    return [["".join(line.split()) for line in page.splitlines() if line.strip()] for page in pages]


def used(pdf: Path) -> list[float]:
    """How far down each page of paper there is ink, as a share of its height."""
    folder = pdf.with_suffix("")
    folder.mkdir()
    subprocess.run(["pdftoppm", "-r", "18", "-gray", "-png", pdf, folder / "p"], check=True)
    pages = [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]
    return [
        float(np.flatnonzero((page < 245).any(axis=1)).max(initial=0)) / len(page) for page in pages
    ]


def test_no_page_of_paper_is_almost_empty_or_ends_in_a_heading(
    browser: Any, either: str, tmp_path: Path
) -> None:
    tab = opened(browser, either)
    heads = tab.locator("main :is(h2, h3, h4, caption)").all_text_contents()
    paper = printed(tab, tmp_path)
    pages, bare = lines_of(paper), {"".join(text.split()) for text in heads}
    assert len(pages) > 3
    assert [page[-1] for page in pages if page[-1] in bare] == []
    assert [share for share in used(paper)[:-1] if share < 0.4] == []
    tab.close()


def test_paper_has_what_is_open_and_neither_logs_nor_costs(
    browser: Any, address: str, tmp_path: Path
) -> None:
    tab = opened(browser, address)
    tab.locator("details.cell > summary").first.click()
    tab.locator("#run > details > summary").click()
    tab.locator("details.run > summary").first.evaluate("e => e.parentElement.open = true")
    tab.emulate_media(media="print")
    shown = [fold for fold in tab.locator("main details:not(.wide)").all() if fold.is_visible()]
    assert len(shown) == 2
    assert tab.locator("details:not([open]) > summary:visible").count() == 0
    assert tab.locator("#run table:visible").count() == 1
    assert tab.locator("#provenance pre:visible").count() == 0
    assert tab.locator(".toolbar").first.is_hidden()
    assert tab.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    tab.reload()
    assert tab.locator("h3:has(+ p + details.cell):visible").count() == 0
    tab.close()
