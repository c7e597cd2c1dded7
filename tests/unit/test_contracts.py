"""``docs/contracts.md`` and the tests tell the same story."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CONTRACTS = TESTS.parent / "docs" / "contracts.md"


CITED = re.compile(r"^@(?:pytest\.mark\.)?promise\((\d+)\)", re.MULTILINE)


def test_every_promise_is_shown_by_a_test_that_cites_its_number() -> None:
    listed = [int(n) for n in re.findall(r"^(\d+)\. ", CONTRACTS.read_text("utf-8"), re.MULTILINE)]
    assert listed == list(range(1, 25))
    cited = {
        int(number)
        for path in TESTS.glob("*/test_*.py")
        for number in CITED.findall(path.read_text("utf-8"))
    }
    assert cited == set(listed)
