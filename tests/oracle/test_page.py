"""Every number of the report's tables, headlines and sentences against the oracle's, correctly rounded and with its level."""

from __future__ import annotations

from collections import Counter

import pytest

from oracle.page import Number, P, check_text, parse
from oracle.page_check import checks, page_of
from oracle.study import Study

NUMBERS = 900  # of the small study
ALWAYS = (": effects", ": answer", ": cells", ", tables", ", sentences")


@pytest.mark.promise(20)
def test_every_number_on_the_page_is_the_oracles(study: Study) -> None:
    """All parts are looked at before one that is wrong is reported."""
    counts, wrong = Counter[str](), []
    for name, check in checks(study).items():
        try:
            counts[name] = check(page_of(study))
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    print(f"the page: {counts.total()} numbers, {dict(counts)}")
    assert not wrong, "\n".join([f"{counts.total()} numbers agree; these do not:", *wrong])
    assert counts.total() >= NUMBERS, counts
    assert all(counts[name] for name in counts if name.endswith(ALWAYS)), counts


@pytest.mark.parametrize(
    ("shown", "number", "right"),
    [
        ("0.063", Number(0.0625), True),
        ("0.062", Number(0.0625), False),  # half up, and not to the even number
        ("0.062", Number(0.06249), True),
        ("−1.6", Number(-1.55), True),
        ("5,121", Number(5121), True),
        ("5,122", Number(5121), False),
        ("+0.4", Number(0.42, signed=True), True),
        ("0.4", Number(0.42, signed=True), False),
        ("+0.4", Number(0.42), False),
        ("−0.4", Number(0.42, signed=True), False),
        ("<0.001", P(0.0004), True),
        ("<0.001", P(0.0006), False),
        ("0.001", P(0.0006), True),
        ("0.000", P(0.0004), False),
        ("1.000", P(1.0), True),
    ],
)
def test_a_number_is_shown_as_it_is_or_it_is_wrong(shown: str, number: Number, right: bool) -> None:
    if right:
        assert check_text(shown, (number,), "") == 1
    else:
        with pytest.raises(AssertionError):
            check_text(shown, (number,), "")


def test_a_page_is_read_as_a_tree() -> None:
    page = parse("<p id=a>One <b>2</b><br>three<script>4</script></p><svg><text>5</text></svg>")
    assert page.text == "One 2 three"
    assert [each.tag for each in page.below] == ["p", "b", "br", "script", "svg", "text"]
