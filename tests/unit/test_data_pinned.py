"""A person's own data file: how a job imports it, and that nothing is prepared but what is pinned."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ablation.data import Data, arrays_digest
from ablation.data.pins import files_to_pin, pinned, raw_files
from ablation.stages.prepare import download, prepare
from ablation.store.download import DownloadError, digest_of, sha256
from ablation.store.modules import module_of
from safetensors.numpy import load_file

OWN = '''"""Leaves of two trees."""
from ablation.data import table_from_csv
from beside import NAME
TASK, PARTS = "regression", 3
PARAMETERS = {"scale": {"type": "number", "default": 1.0}}
def load(folder, *, scale):
    data = table_from_csv(folder / NAME)
    data.inputs[:] *= scale
    return data
'''
PARAMETERS = {"scale": 2.0, "width": 8}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder ``mine`` of a data file with its table and a module of its own beside it."""
    monkeypatch.chdir(tmp_path)
    folder = Path("mine")
    folder.mkdir()
    (folder / "leaves.py").write_text(OWN)
    (folder / "beside.py").write_text('NAME = "leaves.csv"\n')
    lines = [f"{row},{row * row}" for row in range(20)]
    (folder / "leaves.csv").write_text("\n".join(["x,y", *lines]))
    yield folder
    sys.modules.pop("beside", None)


def spec_of(source: dict[str, Any], **changes: Any) -> dict[str, Any]:
    place = {"dataset": "leaves", "file": "mine/leaves.py", "folder": "mine"}
    facts = {**place, "files": {}, **source}
    return {"data": facts, "parameters": PARAMETERS, "seed": 1, "replicates": 3, **changes}


def run(source: dict[str, Any]) -> dict[str, Any]:
    Path("draft").mkdir(exist_ok=True)
    prepare(spec_of(source), {}, Path("draft"), {})
    return load_file("draft/train.safetensors")


def test_a_pinned_file_is_prepared_with_its_own_parameters(own: Path) -> None:
    train = run({"files": {"leaves.csv": sha256(own / "leaves.csv")}})
    assert np.array_equal(train["inputs"][:, 0], 2.0 * train["row"])
    assert np.array_equal(train["target"], train["row"] ** 2)
    assert load_file("draft/test.safetensors")["parts"] == 3


def test_pinned_arrays_are_prepared(own: Path) -> None:
    numbers = np.arange(20.0)
    data = Data(2 * numbers[:, None], numbers**2)
    assert len(run({"arrays": arrays_digest(data)})["inputs"]) == 20
    with pytest.raises(ValueError) as refused:
        run({"arrays": "0" * 64})
    assert str(refused.value) == (
        f"mine/leaves.py: the arrays that load returns have SHA-256 {arrays_digest(data)[:12]}…, expected 000000000000…"
    )


def test_another_file_than_the_pinned_one_is_refused(own: Path) -> None:
    found = sha256(own / "leaves.csv")[:12]
    with pytest.raises(
        DownloadError, match=rf"^leaves\.csv has SHA-256 {found}… and .*, expected 0{{12}}…$"
    ):
        run({"files": {"leaves.csv": "0" * 64}})
    with pytest.raises(DownloadError, match=r"absent\.csv is missing"):
        run({"files": {"absent.csv": "0" * 64}})


def test_a_data_file_that_pins_nothing_is_told_the_line_to_write(own: Path) -> None:
    with pytest.raises(ValueError, match="pins neither files nor arrays") as refused:
        run({})
    line = str(refused.value).rpartition("write ")[2]
    numbers = np.arange(20.0)
    assert line == f'ARRAYS = "{arrays_digest(Data(2 * numbers[:, None], numbers**2))}"'
    text = OWN.replace("from beside import NAME", 'NAME = "leaves.csv"')
    (own / "leaves.py").write_text(text)
    with pytest.raises(ValueError) as refused:
        run({})
    line = str(refused.value).rpartition("write ")[2]
    assert line == f'FILES = {{"leaves.csv": "{sha256(own / "leaves.csv")}"}}'
    own_files: dict[str, Any] = {}
    exec(line, own_files)
    assert len(run({"files": own_files["FILES"]})["inputs"]) == 20


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "return data",
            "return data.inputs",
            "load returns a ndarray: allowed is ablation.data.Data",
        ),
        ("def load(", "def read(", r"mine/leaves.py defines no load\(folder\)"),
        ('"regression"', '"ranking"', "mine/leaves.py: TASK is 'ranking'"),
    ],
)
def test_a_data_file_with_a_mistake(own: Path, old: str, new: str, said: str) -> None:
    (own / "leaves.py").write_text(OWN.replace(old, new))
    with pytest.raises(ValueError, match=said):
        run({"files": {"leaves.csv": sha256(own / "leaves.csv")}})


def test_the_folder_is_searched_during_the_import_alone(own: Path) -> None:
    before = list(sys.path)
    (own / "torch.py").write_text("raise RuntimeError('hides torch')")
    (own / "leaves.py").write_text(OWN + "import torch\n")
    module = module_of("mine/leaves.py")
    assert module.__doc__ == "Leaves of two trees."
    assert sys.path == before
    (own / "leaves.py").write_text("import no_such_module")
    with pytest.raises(ModuleNotFoundError):
        module_of("mine/leaves.py")
    assert sys.path == before
    with pytest.raises(ValueError, match="is not there"):
        module_of("mine/absent.py")


