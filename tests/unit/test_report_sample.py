"""The invented study that the pages are tested on has the form of a real one, and all that a report can meet."""

from __future__ import annotations

import json

import pytest
from ablation.results.frames import TABLES
from ablation.statistics.verdicts import Reason, Verdict
from ablation.store.formats import columns_of, validate_document
from report.sample import fixed, only, sample


@pytest.mark.parametrize("failed", [(), ("cnn/kernel_9", "fnn/activation_relu")])
def test_its_documents_are_those_that_are_promised(failed: tuple[str, ...]) -> None:
    made = sample(failed=failed)
    validate_document(json.loads(json.dumps(made.comparisons)), "comparisons")
    validate_document(json.loads(json.dumps(made.claims)), "claims")
    validate_document(made.study, "study")


def test_one_test_set_for_all_is_of_that_form_too() -> None:
    made = fixed(only(sample(), "cnn", "kernel"))
    validate_document(json.loads(json.dumps(made.comparisons)), "comparisons")


def test_its_tables_have_their_columns() -> None:
    made = sample()
    assert set(TABLES) <= set(made.tables)
    for name, table in made.tables.items():
        assert list(table.columns) == columns_of(name, classes=10), name


def test_it_has_what_a_report_can_meet() -> None:
    rows = [
        row
        for model in sample(failed=("cnn/kernel_9",)).comparisons["models"].values()
        for axis in model["axes"].values()
        for row in axis["rows"].values()
    ]
    assert {Verdict(row["verdict"]) for row in rows} == set(Verdict)
    assert {Reason.FEW_PAIRS, Reason.DIVERGED, None} <= {row["reason"] for row in rows}
    assert any(row["broken"] for row in rows)
    assert any(row["scored"] for row in rows)
    assert any(row["below_margin"] for row in rows)
    assert any(row["holm_alone"] for row in rows)
    shares = [row["noise"]["share"] for row in rows if row["noise"]]
    assert min(shares) < 1 < max(shares)
