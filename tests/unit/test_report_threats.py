"""Threats to validity: each said when a fact supports it, and not otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from report.drawers import VERIFICATION
from report.sample import Sample, fixed, lose, only, page, row, sample
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
    row(made, "kernel", "3")["n_diverged"] = 2


def collapsed(made: Sample) -> None:
    row(made, "kernel", "9")["n_collapsed"] = 5


def failed(made: Sample) -> None:
    row(made, "kernel", "7")["verdict"] = "failed"


THREATS: dict[str, tuple[Callable[[Sample], None], str]] = {
    "dirty": (dirty, "1 of 4 configurations were trained from a work tree with uncommitted"),
    "unknown": (unknown, "For 1 of 4 configurations the commit is not known."),
    "commits": (two_commits, "The configurations come from 2 commits."),
    "unlike": (two_machines, "were not all trained alike. Processor: Another CPU, Example CPU"),
    "diverged": (
        lost,
        "replicates that diverged or collapsed: Kernel size = 3 (2/12 diverged). Mea",
    ),
    "collapsed": (collapsed, "Kernel size = 9 (5/12 no better than a trivial prediction). Means"),
    "failed": (failed, "failed configurations, which have no numbers: 1 of 4"),
}


@pytest.mark.parametrize("threat", THREATS)
def test_a_threat_is_said_when_it_is_there(threat):
    change, sentence = THREATS[threat]
    made = clean()
    assert sentence not in text_of(page(made))
    change(made)
    assert sentence in text_of(page(made))


def threats_of(made: Sample) -> str:
    text = text_of(page(made))
    return text[text.rindex("Threats to validity") : text.rindex("Provenance")]


def test_what_diverged_is_named_cell_by_cell_with_its_counts():
    """No share over all cells: most of it would be one cell that diverges by design."""
    made = lose(sample(), "fnn/activation_relu", 4)
    text = threats_of(made)
    for counts in (
        "Depth (learning rate 0.001) = 8 (1/24 diverged);",
        "Depth (learning rate 0.01) = 8 (4/24 diverged, 12/24 no better than a trivial prediction);",
        "Learning rate = 0.1 (24/24 diverged)",
        "= 2 (1/24 diverged)",  # the baseline
    ):
        assert text.count(counts) == 1, counts
    assert text.count("1/24") == 2  # the baseline stands on four axes and is named once
    fates = text[text.index("diverged or collapsed") :].partition("Means leave out")[0]
    assert "%" not in fates


def test_small_test_parts_and_the_pool_are_named():
    text = text_of(page(clean()))
    assert "a test set has only 500 samples" in text
    assert "all splits are drawn from one pool, 5,000 digits of MNIST" in text
    text = text_of(page(fixed(clean(), n=1000)))
    assert "a test set has only" not in text
    assert "all numbers come from one test set of MNIST" in text


def test_sizes_that_differ_between_replicates_are_ranges():
    text = text_of(page(only(sample(), "fnn", "activation")))
    assert "a test set has only 84–85 samples" in text
    assert "336–338 samples for training, 84–85 for validation and 84–85 for testing" in text


def test_the_noise_is_that_of_the_baseline():
    """Not of the reference of the first axis, which has another learning rate."""
    made = sample()
    first = row(made, "depth", "2", "fnn")["noise"]
    first |= {"sd": 6.41, "sd_test": 6.18, "share": 0.93}
    for axis, label in (("depth_at_0.01", "2"), ("learning_rate", "0.01"), ("activation", "relu")):
        row(made, axis, label, "fnn")["noise"] |= {"sd": 4.12, "sd_test": 3.57, "share": 0.751}
    text = threats_of(made)
    assert "In the baseline configuration, replicates vary by 4.1 (1000 USD)² (SD)" in text
    assert "test sampling alone would give 3.6 (1000 USD)² (share of the variance: 75 %)" in text
    assert "6.4" not in text


def test_without_the_baseline_nothing_is_said_of_its_noise():
    text = threats_of(only(sample(), "fnn", "depth"))
    assert "a test set has only 84–85 samples" in text
    assert "replicates vary by" not in text


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.996, "share of the variance: 100 %"), (1.0, "at least as much as observed"),
     (1.44, "at least as much as observed"), (0.085, "share of the variance: 9 %")],
)  # fmt: skip
def test_no_share_is_above_all_of_it(share, said):
    made = clean()
    row(made, "kernel", "5")["noise"] |= {"sd": 0.0071, "sd_test": 0.0085, "share": share}
    text = threats_of(made)
    assert "vary by 0.71 percentage points (SD); test sampling alone would give 0.85" in text
    assert said in text
    assert "144 %" not in text_of(page(made))


def test_the_error_level_is_per_axis():
    two = text_of(page(only(sample(), "cnn", "kernel", "depth")))
    assert "The error rate of 5 % holds within each factor. Across 2 factors, up to 0.10" in two
    assert "holds within each factor" not in text_of(page(clean()))


def test_a_factor_that_judges_nothing_of_its_own_adds_no_error():
    """All comparisons of the second axis are judged under the first."""
    made = only(sample(), "fnn", "depth_at_0.01", "learning_rate")
    twin = made.comparisons["models"]["fnn"]["axes"]["learning_rate"]
    assert "Across 2 factors" in threats_of(made)
    twin["n_comparisons"] = 0
    assert "factors, up to" not in threats_of(made)


def test_the_last_verification_is_a_badge():
    html = page(clean(), verification=VERIFICATION)
    assert "Verified January 31, 2026" in text_of(html)
    assert (
        "2 of 27 configurations trained a second time, 1 identical, 1 within tolerance"
        in text_of(html)
    )
    assert 'class="verified tolerance"' in html
    worse = {**VERIFICATION, "cells": [{"cell": "cnn/kernel_5", "outcome": "different"}]}
    assert 'class="verified different"' in page(clean(), verification=worse)
    assert 'class="verified' not in page(clean())
