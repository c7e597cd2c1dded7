"""The page in a browser: alone, quiet, readable on a phone, at night and on paper.

REPORT_HTML=<path> checks a real report instead of the sample.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from report.sample import drawn, page, sample

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs a Chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    given = os.environ.get("REPORT_HTML")
    if given:
        return Path(given).resolve().as_uri()
    failed = ("cnn/kernel_9",)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(sample(failed=failed), drawn(failed=failed)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


def opened(browser: sync_api.Browser, address: str, width: int = 1400, **more) -> sync_api.Page:
    tab = browser.new_page(viewport={"width": width, "height": 900}, **more)
    tab.goto(address)
    return tab


def test_no_request_leaves_the_page_and_the_console_is_quiet(browser, address):
    tab = browser.new_page()
    requests, complaints = [], []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(address)
    tab.wait_for_timeout(200)
    assert [url for url in requests if not url.startswith("data:")] == [address]
    assert complaints == []
    tab.close()


@pytest.mark.parametrize("width", [420, 900, 1400])
def test_nothing_is_wider_than_the_window(browser, address, width):
    tab = opened(browser, address, width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.close()


def test_ids_are_unique_and_links_lead_somewhere(browser, address):
    tab = opened(browser, address)
    ids = tab.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    links = tab.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert links
    assert {link[1:] for link in links} <= set(ids)
    assert all(link.startswith("#") for link in links)
    tab.close()


def test_every_figure_is_seen_and_named(browser, address):
    tab = opened(browser, address)
    plots = tab.evaluate(
        """[...document.querySelectorAll('figure .plot')].map(e => {
             const box = e.querySelector('svg').getBoundingClientRect();
             return [e.getAttribute('aria-label'), e.getAttribute('role'), box.width, box.height,
                     e.querySelectorAll('path').length];
           })"""
    )
    assert plots
    for label, role, width, height, paths in plots:
        assert label
        assert role == "img"
        assert width > 200
        assert height > 80
        assert paths > 0
    tab.close()


def test_the_dark_scheme_turns_paper_and_ink(browser, address):
    seen = {}
    for scheme in ("light", "dark"):
        tab = opened(browser, address, color_scheme=scheme)
        seen[scheme] = tab.evaluate(
            """[getComputedStyle(document.body).backgroundColor,
                getComputedStyle(document.querySelector('.plot svg text')).fill]"""
        )
        tab.close()
    assert seen["light"][0] != seen["dark"][0]
    assert seen["light"][1] != seen["dark"][1]


CONTRASTS = """
() => {
  const channel = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const level = text => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
  const behind = e => { for (; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(colour)) return colour; } return 'rgb(255, 255, 255)'; };
  const bad = [];
  for (const e of document.querySelectorAll('main *, nav *, header *')) {
    if (e.closest('svg, .look')) continue;
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [level(getComputedStyle(e).color), level(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(e.className + ': ' + e.textContent.slice(0, 40));
  }
  return bad;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(browser, address, scheme):
    tab = opened(browser, address, color_scheme=scheme)
    assert tab.evaluate(CONTRASTS) == []
    tab.close()


def test_the_page_is_complete_without_script(browser, address):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address)
    assert tab.locator("table").count() > 5
    assert tab.locator("main h2").count() >= 3
    context.close()


def test_the_cost_table_sorts(browser, address):
    tab = opened(browser, address)
    column = "[...document.querySelectorAll('table.sortable tbody tr')].map(r => r.cells[5].textContent.trim())"
    tab.locator("table.sortable thead th").nth(5).locator("button").click()
    found = [float(text.replace(",", "")) for text in tab.evaluate(column) if text[0].isdigit()]
    assert found == sorted(found)
    tab.close()


def test_it_prints_with_everything_unfolded(browser, address):
    tab = opened(browser, address)
    hidden = tab.locator("details").count()
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("details[open]").count() == hidden
    assert tab.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    tab.close()


def test_it_is_small_enough_to_send(address):
    size = Path(address.removeprefix("file://")).stat().st_size
    assert size < 5_000_000
