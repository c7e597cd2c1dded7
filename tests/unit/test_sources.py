"""The digest of a model's code: what counts, what does not, and that nothing is missed."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ablation.registry import MODELS
from ablation.sources import ROOT, code_digest, reached

TRAIN = {name: (model.module("prepare"), model.module("train")) for name, model in MODELS.items()}
ENTRIES = [
    *(
        model.module(s)
        for model in MODELS.values()
        for s in ("prepare", "train", "evaluate", "yardsticks")
    ),
    "ablation.summary",
    "ablation.evaluation",
    "ablation.collect_job",
    "ablation.statistics.compare",
]


# They import some modules only when they need them.
LATER = [f"ablation.{stage}_job" for stage in ("draws", "plot", "portraits", "report", "export")]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package that may be edited."""
    copied = tmp_path / "ablation"
    shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns("__pycache__"))
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
    training = package / "stack" / "training.py"
    edit(training, "def train(", "# a comment\n\n\ndef train(  # another\n")
    edit(training, "DIVERGED_FACTOR = 10.0", "DIVERGED_FACTOR = (\n    10.0\n)")
    edit(training, '"""Train all replicates', '"""Educate all replicates')  # of a function
    edit(training, '"""The training loop', '"""A training loop')  # of the module
    edit(training, '"""What training gives.', '"""What comes out.')  # of a class
    edit(package / "fnn" / "train.py", '"val_loss"', "'val_loss'")
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
    edit(package / "stack" / "training.py", old, new)
    after = digests()
    assert all(after[name] != before[name] for name in before)


@pytest.mark.parametrize(
    ("file", "change", "model"),
    [
        ("fnn/network.py", ("INPUT_DIM = 13", "INPUT_DIM = 12"), "fnn"),
        ("fnn/prepare.py", ("(turn + 1)", "(turn + 2)"), "fnn"),
        ("fnn/raw.py", ("PARTS = 6", "PARTS = 7"), "fnn"),
        ("cnn/network.py", ("avg_pool2d", "lp_pool2d"), "cnn"),
        ("cnn/prepare.py", ("DRAWS = 3", "DRAWS = 4"), "cnn"),
        ("cnn/augment.py", ("+= 1.0", "+= 1.1"), "cnn"),
        ("cnn/layers.py", ("kernel // 2", "kernel // 3"), "cnn"),
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
            "cnn/evaluate.py",
            "fnn/evaluate.py",
            "cnn/yardsticks.py",
            "summary.py",
            "evaluation.py",
            "jobs.py",
        ),
        *("grid.py", "config.py", "plan.py", "store.py", "report/__init__.py"),
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
    before = code_digest("ablation.cnn.evaluate", root=package)
    edit(package / "cnn" / "evaluate.py", "BATCH = 250", "BATCH = 251")
    assert code_digest("ablation.cnn.evaluate", root=package) != before


def test_a_new_import_is_followed(package: Path, digests: Digests) -> None:
    before = digests()
    (package / "fnn" / "extra.py").write_text("VALUE = 1\n", encoding="utf-8")
    assert digests() == before
    edit(
        package / "fnn" / "train.py",
        "import torch\n",
        "import torch\nfrom ablation.fnn import extra\n",
    )
    once = digests()
    assert once["fnn"] != before["fnn"]
    (package / "fnn" / "extra.py").write_text("VALUE = 22\n", encoding="utf-8")
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
        env={"PYTHONPATH": str(ROOT.parent), "PATH": ""},
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
        others = [f"ablation.{other}" for other in MODELS if other != name]
        strangers = (*others, "ablation.report", "ablation.figures", "ablation.statistics")
        assert not [m for m in modules if m.startswith(strangers)]
        assert f"ablation.{name}.evaluate" not in modules
        assert {"ablation.streams", "ablation.stack.training", f"ablation.{name}.raw"} <= modules
