"""What the plan knows of splits and optimisers without numpy and torch is what the jobs do."""

from __future__ import annotations

import pytest
from ablation.study import data_file, models
from ablation.study.config import model_in
from ablation.tasks import form
from ablation.tasks.splits import part_sizes
from ablation.training import optimisers
from hypothesis import given
from hypothesis import strategies as st

CNN = model_in("cnn", {})


def test_the_module_of_an_optimiser() -> None:
    assert models.OPTIMISERS == optimisers.MODULES


def test_how_data_are_split_that_say_nothing() -> None:
    assert (data_file.PARTS, data_file.DRAWN) == (form.PARTS, form.DRAWN)


@pytest.mark.parametrize(
    ("dataset", "test", "rows"),
    [
        ("mnist-5k", "drawn", 5_000),
        ("mnist", "drawn", 70_000),
        ("mnist", "official", 60_000),
    ],
)
@given(share=st.floats(0.001, 1))
def test_the_sizes_of_parts(dataset: str, test: str, rows: int, share: float) -> None:
    assert CNN.data.drawn is not None
    planned = CNN.part_sizes({"dataset": dataset, "test": test, "share": share})
    assert planned == part_sizes(CNN.data.drawn, share, rows, official=test == "official")
