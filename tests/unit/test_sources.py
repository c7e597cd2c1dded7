"""The digest of a model's code: what counts, what does not, and that nothing is missed."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ablation.store.code import OtherCodeError, beside, code_digest, code_of, reached, require
from ablation.store.places import PACKAGE
from ablation.study.models import Model, model_of

MODELS = {"fnn": model_of("fnn", "mlp", "boston"), "cnn": model_of("cnn", "convnet", "mnist")}


def entries_of(model: Model, **changed: str) -> tuple[str, ...]:
    """The modules of a cell of the baseline."""
    baseline = {name: rule["default"] for name, rule in model.rules.items()}
    return model.code("train", {**baseline, **changed})


TRAIN = {name: entries_of(model, optimizer={"fnn": "sgd", "cnn": "adam"}[name])
         for name, model in MODELS.items()}  # fmt: skip
ENTRIES = sorted(
    {
        *(
            m
            for model in MODELS.values()
            for s in ("prepare", "evaluate", "yardsticks")
            for m in model.code(s)
        ),
        *(module for entries in TRAIN.values() for module in entries),
        "ablation.stages.collect",
        "ablation.statistics.compare",
    }
)


# They import some modules only when they need them.
LATER = [f"ablation.stages.{stage}" for stage in ("draws", "plot", "portraits", "report", "export")]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package that may be edited."""
    copied = tmp_path / "ablation"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


Digests = Callable[[], dict[str, str]]


@pytest.fixture
def digests(package: Path) -> Digests:
    return lambda: {name: code_digest(*entries, root=package) for name, entries in TRAIN.items()}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_copy_has_the_same_digest(digests: Digests) -> None:
    assert digests() == {name: code_digest(*entries) for name, entries in TRAIN.items()}


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


CODE = """
def scaled(value):
    return value * 2
"""
MEANT = """
# a comment
def scaled(
    value,  # another
):
    \"\"\"A docstring.\"\"\"
    return (value
            * 2)
"""


@pytest.mark.parametrize("file", ["training/run.py", "networks/mlp.py", "data/boston.py"])
def test_comments_formatting_and_docstrings_do_not_count(
    package: Path, digests: Digests, file: str
) -> None:
    text = (package / file).read_text(encoding="utf-8")
    append(package / file, CODE)
    before = digests()
    (package / file).write_text(text + MEANT, encoding="utf-8")
    assert digests() == before
    (package / file).write_text(text + MEANT.replace("* 2", "* 3"), encoding="utf-8")
    assert digests()["fnn"] != before["fnn"]


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("networks/mlp.py", ('"Fully connected network"', '"Another"')),
        ("networks/mlp.py", ('"maximum": 64', '"maximum": 65')),
        ("data/boston.py", ('UNIT = "1000 USD"', 'UNIT = "USD"')),
        ("data/boston.py", ("ROWS = 506", "ROWS = 507")),
        ("data/boston.py", ('"en": "Boston Housing was', '"en": "Boston was')),
    ],
)
def test_words_and_bounds_that_no_code_reads_do_not_count(
    package: Path, digests: Digests, file: str, change: tuple[str, str]
) -> None:
    before = digests()
    edit(package / file, *change)
    assert digests() == before
    append(package / file, "\nREAD = (TITLE, PARAMETERS, UNIT, ROWS, NOTES)\n".replace(
        ", UNIT, ROWS, NOTES" if "networks" in file else ", PARAMETERS", ""))  # fmt: skip
    read = digests()
    edit(package / file, *reversed(change))
    assert digests()["fnn"] != read["fnn"]


def test_words_that_another_module_may_read_count(package: Path, digests: Digests) -> None:
    append(package / "training" / "run.py", "\nfrom ablation.networks import mlp\n")
    before = digests()
    edit(package / "networks" / "mlp.py", '"Fully connected network"', '"Another"')
    assert digests()["fnn"] != before["fnn"]


ENGINE = (
    *("run", "loop", "group", "network", "samples", "randomness", "streams", "schedules"),
    *("steps", "device", "gradients", "records", "optimisers/__init__"),
)


@pytest.mark.parametrize(
    ("file", "models"),
    [
        *((f"training/{name}.py", {"fnn", "cnn"}) for name in ENGINE),
        ("training/conformance.py", set()),
        ("tasks/prepare.py", {"fnn", "cnn"}),
        ("store/tensors.py", {"fnn", "cnn"}),
        ("training/optimisers/sgd.py", {"fnn"}),
        ("training/optimisers/adam.py", {"cnn"}),
        ("tasks/regression.py", {"fnn"}),
        ("tasks/classification.py", {"cnn"}),
        ("networks/mlp.py", {"fnn"}),
        ("networks/convnet.py", {"cnn"}),
        ("data/boston.py", {"fnn"}),
        ("data/mnist.py", {"cnn"}),
        ("training/augmentation.py", set()),
        ("training/recipe.py", set()),
        ("tasks/yardsticks.py", set()),
        ("results/evaluation.py", set()),
        ("stages/job.py", set()),
        ("study/grid.py", set()),
        ("study/models.py", set()),
        ("store/entries.py", set()),
        ("report/__init__.py", set()),
    ],
)
def test_code_counts_for_the_cells_that_run_it(
    package: Path, digests: Digests, file: str, models: set[str]
) -> None:
    before = digests()
    append(package / file, "\nEXTRA = 1\n")
    after = digests()
    assert {name for name in before if before[name] != after[name]} == models


def test_augmentation_counts_where_it_is_used() -> None:
    assert "ablation.training.augmentation" in entries_of(MODELS["cnn"], augmentation="affine")
    assert "ablation.training.augmentation" not in TRAIN["cnn"]


