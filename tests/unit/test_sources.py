"""The digest of a model's code: what counts, what does not, and that nothing is missed."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ablation.networks.registry import MODELS
from ablation.store.code import code_digest, reached
from ablation.store.places import PACKAGE

TRAIN = {name: model.code("prepare", "train") for name, model in MODELS.items()}
ENTRIES = [
    *(
        model.module(s)
        for model in MODELS.values()
        for s in ("prepare", "train", "evaluate", "yardsticks")
    ),
    "ablation.results.evaluation",
    "ablation.stages.collect",
    "ablation.statistics.compare",
]


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


def test_comments_formatting_and_docstrings_do_not_count(package: Path, digests: Digests) -> None:
    before = digests()
    training = package / "networks" / "stack" / "training.py"
    edit(training, "def train(", "# a comment\n\n\ndef train(  # another\n")
    edit(training, "DIVERGED_FACTOR = 10.0", "DIVERGED_FACTOR = (\n    10.0\n)")
    edit(training, '"""Train all replicates', '"""Educate all replicates')  # of a function
    edit(training, '"""The training loop', '"""A training loop')  # of the module
    edit(training, '"""What training gives.', '"""What comes out.')  # of a class
    edit(package / "networks" / "fnn" / "train.py", '"val_loss"', "'val_loss'")
    assert digests() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DIVERGED_FACTOR = 10.0", "DIVERGED_FACTOR = 11.0"),
        ("loss < self.best_loss", "loss <= self.best_loss"),
        ("better = loss", "best = better = loss"),
        ("progress.epoch += 1", "progress.epoch += True"),
    ],
)
def test_shared_code_counts_for_both(package: Path, digests: Digests, old: str, new: str) -> None:
    before = digests()
    edit(package / "networks" / "stack" / "training.py", old, new)
    after = digests()
    assert all(after[name] != before[name] for name in before)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("device.py", ('return "bf16"', 'return "fp16"')),  # what auto means
        ("chunks.py", ("part.best_epoch for", "part.diverged for")),
        ("records.py", ("for epoch, figures in", "for figures, epoch in")),
    ],
)
def test_what_resolves_joins_and_writes_numbers_counts_too(
    package: Path, digests: Digests, file: str, change: tuple[str, str]
) -> None:
    before = digests()
    edit(package / "networks" / "stack" / file, *change)
    after = digests()
    assert all(after[name] != before[name] for name in before)


@pytest.mark.parametrize(
    ("file", "change", "model"),
    [
        ("networks/fnn/network.py", ("INPUT_DIM = 13", "INPUT_DIM = 12"), "fnn"),
        ("networks/fnn/prepare.py", ("(turn + 1)", "(turn + 2)"), "fnn"),
        ("networks/fnn/raw.py", ("PARTS = 6", "PARTS = 7"), "fnn"),
        ("networks/cnn/network.py", ("avg_pool2d", "lp_pool2d"), "cnn"),
        ("networks/cnn/prepare.py", ("DRAWS = 3", "DRAWS = 4"), "cnn"),
        ("networks/cnn/augment.py", ("+= 1.0", "+= 1.1"), "cnn"),
        ("networks/cnn/layers.py", ("kernel // 2", "kernel // 3"), "cnn"),
    ],
)
def test_code_of_one_network_counts_for_it_alone(
    package: Path, digests: Digests, file: str, change: tuple[str, str], model: str
) -> None:
    before = digests()
    edit(package / file, *change)
    after = digests()
    assert {name for name in before if before[name] != after[name]} == {model}


@pytest.mark.parametrize(
    "file",
    [
        *(
            "networks/cnn/evaluate.py",
            "networks/fnn/evaluate.py",
            "networks/cnn/yardsticks.py",
            "results/evaluation.py",
            "stages/job.py",
            "stages/train.py",
        ),
        *(
            "study/grid.py",
            "study/config.py",
            "study/plan.py",
            "store/entries.py",
            "report/__init__.py",
        ),
    ],
)
def test_code_that_changes_no_trained_number_does_not_count(
    package: Path, digests: Digests, file: str
) -> None:
    before = digests()
    with (package / file).open("a", encoding="utf-8") as stream:
        stream.write("\nEXTRA = 1\n")
    assert digests() == before


def test_evaluation_has_a_digest_of_its_own(package: Path) -> None:
    before = code_digest("ablation.networks.cnn.evaluate", root=package)
    edit(package / "networks" / "cnn" / "evaluate.py", "BATCH = 250", "BATCH = 251")
    assert code_digest("ablation.networks.cnn.evaluate", root=package) != before


def test_a_new_import_is_followed(package: Path, digests: Digests) -> None:
    before = digests()
    (package / "networks" / "fnn" / "extra.py").write_text("VALUE = 1\n", encoding="utf-8")
    assert digests() == before
    edit(
        package / "networks" / "fnn" / "train.py",
        "import torch\n",
        "import torch\nfrom ablation.networks.fnn import extra\n",
    )
    once = digests()
    assert once["fnn"] != before["fnn"]
    (package / "networks" / "fnn" / "extra.py").write_text("VALUE = 22\n", encoding="utf-8")
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
        others = [f"ablation.networks.{other}" for other in MODELS if other != name]
        strangers = (*others, "ablation.report", "ablation.figures", "ablation.statistics")
        assert not [m for m in modules if m.startswith(strangers)]
        assert f"ablation.networks.{name}.evaluate" not in modules
        assert {
            "ablation.networks.streams",
            "ablation.networks.stack.training",
            f"ablation.networks.{name}.raw",
        } <= modules
