"""Stored metrics against the stored predictions, weights and histories."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oracle.metrics_checks import (
    check_best_epochs,
    check_draws,
    check_entries,
    check_metrics,
    check_predictions,
    check_samples,
    check_shown,
    check_size,
    check_status,
)
from oracle.study import Cell, Study

CHECKS = (
    *(check_metrics, check_samples, check_status, check_best_epochs, check_size),
    check_entries,
)
REPLICATES = (1, 4)


@pytest.mark.promise(20)
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("model", ["fnn", "cnn"])
def test_every_replicate_of_every_cell(
    study: Study, model: str, check: Callable[[Cell], None]
) -> None:
    cells = study.of(model)
    assert cells
    for cell in cells:
        check(cell)


@pytest.mark.parametrize("model", ["fnn", "cnn"])
def test_stored_weights_give_the_stored_predictions(study: Study, model: str) -> None:
    for cell in study.of(model):
        check_predictions(cell, REPLICATES)


def test_further_draws(study: Study) -> None:
    check_draws(study)


def test_what_people_read_is_a_copy(study: Study) -> None:
    for cell in study.cells:
        check_shown(study, cell)


def test_the_study_has_replicates_that_diverged(study: Study) -> None:
    """Otherwise the tests above do not see how they are treated."""
    assert any(cell.metrics["status"]["diverged"] > 0 for cell in study.of("fnn"))
