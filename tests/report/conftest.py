"""One browser and one page for all tests that look at it. REPORT_HTML=<path> takes a real report instead of the sample."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report.chromium import CHROMIUM, FLAGS, invented


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("needs a Chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    given = os.environ.get("REPORT_HTML")
    if given:
        return Path(given).resolve().as_uri()
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(invented(), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="session")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sample in Chinese."""
    path = tmp_path_factory.mktemp("report") / "zh.html"
    path.write_text(invented(language="zh"), encoding="utf-8")
    return path.as_uri()
