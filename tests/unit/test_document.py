"""The study document: what it answers, and what it refuses."""

from __future__ import annotations

import pytest
from ablation.store.document import StudyDocument
from ablation.store.formats import InvalidDocumentError
from report.sample import sample


def test_it_answers_by_name_and_keeps_what_it_was_read_from() -> None:
    made = sample(failed=("cnn/kernel_9",))
    study = made.document
    assert (study.name, study.seed, study.plain) == ("default", 20261, made.study)
    kernel = study.model("cnn").axis("kernel")
    assert kernel.labels == ["3", "5", "7", "9"]
    assert kernel.keys[kernel.reference] == kernel.cell("5").key
    assert kernel.cell("9").failed
    assert kernel.cell("9").environment == {}
    assert study.model("fnn").yardsticks.keys() == made.study["yardsticks"]["fnn"].keys()


def test_a_stored_cell_counts_once_where_it_stands_first() -> None:
    study = sample(failed=("cnn/kernel_9",)).document
    model = study.model("cnn")
    keys = [cell.key for cell in model.distinct()]
    assert len(keys) == len(set(keys)) < len(model.cells())
    assert [cell.name for cell in model.distinct()][:3] == [
        cell.name for cell in model.axes[0].cells
    ]
    assert len(model.environments()) == len(model.sound()) == len(keys) - 1
    assert len(study.environments()) == sum(study.counted_environments()["torch"].values())


@pytest.mark.parametrize("place", ["study", "model", "axis", "cell"])
def test_a_missing_field_is_named(place: str) -> None:
    plain = sample().study
    model = plain["models"][0]
    axis = model["axes"][0]
    parts = {"study": plain["study"], "model": model, "axis": axis, "cell": axis["cells"][0]}
    field = {"study": "seed", "model": "replicates", "axis": "reference", "cell": "key"}[place]
    del parts[place][field]
    with pytest.raises(InvalidDocumentError, match=f"'{field}' is missing"):
        StudyDocument.from_plain(plain)
