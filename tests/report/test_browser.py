"""The page in a browser: alone, quiet, and complete. REPORT_HTML=<path> checks a real report instead of the sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from report.chromium import FAILED, invented, opened
from report.sample import sample

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
UNFOLD = "for (const each of document.querySelectorAll('details')) each.open = true"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"


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
    tab.evaluate(UNFOLD)
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
    if (e.closest('svg, .look, .matrix')) continue;
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
    assert tab.locator("figure .plot svg").first.is_visible()
    assert tab.locator(".scripted").first.is_hidden()
    drawer = tab.locator("details.cell").first
    drawer.locator("summary").first.click()
    assert drawer.locator(".unfolded").is_visible()
    context.close()


def test_every_drawer_opens_by_its_link_and_by_hand(browser, address):
    tab = opened(browser, address)
    drawers = tab.locator("details.cell:not(.run)")
    assert drawers.count() > 10
    for drawer in drawers.all():
        assert not drawer.evaluate("e => e.open")
        drawer.locator("summary").first.click()
        assert drawer.locator(".unfolded").is_visible()
        assert "snakemake" in drawer.locator(".command").first.inner_text()
    tab.reload()
    link = tab.locator("table.effects tbody tr:not(.group) th a").first
    target = link.get_attribute("href")
    link.click()
    assert tab.locator(f"{target} .unfolded").is_visible()
    tab.close()


def column(tab: sync_api.Page, table: str, number: int) -> list[str]:
    return tab.evaluate(
        "([t, n]) => [...document.querySelector(t).tBodies[0].rows].map(r => r.cells[n].textContent.trim())",
        [table, number],
    )


def test_a_table_sorts_filters_and_copies(browser, address):
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.goto(address)
    tab.evaluate(UNFOLD)
    table = "#provenance table.data:has(th:nth-child(9))"
    for turn in (1, -1):
        tab.locator(f"{table} thead th").nth(5).locator("button").click()
        shown = [text for text in column(tab, table, 5) if text[0].isdigit()]
        found = [float(text.replace(",", "")) for text in shown]
        assert len(found) > 3
        assert found == sorted(found, reverse=turn < 0)
    bar = tab.locator("#provenance .toolbar:has(+ .scroll > table.data:has(th:nth-child(9)))")
    key = column(tab, table, 2)[0]
    bar.locator("input").fill(key)
    rows = tab.locator(f"{table} tbody tr")
    assert [row.is_visible() for row in rows.all()].count(True) == 1
    bar.get_by_role("button", name="CSV").click()
    text = tab.evaluate("navigator.clipboard.readText()")
    assert text.count("\n") == 2
    assert key in text
    bar.get_by_role("button", name="LaTeX").click()
    text = tab.evaluate("navigator.clipboard.readText()")
    assert "\\toprule" in text
    assert text.count("\\\\") == 2
    assert "&" in text
    context.close()


def test_no_copied_field_is_a_formula(browser, address):
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.goto(address)
    tab.evaluate(UNFOLD)
    texts = ["=1+1", "@SUM(1)", "+1+cmd|x", "-1+1", "−0.5 [−1.0, 2.5]", "+5 %"]
    tab.evaluate(
        """texts => {
             const table = document.querySelector('#provenance table.data:has(th:nth-child(9))');
             texts.forEach((text, n) => (table.tBodies[0].rows[0].cells[n].textContent = text));
           }""",
        texts,
    )
    bar = tab.locator("#provenance .toolbar:has(+ .scroll > table.data:has(th:nth-child(9)))")
    bar.get_by_role("button", name="CSV").click()
    row = tab.evaluate("navigator.clipboard.readText()").splitlines()[1]
    copied = "'=1+1,'@SUM(1),'+1+cmd|x,'-1+1,\"-0.5 [-1.0, 2.5]\",+5 %,"
    assert row.startswith(copied), row
    context.close()


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_table_sorts_by_keyboard(browser, address, key):
    tab = opened(browser, address)
    head = tab.locator("table.comparison thead th").nth(2)
    head.locator("button").focus()
    for sort in ("ascending", "descending"):
        tab.keyboard.press(key)
        assert head.get_attribute("aria-sort") == sort
    tab.close()


def test_a_command_is_copied(browser, address):
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.goto(address)
    tab.locator("details.cell > summary").first.click()
    tab.locator("button.copy").first.click()
    assert tab.evaluate("navigator.clipboard.readText()").startswith("snakemake ")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, address, scheme):
    """axe-core's rules, with every drawer open."""
    tab = opened(browser, address, 1300, color_scheme=scheme)
    tab.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    found = axe.Axe().run(tab).response["violations"]
    grave = [(each["id"], len(each["nodes"]), each["nodes"][0]["html"][:120]) for each in found
             if each["impact"] in ("serious", "critical")]  # fmt: skip
    assert grave == []
    tab.close()


def test_on_paper_is_what_the_reader_has_open(browser, address):
    tab = opened(browser, address)
    tab.locator("details.cell > summary").first.click()
    tab.locator("details.more > summary").first.click()
    tab.emulate_media(media="print")
    for kind in ("cell", "more"):
        shown = [e.is_visible() for e in tab.locator(f"details.{kind} > :nth-child(2)").all()]
        assert shown.count(True) == 1
    assert tab.locator("#answer").is_visible()
    assert tab.locator(".toolbar").first.is_hidden()
    assert tab.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    tab.close()


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (360, 780)])
def test_the_first_screen_holds_the_answer(browser, address, width, height):
    tab = opened(browser, address, width)
    tab.set_viewport_size({"width": width, "height": height})
    box = tab.locator("#answer").bounding_box()
    assert box["y"] < 300
    assert box["y"] + box["height"] <= height * (1 if width > 1000 else 1.5)
    assert box["y"] < tab.locator("#findings").bounding_box()["y"]
    tab.close()


def test_a_link_opens_the_fold_that_it_leads_to(browser, address):
    tab = opened(browser, address)
    assert not tab.locator("#reading dl").is_visible()
    tab.locator("figcaption a[href='#reading']").first.click()
    assert tab.locator("#reading dl").is_visible()
    tab.close()


def test_a_chinese_report_is_whole_and_quiet(browser, chinese):
    complaints: list[str] = []
    tab = browser.new_page()
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(chinese)
    assert tab.evaluate("document.documentElement.lang") == "zh-Hans"
    assert "消融" in tab.locator("body").inner_text()
    assert tab.locator("details.cell:not(.run)").count() > 10
    assert complaints == []
    tab.close()


def test_hostile_text_stays_text(browser, tmp_path):
    made = sample(failed=FAILED)
    for model in made.study["models"]:
        for cell in (cell for axis in model["axes"] for cell in axis["cells"]):
            cell["log"] = [HOSTILE]
            if cell["failed"]:
                cell["failed"] = HOSTILE
        model["axes"][0]["cells"][0]["environment"] = {"cpu": HOSTILE, "git_commit": HOSTILE}
        model["parameters"] = {**model["parameters"], HOSTILE: HOSTILE}
    path = tmp_path / "hostile.html"
    path.write_text(invented(made, title=HOSTILE), encoding="utf-8")
    tab = browser.new_page()
    dialogs: list[str] = []
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    tab.goto(path.as_uri())
    tab.wait_for_timeout(200)
    assert dialogs == []
    assert tab.locator("img[src=x]").count() == 0
    assert tab.locator("h1").inner_text() == HOSTILE
    assert HOSTILE in tab.locator(".notice").inner_text()
    tab.close()


def test_it_is_small_enough_to_send(address):
    size = Path(address.removeprefix("file://")).stat().st_size
    assert size < 5_000_000
