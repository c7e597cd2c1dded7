"""What the tests of the page in a browser share: a page with everything a report can hold, and a tab that shows it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from report.drawers import VERIFICATION, portraits
from report.sample import Sample, drawn, page, sample

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
FAILED = ("cnn/kernel_9",)


def invented(made: Sample | None = None, language: str = "en", **changes: str) -> str:
    """The page of the sample with everything a report can hold."""
    return page(
        made or sample(failed=FAILED), drawn(language, FAILED), language=language,
        portraits=portraits(language, FAILED), verification=VERIFICATION, **changes,
    )  # fmt: skip


def opened(browser: Any, address: str, width: int = 1400, **more: Any) -> Any:
    """A new tab of a playwright browser, so many pixels wide."""
    tab = browser.new_page(viewport={"width": width, "height": 900}, **more)
    tab.goto(address)
    return tab