def test_a_shipped_file_is_imported_by_its_name() -> None:
    from ablation.data import boston

    assert module_of("ablation/data/boston.py") is boston


def test_a_folder_of_images_is_pinned_by_names_and_contents(tmp_path: Path) -> None:
    for name in ("a/x", "a/y", "b/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    first = digest_of(tmp_path)
    (tmp_path / "a" / ".DS_Store").write_text("hidden")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "z").write_text("hidden")
    (tmp_path / "c").mkdir()  # an empty folder is no content
    assert digest_of(tmp_path) == first
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "z")
    renamed = digest_of(tmp_path)
    (tmp_path / "a" / "z").write_text("other")
    assert len({first, renamed, digest_of(tmp_path)}) == 3


def test_the_line_that_pins_files_names_what_lies_beside(tmp_path: Path) -> None:
    path = tmp_path / "data.py"
    path.write_text(f"'..', '.', '', '/tmp', 'a b.csv', 'leaves', 'absent', '{'x' * 999}', 1")
    assert files_to_pin(path) is None
    (tmp_path / "leaves").mkdir()
    (tmp_path / "a b.csv").write_text("x")
    digests = {name: digest_of(tmp_path / name) for name in ("a b.csv", "leaves")}
    found: dict[str, Any] = {}
    exec(files_to_pin(path) or "", found)
    assert found["FILES"] == digests


def test_what_is_pinned() -> None:
    source = {"folder": "mine", "files": {"leaves": "1"}}
    assert raw_files(source) == {Path("mine/leaves"): "1"}
    assert pinned(source) == {"leaves": "1"}
    assert pinned({"files": {}, "arrays": "2"}) == {"arrays": "2"}
    assert pinned({"files": {}}) == {}


def test_every_shipped_data_file_pins_what_it_loads() -> None:
    from ablation.data import boston, diabetes, digits, mnist

    assert {len(digest) for digest in boston.FILES.values()} == {64}
    assert {len(d) for files in mnist.FILES.values() for d in files.values()} == {64}
    assert len(diabetes.ARRAYS) == len(digits.ARRAYS) == 64
    names = mnist.PARAMETERS["dataset"]["enum"]
    assert names == [*mnist.FILES] == [*mnist.FROM] == [*mnist.ROWS] == [*mnist.TITLE]
    assert all(sum(sizes) == mnist.ROWS[name] for name, sizes in mnist.OFFICIAL.items())
    for name, files in mnist.REPACKED.items():
        assert [*files] == [*mnist.FILES[name]]


def test_the_digest_of_arrays_is_of_their_values() -> None:
    numbers = np.arange(6.0).reshape(2, 3)
    data = Data(numbers, np.array([1, 2]))
    first = arrays_digest(data)
    assert arrays_digest(Data(np.asfortranarray(numbers), np.array([1, 2]))) == first
    assert arrays_digest(Data(numbers.astype(">f8"), np.array([1, 2]))) == first
    others = [
        Data(numbers.reshape(3, 2), np.array([1, 2])),
        Data(numbers.astype(np.float32), np.array([1, 2])),
        Data(numbers, np.array([2, 1])),
        Data(numbers, np.array([1, 2]), groups=np.array([0, 1])),
        Data(numbers, np.array([1, 2]), numbers, np.array([1, 2])),
    ]
    assert len({first, *map(arrays_digest, others)}) == 6
    with pytest.raises(ValueError, match="target is an array of Python objects"):
        arrays_digest(Data(numbers, np.array([1, "a"], dtype=object)))


def test_raw_files_are_copied_out_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ablation.data import boston

    monkeypatch.chdir(tmp_path)
    source = {"folder": "resources/boston", "files": boston.FILES, "from": "mlxtend"}
    download("boston", {"sources": {"boston": source}, "mirrors": {}})
    (expected,) = boston.FILES.values()
    assert sha256(Path("resources/boston/boston_housing.csv")) == expected


def test_raw_files_come_from_the_mirror_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import FashionMNIST

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(FashionMNIST, "mirrors", [])
    Path("mirror").mkdir()
    Path("mirror", "images").write_text("packed otherwise")
    known = {"0" * 64: sha256(Path("mirror", "images"))}
    source = {"folder": "raw", "files": {"images": "0" * 64}, "from": "torchvision"}
    facts = {
        "sources": {"fashion-mnist": {**source, "repacked": known}},
        "mirrors": {"fashion-mnist": [Path("mirror").resolve().as_uri()]},
    }
    download("fashion-mnist", facts)
    assert Path("raw", "images").read_text() == "packed otherwise"


def test_a_known_repackaging_is_prepared_and_no_other(own: Path) -> None:
    spec = spec_of({"files": {"leaves.csv": "0" * 64}})
    Path("draft").mkdir()
    known = {"0" * 64: sha256(own / "leaves.csv")}
    prepare(spec, {}, Path("draft"), {"sources": {"leaves": {"repacked": known}}})
    assert Path("draft", "train.safetensors").is_file()