NET = """from torch import nn
from blocks import Block
from .parts.more import more

TITLE = "Mine"


class Net(nn.Module):
    pass
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a user's network and what it imports beside it."""
    folder = tmp_path / "own"
    (folder / "parts").mkdir(parents=True)
    (folder / "net.py").write_text(NET, encoding="utf-8")
    (folder / "blocks.py").write_text("class Block: pass\n", encoding="utf-8")
    (folder / "parts" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "parts" / "more.py").write_text("from . import less\nmore = 1\n", encoding="utf-8")
    (folder / "parts" / "less.py").write_text("from ..far import x\n", encoding="utf-8")
    (folder / "far.py").write_text("x = 1\n", encoding="utf-8")
    (folder / "stranger.py").write_text("y = 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_file_of_ones_own_is_followed_into_what_lies_beside_it(own: Path) -> None:
    assert set(beside(own / "net.py")) == {
        *("net", "blocks", "parts", "parts.more", "parts.less", "far"),
    }


@pytest.mark.parametrize(
    "file", ["net.py", "blocks.py", "parts/more.py", "parts/less.py", "far.py"]
)
def test_a_file_of_ones_own_counts_with_what_it_imports(own: Path, file: str) -> None:
    before = code_digest("own/net.py")
    append(own / file, "\n# a comment\n")
    assert code_digest("own/net.py") == before
    append(own / file, "\nEXTRA = 1\n")
    assert code_digest("own/net.py") != before


def test_a_strangers_file_and_a_title_do_not_count(own: Path) -> None:
    before = code_digest("own/net.py")
    append(own / "stranger.py", "\nz = 2\n")
    edit(own / "net.py", "Mine", "Yours")
    assert code_digest("own/net.py") == before
    append(own / "far.py", "\nimport net\n")  # what another file may read counts
    imported = code_digest("own/net.py")
    edit(own / "net.py", "Yours", "Mine")
    assert code_digest("own/net.py") != imported


def test_a_folder_that_moves_keeps_its_digest(own: Path, tmp_path: Path) -> None:
    before = code_digest("own/net.py", "ablation.training.run")
    (tmp_path / "deep").mkdir()
    shutil.move(own, tmp_path / "deep" / "moved")
    assert code_digest("deep/moved/net.py", "ablation.training.run") == before
    assert code_digest(str(tmp_path / "deep/moved/net.py"), "ablation.training.run") == before


def test_a_file_of_ones_own_is_followed_into_the_package(own: Path, package: Path) -> None:
    before = code_digest("own/net.py", root=package)
    append(own / "far.py", "\nfrom ablation.training import run\n")
    after = code_digest("own/net.py", root=package)
    assert after != before
    append(package / "training" / "run.py", "\nEXTRA = 1\n")
    assert code_digest("own/net.py", root=package) != after


def test_an_edit_after_the_workflow_was_read_is_refused(own: Path) -> None:
    code = code_of("ablation.training.run", "own/net.py")
    require(code)
    append(own / "far.py", "\nEXTRA = 1\n")
    with pytest.raises(OtherCodeError, match="the sources changed"):
        require(code)


def test_a_new_import_is_followed(package: Path, digests: Digests) -> None:
    before = digests()
    extra = package / "networks" / "extra.py"
    extra.write_text("VALUE = 1\n", encoding="utf-8")
    assert digests() == before
    append(package / "networks" / "mlp.py", "\nfrom ablation.networks import extra\n")
    once = digests()
    assert once["fnn"] != before["fnn"]
    extra.write_text("VALUE = 22\n", encoding="utf-8")
    assert digests()["fnn"] != once["fnn"]
    assert digests()["cnn"] == before["cnn"]


def test_relative_imports_and_strangers_are_refused(package: Path) -> None:
    (package / "relative.py").write_text("from . import canonical\n", encoding="utf-8")
    with pytest.raises(ValueError, match="relative imports"):
        reached(["ablation.relative"], root=package)
    with pytest.raises(ValueError, match=r"ablation\.nothing is not a module"):
        reached(["ablation.nothing"])


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """Every entry's modules of this package as the interpreter imports them, in a process of its own."""
    code = (
        "import os, sys\n"
        "import torch, numpy, sklearn.linear_model, sklearn.ensemble, sklearn.dummy, scipy.stats, pandas\n"
        "for entry in sys.argv[1:]:\n"
        "    if os.fork() == 0:\n"
        "        __import__(entry)\n"
        "        own = [n for n in sys.modules if n.split('.')[0] == 'ablation']\n"
        "        print(entry, *own, flush=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *ENTRIES, *LATER],
        env={"PYTHONPATH": str(PACKAGE.parent), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split()[0]: set(line.split()[1:]) for line in done.stdout.splitlines()}


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_reached_is_what_python_imports(entry: str, imported: dict[str, set[str]]) -> None:
    assert set(reached([entry])) == imported[entry]


@pytest.mark.parametrize("entry", LATER)
def test_what_is_imported_late_is_reached_too(entry: str, imported: dict[str, set[str]]) -> None:
    assert set(reached([entry])) >= imported[entry]


def test_training_reaches_no_other_network_and_no_evaluation() -> None:
    for name, entries in TRAIN.items():
        modules = set(reached(entries))
        strangers = ("ablation.report", "ablation.figures", "ablation.statistics", "ablation.study")
        assert not [module for module in modules if module.startswith(strangers)]
        networks = {m for m in modules if m.startswith("ablation.networks.")}
        assert networks == {f"ablation.networks.{ {'fnn': 'mlp', 'cnn': 'convnet'}[name] }"}
