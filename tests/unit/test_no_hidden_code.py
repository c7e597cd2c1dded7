"""Nothing that is read is run: no pickle, no eval, no shell, and no file of the user's before a study runs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ablation.commands.plan import show
from ablation.study.config import ConfigError
from ablation.study.plan import read_plan
from conftest import REPOSITORY

FILES = [
    path
    for folder in ("workflow", "docker", "benchmarks", "docs", ".ci")
    for path in sorted((REPOSITORY / folder).rglob("*.py"))
]
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
METHODS = {
    *(
        "torch.load",
        "os.system",
        "os.popen",
        "pandas.read_pickle",
        "pd.read_pickle",
        "yaml.full_load",
    ),
    *("yaml.unsafe_load", "yaml.load_all", "yaml.unsafe_load_all", "pty.spawn"),
}
ARRAYS = {"np.load", "numpy.load"}
# The one call of yaml.load, with loaders of its own.
LOADERS = "workflow/ablation/study/texts.py"


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def says(call: ast.Call, keyword: str) -> bool:
    """Whether a call has a keyword that is not plainly false."""
    given = [each.value for each in call.keywords if each.arg == keyword]
    return any(not isinstance(v, ast.Constant) or bool(v.value) for v in given)


def unsafe(text: str) -> Iterator[str]:
    """What in a source makes code of data, or hands a text to a shell."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            names = [str(node.module)] if isinstance(node, ast.ImportFrom) else names
            yield from (name for name in names if name.split(".")[0] in MODULES)
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in CALLS or name in METHODS or name == "yaml.load":
                yield name
            if says(node, "shell") or says(node, "allow_pickle"):
                yield f"{name}: shell or pickle"
            if name in ARRAYS and not any(each.arg == "allow_pickle" for each in node.keywords):
                yield f"{name} without allow_pickle=False"


@pytest.mark.parametrize(
    "text",
    [
        "import pickle", "from pickle import loads", "import torch\ntorch.load('x')", "eval('1')", "exec('1')",
        "import os\nos.system('x')", "subprocess.run('x', shell=True)", "subprocess.run('x', shell=given)",
        "np.load('x')", "np.load('x', allow_pickle=True)", "yaml.load(x)", "pd.read_pickle('x')", "import joblib.numpy_pickle",
    ],
)  # fmt: skip
def test_what_is_unsafe_is_found(text: str) -> None:
    assert len(list(unsafe(text))) == 1


def test_no_source_makes_code_of_data() -> None:
    assert len(FILES) > 150
    found = {
        str(path.relative_to(REPOSITORY)): names
        for path in FILES
        if (names := list(unsafe(path.read_text("utf-8"))))
    }
    assert found == {LOADERS: ["yaml.load"]}


NETWORK = """
from pathlib import Path
from torch import nn

Path({mark!r}).touch()
PARAMETERS = {{"width": {{"type": "integer", "minimum": 1, "default": 4}}}}


class Net(nn.Module):
    def __init__(self, inputs, outputs, *, width=4):
        Path({mark!r}).touch()
        super().__init__()
        self.layer = nn.Linear(inputs[0], outputs)
        self.width = width
"""
DATA = """
from pathlib import Path

Path({mark!r}).touch()
TASK = "regression"
FILES = {{"x.csv": "{digest}"}}


def load(folder):
    return None
"""
STUDY = """
inherit: false
study: {name: own, seed: 1}
models:
  mine:
    network: my/net.py
    data: my/data.py
    replicates: 6
    axes: {width: {values: [4, 8]}}
"""


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a network and a data file make when they are run."""
    monkeypatch.chdir(tmp_path)
    Path("my").mkdir()
    mark = tmp_path / "was run"
    Path("my/net.py").write_text(NETWORK.format(mark=str(mark)))
    Path("my/data.py").write_text(DATA.format(mark=str(mark), digest="0" * 64))
    Path("my/x.csv").write_text("a,b\n1,2\n")
    Path("mine.yaml").write_text(STUDY)
    return mark


def test_a_plan_reads_a_network_and_runs_none(
    mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(read_plan(["mine.yaml"]).study.cells) == 2
    show([Path("mine.yaml")], [], 1)
    assert "mine/width_8" in capsys.readouterr().out
    assert not mark.exists()


@pytest.mark.parametrize(
    "broken", ["import os; os.abort()\n1 +", "__import__('os').abort()\n\0", "raise SystemExit\n("]
)
def test_what_is_no_python_is_not_run_either(mark: Path, broken: str) -> None:
    Path("my/net.py").write_text(broken)
    with pytest.raises(ConfigError, match=r"^my/net\.py is no valid Python"):
        read_plan(["mine.yaml"])


def test_a_dry_run_reads_a_network_and_runs_none(mark: Path) -> None:
    words = [
        "--snakefile",
        str(REPOSITORY / "Snakefile"),
        "--dry-run",
        "--cores",
        "1",
        "--configfile",
        "mine.yaml",
    ]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "snakemake", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "mine/width_8" in done.stdout + done.stderr
    assert not mark.exists()


def test_the_mark_is_made_where_the_network_runs(mark: Path) -> None:
    subprocess.run([sys.executable, "my/net.py"], check=True)
    assert mark.exists()


TEMPLATE = """
__use_yte__: true
__definitions__:
  - "open({mark!r}, 'w').close()"
"""


@pytest.mark.parametrize("words", [["plan"], ["run"], ["quick"], ["verify"]])
def test_a_configuration_is_no_template(mark: Path, words: list[str]) -> None:
    """Snakemake runs the Python of such a file; a command refuses it before Snakemake sees it."""
    Path("evil.yaml").write_text(TEMPLATE.format(mark=str(mark)) + STUDY)
    command = [sys.executable, "-P", "-m", "ablation", *words, "--configfile", "evil.yaml"]
    environment = {"PYTHONPATH": str(REPOSITORY / "workflow"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not a known key" in done.stderr and len(done.stderr.splitlines()) == 1
    assert not mark.exists()


def test_a_template_as_the_own_configuration_is_refused(mark: Path) -> None:
    Path("config.yaml").write_text(TEMPLATE.format(mark=str(mark)) + STUDY)
    words = ["--snakefile", str(REPOSITORY / "Snakefile"), "--dry-run", "--cores", "1"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "snakemake", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "is not a known key" in done.stdout + done.stderr
    assert not mark.exists()
