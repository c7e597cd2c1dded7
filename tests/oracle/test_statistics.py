"""Every statistic of a finished study, computed again from docs/statistics.md by code that shares nothing with the package."""

from __future__ import annotations

import pytest

from oracle.stat_courses import check_courses, courses
from oracle.stat_inputs import read_mixed
from oracle.statistics import check_cells, check_comparisons, inputs, recomputed
from oracle.study import Study, read_json

# What the small study holds; a document in which less was compared was not read.
NUMBERS, NULLS, MEASURES, SUMMARIES = 800, 200, 700, 180


def test_the_splits_overlap_as_their_sizes_say(study: Study) -> None:
    for model in inputs(study):
        assert model.data["overlap_ratio"] == pytest.approx(model.ratio, rel=1e-12)


@pytest.mark.promise(20)
def test_every_statistic_is_the_oracles(study: Study) -> None:
    tally = check_comparisons(read_json(study.tables / "comparisons.json"), recomputed(study))
    print(f"comparisons.json: {tally}")
    assert tally.numbers >= NUMBERS and tally.nulls >= NULLS, tally


def test_every_summary_of_a_cell_is_the_oracles(study: Study) -> None:
    count = check_cells(read_mixed(study.tables / "cells.csv"), study)
    print(f"cells.csv: {count} numbers")
    assert count >= SUMMARIES


def test_every_measure_of_a_learning_curve_is_the_oracles(study: Study) -> None:
    count = check_courses(read_mixed(study.tables / "courses.csv"), courses(study))
    print(f"courses.csv: {count} numbers")
    assert count >= MEASURES
