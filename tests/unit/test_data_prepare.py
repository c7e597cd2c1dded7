"""Prepared parts of any data: types, moments, groups, and the sentence for data that are not what they are said to be."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ablation.data import Data
from ablation.tasks.form import Form, form_of
from ablation.tasks.prepare import Arrays, prepare

CHANCE = np.random.default_rng(0)
TABLE = Data(CHANCE.normal(size=(60, 3)), CHANCE.normal(size=60))
LABELS = np.arange(90) % 3
IMAGES = Data(CHANCE.integers(0, 256, (90, 4, 5), np.uint8), LABELS)
NUMBERS = Form("regression", parts=6)
PICTURES = Form("classification", classes=3, images=True)
DRAWN = {"share": 1.0, "test": "drawn"}


def parts_of(data: Data, form: Form, replicates: int = 2, **changes: Any) -> tuple[Arrays, Arrays]:
    return prepare(data, form, {**DRAWN, **changes}, 1, replicates)


def rows(arrays: Arrays, name: str, replicate: int) -> list[int]:
    index = arrays[f"{name}_index"][replicate, : arrays[f"{name}_n"][replicate]]
    found: list[int] = arrays["row"][index].tolist()
    return found


def test_types_are_those_of_the_stored_form() -> None:
    train, test = parts_of(TABLE, NUMBERS)
    assert {train["inputs"].dtype, train["target"].dtype} == {np.dtype(np.float64)}
    assert train["outputs"].shape == test["fixed"].shape == ()
    drawn, tested = parts_of(IMAGES, PICTURES)
    assert (drawn["inputs"].dtype, drawn["target"].dtype) == (np.uint8, np.int64)
    assert "target_mean" not in drawn
    for arrays in (train, test, drawn, tested):
        for name, array in arrays.items():
            if name == "row" or name.endswith(("_index", "_n")):
                assert array.dtype == np.int64, name


def test_a_column_that_does_not_vary_has_the_scale_1() -> None:
    inputs = TABLE.inputs.copy()
    inputs[:, 1] = 0.1  # whose mean of many is not 0.1 to the last bit
    train, _ = parts_of(replace(TABLE, inputs=inputs), NUMBERS)
    assert train["scale"][:, 1].tolist() == [1, 1]
    assert (train["scale"][:, 0] != 1).all()
    black, _ = parts_of(replace(IMAGES, inputs=np.zeros((90, 4, 5), np.uint8)), PICTURES)
    assert (black["mean"].tolist(), black["scale"].tolist()) == ([0, 0], [1, 1])


def test_whole_numbers_are_a_table_too() -> None:
    counts = Data(np.arange(180).reshape(60, 3), np.arange(60))
    train, _ = parts_of(counts, NUMBERS)
    assert {train["inputs"].dtype, train["target"].dtype} == {np.dtype(np.float64)}


def test_each_channel_has_its_own_moments() -> None:
    inputs = CHANCE.integers(0, 256, (90, 3, 4, 5), np.uint8)
    inputs[:, 1] //= 4
    train, _ = parts_of(replace(IMAGES, inputs=inputs), PICTURES)
    assert train["mean"].shape == train["scale"].shape == (2, 3)
    for r in range(2):
        pixels = inputs[rows(train, "train", r)] / 255
        assert train["mean"][r] == pytest.approx(pixels.mean((0, 2, 3)))
        assert train["scale"][r] == pytest.approx(pixels.std((0, 2, 3)))


def test_classes_may_be_dealt_to_parts_and_numbers_may_be_drawn() -> None:
    train, test = parts_of(IMAGES, Form("classification", classes=3, images=True, parts=5), 5)
    assert sorted(row for r in range(5) for row in rows(test, "test", r)) == list(range(90))
    assert "draw_index" not in test
    assert np.bincount(LABELS[rows(train, "train", 0)]).tolist() == [18, 18, 18]
    train, test = parts_of(TABLE, Form("regression"), share=0.5)
    assert [train["train_n"][0], train["validation_n"][0], test["test_n"][0]] == [21, 5, 4]
    assert test["draw_index"].shape == (2, 3, 4)
    assert train["target_mean"].shape == (2,)


@pytest.mark.parametrize("form", [NUMBERS, Form("regression")])
def test_groups_stay_together(form: Form) -> None:
    groups = np.array([f"patient {row // 4}" for row in range(60)])
    train, test = parts_of(replace(TABLE, groups=groups), form, 6)
    for r in range(6):
        own = {
            *(("train", *rows(train, "train", r)), ("validation", *rows(train, "validation", r))),
            ("test", *rows(test, "test", r)),
        }
        named = [{int(row) // 4 for row in part[1:]} for part in own]
        assert sum(map(len, named)) == len(set().union(*named)) == 15
        if "draw_n" in test:
            for index, count in zip(test["draw_index"][r], test["draw_n"][r], strict=True):
                drawn = {row // 4 for row in test["row"][index[:count]].tolist()}
                assert not drawn & {row // 4 for row in rows(train, "train", r)}


def test_an_official_test_set_is_counted_on() -> None:
    data = replace(IMAGES, test_inputs=IMAGES.inputs[:10], test_target=IMAGES.target[:10])
    train, test = parts_of(data, PICTURES, test="official")
    assert bool(test["fixed"])
    assert rows(test, "test", 1) == list(range(90, 100))
    assert (int(test["pool"]), [*train["train_n"]], [*train["validation_n"]]) == (
        90,
        [72] * 2,
        [18] * 2,
    )
    assert test["draw_index"].shape == (2, 3, 3)
    _, test = parts_of(data, PICTURES)
    assert (bool(test["fixed"]), int(test["pool"])) == (False, 100)
    groups = np.arange(90)
    with pytest.raises(ValueError, match="groups has 90 entries, but splits are made of 100 rows"):
        parts_of(replace(data, groups=groups), PICTURES)


def changed(data: Data, name: str, place: Any, value: Any) -> Data:
    array = np.array(getattr(data, name), dtype=np.float64)
    array[place] = value
    return replace(data, **{name: array})


@pytest.mark.parametrize(
    ("data", "form", "said"),
    [
        (changed(TABLE, "inputs", (4, 1), np.nan), NUMBERS, "inputs is nan in row 4 and column 1"),
        (changed(TABLE, "target", 7, np.inf), NUMBERS, "target is inf in row 7: allowed are finite"),
        (replace(TABLE, target=TABLE.target[:-1]), NUMBERS, "inputs has 60 rows, but target has 59"),
        (replace(TABLE, target=np.ones(60)), NUMBERS, "the target is 1.0 in all rows of the train part"),
        (replace(TABLE, target=np.array(["a"] * 60)), NUMBERS, "target is an array of <U1"),
        (replace(TABLE, inputs=TABLE.inputs[:, 0]), NUMBERS, r"allowed of a table are numbers, \[N, F\]"),
        (replace(TABLE, inputs=TABLE.inputs * 1e307), NUMBERS, "is not finite: allowed are smaller"),
        (replace(TABLE, groups=np.zeros(60)), NUMBERS, "the train part of replicate 0 has 0 rows of 60"),
        (replace(TABLE, groups=np.zeros(9)), NUMBERS, "groups has 9 entries"),
        (Data(TABLE.inputs[:7], TABLE.target[:7]), NUMBERS, "part of replicate 0 has 1 rows of 7"),
        (replace(IMAGES, inputs=IMAGES.inputs / 255), PICTURES, r"unsigned bytes \(uint8\)"),
        (replace(IMAGES, inputs=IMAGES.inputs[:, 0]), PICTURES, r"unsigned bytes \(uint8\)"),
        (IMAGES, Form("classification", classes=3), r"says IMAGES = True"),
        (replace(IMAGES, target=LABELS + 1), PICTURES, "target is 3 in row 2: allowed of 3 classes"),
        (changed(IMAGES, "target", 5, 0.5), PICTURES, "target is 0.5 in row 5: allowed of 3 classes"),
        (replace(IMAGES, target=LABELS * 0), PICTURES, "target holds one class alone"),
        (
            replace(IMAGES, classes=("b", "a", "c")),
            replace(PICTURES, names=("a", "b", "c")),
            r"CLASSES is \['a', 'b', 'c'\], but the data hold \['b', 'a', 'c'\]",
        ),
        (
            replace(IMAGES, test_inputs=IMAGES.inputs[:, :2], test_target=LABELS),
            PICTURES,
            "test_inputs are of shape",
        ),
    ],
)  # fmt: skip
def test_data_that_are_not_what_they_are_said_to_be(data: Data, form: Form, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        parts_of(data, form)
    assert "\n" not in str(refused.value)


def test_a_test_set_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="test is 'official', but the data have no test set"):
        parts_of(IMAGES, PICTURES, test="official")


@pytest.mark.parametrize(
    ("declared", "form"),
    [
        ({"TASK": "regression"}, Form("regression", parts=6)),
        ({"TASK": "regression", "PARTS": 4}, Form("regression", parts=4)),
        ({"TASK": "regression", "DRAWN": [3, 1, 1]}, Form("regression", drawn=(3, 1, 1))),
        ({"TASK": "classification", "CLASSES": 4, "IMAGES": True}, Form("classification", 4, images=True)),
        (
            {"TASK": "classification", "CLASSES": ["elm", "oak"], "PARTS": 5},
            Form("classification", 2, ("elm", "oak"), parts=5),
        ),
    ],
)  # fmt: skip
def test_what_a_data_file_declares(declared: dict[str, Any], form: Form) -> None:
    module: Any = SimpleNamespace(**declared)
    assert form_of(module) == form


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({}, "TASK is None: allowed are 'regression' and 'classification'"),
        ({"TASK": "ranking"}, "TASK is 'ranking'"),
        ({"TASK": "classification"}, "CLASSES is 0: allowed are how many"),
        ({"TASK": "classification", "CLASSES": ["oak"]}, "CLASSES is"),
        ({"TASK": "regression", "PARTS": 2}, "PARTS is 2: allowed are 3 and more"),
        ({"TASK": "regression", "PARTS": 3, "DRAWN": [3, 1, 1]}, "PARTS and DRAWN are both given"),
        ({"TASK": "regression", "DRAWN": [3, 1]}, r"DRAWN is \[3, 1\]: allowed are three numbers"),
    ],
)
def test_what_a_data_file_may_not_declare(declared: dict[str, Any], said: str) -> None:
    module: Any = SimpleNamespace(**declared)
    with pytest.raises(ValueError, match=said):
        form_of(module)
