"""Tables from CSV files: what is read, and the sentence for what cannot be."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ablation.data import Data, table_from_csv
from hypothesis import given
from hypothesis import strategies as st

LEAVES = "length,width,plant,kind\n1.5,2,a,oak\n3,4e-1,b,elm\n-1,0,a,oak\n"


def read(folder: Path, text: str, **options: Any) -> Data:
    (folder / "leaves.csv").write_text(text, encoding="utf-8")
    return table_from_csv(folder / "leaves.csv", **options)


def test_texts_become_classes_in_sorted_order(tmp_path: Path) -> None:
    found = read(tmp_path, LEAVES, drop=["plant"])
    assert found.inputs.tolist() == [[1.5, 2], [3, 0.4], [-1, 0]]
    assert (found.target.tolist(), found.classes) == ([1, 0, 1], ("elm", "oak"))
    assert found.target.dtype == np.int64
    assert found.features == ("length", "width")
    assert found.groups is None


@pytest.mark.parametrize("target", ["width", 1, -3])
def test_a_target_of_numbers_by_name_and_by_number(tmp_path: Path, target: str | int) -> None:
    found = read(tmp_path, LEAVES, target=target, drop=["plant", -1])
    assert found.target.tolist() == [2, 0.4, 0]
    assert found.target.dtype == np.float64
    assert (found.features, found.classes) == (("length",), ())


def test_a_column_of_groups_is_no_feature(tmp_path: Path) -> None:
    found = read(tmp_path, LEAVES, groups="plant")
    assert found.groups is not None
    assert found.groups.tolist() == [0, 1, 0]
    assert found.features == ("length", "width")


def test_a_table_without_names(tmp_path: Path) -> None:
    found = read(tmp_path, "1;2\n3;4\n\n", header=False, delimiter=";")
    assert (found.inputs.tolist(), found.target.tolist()) == ([[1], [3]], [2, 4])
    assert found.features == ("column 0",)


def test_numbers_may_name_classes(tmp_path: Path) -> None:
    found = read(tmp_path, "x,y\n0,10\n0,2\n0,10\n", classes=True)
    assert (found.target.tolist(), found.classes) == ([1, 0, 1], ("2", "10"))


def test_quotes_packing_and_a_mark_of_byte_order(tmp_path: Path) -> None:
    text = '\ufeff"length, cm", y \r\n"1", 2\r\n'
    (tmp_path / "leaves.csv.gz").write_bytes(gzip.compress(text.encode()))
    found = table_from_csv(tmp_path / "leaves.csv.gz")
    assert (found.features, found.inputs.tolist(), found.target.tolist()) == (
        *(("length, cm",), [[1]], [2]),
    )


@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300)), min_size=1))
def test_every_number_is_read_to_its_last_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    found = read(folder, "x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in rows))
    assert np.array_equal(found.inputs[:, 0], [x for x, _ in rows])
    assert np.array_equal(found.target, [y for _, y in rows])


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("x,y\n1,2\n,3\n", {}, "row 2 of leaves.csv has no value in column 'x'"),
        ("x,y\n1,NA\n2,3\n", {}, "row 1 of leaves.csv has no value in column 'y'"),
        ("x,y\n1,2\nred,3\n", {}, "row 2 of leaves.csv has 'red' in column 'x'"),
        ("x,y\n1,2\n3,oak\n", {}, "row 2 of leaves.csv has 'oak' in column 'y'"),
        ("x,y\n1,inf\n", {}, "row 1 of leaves.csv has 'inf' in column 'y'"),
        ("x,y\n1,2\n1,2,3\n", {}, "row 2 of leaves.csv has 3 fields: allowed are 2"),
        ("x,x\n1,2\n", {}, "leaves.csv names two columns 'x'"),
        ("1,2\n3,4\n", {}, "give header=False"),
        ("x,y\n1,2\n", {"header": False, "target": 0}, "'x' in column 'column 0'|'y' in column"),
        ("x,y\n1,2\n", {"target": "z"}, "leaves.csv has no column 'z': there are 'x', 'y'"),
        ("x,y\n1,2\n", {"target": 2}, "leaves.csv has no column 2: it has 2, counted from 0"),
        ("x,y\n", {}, "leaves.csv holds no rows"),
        ("", {}, "leaves.csv holds no rows"),
        ("y\n1\n", {}, "leaves.csv has no column of features beside 'y'"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(
    tmp_path: Path, text: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        read(tmp_path, text, **options)
    assert "\n" not in str(refused.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"x,y\n\xe4,1\n")
    (tmp_path / "broken.csv.gz").write_bytes(gzip.compress(LEAVES.encode())[:-9])
    for name in ("latin.csv", "broken.csv.gz", "absent.csv"):
        with pytest.raises(ValueError, match=f"^{name} cannot be read as a table: "):
            table_from_csv(tmp_path / name)
