"""Threats to validity: each said when a fact supports it, and not otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from report.closer import VERIFICATION
from report.sample import Sample, fixed, only, page, sample
from unit_page import text_of


def cells(made: Sample) -> list[dict]:
    return [c for m in made.study["models"] for a in m["axes"] for c in a["cells"]]


def clean() -> Sample:
    """Small, alike, committed, nothing diverged."""
    return only(sample(), "cnn", "kernel")


def dirty(made: Sample) -> None:
    cells(made)[0]["environment"]["git_dirty"] = True


def unknown(made: Sample) -> None:
    cells(made)[0]["environment"] |= {"git_commit": None}


def two_commits(made: Sample) -> None:
    cells(made)[0]["environment"] |= {"git_commit": "f" * 40}


def two_machines(made: Sample) -> None:
    cells(made)[0]["environment"] |= {"cpu": "Another CPU"}


def lost(made: Sample) -> None:
    table = made.tables["cells"]
    table.loc[table.index[0], ["n_ok", "n_diverged"]] = [4, 2]


def failed(made: Sample) -> None:
    table = made.tables["cells"]
    table.loc[table.index[0], "status"] = "failed"


THREATS: dict[str, tuple[Callable[[Sample], None], str]] = {
    "dirty": (dirty, "1 of 4 cells were trained from a work tree with changes"),
    "unknown": (unknown, "Of 1 of 4 cells the commit is not known."),
    "commits": (two_commits, "The cells come from 2 commits."),
    "unlike": (two_machines, "were not all trained alike. Processor: Another CPU, Example CPU"),
    "diverged": (lost, "2 of 24 replicates diverged (8.3 %), in 1 cells"),
    "unequal": (lost, "unequal numbers of usable replicates, from 4 to 6"),
    "failed": (failed, "1 of 4 cells failed and have no numbers"),
}


@pytest.mark.parametrize("threat", THREATS)
def test_a_threat_is_said_when_it_is_there(threat):
    change, sentence = THREATS[threat]
    made = clean()
    assert sentence not in text_of(page(made))
    change(made)
    assert sentence in text_of(page(made))


def test_small_test_parts_and_the_pool_are_named():
    text = text_of(page(clean()))
    assert "a test part has only 500 samples" in text
    assert "all splits are drawn from one pool, 5,000 digits of MNIST" in text
    text = text_of(page(fixed(clean(), n=1000)))
    assert "a test part has only" not in text
    assert "all numbers are read on one test set of MNIST" in text


def test_the_error_level_is_per_axis():
    assert "Over 2 axes, about 0.10 may hold a false difference" in text_of(
        page(only(sample(), "cnn", "kernel", "depth"))
    )
    assert "may hold a false difference" not in text_of(page(clean()))


def test_orphans_are_counted_where_they_are_known():
    assert "The store holds 7 trained cells" in text_of(page(clean(), store={"orphans": 7}))
    assert "The store holds" not in text_of(page(clean(), store={"orphans": 0}))


def test_the_last_verification_is_a_badge():
    html = page(clean(), verification=VERIFICATION)
    assert "Verified January 31, 2026" in text_of(html)
    assert "2 of 27 cells trained a second time, 1 identical, 1 within tolerance" in text_of(html)
    assert 'class="verified tolerance"' in html
    worse = {**VERIFICATION, "cells": [{"cell": "cnn/kernel_5", "outcome": "different"}]}
    assert 'class="verified different"' in page(clean(), verification=worse)
    assert 'class="verified' not in page(clean())
